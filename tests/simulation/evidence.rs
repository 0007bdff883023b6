//! What a run makes of the report: what it knows, how much of it, and whether AWS says the same.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use local_aws::Settings;
use local_aws::ec2::{CsvOptions, write_csv};
use local_aws::organization::{ATTRIBUTES, Account, Organization, generate, setting};
use local_aws::settings::{Layout, Unreadable};
use local_states::ExecutionStatus;
use models::OutcomeStatus;
use muster_tests::{Rest, Scenario, begin, on_virtual_time, rest, run, stack};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use serde_json::{Value, json};

const LAYOUTS: [Layout; 2] = [Layout::Wide, Layout::Long];

pub(crate) fn published(scenario: &Scenario) -> (Rest, Value) {
    let rest = run(scenario);
    rest.check("");
    assert_eq!(rest.outcome(), OutcomeStatus::Succeeded, "{:?}", rest.execution.error());
    let summary = rest.summary();
    let result = &rest.execution.output().unwrap()["result"];
    assert_eq!(result["complete"], is_complete(&summary), "the ticket says the same");
    assert_eq!(result["seenAccounts"], summary["coverage"]["seenAccounts"]);
    (rest, summary)
}

pub(crate) fn is_complete(summary: &Value) -> bool {
    let coverage = &summary["coverage"];
    coverage["expectedAccounts"] == coverage["seenAccounts"] && coverage["gaps"] == json!({})
}

fn gap(summary: &Value, reason: &str) -> u64 {
    summary["coverage"]["gaps"][reason]["count"].as_u64().unwrap_or(0)
}

/// The attributes of which something is concluded.
fn uniform(summary: &Value) -> Vec<&str> {
    let attributes = summary["attributes"].as_array().unwrap().iter();
    attributes.filter(|it| !it["uniform"].is_null()).map(|it| it["name"].as_str().unwrap()).collect()
}

fn ids(accounts: impl Iterator<Item = Account>) -> Vec<String> {
    let mut ids: Vec<String> = accounts.map(|account| account.id).collect();
    ids.sort();
    ids
}

/// The published table: account, Region and attribute to the raw value and whether it is readable.
fn table(rest: &Rest) -> BTreeMap<(String, String, String), (String, bool)> {
    let keys = rest.keys("tables/account_status/");
    assert_eq!(keys.len(), 1);
    let bytes: Bytes = rest.stack.aws.storage().read(rest.stack.bucket(), &keys[0]).unwrap();
    let rows = SerializedFileReader::new(bytes).unwrap();
    let rows = rows.get_row_iter(None).unwrap().map(|row| {
        let fields: BTreeMap<String, Field> = row.unwrap().into_columns().into_iter().collect();
        let text = |name: &str| match &fields[name] {
            Field::Str(text) => text.clone(),
            other => panic!("{name}: {other:?}"),
        };
        let readable = fields["readable"] == Field::Bool(true);
        assert_eq!(fields["value"] == Field::Null, !readable);
        ((text("account_id"), text("region"), text("attribute")), (text("raw_value"), readable))
    });
    let rows: Vec<_> = rows.collect();
    let count = rows.len();
    let table: BTreeMap<_, _> = rows.into_iter().collect();
    assert_eq!(table.len(), count, "each cell is there once");
    table
}

/// Per attribute the usual value, and the accounts that have it everywhere and those that do not,
/// counted from the settings themselves.
fn truth(organization: &Organization) -> Vec<(&'static str, u64, Vec<String>)> {
    let readable = |account: &&Account| account.state == "ACTIVE" && account.unreadable.is_none();
    ATTRIBUTES
        .iter()
        .map(|attribute| {
            let accounts = organization.accounts.iter().enumerate();
            let (matched, others): (Vec<_>, Vec<_>) =
                accounts.filter(|(_, account)| readable(account)).partition(|(number, _)| {
                    (0..organization.regions.len()).all(|region| {
                        setting(organization.seed, *number, region, attribute) == attribute.values[0]
                    })
                });
            let others = ids(others.into_iter().map(|(_, account)| account.clone()));
            (attribute.name, matched.len() as u64, others)
        })
        .collect()
}

/// Checks every attribute's counts against the settings; answers how many accounts deviate at all.
fn check_counts(summary: &Value, organization: &Organization) -> usize {
    let attributes = summary["attributes"].as_array().unwrap();
    assert_eq!(attributes.len(), ATTRIBUTES.len());
    let mut deviating = 0;
    for (name, matched, others) in truth(organization) {
        let attribute = attributes.iter().find(|it| it["name"] == name).unwrap();
        assert_eq!(attribute["matchedAccounts"], matched, "{name}");
        assert_eq!(attribute["unmatchedAccounts"], others.len(), "{name}");
        assert_eq!(attribute["deviating"]["count"], others.len(), "{name}");
        let mut named: Vec<String> = serde_json::from_value(attribute["deviating"]["first"].clone()).unwrap();
        named.sort();
        assert_eq!(named, others, "{name}");
        deviating += others.len();
    }
    deviating
}

