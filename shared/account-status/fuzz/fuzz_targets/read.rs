//! Whatever the bytes are, and however they arrive: no panic, one outcome, and every row counted once.
#![no_main]

use std::cell::Cell;
use std::path::{Path, PathBuf};

use account_status::{Evidence, Next, Pass, ReportError, Subject, Summary};
use libfuzzer_sys::fuzz_target;

/// What became of a file: its summary as text and its table's bytes, or the refusal.
struct Outcome(Result<String, String>, Option<Vec<u8>>);

fuzz_target!(|bytes: &[u8]| {
    let whole = read(bytes, |rest| rest);
    // The bytes choose the size, so that every odd file is an input as it is.
    let size = bytes.iter().map(|byte| usize::from(*byte)).sum::<usize>() % 300 + 1;
    same(&read(bytes, |rest| rest.min(size)), &whole);
    // Pieces of changing sizes, some of them empty.
    let seed = Cell::new(size);
    let changing = read(bytes, |rest| {
        seed.set(seed.get().wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
        rest.min((seed.get() >> 33) % 23)
    });
    same(&changing, &whole);
});

fn same(pieces: &Outcome, whole: &Outcome) {
    assert_eq!(pieces.0, whole.0);
    assert!(pieces.1 == whole.1, "the same summary, and another table");
}

fn read(bytes: &[u8], piece: impl Fn(usize) -> usize) -> Outcome {
    let table = table();
    let evidence = match passes(bytes, &table, piece) {
        Ok(evidence) => evidence,
        Err(error) => return Outcome(Err(error.to_string()), None),
    };
    let summary = Summary::new(&evidence, "run", None, None, None);
    // Without anybody who says what to expect, nothing is ever concluded.
    assert!(summary.attributes.iter().all(|attribute| attribute.uniform.is_none()));
    let counted = summary.attributes.iter().map(|attribute| {
        let listed: u64 = attribute.values.iter().map(|value| value.cells).sum();
        listed + attribute.unlisted_cells + attribute.other_cells + attribute.unknown_cells
    });
    assert_eq!(counted.sum::<u64>(), evidence.rows);
    Outcome(Ok(format!("{summary:?}")), Some(std::fs::read(&table).unwrap()))
}

fn passes(bytes: &[u8], table: &Path, piece: impl Fn(usize) -> usize) -> Result<Evidence, ReportError> {
    let subject = Subject { object: "report.csv".into(), run_id: "run".into(), observed_at: None };
    let mut pass = Pass::new(subject, table);
    for _ in 0..3 {
        let mut rest = bytes;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(piece(rest.len()));
            pass.feed(now)?;
            rest = later;
        }
        match pass.finish()? {
            Next::Done(evidence) => return Ok(*evidence),
            Next::Again(next) => pass = *next,
        }
    }
    panic!("a file is read three times at the most");
}

/// A file of this process: in memory, where there is such a place.
fn table() -> PathBuf {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    folder.join(format!("muster-fuzz-{}.parquet", std::process::id()))
}
