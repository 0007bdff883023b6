//! The run's row in the table `runs`: published last, and what every view starts from.

use errors::JobError;
use jiff::Timestamp;
use models::{Ticket, keys};
use store::Store;
use store::publish::RUNS_TABLE;
use table::{Column, Kind, RowWriter, Table, TableError};

use crate::function::Invocation;
use crate::job::{Collected, Part};

/// One row for each published run.
pub(crate) const RUNS: Table = Table {
    name: RUNS_TABLE,
    columns: &[
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
    ],
};

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
    Ok(Part { table: RUNS.name, key, etag, rows: 1, bytes: size })
}

fn row(ticket: &Ticket, collected: &Collected, now: Timestamp) -> Result<Vec<u8>, TableError> {
    let rows: u64 = collected.parts.iter().map(|part| part.rows).sum();
    let mut writer = RowWriter::new(Vec::new(), RUNS.name, RUNS.columns)?;
    writer.push(&[
        ticket.run_id.as_str().into(),
        ticket.kind.as_str().into(),
        ticket.item.as_str().into(),
        i64::from(ticket.attempt).into(),
        ticket.started_at.as_millisecond().into(),
        now.as_millisecond().into(),
        collected.observed_at.map(|at| at.as_millisecond()).into(),
        collected.coverage.expected_accounts.into(),
        collected.coverage.seen_accounts.into(),
        collected.coverage.is_complete().into(),
        rows.into(),
        keys::manifest(&ticket.run_id).as_str().into(),
        SCHEMA_VERSION.into(),
    ])?;
    Ok(writer.finish()?.0)
}
