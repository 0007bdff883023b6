//! The run's row in the table `runs`: published last, and what every view starts from.

use errors::JobError;
use models::{Ticket, keys};
use store::Store;
use store::publish::RUNS_TABLE;
use table::{Column, Kind, Table};

use crate::job::{Collected, Part, RunContext};
use crate::tables::TableFile;

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
    run: RunContext<'_>,
    collected: &Collected,
) -> Result<Part, JobError> {
    let rows: u64 = collected.parts.iter().filter(|part| part.table().is_some()).map(|part| part.rows).sum();
    let mut table = TableFile::new(RUNS.name, RUNS.columns)?;
    table.push(&[
        ticket.run_id.as_str().into(),
        ticket.kind.as_str().into(),
        ticket.item.as_str().into(),
        i64::from(ticket.attempt).into(),
        ticket.started_at.as_millisecond().into(),
        run.now.as_millisecond().into(),
        collected.observed_at.map(|at| at.as_millisecond()).into(),
        collected.coverage.expected_accounts.into(),
        collected.coverage.seen_accounts.into(),
        collected.coverage.is_complete().into(),
        rows.into(),
        keys::manifest(&ticket.run_id).as_str().into(),
        SCHEMA_VERSION.into(),
    ])?;
    table.finish(store, run).await
}
