//! Tables for other readers, each with the rows that were written into it.
//!
//! `readers FIXTURES DIR` writes NAME.parquet and NAME.jsonl for every odd file that can be read, for
//! reports made here, and for a table of every kind of column. The rows of the reports made here are
//! known without reading anything; those of the odd files are what the `parquet` crate reads.
#![allow(clippy::print_stdout, reason = "a program for the terminal")]

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use account_status::{COLUMNS, Evidence, ReportErrorKind, Subject, read_file};
use jiff::Timestamp;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use serde_json::{Value, json};
use table::{Chunk, Codes, Column, Dictionary, Kind, NULL, TableWriter, Texts};

const RUN_ID: &str = "run-ü-1";

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [fixtures, folder] = arguments.as_slice() else { return Err("readers FIXTURES DIR".into()) };
    let (fixtures, folder) = (Path::new(fixtures), Path::new(folder));
    odd_files(fixtures, folder)?;
    for report in REPORTS {
        report.write(folder)?;
    }
    every_kind(folder)
}

// --- what is handed over ----------------------------------------------------------------------------

/// Writes the columns and then the rows.
fn expect(folder: &Path, name: &str, columns: &[Column], rows: &[Value]) -> Result<(), Box<dyn Error>> {
    let kind = |kind| match kind {
        Kind::Text => "text",
        Kind::Integer => "integer",
        Kind::Timestamp => "timestamp",
        Kind::Boolean => "boolean",
    };
    let columns: Vec<Value> = columns
        .iter()
        .map(|it| json!({"name": it.name, "kind": kind(it.kind), "optional": it.optional}))
        .collect();
    let mut file = BufWriter::new(File::create(folder.join(format!("{name}.jsonl")))?);
    writeln!(file, "{}", Value::Array(columns))?;
    for row in rows {
        writeln!(file, "{row}")?;
    }
    Ok(file.flush()?)
}

fn read(
    csv: &Path,
    table: &Path,
    observed_at: Option<Timestamp>,
) -> Result<Option<Evidence>, Box<dyn Error>> {
    let subject = Subject { object: csv.display().to_string(), run_id: RUN_ID.to_owned(), observed_at };
    match read_file(csv, table, subject) {
        Ok(evidence) => Ok(Some(evidence)),
        Err(error) if matches!(error.kind, ReportErrorKind::Io(_)) => Err(error.into()),
        Err(_) => {
            // What was written before the file was refused is nobody's table.
            if table.exists() {
                std::fs::remove_file(table)?;
            }
            Ok(None)
        }
    }
}

// --- odd files --------------------------------------------------------------------------------------

fn odd_files(fixtures: &Path, folder: &Path) -> Result<(), Box<dyn Error>> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(fixtures)?.map(|entry| entry.map(|it| it.path())).collect::<Result<_, _>>()?;
    files.sort();
    for csv in files {
        let name = format!("odd-{}", csv.file_stem().unwrap_or_default().to_string_lossy());
        let table = folder.join(format!("{name}.parquet"));
        if read(&csv, &table, Some("2026-11-21T06:30:00.123Z".parse()?))?.is_some() {
            expect(folder, &name, &COLUMNS, &read_back(&table)?)?;
        }
    }
    Ok(())
}

fn read_back(table: &Path) -> Result<Vec<Value>, Box<dyn Error>> {
    let reader = SerializedFileReader::new(File::open(table)?)?;
    let mut rows = Vec::new();
    for row in reader.get_row_iter(None)? {
        let fields = row?.into_columns().into_iter().map(|(name, field)| {
            Ok(match field {
                Field::Null => Value::Null,
                Field::Str(text) => Value::String(text),
                Field::Bool(flag) => json!(flag),
                Field::Long(number) | Field::TimestampMillis(number) => json!(number),
                other => return Err(format!("{name}: {other:?}")),
            })
        });
        rows.push(fields.collect::<Result<Value, String>>()?);
    }
    Ok(rows)
}

// --- reports made here --------------------------------------------------------------------------------

