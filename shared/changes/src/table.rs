//! The table `organization_changes`: what was planned, and what came of it.

use std::collections::BTreeMap;

use errors::JobError;
use runtime::tables::TableFile;
use runtime::{Part, RunContext};
use store::Store;
use table::{Column, Kind, Table};

use crate::effect::Effect;
use crate::plan::Plan;

const CHANGES: Table = Table {
    name: "organization_changes",
    columns: &[
        Column::required("run_id", Kind::Text),
        // The kind that planned it.
        Column::required("kind", Kind::Text),
        // The run that made the plan.
        Column::required("plan_run_id", Kind::Text),
        Column::required("plan_digest", Kind::Text),
        // Counts from 1.
        Column::required("wave", Kind::Integer),
        // Counts through all waves, from 1.
        Column::required("number", Kind::Integer),
        // AWS's name of the call.
        Column::required("operation", Kind::Text),
        Column::required("object", Kind::Text),
        Column::required("why", Kind::Text),
        // `planned`, `made`, `found` or `attempted`.
        Column::required("status", Kind::Text),
        // JSON.
        Column::required("before", Kind::Text),
        Column::required("after", Kind::Text),
        Column::optional("made_at", Kind::Timestamp),
        Column::required("answer_lost", Kind::Boolean),
        Column::required("schema_version", Kind::Integer),
    ],
};

const SCHEMA_VERSION: i64 = 1;

/// The tables of every kind that changes an organization.
pub const TABLES: [Table; 1] = [CHANGES];

pub(crate) async fn write(
    store: &Store,
    run: RunContext<'_>,
    plan: &Plan,
    effects: &[Effect],
) -> Result<Part, JobError> {
    let effects: BTreeMap<u32, &Effect> = effects.iter().map(|effect| (effect.number, effect)).collect();
    let mut table = TableFile::new(CHANGES.name, CHANGES.columns)?;
    for (wave, changes) in plan.waves.iter().enumerate() {
        for change in &changes.changes {
            let effect = effects.get(&change.number);
            let before = effect.map_or(&change.before, |effect| &effect.before).to_string();
            table.push(&[
                run.run_id.as_str().into(),
                plan.kind.as_str().into(),
                plan.run_id.as_str().into(),
                plan.digest.as_str().into(),
                (wave as u64 + 1).into(),
                u64::from(change.number).into(),
                change.call.name().into(),
                change.call.object().to_string().as_str().into(),
                change.why.as_str().into(),
                effect.map_or("planned", |effect| effect.status.as_str()).into(),
                before.as_str().into(),
                change.after.to_string().as_str().into(),
                effect.and_then(|effect| effect.made_at).map(|at| at.as_millisecond()).into(),
                effect.is_some_and(|effect| effect.answer_lost).into(),
                SCHEMA_VERSION.into(),
            ])?;
        }
    }
    table.finish(store, run).await
}
