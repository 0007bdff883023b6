//! The run's row in the table `runs`: published last, and what every view starts from.

use errors::JobError;
use jiff::Timestamp;
use models::{Ticket, keys};
use store::Store;
use store::publish::RUNS_TABLE;
use table::{Chunk, Codes, Column, Dictionary, Kind, NULL, TableError, TableWriter, Texts};

use crate::function::Invocation;
use crate::job::{Collected, Part};

/// One row for each published run. Columns are only ever added.
const COLUMNS: [Column; 13] = [
    Column::required("run_id", Kind::Text),
    Column::required("kind", Kind::Text),
    Column::required("item", Kind::Text),
    Column::required("attempt", Kind::Integer),
    Column::required("started_at", Kind::Timestamp),
    Column::required("finished_at", Kind::Timestamp),
    Column::optional("observed_at", Kind::Timestamp),
    Column::optional("expected_accounts", Kind::Integer),
    Column::required("seen_accounts", Kind::Integer),
    Column::required("complete", Kind::Boolean),
    Column::required("rows", Kind::Integer),
    Column::required("manifest", Kind::Text),
    Column::required("schema_version", Kind::Integer),
];

const SCHEMA_VERSION: i64 = 1;

/// Writes the row as a part of the run.
pub(crate) async fn write(
    store: &Store,
    ticket: &Ticket,
    collected: &Collected,
    invocation: &Invocation,
) -> Result<Part, JobError> {
    let bytes = row(ticket, collected, invocation.now()).map_err(JobError::defect)?;
    let key = keys::part(&ticket.run_id, &ticket.item, &invocation.request_id, "runs-0.parquet");
    let size = bytes.len() as u64;
    let etag = store.put(&key, bytes).await?;
    Ok(Part { table: RUNS_TABLE, key, etag, rows: 1, bytes: size })
}

fn row(ticket: &Ticket, collected: &Collected, now: Timestamp) -> Result<Vec<u8>, TableError> {
    let text = |text: &str| Texts::from_iter([text]);
    let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    let (run_id, kind, item) =
        (text(ticket.run_id.as_str()), text(ticket.kind.as_str()), text(ticket.item.as_str()));
    let manifest = text(&keys::manifest(&ticket.run_id));
    let attempt = [i64::from(ticket.attempt)];
    let (started_at, finished_at) = ([ticket.started_at.as_millisecond()], [now.as_millisecond()]);
    let observed_at: Vec<i64> = collected.observed_at.iter().map(|at| at.as_millisecond()).collect();
    let expected: Vec<i64> = collected.coverage.expected_accounts.map(number).into_iter().collect();
    let seen = [number(collected.coverage.seen_accounts)];
    let rows = [number(collected.parts.iter().map(|part| part.rows).sum())];
    let texts = |values| Chunk::Coded(Dictionary::Texts(values), Codes::Constant(0));
    let mut writer = TableWriter::new(Vec::new(), RUNS_TABLE, &COLUMNS)?;
    writer.write(
        1,
        &[
            texts(&run_id),
            texts(&kind),
            texts(&item),
            one(&attempt),
            one(&started_at),
            one(&finished_at),
            one(&observed_at),
            one(&expected),
            one(&seen),
            Chunk::Booleans(&[collected.coverage.is_complete()]),
            one(&rows),
            texts(&manifest),
            one(&[SCHEMA_VERSION]),
        ],
    )?;
    Ok(writer.finish()?.0)
}

/// A column of one row; without a value, of none.
fn one(values: &[i64]) -> Chunk<'_> {
    Chunk::Coded(Dictionary::Integers(values), Codes::Constant(if values.is_empty() { NULL } else { 0 }))
}
