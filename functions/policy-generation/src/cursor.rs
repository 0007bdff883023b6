//! What is remembered of an account from run to run: how much of its trail fits a generation, and when
//! each principal's policy was generated, or tried.
//!
//! A lane writes it as it goes on, before its run is published. A policy of a run that ended without
//! being published does not count: whoever reads asks for the run's manifest, or whether it still goes on.

use std::collections::{BTreeMap, BTreeSet};

use errors::JobError;
use jiff::Timestamp;
use models::{AccountId, ItemName, JobRecord, Kind, RunId, keys};
use serde::{Deserialize, Serialize};
use store::{Store, Versioned};

use crate::kind::ITEMS;
use crate::window::Learned;

const KIND: Kind = Kind::PolicyGeneration;

/// One account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Cursor {
    schema_version: u32,
    #[serde(default)]
    pub(crate) learned: Learned,
    /// By the principals' ids.
    #[serde(default)]
    principals: BTreeMap<ItemName, Remembered>,
}

/// One principal.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Remembered {
    /// Newest first, one of each run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    generated: Vec<Generated>,
    /// When an order for it last ended, whatever came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tried: Option<Timestamp>,
}

/// A policy that was generated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Generated {
    pub(crate) at: Timestamp,
    pub(crate) run: RunId,
    /// The window that was asked for, whatever of it did fit.
    pub(crate) window_days: u32,
}

/// What counts of a principal's past.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Past {
    /// The newest policy of a run that was published or still goes on.
    pub(crate) valid: Option<(Timestamp, RunId)>,
    /// When one was last ordered.
    pub(crate) tried: Option<Timestamp>,
}

/// Policies that are remembered of each principal: one counts if newer ones are never published.
const MOST: usize = 3;

impl Default for Cursor {
    fn default() -> Self {
        Self { schema_version: 1, learned: Learned::default(), principals: BTreeMap::new() }
    }
}

impl Cursor {
    pub(crate) async fn read(store: &Store, account: &AccountId) -> Result<Self, JobError> {
        let key = keys::cursor_of(KIND, account.as_str());
        Ok(store.load(&key).await?.map(|it: Versioned<Self>| it.value).unwrap_or_default())
    }

    /// What other runs than this one have left of one principal.
    pub(crate) fn of(mut self, id: &ItemName, run: &RunId) -> Self {
        self.principals.retain(|it, _| it == id);
        self.principals.values_mut().for_each(|it| it.generated.retain(|policy| policy.run != *run));
        self
    }

    /// The past of each principal, for a run that asks for so many days: a policy that was made from
    /// fewer does not count.
    pub(crate) async fn past(
        &self,
        store: &Store,
        present: &RunId,
        window_days: u32,
    ) -> Result<BTreeMap<ItemName, Past>, JobError> {
        let mut counts = BTreeSet::from([present]);
        let runs: BTreeSet<&RunId> =
            self.principals.values().flat_map(|it| &it.generated).map(|it| &it.run).collect();
        for run in runs {
            if has_come_to_something(store, run).await? {
                counts.insert(run);
            }
        }
        let past = self.principals.iter().map(|(id, it)| {
            let does = |it: &&Generated| counts.contains(&it.run) && it.window_days >= window_days;
            let valid = it.generated.iter().find(does).map(|it| (it.at, it.run.clone()));
            (id.clone(), Past { valid, tried: it.tried })
        });
        Ok(past.collect())
    }

    /// That a principal's policy was generated. Doing it twice changes nothing.
    pub(crate) fn generate(&mut self, id: &ItemName, policy: &Generated) {
        let of = self.principals.entry(id.clone()).or_default();
        of.generated.retain(|it| it.run != policy.run);
        of.generated.insert(0, policy.clone());
        of.generated.truncate(MOST);
    }

    /// That an order for a principal has ended.
    pub(crate) fn tried(&mut self, id: &ItemName, at: Timestamp) {
        let of = self.principals.entry(id.clone()).or_default();
        of.tried = of.tried.max(Some(at));
    }

    /// Forgets principals that the account does not have any more.
    pub(crate) fn retain(&mut self, ids: &BTreeSet<ItemName>) {
        self.principals.retain(|id, _| ids.contains(id));
    }
}

/// Whether a run was published, or still goes on and may be.
async fn has_come_to_something(store: &Store, run: &RunId) -> Result<bool, JobError> {
    if store.get(&keys::manifest(run)).await?.is_some() {
        return Ok(true);
    }
    for item in ITEMS {
        let item = item.parse().map_err(JobError::defect)?;
        if let Some(record) = store.load::<JobRecord>(&keys::record(run, &item)).await? {
            return Ok(record.value.outcome().is_none());
        }
    }
    Ok(false)
}

/// Changes what is remembered of an account.
pub(crate) async fn update(
    store: &Store,
    account: &AccountId,
    change: impl Fn(&mut Cursor) + Send + Sync,
) -> Result<(), JobError> {
    store.update(&keys::cursor_of(KIND, account.as_str()), change).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_of_earlier_runs_are_remembered_and_one_of_each_run() {
        let id: ItemName = "AROA1".parse().unwrap();
        let mut cursor = Cursor::default();
        let policy = |number: u32| Generated {
            at: Timestamp::from_second(i64::from(number)).unwrap(),
            run: format!("20261101T000000Z-0000000{number}").parse().unwrap(),
            window_days: 90,
        };
        for number in [1, 2, 2, 3, 4] {
            cursor.generate(&id, &policy(number));
        }
        assert_eq!(cursor.principals[&id].generated, [4, 3, 2].map(policy));
        cursor.tried(&id, Timestamp::from_second(5).unwrap());
        cursor.tried(&id, Timestamp::from_second(4).unwrap());
        assert_eq!(cursor.principals[&id].tried, Timestamp::from_second(5).ok());
        cursor.retain(&BTreeSet::new());
        assert!(cursor.principals.is_empty());
    }
}
