//! The table `item_outcomes`: how each item of a run with lanes ended.

use errors::JobError;
use models::keys;
use table::{Column, Kind, RowWriter, Table, TableError};

use super::results::Results;
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
    let bytes = table(results, run, kind).map_err(JobError::defect)?;
    let key = keys::part(run.run_id, run.item, run.writer, "item_outcomes-0.parquet");
    let size = bytes.len() as u64;
    let etag = results.store.put(&key, bytes).await?;
    Ok(Part { table: OUTCOMES.name, key, etag, rows: results.outcomes.len() as u64, bytes: size })
}

fn table(results: &Results<'_>, run: RunContext<'_>, kind: models::Kind) -> Result<Vec<u8>, TableError> {
    let mut writer = RowWriter::new(Vec::new(), OUTCOMES.name, OUTCOMES.columns)?;
    for ((lane, item), outcome) in &results.outcomes {
        writer.push(&[
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
    Ok(writer.finish()?.0)
}
