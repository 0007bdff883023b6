//! The table `item_outcomes`: how each item of a run with lanes ended.

use std::collections::BTreeMap;

use errors::JobError;
use models::OutcomeStatus;
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

/// How many items ended how.
pub(super) type Counts = BTreeMap<OutcomeStatus, u64>;

/// Writes the table as a part of the run, and counts.
pub(super) async fn write(
    results: &Results<'_>,
    run: RunContext<'_>,
    kind: models::Kind,
) -> Result<(Part, Counts), JobError> {
    let (mut table, mut counts) = (TableFile::new(OUTCOMES.name, OUTCOMES.columns)?, Counts::new());
    results
        .each_lane(|lane, outcomes| {
            outcomes.iter().try_for_each(|outcome| {
                *counts.entry(outcome.status).or_default() += 1;
                table.push(&[
                    run.run_id.as_str().into(),
                    kind.as_str().into(),
                    lane.as_str().into(),
                    outcome.item.as_str().into(),
                    outcome.status.as_str().into(),
                    outcome.at.as_millisecond().into(),
                    outcome.failure.as_ref().map(|it| &it.error).into(),
                    outcome.failure.as_ref().map(|it| &it.cause).into(),
                ])
            })
        })
        .await?;
    Ok((table.finish(results.store, run).await?, counts))
}
