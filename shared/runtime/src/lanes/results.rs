//! What the lanes left, for gathering.

use std::collections::BTreeMap;

use errors::JobError;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use models::{ItemName, ItemOutcome, LaneLine, LanePart, LaneRecord, OutcomeStatus, RunId};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;
use store::Store;

/// Lanes that are read at once.
const AT_ONCE: usize = 16;

/// How the items of one lane ended: the last outcome of each.
#[derive(Debug, Default)]
pub struct Outcomes(BTreeMap<ItemName, ItemOutcome>);

impl Outcomes {
    pub fn get(&self, item: &str) -> Option<&ItemOutcome> {
        self.0.get(&item.parse().ok()?)
    }

    /// In the order of the items' names.
    pub fn iter(&self) -> impl Iterator<Item = &ItemOutcome> {
        self.0.values()
    }

    /// Those of items that are missing: neither done nor left out.
    pub fn missing(&self) -> impl Iterator<Item = &ItemOutcome> {
        self.iter().filter(|it| !matches!(it.status, OutcomeStatus::Succeeded | OutcomeStatus::Skipped))
    }
}

/// What the lanes of a run left: how each item ended, and what was read. Held are the lanes' records
/// alone: there may be more outcomes than fit into memory.
#[derive(Debug)]
pub struct Results<'a> {
    pub(super) store: &'a Store,
    lanes: BTreeMap<ItemName, LaneRecord>,
    basis: Value,
}

impl<'a> Results<'a> {
    pub(super) fn new(
        store: &'a Store,
        run: &RunId,
        lanes: BTreeMap<ItemName, LaneRecord>,
        basis: Value,
    ) -> Result<Self, JobError> {
        match lanes.values().find(|record| record.run_id != *run) {
            Some(LaneRecord { lane, run_id, .. }) => {
                Err(JobError::defect(format!("the record of lane {lane} is one of {run_id}")))
            }
            None => Ok(Self { store, lanes, basis }),
        }
    }

    /// The names of the lanes, in their order.
    pub fn lanes(&self) -> impl Iterator<Item = &ItemName> {
        self.lanes.keys()
    }

    /// How many items the lanes have added to what was planned.
    pub(super) fn added(&self) -> u64 {
        self.lanes.values().filter_map(|it| it.added.as_ref()).map(|it| it.count).sum()
    }

    /// What the run was planned from, as the plan told it.
    pub fn basis<T: DeserializeOwned>(&self) -> Result<T, JobError> {
        serde_json::from_value(self.basis.clone())
            .map_err(|error| JobError::defect(format!("what the run was planned from: {error}")))
    }

    /// How every item ended, by lane: for kinds of few items.
    pub async fn outcomes(&self) -> Result<BTreeMap<ItemName, Outcomes>, JobError> {
        let mut all = BTreeMap::new();
        self.each_lane(|lane, outcomes| {
            all.insert(lane.clone(), outcomes);
            Ok(())
        })
        .await?;
        Ok(all)
    }

    /// How the items of each lane ended, lane after lane; some are read ahead.
    pub(super) async fn each_lane(
        &self,
        mut each: impl FnMut(&ItemName, Outcomes) -> Result<(), JobError> + Send,
    ) -> Result<(), JobError> {
        let of_lanes: Vec<_> = self.lanes.values().map(|record| ended(self.store, record)).collect();
        let mut of_lanes = stream::iter(of_lanes).buffered(AT_ONCE);
        for name in self.lanes.keys() {
            if let Some(outcomes) = of_lanes.try_next().await? {
                each(name, outcomes)?;
            }
        }
        Ok(())
    }

    /// Everything that was read in a lane, in its order, and how its items ended, in one pass.
    pub async fn lane<Entry: DeserializeOwned>(
        &self,
        lane: &ItemName,
        mut each: impl FnMut(Entry) -> Result<(), JobError> + Send,
    ) -> Result<Outcomes, JobError> {
        let mut outcomes = Outcomes::default();
        for part in self.lanes.get(lane).map_or(&[][..], |record| &record.parts) {
            lines::<Entry>(self.store, part, &mut |line| {
                match line {
                    LaneLine::Data(entry) => each(entry)?,
                    LaneLine::Outcome(outcome) => drop(outcomes.0.insert(outcome.item.clone(), outcome)),
                }
                Ok(())
            })
            .await?;
        }
        Ok(outcomes)
    }

    /// Everything that was read in a lane, in its order. Of an item that was done again there may be
    /// entries of each time.
    pub async fn entries<Entry: DeserializeOwned>(
        &self,
        lane: &ItemName,
        each: impl FnMut(Entry) -> Result<(), JobError> + Send,
    ) -> Result<(), JobError> {
        self.lane(lane, each).await.map(drop)
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

/// The last outcome of each item of a lane. The last parts are read first: an item's outcome comes
/// after its data, so that those with data alone are mostly left for [`Results::entries`] to read.
async fn ended(store: &Store, record: &LaneRecord) -> Result<Outcomes, JobError> {
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
    Ok(Outcomes(ended))
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
