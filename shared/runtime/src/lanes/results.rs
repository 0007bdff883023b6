//! What the lanes left.

use std::collections::BTreeMap;

use errors::JobError;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use models::{ItemName, ItemOutcome, LaneLine, LanePart, LaneRecord, OutcomeStatus, RunId};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;
use store::Store;

/// Lanes that are read at once.
const AT_ONCE: usize = 16;

/// What the lanes of a run left: how each item ended, and what was read.
#[derive(Debug)]
pub struct Results<'a> {
    pub(super) store: &'a Store,
    pub(super) lanes: BTreeMap<ItemName, LaneRecord>,
    /// By lane and item, the last outcome of each.
    pub(super) outcomes: BTreeMap<(ItemName, ItemName), ItemOutcome>,
    pub(super) basis: Value,
}

impl<'a> Results<'a> {
    /// Reads how every item ended.
    pub(super) async fn open(
        store: &'a Store,
        run: &RunId,
        lanes: BTreeMap<ItemName, LaneRecord>,
    ) -> Result<Self, JobError> {
        let of_lanes: Vec<_> = lanes.values().map(|record| ended(store, run, record)).collect();
        let mut of_lanes = stream::iter(of_lanes).buffered(AT_ONCE);
        let mut outcomes = BTreeMap::new();
        for name in lanes.keys() {
            let ended = of_lanes.try_next().await?.unwrap_or_default();
            outcomes.extend(ended.into_iter().map(|(item, outcome)| ((name.clone(), item), outcome)));
        }
        drop(of_lanes);
        Ok(Self { store, lanes, outcomes, basis: Value::Null })
    }

    /// What the run was planned from, as the plan told it.
    pub fn basis<T: DeserializeOwned>(&self) -> Result<T, JobError> {
        serde_json::from_value(self.basis.clone())
            .map_err(|error| JobError::defect(format!("what the run was planned from: {error}")))
    }

    /// How an item of a lane ended.
    pub fn outcome(&self, lane: &str, item: &str) -> Option<&ItemOutcome> {
        let key = (lane.parse().ok()?, item.parse().ok()?);
        self.outcomes.get(&key)
    }

    /// How every item ended, by lane.
    pub fn outcomes(&self) -> impl Iterator<Item = (&ItemName, &ItemOutcome)> {
        self.outcomes.iter().map(|((lane, _), outcome)| (lane, outcome))
    }

    /// How many items ended how.
    pub fn counts(&self) -> BTreeMap<OutcomeStatus, u64> {
        let mut counts = BTreeMap::new();
        for outcome in self.outcomes.values() {
            *counts.entry(outcome.status).or_default() += 1;
        }
        counts
    }

    /// Everything that was read in a lane, in its order. Of an item that was done again there may be
    /// entries of each time.
    pub async fn entries<Entry: DeserializeOwned>(
        &self,
        lane: &ItemName,
        each: impl FnMut(Entry) -> Result<(), JobError> + Send,
    ) -> Result<(), JobError> {
        match self.lanes.get(lane) {
            Some(record) => entries(self.store, record, each).await,
            None => Ok(()),
        }
    }

    /// Everything that was read in all lanes, by lane.
    pub async fn all_entries<Entry: DeserializeOwned>(
        &self,
        mut each: impl FnMut(Entry) -> Result<(), JobError> + Send,
    ) -> Result<(), JobError> {
        for lane in self.lanes.keys() {
            self.entries(lane, &mut each).await?;
        }
        Ok(())
    }
}

/// Everything that was read in the lane of this record, in its order.
pub(super) async fn entries<Entry: DeserializeOwned>(
    store: &Store,
    record: &LaneRecord,
    mut each: impl FnMut(Entry) -> Result<(), JobError> + Send,
) -> Result<(), JobError> {
    for part in &record.parts {
        lines::<Entry>(store, part, &mut |line| match line {
            LaneLine::Data(entry) => each(entry),
            LaneLine::Outcome(_) => Ok(()),
        })
        .await?;
    }
    Ok(())
}

/// The last outcome of each item of a lane. The last parts are read first: an item's outcome comes
/// after its data, so that those with data alone are mostly left for [`Results::entries`] to read.
async fn ended(
    store: &Store,
    run: &RunId,
    record: &LaneRecord,
) -> Result<BTreeMap<ItemName, ItemOutcome>, JobError> {
    if record.run_id != *run {
        return Err(JobError::defect(format!(
            "the record of lane {} is one of {}",
            record.lane, record.run_id
        )));
    }
    // A lane that was told to do items again does not count the outcomes that they had.
    let count = (record.again == 0).then(|| record.outcomes.values().sum::<u64>());
    let mut ended = BTreeMap::new();
    for part in record.parts.iter().rev() {
        if count == Some(ended.len() as u64) {
            break;
        }
        let mut here = BTreeMap::new();
        lines::<IgnoredAny>(store, part, &mut |line| {
            if let LaneLine::Outcome(outcome) = line {
                here.insert(outcome.item.clone(), outcome);
            }
            Ok(())
        })
        .await?;
        for (item, outcome) in here {
            ended.entry(item).or_insert(outcome);
        }
    }
    Ok(ended)
}

async fn lines<Entry: DeserializeOwned>(
    store: &Store,
    part: &LanePart,
    each: &mut (dyn FnMut(LaneLine<Entry>) -> Result<(), JobError> + Send),
) -> Result<(), JobError> {
    let mut lines = store.lines(&part.key, Some(&part.etag)).await?;
    let mut count = 0;
    while let Some(line) = lines.next().await? {
        each(line)?;
        count += 1;
    }
    if count != part.lines {
        return Err(JobError::defect(format!("{} has {count} lines, {} were written", part.key, part.lines)));
    }
    Ok(())
}
