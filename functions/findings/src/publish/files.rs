//! `findings.csv` and `findings.json`: the same rows, for spreadsheets and for programs.

use std::fs::File;
use std::io::{BufWriter, Write};

use errors::JobError;
use jiff::Timestamp;
use models::keys;
use runtime::tables::local_storage;
use runtime::{Part, PublishedAs, RunContext};
use serde_json::{Map, Value};
use store::Store;
use table::{Cell, Kind};
use tempfile::NamedTempFile;

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
    let published = PublishedAs::Document(keys::findings(run.run_id, name));
    Ok(Part { published, key, etag, rows: 0, bytes })
}

/// Columns that only programs need, and that the CSV has not.
const NOT_IN_CSV: [&str; 3] = ["state", "schema_version", "decided_at"];

fn storage(error: impl std::fmt::Display) -> JobError {
    local_storage(&error)
}

/// A document on its way into the run.
#[derive(Debug)]
struct Document {
    name: &'static str,
    file: NamedTempFile,
}

impl Document {
    fn new(name: &'static str) -> Result<(Self, BufWriter<File>), JobError> {
        let file = NamedTempFile::new().map_err(storage)?;
        let sink = BufWriter::new(file.reopen().map_err(storage)?);
        Ok((Self { name, file }, sink))
    }

    async fn finish(self, store: &Store, run: RunContext<'_>, rows: u64) -> Result<Part, JobError> {
        let bytes = self.file.as_file().metadata().map_err(storage)?.len();
        let key = keys::part(run.run_id, run.item, run.writer, self.name);
        let etag = store.put_file(&key, self.file.path()).await?;
        let published = PublishedAs::Document(keys::findings(run.run_id, self.name));
        Ok(Part { published, key, etag, rows, bytes })
    }
}

/// The two files being written.
#[derive(Debug)]
pub(crate) struct Files {
    csv: csv::Writer<BufWriter<File>>,
    csv_document: Document,
    json: BufWriter<File>,
    json_document: Document,
    rows: u64,
}

impl Files {
    /// `head` are the members of the JSON before its findings.
    pub(crate) fn new(head: &Map<String, Value>) -> Result<Self, JobError> {
        let (csv_document, sink) = Document::new("findings.csv")?;
        // Every cell in quotation marks: what separates cells elsewhere stays within one.
        let mut csv = csv::WriterBuilder::new().quote_style(csv::QuoteStyle::Always).from_writer(sink);
        let names = COLUMNS.iter().map(|column| column.name).filter(|name| !NOT_IN_CSV.contains(name));
        csv.write_record(names).map_err(storage)?;
        let (json_document, mut json) = Document::new("findings.json")?;
        let head = serde_json::to_string(head).map_err(JobError::defect)?;
        let open = head.strip_suffix('}').unwrap_or(&head);
        let comma = if open.len() > 1 { "," } else { "" };
        write!(json, "{open}{comma}\"findings\":[").map_err(storage)?;
        Ok(Self { csv, csv_document, json, json_document, rows: 0 })
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
        self.csv.flush().map_err(storage)?;
        self.json.write_all(b"\n]}\n").map_err(storage)?;
        self.json.flush().map_err(storage)?;
        let csv = self.csv_document.finish(store, run, self.rows).await?;
        Ok([csv, self.json_document.finish(store, run, self.rows).await?])
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
