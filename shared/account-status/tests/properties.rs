//! Any table, in either layout, in any order and quoting, reads back the same.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::collections::BTreeMap;

use proptest::prelude::*;
use support::{csv, read, read_with};

/// Account, Region and attribute to a value.
type Table = BTreeMap<(String, String, String), String>;

const REGIONS: [&str; 4] = ["eu-west-1", "us-east-1", "ap-southeast-2", "us-gov-west-1"];

/// Values that are already in their canonical spelling, some of them awkward to quote.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("block-new-sharing".to_owned()),
        Just("enabled".to_owned()),
        Just("2".to_owned()),
        Just("a, \"quoted\"\nnewline".to_owned()),
        Just(r#"{"a":[1,{"b":"x,y"}],"state":"on"}"#.to_owned()),
        Just("=HYPERLINK(\"x\")".to_owned()),
        "[a-z]{1,6}:[à-ü]{1,3}",
    ]
}

fn table<S: Strategy<Value = String>>(value: fn() -> S) -> impl Strategy<Value = Table> {
    (1_usize..6, 1_usize..4, 1_usize..5).prop_flat_map(move |(accounts, regions, attributes)| {
        let cells = accounts * regions * attributes;
        prop::collection::vec(value(), cells).prop_map(move |values| {
            let mut values = values.into_iter();
            let mut table = Table::new();
            for account in 0..accounts {
                for region in &REGIONS[..regions] {
                    for attribute in 0..attributes {
                        let key = (
                            format!("{:012}", account * 37 + 5),
                            (*region).to_owned(),
                            format!("attribute_{attribute}"),
                        );
                        table.insert(key, values.next().unwrap());
                    }
                }
            }
            table
        })
    })
}

/// How a table is written down.
#[derive(Debug, Clone)]
struct Style {
    wide: bool,
    seed: u64,
    quoted: bool,
    mark: bool,
    end: &'static str,
    names: usize,
    label: bool,
}

fn style() -> impl Strategy<Value = Style> {
    (
        any::<bool>(),
        any::<u64>(),
        any::<bool>(),
        any::<bool>(),
        prop::sample::select(&["\n", "\r\n"]),
        0_usize..3,
        any::<bool>(),
    )
        .prop_map(|(wide, seed, quoted, mark, end, names, label)| Style {
            wide,
            seed,
            quoted,
            mark,
            end,
            names,
            label,
        })
}

fn write(table: &Table, style: &Style) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(style.seed);
    let keys = [
        ["account_id", "region", "attribute", "value"],
        ["AccountId", "AWS Region", "attribute-name", "attributeValue"],
        ["Account", "Region", "Setting", "Current value"],
    ][style.names];
    let spelled = |attribute: &str| match style.names {
        0 => attribute.to_owned(),
        1 => attribute.replace("attribute_", "Attribute "),
        _ => attribute.replace('_', "-"),
    };
    let attributes: Vec<&String> =
        table.keys().map(|key| &key.2).collect::<std::collections::BTreeSet<_>>().into_iter().collect();
    let mut rows: Vec<Vec<String>> = Vec::new();
    if style.wide {
        let mut places: Vec<(&String, &String)> = table.keys().map(|key| (&key.0, &key.1)).collect();
        places.dedup();
        for (account, region) in places {
            let cells = attributes
                .iter()
                .map(|attribute| table[&(account.clone(), region.clone(), (*attribute).clone())].clone());
            rows.push([account.clone(), region.clone()].into_iter().chain(cells).collect());
        }
    } else {
        rows.extend(table.iter().map(|((account, region, attribute), value)| {
            vec![account.clone(), region.clone(), spelled(attribute), value.clone()]
        }));
    }
    random.shuffle(&mut rows);
    let mut header: Vec<String> = keys[..2].iter().map(|name| (*name).to_owned()).collect();
    if style.wide {
        header.extend(attributes.iter().map(|attribute| spelled(attribute)));
    } else {
        header.extend(keys[2..].iter().map(|name| (*name).to_owned()));
    }
    rows.insert(0, header);
    if style.label {
        for (number, row) in rows.iter_mut().enumerate() {
            row.push(if number == 0 { "Account Name".into() } else { format!("name, {number}") });
        }
    }
    let mut order: Vec<usize> = (0..rows[0].len()).collect();
    random.shuffle(&mut order);
    for row in &mut rows {
        *row = order.iter().map(|column| row[*column].clone()).collect();
    }
    let mut bytes = if style.mark { "\u{feff}".as_bytes().to_vec() } else { Vec::new() };
    if style.quoted {
        for row in rows {
            let cells: Vec<String> =
                row.iter().map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect();
            bytes.extend(cells.join(",").bytes().chain(style.end.bytes()));
        }
    } else {
        // Line ends within cells stay as they are.
        let plain = String::from_utf8(csv(&rows)).unwrap();
        bytes.extend(plain.bytes());
    }
    bytes
}