/// A cell as it is written, its canonical value, and why it is unknown.
type Cell = (&'static str, Option<&'static str>, Option<&'static str>);

const CELLS: [Cell; 14] = [
    ("block-new-sharing", Some("block-new-sharing"), None),
    ("BLOCK_NEW_SHARING", Some("block-new-sharing"), None),
    ("true", Some("enabled"), None),
    ("2", Some("2"), None),
    ("größe: 日本語 🦀", Some("größe: 日本語 🦀"), None),
    ("a, \"quoted\"\r\nnew line\u{2028}", Some("a, \"quoted\"\r\nnew line"), None),
    (
        "{\"b\": [2, \"ü\"], \"a\": {\"d\": null, \"c\": \"x,y\"}}",
        Some(r#"{"a":{"c":"x,y","d":null},"b":[2,"ü"]}"#),
        None,
    ),
    ("=cmd|' /C calc'!A0", Some("=cmd|' /C calc'!A0"), None),
    ("'", Some("'"), None),
    ("", None, Some("blank cell")),
    ("  ", None, Some("blank cell")),
    ("Error: AccessDenied", None, Some("error text")),
    ("{\"error\": \"ü\"}", None, Some("error text")),
    ("a\0b", None, Some("NUL character")),
];

/// What a report made here looks like.
struct Report {
    name: &'static str,
    accounts: u64,
    regions: u64,
    attributes: u64,
    wide: bool,
    shuffled: bool,
    observed: bool,
    cells: Cells,
}

enum Cells {
    /// Of the list above.
    Mixed,
    /// All blank.
    Blank,
    /// A text of so many bytes that no other cell has.
    Distinct(usize),
    /// The same everywhere.
    One,
}

const fn report(name: &'static str, accounts: u64, regions: u64, attributes: u64, cells: Cells) -> Report {
    Report { name, accounts, regions, attributes, wide: true, shuffled: false, observed: true, cells }
}

const REPORTS: [Report; 11] = [
    report("wide", 50, 7, 11, Cells::Mixed),
    Report { wide: false, ..report("long", 50, 7, 11, Cells::Mixed) },
    Report { shuffled: true, ..report("wide-shuffled", 211, 9, 3, Cells::Mixed) },
    Report { wide: false, shuffled: true, ..report("long-shuffled", 60, 5, 9, Cells::Mixed) },
    Report { observed: false, ..report("no-time", 13, 3, 2, Cells::Mixed) },
    // Pages without a single value.
    report("all-unknown", 40, 3, 5, Cells::Blank),
    Report { observed: false, ..report("all-unknown-no-time", 1, 1, 1, Cells::Blank) },
    report("one-value", 300, 4, 6, Cells::One),
    report("one-cell", 1, 1, 1, Cells::One),
    // Several row groups, by the size of their texts, and several pages in one.
    report("row-groups", 300, 3, 5, Cells::Distinct(2_000)),
    report("pages", 3_400, 9, 5, Cells::Mixed),
];

impl Report {
    fn write(&self, folder: &Path) -> Result<(), Box<dyn Error>> {
        let observed_at: Option<Timestamp> =
            if self.observed { Some("2026-11-21T06:30:00.123Z".parse()?) } else { None };
        let mut random = fastrand::Rng::with_seed(7);
        // Per account and Region, its cells: raw, value, reason.
        let mut rows: Vec<(String, String, Vec<[Value; 3]>)> = Vec::new();
        for account in 0..self.accounts {
            for region in 0..self.regions {
                let cells = (0..self.attributes).map(|_| self.cell(&mut random)).collect();
                rows.push((format!("{:012}", account * 7_919), format!("eu-west-{}", region + 1), cells));
            }
        }
        if self.shuffled {
            random.shuffle(&mut rows);
        }
        let csv = folder.join(format!("{}.csv", self.name));
        self.write_csv(&csv, &rows)?;
        let evidence = read(&csv, &folder.join(format!("{}.parquet", self.name)), observed_at)?
            .ok_or_else(|| format!("{}: refused", self.name))?;
        let mut expected = Vec::new();
        for (account, region, cells) in &rows {
            for (attribute, [raw, value, reason]) in cells.iter().enumerate() {
                expected.push(json!([
                    RUN_ID,
                    account,
                    region,
                    format!("setting_{attribute}"),
                    value,
                    raw,
                    !value.is_null(),
                    reason,
                    observed_at.map(Timestamp::as_millisecond),
                    evidence.layout.hash,
                    1
                ]));
            }
        }
        expect(folder, self.name, &COLUMNS, &expected)
    }

    fn cell(&self, random: &mut fastrand::Rng) -> [Value; 3] {
        let (raw, value, reason) = match self.cells {
            Cells::Mixed => CELLS[random.usize(0..CELLS.len())],
            Cells::Blank => CELLS[9],
            Cells::One => CELLS[4],
            Cells::Distinct(size) => {
                let text: String = std::iter::repeat_with(|| random.lowercase()).take(size).collect();
                // Words of errors would be read as such.
                let text = format!("{}.{text}", random.u64(..)).replace('e', "é");
                return [json!(text), json!(text), Value::Null];
            }
        };
        [json!(raw), json!(value), json!(reason)]
    }

    fn write_csv(
        &self,
        path: &Path,
        rows: &[(String, String, Vec<[Value; 3]>)],
    ) -> Result<(), Box<dyn Error>> {
        let quoted = |cell: &Value| format!("\"{}\"", cell.as_str().unwrap_or_default().replace('"', "\"\""));
        let mut file = BufWriter::new(File::create(path)?);
        if self.wide {
            let names: String = (0..self.attributes).map(|it| format!(",setting_{it}")).collect();
            writeln!(file, "account_id,region{names}")?;
        } else {
            writeln!(file, "account_id,region,attribute,value")?;
        }
        for (account, region, cells) in rows {
            if self.wide {
                let cells: String = cells.iter().map(|[raw, ..]| format!(",{}", quoted(raw))).collect();
                writeln!(file, "{account},{region}{cells}")?;
            } else {
                for (attribute, [raw, ..]) in cells.iter().enumerate() {
                    writeln!(file, "{account},{region},setting_{attribute},{}", quoted(raw))?;
                }
            }
        }
        Ok(file.flush()?)
    }
}

// --- every kind of column ------------------------------------------------------------------------------

/// A table with what `account_status` does not have: optional numbers, extremes, and row groups that
/// begin and end with rows that have no value.
fn every_kind(folder: &Path) -> Result<(), Box<dyn Error>> {
    const NAME: &str = "every-kind";
    const COLUMNS: [Column; 7] = [
        Column::required("text", Kind::Text),
        Column::optional("maybe_text", Kind::Text),
        Column::required("number", Kind::Integer),
        Column::optional("maybe_number", Kind::Integer),
        Column::required("time", Kind::Timestamp),
        Column::optional("maybe_time", Kind::Timestamp),
        Column::required("flag", Kind::Boolean),
    ];
    let numbers = [i64::MIN, -1, 0, 1, i64::MAX, 1 << 53];
    let times = [-62_135_596_800_000, -1, 0, 1_795_242_600_123, 253_402_300_799_999];
    let texts: Vec<String> = (0..300_u32).map(|it| format!("{}{it}", "ü".repeat(it as usize % 40))).collect();
    let dictionary: Texts = texts.iter().map(String::as_str).chain([""]).collect();
    let mut writer = TableWriter::new(
        BufWriter::new(File::create(folder.join(format!("{NAME}.parquet")))?),
        NAME,
        &COLUMNS,
    )?;
    let mut random = fastrand::Rng::with_seed(11);
    let mut expected = Vec::new();
    for rows in [1_usize, 7, 8, 9, 503, 504, 505, 5_000] {
        let mut draw = |below: usize, nulls: bool| -> Vec<u32> {
            let mut code = 0;
            (0..rows)
                .map(|row| {
                    if row == 0 || random.u8(0..4) == 0 {
                        code = random.u32(0..u32::try_from(below).unwrap_or(1));
                    }
                    if nulls && (row == 0 || row + 1 == rows || random.bool()) { NULL } else { code }
                })
                .collect()
        };
        let (text, maybe_text) = (draw(dictionary.len(), false), draw(dictionary.len(), true));
        let (number, maybe_number) = (draw(numbers.len(), false), draw(numbers.len(), true));
        let (time, maybe_time) = (draw(times.len(), false), draw(times.len(), true));
        let flags: Vec<bool> = (0..rows).map(|row| row % 3 == 0).collect();
        let coded = |dictionary, codes| Chunk::Coded(dictionary, Codes::Each(codes));
        writer.write(
            rows,
            &[
                coded(Dictionary::Texts(&dictionary), &text),
                coded(Dictionary::Texts(&dictionary), &maybe_text),
                coded(Dictionary::Integers(&numbers), &number),
                coded(Dictionary::Integers(&numbers), &maybe_number),
                coded(Dictionary::Integers(&times), &time),
                coded(Dictionary::Integers(&times), &maybe_time),
                Chunk::Booleans(&flags),
            ],
        )?;
        let text_of = |code: u32| (code != NULL).then(|| texts.get(code as usize).map_or("", String::as_str));
        let of = |list: &[i64], code: u32| list.get(code as usize).copied();
        for row in 0..rows {
            expected.push(json!([
                text_of(text[row]),
                text_of(maybe_text[row]),
                of(&numbers, number[row]),
                of(&numbers, maybe_number[row]),
                of(&times, time[row]),
                of(&times, maybe_time[row]),
                flags[row]
            ]));
        }
    }
    writer.finish()?.0.flush()?;
    expect(folder, NAME, &COLUMNS, &expected)
}
