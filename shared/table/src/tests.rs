use super::*;
use bytes::Bytes;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use proptest::prelude::*;

const COLUMNS: [Column; 5] = [
    Column::required("text", Kind::Text),
    Column::optional("maybe", Kind::Text),
    Column::required("number", Kind::Integer),
    Column::required("at", Kind::Timestamp),
    Column::required("flag", Kind::Boolean),
];

/// A row of the columns above.
type Row = (String, Option<String>, i64, i64, bool);

fn read(bytes: Vec<u8>) -> Vec<Row> {
    let reader = SerializedFileReader::new(Bytes::from(bytes)).unwrap();
    let rows = reader.get_row_iter(None).unwrap();
    rows.map(|row| {
        let mut fields = row.unwrap().into_columns().into_iter().map(|(_, field)| field);
        let mut next = || fields.next().unwrap();
        let Field::Str(text) = next() else { panic!() };
        let maybe = match next() {
            Field::Str(text) => Some(text),
            Field::Null => None,
            other => panic!("{other:?}"),
        };
        let Field::Long(number) = next() else { panic!() };
        let Field::TimestampMillis(at) = next() else { panic!() };
        let Field::Bool(flag) = next() else { panic!() };
        (text, maybe, number, at, flag)
    })
    .collect()
}

/// Writes rows with the plainest codes, in row groups of the given size.
fn write(rows: &[Row], group: usize) -> Vec<u8> {
    let mut writer = TableWriter::new(Vec::new(), "test", &COLUMNS).unwrap();
    for rows in rows.chunks(group) {
        let mut texts: Vec<&str> = rows.iter().map(|row| row.0.as_str()).collect();
        texts.sort_unstable();
        texts.dedup();
        let maybes: Texts = rows.iter().filter_map(|row| row.1.as_deref()).collect();
        let mut present = 0..;
        let maybe_codes: Vec<u32> =
            rows.iter().map(|row| row.1.as_ref().map_or(NULL, |_| present.next().unwrap())).collect();
        let text_codes: Vec<u32> =
            rows.iter().map(|row| texts.binary_search(&row.0.as_str()).unwrap() as u32).collect();
        let numbers: Vec<i64> = rows.iter().map(|row| row.2).collect();
        let times: Vec<i64> = rows.iter().map(|row| row.3).collect();
        let flags: Vec<bool> = rows.iter().map(|row| row.4).collect();
        let each: Vec<u32> = (0..rows.len() as u32).collect();
        let texts: Texts = texts.into_iter().collect();
        writer
            .write(
                rows.len(),
                &[
                    Chunk::Coded(Dictionary::Texts(&texts), Codes::Each(&text_codes)),
                    Chunk::Coded(Dictionary::Texts(&maybes), Codes::Each(&maybe_codes)),
                    Chunk::Coded(Dictionary::Integers(&numbers), Codes::Each(&each)),
                    Chunk::Coded(Dictionary::Integers(&times), Codes::Each(&each)),
                    Chunk::Booleans(&flags),
                ],
            )
            .unwrap();
    }
    let (bytes, written) = writer.finish().unwrap();
    assert_eq!(written, rows.len() as u64);
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_rows_read_back_equal(
        rows in prop::collection::vec(("[a-c]{0,2}|\\PC{0,5}", prop::option::of("[xy]|\\PC{0,9}"), any::<i64>(), 0..4_000_000_000_000_i64, any::<bool>()), 1..300),
        group in 1_usize..400,
    ) {
        prop_assert_eq!(read(write(&rows, group)), rows);
    }
}

#[test]
fn runs_cycles_and_constants_read_back_equal_over_several_pages() {
    const ROWS: usize = 400_000;
    let texts: Texts = (0..300)
        .map(|number| format!("value {number}"))
        .collect::<Vec<_>>()
        .iter()
        .map(String::as_str)
        .collect();
    // Runs of every length around the limit between packing and runs.
    let mut runs = Vec::new();
    let mut left = ROWS as u32;
    for number in 0_u32.. {
        let count = (number % 23 + 1).min(left);
        runs.push((number * 7 % 300, count));
        left -= count;
        if left == 0 {
            break;
        }
    }
    let cycle: Vec<u32> = (0..10).map(|number| if number == 3 { NULL } else { number }).collect();
    let flags: Vec<bool> = (0..ROWS).map(|row| row % 3 == 0).collect();
    let mut writer = TableWriter::new(Vec::new(), "test", &COLUMNS).unwrap();
    writer
        .write(
            ROWS,
            &[
                Chunk::Coded(Dictionary::Texts(&texts), Codes::Runs(&runs)),
                Chunk::Coded(Dictionary::Texts(&texts), Codes::Cycle(&cycle)),
                Chunk::Coded(Dictionary::Integers(&[-7]), Codes::Constant(0)),
                Chunk::Coded(Dictionary::Integers(&[1_795_242_600_000]), Codes::Constant(0)),
                Chunk::Booleans(&flags),
            ],
        )
        .unwrap();
    let rows = read(writer.finish().unwrap().0);
    assert_eq!(rows.len(), ROWS);
    let mut expected = runs.iter().flat_map(|(code, count)| std::iter::repeat_n(*code, *count as usize));
    for (row, (text, maybe, number, at, flag)) in rows.into_iter().enumerate() {
        assert_eq!(text, format!("value {}", expected.next().unwrap()));
        assert_eq!(maybe, (row % 10 != 3).then(|| format!("value {}", row % 10)));
        assert_eq!((number, at, flag), (-7, 1_795_242_600_000, row % 3 == 0));
    }
}

