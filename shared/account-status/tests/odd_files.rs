//! Every file under `tests/fixtures/reports`, and what the reader makes of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::path::Path;

use serde_json::{Value, json};

#[test]
fn every_odd_file_is_read_or_refused_as_recorded() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/reports");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 12, "{} files", files.len());
    for file in files {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let outcome: Value = match support::read(std::fs::read(&file).unwrap()) {
            Err(error) => json!({"refused": error.to_string()}),
            Ok(read) => {
                let rows: Vec<String> = read.rows.iter().map(|row| format!("{row:?}")).collect();
                json!({"rows": rows, "gaps": read.summary.coverage.gaps, "repeated": read.summary.repeated, "grain": read.summary.layout.grain})
            }
        };
        insta::assert_json_snapshot!(name, outcome);
    }
}
