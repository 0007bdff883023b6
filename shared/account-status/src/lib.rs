//! The CSV of EC2's declarative policies (account status) report, turned into checked, typed evidence.
//!
//! AWS documents no layout, so the reader goes by the header: a row for each account and Region with
//! a column for each attribute (*wide*), or a row for each account, Region and attribute (*long*),
//! in any order. What it cannot place is refused with the header it saw; what it cannot read is
//! unknown, counted, and never guessed.
//!
//! One pass over the bytes, pushed in as they arrive, and bounded memory whatever they hold:
//!
//! 1. [`records`]: bytes to records, with positions and limits.
//! 2. [`layout`]: the header and the first records to a place for every column.
//! 3. [`value`]: a cell to its canonical value, or to the reason why it is unknown; [`error_text`]
//!    tells what speaks of an error.
//! 4. [`body`]: rows to cells; a cell that comes twice is noticed exactly, and then [`pass`] reads
//!    the file again.
//! 5. [`statistics`]: counts; [`rows`]: the rows of `account_status`.
//! 6. [`summary`]: what is known and how much of it; [`aws_summary`]: whether AWS's own summary agrees.

mod aws_summary;
mod body;
mod error;
mod error_text;
mod evidence;
mod layout;
mod pass;
mod places;
mod quotes;
pub mod reasons;
mod records;
mod repeats;
mod rows;
mod statistics;
mod summary;
mod summary_value;
mod value;

pub use aws_summary::{AwsAttribute, AwsSummary, Compared};
pub use error::{ReportError, ReportErrorKind};
pub use evidence::{Evidence, Subject};
pub use layout::{Grain, Layout};
pub use pass::{Next, Pass};
pub use rows::{COLUMNS, TABLE};
pub use summary::{AttributeSummary, Expected, Listed, RegionCount, Summary, ValueCount};
pub use summary_value::SummaryValue;

use std::io::Read;
use std::path::Path;

/// Reads a CSV that can be opened again, and writes its long table to a file.
pub fn read_file(csv: &Path, table: &Path, subject: Subject) -> Result<Evidence, ReportError> {
    let mut buffer = vec![0; 256 * 1024];
    let mut pass = Pass::new(subject, table);
    loop {
        let mut file = std::fs::File::open(csv).map_err(|error| pass.unreadable(&error))?;
        loop {
            let count = file.read(&mut buffer).map_err(|error| pass.unreadable(&error))?;
            if count == 0 {
                break;
            }
            pass.feed(&buffer[..count])?;
        }
        match pass.finish()? {
            Next::Done(evidence) => return Ok(*evidence),
            Next::Again(next) => pass = *next,
        }
    }
}
