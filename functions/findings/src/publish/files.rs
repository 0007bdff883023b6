//! `findings.csv` and `findings.json`: the same rows, for spreadsheets and for programs.

use std::io::Write;

use errors::JobError;
use jiff::Timestamp;
use models::keys;
use runtime::part_file::{PartFile, Stored, local_storage};
use runtime::{Part, PublishedAs, RunContext};
use serde_json::{Map, Value};
use store::Store;
use table::{Cell, Kind};

use super::row::COLUMNS;

/// A document of the run that is written as a whole.
pub(crate) async fn whole(
    store: &Store,
    run: RunContext<'_>,
    name: &str,
    content: impl Into<bytes::Bytes>,
) -> Result<Part, JobError> {
    let content = content.into();
    let bytes = content.len() as u64;
    let key = keys::part(run.run_id, run.item, run.writer, name);
    let etag = store.put(&key, content).await?;
    Ok(document(run, name, Stored { key, etag, bytes }, 0))
}

/// A document of the run that was written as a file.
pub(crate) async fn written(
    store: &Store,
    run: RunContext<'_>,
    name: &str,
    file: PartFile,
    rows: u64,
) -> Result<Part, JobError> {
    Ok(document(run, name, file.finish(store, run, name).await?, rows))
}

fn document(run: RunContext<'_>, name: &str, stored: Stored, rows: u64) -> Part {
    Part::stored(PublishedAs::Document(keys::findings(run.run_id, name)), stored, rows)
}

/// Columns that only programs need, and that the CSV has not.
const NOT_IN_CSV: [&str; 3] = ["state", "schema_version", "decided_at"];

fn storage(error: impl std::fmt::Display) -> JobError {
    local_storage(&error)
}

/// The two files being written.
#[derive(Debug)]
pub(crate) struct Files {
    csv: csv::Writer<PartFile>,
    json: PartFile,
    rows: u64,
}

impl Files {
    /// `head` are the members of the JSON before its findings.
    pub(crate) fn new(head: &Map<String, Value>) -> Result<Self, JobError> {
        // Every cell in quotation marks: what separates cells elsewhere stays within one.
        let mut csv =
            csv::WriterBuilder::new().quote_style(csv::QuoteStyle::Always).from_writer(PartFile::new()?);
        let names = COLUMNS.iter().map(|column| column.name).filter(|name| !NOT_IN_CSV.contains(name));
        csv.write_record(names).map_err(storage)?;
        let mut json = PartFile::new()?;
        let head = serde_json::to_string(head).map_err(JobError::defect)?;
        let open = head.strip_suffix('}').unwrap_or(&head);
        let comma = if open.len() > 1 { "," } else { "" };
        write!(json, "{open}{comma}\"findings\":[").map_err(storage)?;
        Ok(Self { csv, json, rows: 0 })
    }

    pub(crate) fn push(&mut self, cells: &[Cell<'_>]) -> Result<(), JobError> {
        let mut object = Map::new();
        for (column, cell) in COLUMNS.iter().zip(cells) {
            if !NOT_IN_CSV.contains(&column.name) {
                self.csv.write_field(harmless(&text(column.kind, *cell))).map_err(storage)?;
            }
            object.insert(column.name.to_owned(), json(column.name, column.kind, *cell));
        }
        self.csv.write_record(None::<&[u8]>).map_err(storage)?;
        if self.rows > 0 {
            self.json.write_all(b",").map_err(storage)?;
        }
        self.json.write_all(b"\n").map_err(storage)?;
        serde_json::to_writer(&mut self.json, &object).map_err(storage)?;
        self.rows += 1;
        Ok(())
    }

    /// Writes both as parts of the run.
    pub(crate) async fn finish(mut self, store: &Store, run: RunContext<'_>) -> Result<[Part; 2], JobError> {
        self.json.write_all(b"\n]}\n").map_err(storage)?;
        let csv = self.csv.into_inner().map_err(storage)?;
        let csv = written(store, run, "findings.csv", csv, self.rows).await?;
        Ok([csv, written(store, run, "findings.json", self.json, self.rows).await?])
    }
}

/// A cell as people read it.
fn text(kind: Kind, cell: Cell<'_>) -> String {
    match (kind, cell) {
        (_, Cell::Null) => String::new(),
        (Kind::Timestamp, Cell::Integer(at)) => {
            Timestamp::from_millisecond(at).map(|at| at.to_string()).unwrap_or_default()
        }
        (_, Cell::Text(text)) => text.to_owned(),
        (_, Cell::Integer(number)) => number.to_string(),
        (_, Cell::Boolean(value)) => value.to_string(),
    }
}

fn json(name: &str, kind: Kind, cell: Cell<'_>) -> Value {
    match (kind, cell) {
        (_, Cell::Null) => Value::Null,
        (_, Cell::Text(text)) if name == "details" => serde_json::from_str(text).unwrap_or(Value::Null),
        (_, Cell::Integer(number)) if kind != Kind::Timestamp => number.into(),
        (_, Cell::Boolean(value)) => value.into(),
        _ => text(kind, cell).into(),
    }
}

/// A text that no spreadsheet takes for a formula (OWASP, "CSV Injection"): names, tags and policies are
/// other people's.
fn harmless(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    if is_formula { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_begins_as_a_formula_does() {
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"] {
            assert!(harmless(formula).starts_with('\''), "{formula}");
        }
        for text in ["", "a=1", "012345678901"] {
            assert_eq!(harmless(text), text);
        }
    }
}