/// A CSV of the organization that the scenario generates, after a change, as a file.
pub(crate) fn csv_of(
    scenario: &Scenario,
    change: impl FnOnce(&mut Organization),
) -> (tempfile::TempDir, PathBuf, String) {
    let mut organization = generate(&scenario.shape(), begin());
    change(&mut organization);
    let mut bytes = Vec::new();
    let options = CsvOptions { layout: Layout::Wide, unreadable: Unreadable::Omitted };
    let root = organization.root.clone();
    write_csv(&mut bytes, &organization, &root, options).unwrap();
    let (folder, path) = file(&bytes);
    (folder, path, String::from_utf8(bytes).unwrap())
}

pub(crate) fn file(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.csv");
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

pub(crate) fn with_csv(path: PathBuf) -> Scenario {
    Scenario { settings: Settings { report_csv: Some(path), ..Settings::default() }, ..Scenario::default() }
}

fn disagreements(summary: &Value) -> Vec<&str> {
    let list = summary["awsSummary"]["disagreements"].as_array().unwrap();
    assert_eq!(gap(summary, "AWS's summary disagrees"), list.len() as u64);
    assert_eq!(summary["awsSummary"]["agrees"], list.is_empty());
    list.iter().map(|it| it.as_str().unwrap()).collect()
}

// --- what is known --------------------------------------------------------------------------------

#[test]
fn a_whole_report_covers_every_account_in_every_region_and_aws_agrees() {
    for layout in LAYOUTS {
        let settings = Settings { layout, ..Settings::default() };
        let (rest, summary) =
            published(&Scenario { settings, accounts: 60, regions: 5, ..Scenario::default() });
        let organization = rest.stack.aws.organization();
        assert_eq!(summary["coverage"], json!({"expectedAccounts": 60, "seenAccounts": 60, "gaps": {}}));
        assert_eq!(summary["failedAccounts"], 0);
        assert_eq!(summary["unexpectedAccounts"], json!({"count": 0, "first": []}));
        assert_eq!(summary["regionsPerAccount"], json!({"5": 60}));
        let regions: Vec<_> = organization.regions.iter().map(|it| (it.clone(), json!(60))).collect();
        assert_eq!(summary["regions"], Value::Object(regions.into_iter().collect()));
        assert_eq!(summary["rows"], 60 * 5 * 10);
        assert_eq!(summary["records"], if layout == Layout::Wide { 300 } else { 3_000 });
        assert_eq!(disagreements(&summary), [] as [&str; 0]);
        assert!(check_counts(&summary, &organization) > 10, "some accounts deviate");
        // What no account deviates in is concluded, and nothing else.
        let expected: Vec<&str> =
            truth(&organization).into_iter().filter(|it| it.2.is_empty()).map(|it| it.0).collect();
        assert!(expected.contains(&"serial_console_access"));
        assert_eq!(uniform(&summary), expected);
        let ended = rest.ours()[0].ended.unwrap();
        assert_eq!(summary["observedAt"], ended.to_string());
        // The table has every cell as it is set up.
        let table = table(&rest);
        assert_eq!(table.len(), 3_000);
        for (number, account) in organization.accounts.iter().enumerate() {
            for (region, name) in organization.regions.iter().enumerate() {
                for attribute in &ATTRIBUTES {
                    let key = (account.id.clone(), name.clone(), attribute.name.to_owned());
                    let value = setting(organization.seed, number, region, attribute);
                    assert_eq!(table[&key], (value.to_owned(), true), "{key:?}");
                }
            }
        }
    }
}

#[test]
fn both_layouts_lead_to_the_same_conclusions() {
    for (seed, unreadable) in [(1, Unreadable::Omitted), (2, Unreadable::Blank), (3, Unreadable::ErrorText)] {
        let [(wide, mut one), (long, mut other)] = LAYOUTS.map(|layout| {
            published(&Scenario {
                settings: Settings { layout, unreadable, ..Settings::default() },
                seed,
                accounts: 45,
                unreadable_one_in: 11,
                suspended_one_in: 13,
                ..Scenario::default()
            })
        });
        assert_eq!((&one["layout"]["grain"], &other["layout"]["grain"]), (&json!("wide"), &json!("long")));
        for summary in [&mut one, &mut other] {
            for differs in ["layout", "records", "runId"] {
                summary.as_object_mut().unwrap().remove(differs).unwrap();
            }
        }
        assert_eq!(one, other, "seed {seed}");
        assert_eq!(table(&wide), table(&long), "seed {seed}");
    }
}

#[test]
fn accounts_that_aws_could_not_read_are_named_and_never_counted_as_matched() {
    for layout in LAYOUTS {
        for unreadable in [Unreadable::Omitted, Unreadable::Blank, Unreadable::ErrorText] {
            let context = format!("{layout:?}, {unreadable:?}");
            let (rest, summary) = published(&Scenario {
                settings: Settings { layout, unreadable, ..Settings::default() },
                accounts: 40,
                unreadable_one_in: 5,
                ..Scenario::default()
            });
            let organization = rest.stack.aws.organization();
            let unread = ids(organization.accounts.iter().filter(|it| it.unreadable.is_some()).cloned());
            assert_eq!(unread.len(), 7);
            let coverage = &summary["coverage"];
            assert_eq!(coverage["expectedAccounts"], 40, "{context}");
            assert_eq!(coverage["seenAccounts"], 33, "{context}");
            assert_eq!(summary["failedAccounts"], 7, "{context}");
            assert_eq!(gap(&summary, "account that AWS could not read"), 7, "{context}");
            let (reason, cells) = match unreadable {
                Unreadable::Omitted => ("account without rows", 0),
                Unreadable::Blank | Unreadable::ErrorText => ("account without a readable cell", 7 * 3 * 10),
            };
            let mut named: Vec<String> =
                serde_json::from_value(coverage["gaps"][reason]["examples"].clone()).unwrap();
            named.sort();
            assert_eq!(named, unread, "{context}");
            let of = |form| if unreadable == form { cells } else { 0 };
            assert_eq!(gap(&summary, "blank cell"), of(Unreadable::Blank), "{context}");
            assert_eq!(gap(&summary, "error text"), of(Unreadable::ErrorText), "{context}");
            // 33 accounts are counted, none of them unreadable; nothing is concluded.
            check_counts(&summary, &organization);
            for attribute in summary["attributes"].as_array().unwrap() {
                let count = |name: &str| attribute[name].as_u64().unwrap();
                assert_eq!(count("matchedAccounts") + count("unmatchedAccounts"), 33, "{context}");
                let rows = if unreadable == Unreadable::Omitted { 0 } else { 7 };
                assert_eq!((count("unknownAccounts"), count("unknownCells")), (rows, rows * 3), "{context}");
            }
            assert_eq!(uniform(&summary), [] as [&str; 0], "{context}");
            assert_eq!(disagreements(&summary), [] as [&str; 0], "AWS does not count them either: {context}");
            let table = table(&rest);
            let unreadable_rows = table.iter().filter(|(key, _)| unread.contains(&key.0));
            assert_eq!(unreadable_rows.clone().count() as u64, cells, "{context}");
            assert!(unreadable_rows.clone().all(|(_, (_, readable))| !readable), "{context}");
            assert!(table.iter().all(|(key, (_, readable))| *readable || unread.contains(&key.0)));
        }
    }
}

#[test]
fn suspended_accounts_are_left_out_and_listed_apart() {
    let (rest, summary) = published(&Scenario { accounts: 30, suspended_one_in: 10, ..Scenario::default() });
    assert_eq!(summary["coverage"], json!({"expectedAccounts": 28, "seenAccounts": 28, "gaps": {}}));
    assert_eq!(summary["excludedAccounts"], json!({"SUSPENDED": 2}));
    assert_eq!(summary["rows"], 28 * 3 * 10);
    assert_eq!(disagreements(&summary), [] as [&str; 0]);
    assert!(uniform(&summary).contains(&"serial_console_access"), "what is left is complete");
    let organization = rest.stack.aws.organization();
    let suspended = ids(organization.accounts.into_iter().filter(|it| it.state == "SUSPENDED"));
    assert!(table(&rest).keys().all(|key| !suspended.contains(&key.0)));
}

#[test]
fn an_account_that_joins_while_the_report_runs_is_neither_missing_nor_a_surprise() {
    let (_folder, path, _) = csv_of(&Scenario::default(), |_| {});
    // Whether the report speaks of it or not.
    for (report_csv, rows) in [(None, 30), (Some(path), 0)] {
        on_virtual_time(async {
            let settings = Settings { report_csv, ..Settings::default() };
            let scenario = Scenario { settings, ..Scenario::default() };
            let stack = stack(&scenario);
            let execution = stack.start_report(json!({})).unwrap();
            tokio::time::sleep(Duration::from_secs(30 * 60)).await;
            let joined = stack.aws.clock().now();
            stack.aws.change(|_, organization| {
                let account = Account {
                    id: "999999999999".into(),
                    name: "new".into(),
                    joined,
                    ..organization.accounts[1].clone()
                };
                organization.accounts.push(account);
            });
            assert_eq!(execution.finished().await, ExecutionStatus::Succeeded, "{:?}", execution.error());
            let rest = rest(stack, &scenario, execution).await;
            let summary = rest.summary();
            assert_eq!(summary["coverage"]["expectedAccounts"], 12);
            assert_eq!(summary["coverage"]["seenAccounts"], 12);
            assert_eq!(summary["excludedAccounts"], json!({"JOINED_LATER": 1}));
            assert_eq!(summary["unexpectedAccounts"]["count"], 0);
            let new = table(&rest).keys().filter(|key| key.0 == "999999999999").count();
            assert_eq!(new, rows);
            // AWS counts it in either case, so only the report with its rows agrees.
            assert_eq!(is_complete(&summary), rows > 0);
        });
    }
}

// --- where AWS's summary says otherwise -------------------------------------------------------------

#[test]
fn one_cell_that_aws_counts_otherwise_is_named_and_nothing_is_concluded() {
    let scenario = Scenario::default();
    let (_folder, path, text) = csv_of(&scenario, |_| {});
    // `http_endpoint` is enabled everywhere; one cell of the CSV says otherwise.
    let row = text.lines().nth(8).unwrap();
    let cells: Vec<&str> = row.split(',').collect();
    let region = cells[2].to_owned();
    let changed: Vec<&str> = cells.iter().map(|it| if *it == "enabled" { "disabled" } else { it }).collect();
    assert_ne!(changed, cells);
    std::fs::write(&path, text.replace(row, &changed.join(","))).unwrap();
    let (_, summary) = published(&with_csv(path));
    assert_eq!(
        disagreements(&summary),
        [
            "http_endpoint: matched accounts are 11 in the report and 12 for AWS".to_owned(),
            "http_endpoint: unmatched accounts are 1 in the report and 0 for AWS".to_owned(),
            format!("http_endpoint: matched accounts in {region} are 11 in the report and 12 for AWS"),
            format!("http_endpoint: unmatched accounts in {region} are 1 in the report and 0 for AWS"),
        ]
    );
    assert_eq!(summary["coverage"]["seenAccounts"], 12);
    assert!(!is_complete(&summary));
    assert_eq!(uniform(&summary), [] as [&str; 0], "not even of other attributes");
}

#[test]
fn an_account_that_the_organization_does_not_have_is_named() {
    let scenario = Scenario::default();
    let (_folder, path, _) = csv_of(&scenario, |organization| {
        let stranger = Account { id: "999999999999".into(), ..organization.accounts[11].clone() };
        organization.accounts.push(stranger);
    });
    let (_, summary) = published(&with_csv(path));
    assert_eq!(summary["unexpectedAccounts"], json!({"count": 1, "first": ["999999999999"]}));
    assert_eq!(gap(&summary, "account that Organizations does not list"), 1);
    let coverage = &summary["coverage"];
    assert_eq!((&coverage["expectedAccounts"], &coverage["seenAccounts"]), (&json!(12), &json!(12)));
    let disagreements = disagreements(&summary);
    assert_eq!(
        disagreements[0],
        "accounts: 13 can be read in the report; AWS counts 12 and could not read 0 of them"
    );
    let serial = "serial_console_access: matched accounts are 13 in the report and 12 for AWS";
    assert!(disagreements.contains(&serial), "{disagreements:?}");
    assert_eq!(uniform(&summary), [] as [&str; 0]);
}

#[test]
fn an_account_that_the_report_leaves_out_unsaid_is_named() {
    let scenario = Scenario::default();
    let mut left_out = String::new();
    let (_folder, path, _) = csv_of(&scenario, |organization| {
        left_out = organization.accounts.pop().unwrap().id;
    });
    let (_, summary) = published(&with_csv(path));
    let coverage = &summary["coverage"];
    assert_eq!((&coverage["expectedAccounts"], &coverage["seenAccounts"]), (&json!(12), &json!(11)));
    assert_eq!(coverage["gaps"]["account without rows"], json!({"count": 1, "examples": [left_out]}));
    assert_eq!(
        disagreements(&summary)[0],
        "accounts: 11 can be read in the report; AWS counts 12 and could not read 0 of them"
    );
    assert_eq!(uniform(&summary), [] as [&str; 0]);
}

#[test]
fn a_region_that_the_report_leaves_out_is_named_only_where_somebody_can_tell() {
    let scenario = Scenario::default();
    let mut region = String::new();
    let (_folder, path, _) = csv_of(&scenario, |organization| {
        region = organization.regions.pop().unwrap();
    });
    let (_, summary) = published(&with_csv(path));
    assert_eq!(summary["regionsPerAccount"], json!({"2": 12}));
    // Organizations does not know the Regions; AWS's summary does.
    let serial =
        format!("serial_console_access: matched accounts in {region} are 0 in the report and 12 for AWS");
    assert!(disagreements(&summary).contains(&serial.as_str()));
    assert!(!is_complete(&summary));
}
