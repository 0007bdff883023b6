//! `muster parse`: a CSV that somebody has, turned into evidence without AWS.

mod deviations;

use std::path::Path;

use account_status::{Evidence, Subject, Summary, read_file};

use crate::arguments::Parse;
use crate::{Done, Problem, view};

pub(crate) fn main(arguments: &Parse) -> Done {
    let out = &arguments.out;
    std::fs::create_dir_all(out).map_err(Problem::file(out))?;
    let file = |name: &str| out.join(name);
    let table = file("account_status.parquet");
    let subject = Subject {
        object: arguments.file.display().to_string(),
        run_id: "parsed".to_owned(),
        observed_at: None,
    };
    let evidence = read(&arguments.file, &table, subject)?;
    // Nobody says which accounts there should be, nor what AWS counted: nothing is concluded.
    let summary = Summary::new(&evidence, "parsed", None, None, None);
    let text = serde_json::to_vec_pretty(&summary).map_err(|error| Problem::other(error.to_string()))?;
    write(&file("summary.json"), &text)?;
    let deviations = file("deviations.csv");
    let rows = deviations::write(&table, &summary, &deviations)?;
    let shown = serde_json::to_value(&summary).map_err(|error| Problem::other(error.to_string()))?;
    view::say(&format!("\n{}\n", view::line(&arguments.file.display().to_string())));
    view::show_summary(&shown);
    for (name, path) in [("table", &table), ("summary", &file("summary.json"))] {
        view::say(&format!("  {name:<11} {}", path.display()));
    }
    view::say(&format!(
        "  {:<11} {} ({} cells that deviate or are unknown)",
        "deviations",
        deviations.display(),
        view::number(rows)
    ));
    Ok(())
}

/// Reads a report into a table. What a report that breaks off leaves is no evidence, and is removed.
fn read(report: &Path, table: &Path, subject: Subject) -> Done<Evidence> {
    let part = table.with_extension("part");
    match read_file(report, &part, subject) {
        Ok(evidence) => {
            std::fs::rename(&part, table).map_err(Problem::file(table))?;
            Ok(evidence)
        }
        Err(error) => {
            // Often it is not there yet; what matters is why the report was refused.
            let _ = std::fs::remove_file(&part);
            Err(Problem::other(error.to_string()))
        }
    }
}

fn write(path: &Path, bytes: &[u8]) -> Done {
    std::fs::write(path, bytes).map_err(Problem::file(path))
}