/// Values none of which is the beginning of another, but for the numbers.
fn uncut() -> impl Strategy<Value = String> {
    const VALUES: [&str; 10] = [
        "1",
        "10",
        "6",
        "64",
        "block-new-sharing",
        "unblocked",
        "enabled",
        "disabled",
        "a, \"quoted\"\nnewline",
        r#"{"state":"on"}"#,
    ];
    prop::sample::select(&VALUES[..]).prop_map(str::to_owned)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_file_cut_anywhere_says_nothing_that_the_whole_does_not(table in table(uncut), style in style(), cut in prop_oneof![3 => 1_usize..6, 1 => 6_usize..120]) {
        let bytes = write(&table, &style);
        if let Ok(read) = read(&bytes[..bytes.len().saturating_sub(cut)]) {
            for (account, region, attribute, value, ..) in read.rows {
                if let Some(value) = value {
                    prop_assert_eq!(table.get(&(account, region, attribute)), Some(&value));
                }
            }
        }
    }

    #[test]
    fn any_table_reads_back_the_same(table in table(value), style in style(), piece in 1_usize..200) {
        let read = read_with(write(&table, &style), None, None, piece).unwrap();
        let back: Table = read.rows.iter().map(|row| ((row.0.clone(), row.1.clone(), row.2.clone()), row.3.clone().unwrap_or_default())).collect();
        prop_assert_eq!(&back, &table);
        prop_assert_eq!(read.rows.len(), table.len());
        // The counts are those of the table.
        for attribute in &read.summary.attributes {
            let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
            for (key, value) in &table {
                if key.2 == attribute.name {
                    *counts.entry(value).or_default() += 1;
                }
            }
            for value in &attribute.values {
                prop_assert_eq!(counts[value.value.full()], value.cells);
            }
            prop_assert_eq!(counts.len() as u64, attribute.distinct_values);
            let most = attribute.most_frequent.as_ref().unwrap().full();
            prop_assert_eq!(counts[most], *counts.values().max().unwrap());
            let accounts: std::collections::BTreeSet<_> = table.keys().map(|key| &key.0).collect();
            let matched = accounts.iter().filter(|account| table.iter().filter(|(key, _)| key.0 == ***account && key.2 == attribute.name).all(|(_, value)| value == most)).count();
            prop_assert_eq!((attribute.matched_accounts, attribute.unknown_accounts), (matched as u64, 0));
        }
    }

    #[test]
    fn a_table_with_rows_repeated_reads_as_if_they_came_once(mut table in table(value), style in style(), again in any::<prop::sample::Index>()) {
        // Lines are rows only where no cell holds a line end.
        for value in table.values_mut() {
            *value = value.replace('\n', " ");
        }
        let once = write(&table, &Style { end: "\n", quoted: false, ..style });
        let text = String::from_utf8(once.clone()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let line = lines[1 + again.index(lines.len() - 1)];
        let twice = read(format!("{text}{line}\n")).unwrap();
        prop_assert_eq!(twice.summary.repeated, 1);
        let sorted = |mut rows: Vec<support::Row>| { rows.sort(); rows };
        prop_assert_eq!(sorted(twice.rows), sorted(read(once).unwrap().rows));
    }

    #[test]
    fn no_bytes_make_the_reader_panic_and_pieces_do_not_matter(bytes in prop::collection::vec(any::<u8>(), 0..400), piece in 1_usize..50) {
        let mut text = b"account_id,region,x\n012345678901,eu-west-1,a\n".to_vec();
        text.extend(bytes);
        let outcome = |read: Result<support::Read, account_status::ReportError>| read.map(|read| (read.rows, read.summary.coverage)).map_err(|error| error.to_string());
        prop_assert_eq!(outcome(read_with(&text, None, None, piece)), outcome(read(&text)));
    }
}