#[test]
fn codes_that_do_not_fit_are_refused_and_never_written() {
    let column = [Column::required("text", Kind::Text)];
    let texts: Texts = ["a", "b"].into_iter().collect();
    for (rows, codes) in [
        (3, Codes::Each(&[0, 1])),
        (2, Codes::Each(&[0, 2])),
        (2, Codes::Each(&[0, NULL])),
        (3, Codes::Runs(&[(0, 2)])),
        (3, Codes::Cycle(&[0, 1])),
        (1, Codes::Constant(7)),
    ] {
        let mut writer = TableWriter::new(Vec::new(), "test", &column).unwrap();
        let refused = writer.write(rows, &[Chunk::Coded(Dictionary::Texts(&texts), codes)]);
        assert!(matches!(refused, Err(TableError::Misfit { .. })), "{codes:?}");
    }
}

#[test]
fn a_chunk_of_another_kind_than_its_column_is_refused() {
    let texts: Texts = ["a"].into_iter().collect();
    let (text, number) = (Dictionary::Texts(&texts), Dictionary::Integers(&[1]));
    for (column, chunk) in [
        (Column::required("x", Kind::Text), Chunk::Coded(number, Codes::Constant(0))),
        (Column::required("x", Kind::Integer), Chunk::Coded(text, Codes::Constant(0))),
        (Column::required("x", Kind::Boolean), Chunk::Coded(number, Codes::Constant(0))),
        (Column::required("x", Kind::Text), Chunk::Booleans(&[true])),
        (Column::optional("x", Kind::Boolean), Chunk::Booleans(&[true])),
    ] {
        let mut writer = TableWriter::new(Vec::new(), "test", &[column]).unwrap();
        let refused = writer.write(1, &[chunk]);
        assert!(matches!(refused, Err(TableError::Misfit { .. })), "{column:?} {chunk:?}");
    }
}

#[test]
fn the_footer_knows_the_least_and_the_greatest_value_that_rows_have() {
    let columns = [
        Column::required("a", Kind::Text),
        Column::optional("b", Kind::Text),
        Column::optional("c", Kind::Integer),
    ];
    let mut writer = TableWriter::new(Vec::new(), "test", &columns).unwrap();
    let texts: Texts = ["eu-west-1", "af-south-1", "us-east-1"].into_iter().collect();
    writer
        .write(
            4,
            &[
                Chunk::Coded(Dictionary::Texts(&texts), Codes::Each(&[0, 1, 2, 0])),
                Chunk::Coded(Dictionary::Texts(&texts), Codes::Each(&[NULL, 0, NULL, 0])),
                Chunk::Coded(Dictionary::Integers(&[7]), Codes::Constant(NULL)),
            ],
        )
        .unwrap();
    let reader = SerializedFileReader::new(Bytes::from(writer.finish().unwrap().0)).unwrap();
    let group = reader.metadata().row_group(0);
    let of = |column: usize| {
        let statistics = group.column(column).statistics().unwrap();
        let text = |bytes: Option<&[u8]>| bytes.map(|bytes| String::from_utf8(bytes.to_vec()).unwrap());
        (text(statistics.min_bytes_opt()), text(statistics.max_bytes_opt()), statistics.null_count_opt())
    };
    let said = |text: &str| Some(text.to_owned());
    assert_eq!(of(0), (said("af-south-1"), said("us-east-1"), Some(0)));
    assert_eq!(of(1), (said("eu-west-1"), said("eu-west-1"), Some(2)), "the dictionary holds more");
    assert_eq!(of(2), (None, None, Some(4)), "no row has a value");
}
