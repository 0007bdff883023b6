//! Reading a CSV as the parse function does, and the table back with another reader.
#![allow(dead_code, unreachable_pub, reason = "each test file uses a part")]

use std::io::Write;

use account_status::{AwsSummary, Evidence, Expected, Next, Pass, ReportError, Subject, Summary, reasons};
use bytes::Bytes;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;

/// Two accounts and two Regions.
pub const A: &str = "012345678901";
pub const B: &str = "112345678901";
pub const R: &str = "eu-west-1";
pub const S: &str = "us-east-1";

/// The two accounts in the two Regions with one attribute, and whatever comes after.
pub fn table(more: &str) -> String {
    format!(
        "account_id,region,http_tokens\n{A},{R},required\n{A},{S},required\n{B},{R},required\n{B},{S},optional\n{more}"
    )
}

pub fn good(text: impl AsRef<[u8]>) -> Read {
    read(text).unwrap_or_else(|error| panic!("{error}"))
}

pub fn refused(text: impl AsRef<[u8]>) -> ReportError {
    read(text).map(|read| read.rows).unwrap_err()
}

/// A row of the table: account, Region, attribute, value, raw value, reason.
pub type Row = (String, String, String, Option<String>, String, Option<String>);

#[derive(Debug)]
pub struct Read {
    pub evidence: Evidence,
    pub summary: Summary,
    pub rows: Vec<Row>,
}

impl Read {
    /// The value of one cell; nothing when it is unknown.
    pub fn value(&self, account: &str, region: &str, attribute: &str) -> Option<&str> {
        let rows: Vec<_> = self
            .rows
            .iter()
            .filter(|row| (row.0.as_str(), row.1.as_str(), row.2.as_str()) == (account, region, attribute))
            .collect();
        assert!(rows.len() <= 1, "a cell is there once: {rows:?}");
        rows.first().and_then(|row| row.3.as_deref())
    }

    /// How often something is unknown for this reason.
    pub fn gap(&self, reason: &str) -> u64 {
        self.summary.coverage.gaps.get(reason).map_or(0, |gap| gap.count)
    }
}

pub fn read(bytes: impl AsRef<[u8]>) -> Result<Read, ReportError> {
    read_with(bytes, None, None, usize::MAX)
}

/// Reads bytes fed in pieces of `piece` bytes.
pub fn read_with(
    bytes: impl AsRef<[u8]>,
    expected: Option<&Expected>,
    aws: Option<&AwsSummary>,
    piece: usize,
) -> Result<Read, ReportError> {
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("table.parquet");
    let subject = Subject { object: "report.csv".into(), run_id: "run".into(), observed_at: None };
    let mut pass = Pass::new(subject, &table);
    let evidence = loop {
        for piece in bytes.as_ref().chunks(piece) {
            pass.feed(piece)?;
        }
        match pass.finish()? {
            Next::Done(evidence) => break *evidence,
            Next::Again(next) => pass = *next,
        }
    };
    let summary = Summary::new(&evidence, "run", None, expected, aws);
    let rows = rows(std::fs::read(&table).unwrap());
    assert_eq!(rows.len() as u64, evidence.rows);
    for reason in summary.coverage.gaps.keys().chain(rows.iter().filter_map(|row| row.5.as_ref())) {
        assert!(reasons::ALL.contains(&reason.as_str()), "{reason} is not one of the reasons");
    }
    Ok(Read { evidence, summary, rows })
}

/// Reads the table with `parquet`'s own reader.
pub fn rows(bytes: Vec<u8>) -> Vec<Row> {
    let reader = SerializedFileReader::new(Bytes::from(bytes)).unwrap();
    reader
        .get_row_iter(None)
        .unwrap()
        .map(|row| {
            let fields = row.unwrap().into_columns();
            let field = |name: &str| {
                fields.iter().find(|(column, _)| column == name).map(|(_, field)| field.clone()).unwrap()
            };
            let text = |name: &str| match field(name) {
                Field::Str(text) => text,
                other => panic!("{name}: {other:?}"),
            };
            let maybe = |name: &str| match field(name) {
                Field::Str(text) => Some(text),
                Field::Null => None,
                other => panic!("{name}: {other:?}"),
            };
            let row = (
                text("account_id"),
                text("region"),
                text("attribute"),
                maybe("value"),
                text("raw_value"),
                maybe("reason"),
            );
            // Readable, a value and no reason are one and the same.
            assert_eq!(field("readable"), Field::Bool(row.3.is_some()), "{row:?}");
            assert_eq!(row.5.is_none(), row.3.is_some(), "{row:?}");
            row
        })
        .collect()
}

/// A CSV of these rows, every cell quoted as it must be.
pub fn csv(rows: &[Vec<String>]) -> Vec<u8> {
    let mut out = Vec::new();
    for row in rows {
        let cells: Vec<String> = row
            .iter()
            .map(|cell| {
                if cell.contains([',', '"', '\n', '\r']) || cell.is_empty() && row.len() == 1 {
                    format!("\"{}\"", cell.replace('"', "\"\""))
                } else {
                    cell.clone()
                }
            })
            .collect();
        writeln!(out, "{}", cells.join(",")).unwrap();
    }
    out
}
