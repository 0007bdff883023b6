//! Every cell that differs from its attribute's most frequent value, and every unknown one, as a CSV
//! that may be opened in a spreadsheet.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use account_status::{Summary, SummaryValue, reasons};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, Row};

use crate::{Done, Problem};

/// Columns of the table that are shown, in their order.
const COLUMNS: [&str; 5] = ["account_id", "region", "attribute", "value", "reason"];

/// Writes the deviations of a table that was just written; the answer is their number.
pub(super) fn write(table: &Path, summary: &Summary, path: &Path) -> Done<u64> {
    let most_frequent: BTreeMap<&str, &SummaryValue> = summary
        .attributes
        .iter()
        .filter_map(|attribute| Some((attribute.name.as_str(), attribute.most_frequent.as_ref()?)))
        .collect();
    let file = File::open(table).map_err(Problem::file(table))?;
    let unreadable = |error| Problem::other(format!("{}: {error}", table.display()));
    let reader = SerializedFileReader::new(file).map_err(unreadable)?;
    let out = |error: csv::Error| Problem::other(format!("{}: {error}", path.display()));
    let mut csv = csv::Writer::from_path(path).map_err(out)?;
    csv.write_record(["account_id", "region", "attribute", "value", "most_frequent", "unknown_because"])
        .map_err(out)?;
    let mut rows = 0;
    for row in reader.get_row_iter(None).map_err(unreadable)? {
        let [account, region, attribute, value, mut reason] = texts(&row.map_err(unreadable)?);
        let most = most_frequent.get(attribute.as_str());
        if reason.is_empty() {
            match most {
                Some(most) if most.full() == value => continue,
                Some(_) => {}
                // From what it would deviate, nobody knows.
                None => reasons::MOST_FREQUENT_NOT_CERTAIN.clone_into(&mut reason),
            }
        }
        let most = most.map(|most| most.shown()).unwrap_or_default();
        let cells =
            [&account, &region, &attribute, &value, &most, &reason].map(|cell| inert(cell).into_owned());
        csv.write_record(cells).map_err(out)?;
        rows += 1;
    }
    csv.flush().map_err(Problem::file(path))?;
    Ok(rows)
}

fn texts(row: &Row) -> [String; COLUMNS.len()] {
    COLUMNS.map(|name| match row.get_column_iter().find(|(column, _)| *column == name) {
        Some((_, Field::Str(text))) => text.clone(),
        _ => String::new(),
    })
}

/// Text that no spreadsheet takes for a formula: one that begins like it gets an apostrophe in front,
/// which spreadsheets take as the sign of text.
fn inert(text: &str) -> Cow<'_, str> {
    match text.chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r' | '\n') => Cow::Owned(format!("'{text}")),
        _ => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use account_status::{Subject, read_file};

    /// The rows of deviations of a report.
    fn deviations(csv: &str) -> Vec<Vec<String>> {
        let folder = tempfile::tempdir().unwrap();
        let (report, table, out) =
            (folder.path().join("r.csv"), folder.path().join("t.parquet"), folder.path().join("d.csv"));
        std::fs::write(&report, csv).unwrap();
        let subject = Subject { object: "r.csv".into(), run_id: "r".into(), observed_at: None };
        let evidence = read_file(&report, &table, subject).unwrap();
        let summary = Summary::new(&evidence, "r", None, None, None);
        let count = write(&table, &summary, &out).unwrap();
        let mut reader = csv::Reader::from_path(&out).unwrap();
        let rows: Vec<Vec<String>> =
            reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
        assert_eq!(rows.len() as u64, count);
        rows
    }

    #[test]
    fn deviations_and_unknown_cells_are_listed_and_no_cell_is_a_formula() {
        let rows = deviations(
            "account_id,region,a\n000000000001,eu-west-1,on\n000000000002,eu-west-1,on\n\
             000000000003,eu-west-1,\"=HYPERLINK(\"\"x\"\")\"\n000000000004,eu-west-1,\n",
        );
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0], ["000000000003", "eu-west-1", "a", "'=HYPERLINK(\"x\")", "on", ""]);
        assert_eq!((rows[1][0].as_str(), rows[1][3].as_str()), ("000000000004", ""));
        assert!(!rows[1][5].is_empty());
    }

    #[test]
    fn a_usual_value_that_is_long_or_of_several_lines_deviates_nowhere() {
        let long = "x".repeat(400);
        let rows = deviations(&format!(
            "account_id,region,a,b\n000000000001,eu-west-1,{long},\"1\n2\"\n\
             000000000002,eu-west-1,{long},\"1\n2\"\n000000000003,eu-west-1,{long}y,\"1\t2\"\n"
        ));
        let deviating: Vec<_> = rows.iter().map(|row| (row[0].as_str(), row[3].as_str())).collect();
        assert_eq!(deviating, [("000000000003", format!("{long}y").as_str()), ("000000000003", "1\t2")]);
        assert!(rows.iter().all(|row| row[4].len() < 310 && !row[4].contains('\n')), "it is shown short");
    }

    #[test]
    fn where_the_usual_value_is_not_certain_every_cell_says_so() {
        let rows: String =
            (1..=10_002).map(|number| format!("{number:012},eu-west-1,v{number}x\n")).collect();
        let rows = deviations(&format!("account_id,region,a\n{rows}"));
        assert_eq!(rows.len(), 10_002);
        assert!(rows.iter().all(|row| row[4].is_empty() && row[5] == reasons::MOST_FREQUENT_NOT_CERTAIN));
    }

    #[test]
    fn a_text_that_begins_like_a_formula_is_neutralised() {
        for (text, safe) in
            [("=1", "'=1"), ("+1", "'+1"), ("-1", "'-1"), ("@x", "'@x"), ("a=1", "a=1"), ("", "")]
        {
            assert_eq!(inert(text), safe);
        }
    }
}
