//! What planning writes, and how a run goes on until all of its lanes are closed.

use std::collections::BTreeMap;

use errors::JobError;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use models::{ErrorName, ItemName, LaneRecord, Plan, PlannedLane, RunId, keys};
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::{Store, Versioned};

use super::LanePlan;
use super::items::Items;
use crate::{Invocation, RunContext};

/// Objects that are read or written at once.
const AT_ONCE: usize = 16;

/// Writes the lanes and their items.
pub(super) async fn write<Item: Serialize + DeserializeOwned>(
    store: &Store,
    run: RunContext<'_>,
    lanes: Vec<LanePlan<Item>>,
    concurrency: u32,
) -> Result<Plan, JobError> {
    let (count, items) = (lanes.len() as u64, lanes.iter().map(|lane| lane.items.len() as u64).sum());
    let planned: Vec<PlannedLane> = stream::iter(lanes)
        .map(|lane| async move {
            let key = keys::plan(run.run_id, run.writer, &format!("{}.jsonl", lane.name));
            store.put(&key, Items::of(&lane.items)?.to_lines()).await?;
            Ok::<_, JobError>(PlannedLane { name: lane.name, items: key })
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    let key = keys::plan(run.run_id, run.writer, "lanes.json");
    store.put(&key, serde_json::to_vec(&planned).map_err(JobError::defect)?).await?;
    Ok(Plan {
        all: key.clone(),
        open: key,
        since: run.now,
        lanes: count,
        items,
        concurrency,
        again: 0,
        retry: Vec::new(),
        basis: serde_json::Value::Null,
    })
}

/// Every planned lane.
pub(super) async fn all(store: &Store, plan: &Plan) -> Result<Vec<PlannedLane>, JobError> {
    let list = store.load(&plan.all).await?.ok_or_else(|| {
        JobError::new(
            ErrorName::Incomplete,
            format!("the plan {} is not in the bucket any more", plan.all),
            "Run again.",
        )
    })?;
    Ok(list.value)
}

/// The records of all lanes that have one, in the order of their names.
pub(super) async fn records(
    store: &Store,
    run: &RunId,
    lanes: &[PlannedLane],
) -> Result<BTreeMap<ItemName, Versioned<LaneRecord>>, JobError> {
    let names: Vec<ItemName> = lanes.iter().map(|lane| lane.name.clone()).collect();
    stream::iter(names)
        .map(|name| async move {
            let record = store.load::<LaneRecord>(&keys::lane(run, &name)).await?;
            Ok::<_, JobError>(record.map(|record| (name, record)))
        })
        .buffered(AT_ONCE)
        .try_filter_map(|found| async move { Ok(found) })
        .try_collect()
        .await
}

/// How the lanes stand after their executions have ended.
#[derive(Debug)]
pub(super) struct Standing {
    /// Those that are to go on.
    pub(super) open: Vec<PlannedLane>,
    /// Those whose execution ended without having done anything: they would do so again.
    pub(super) stuck: Vec<PlannedLane>,
}

pub(super) async fn standing(store: &Store, run: &RunId, plan: &Plan) -> Result<Standing, JobError> {
    let lanes = all(store, plan).await?;
    let records = records(store, run, &lanes).await?;
    let mut standing = Standing { open: Vec::new(), stuck: Vec::new() };
    for lane in lanes {
        let record = records.get(&lane.name).map(|record| &record.value);
        match record {
            Some(record) if record.is_closed() && record.again == plan.again => {}
            Some(record) if record.updated_at > plan.since => standing.open.push(lane),
            _ => standing.stuck.push(lane),
        }
    }
    Ok(standing)
}

/// The plan that goes on with the lanes that are open.
pub(super) async fn go_on(
    store: &Store,
    invocation: &Invocation,
    run: &RunId,
    plan: Plan,
    open: &[PlannedLane],
) -> Result<Plan, JobError> {
    let key = keys::plan(run, &invocation.request_id, "open.json");
    store.put(&key, serde_json::to_vec(open).map_err(JobError::defect)?).await?;
    Ok(Plan { open: key, since: invocation.now(), ..plan })
}
