//! The table `item_outcomes`: how each item of a run with lanes ended.

use errors::JobError;
use table::{Column, Kind, Table};

use super::results::Results;
use crate::tables::TableFile;
use crate::{Part, RunContext};

/// One row for each item.
pub(crate) const OUTCOMES: Table = Table {
    name: "item_outcomes",
    columns: &[
        Column::required("run_id", Kind::Text),
        Column::required("kind", Kind::Text),
        Column::required("lane", Kind::Text),
        Column::required("item", Kind::Text),
        Column::required("status", Kind::Text),
        Column::required("at", Kind::Timestamp),
        Column::optional("error", Kind::Text),
        Column::optional("cause", Kind::Text),
    ],
};

/// Writes the table as a part of the run.
pub(super) async fn write(
    results: &Results<'_>,
    run: RunContext<'_>,
    kind: models::Kind,
) -> Result<Part, JobError> {
    let mut table = TableFile::new(OUTCOMES.name, OUTCOMES.columns)?;
    for ((lane, item), outcome) in &results.outcomes {
        table.push(&[
            run.run_id.as_str().into(),
            kind.as_str().into(),
            lane.as_str().into(),
            item.as_str().into(),
            outcome.status.as_str().into(),
            outcome.at.as_millisecond().into(),
            outcome.failure.as_ref().map(|it| &it.error).into(),
            outcome.failure.as_ref().map(|it| &it.cause).into(),
        ])?;
    }
    table.finish(results.store, run).await
}
