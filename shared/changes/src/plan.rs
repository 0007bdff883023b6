//! A plan: the objects that it was made from, and the changes to make, in waves.

use std::collections::BTreeMap;

use errors::JobError;
use jiff::{SignedDuration, Timestamp};
use models::{ErrorName, Kind, RunId, digest, keys};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::Store;

use crate::object::{ObjectId, State, digest_of};
use crate::operation::Operation;

/// A plan as it lies in S3, one document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Plan {
    pub schema_version: u32,
    pub kind: Kind,
    /// The run that made it. What the plan makes is tagged with it.
    pub run_id: RunId,
    pub made_at: Timestamp,
    /// The run whose changes are taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rolls_back: Option<RunId>,
    /// Every object that was read and counts, and every one that is changed.
    pub objects: Vec<Read>,
    pub waves: Vec<Wave>,
    /// What an operator should know before applying it.
    pub warnings: Vec<String>,
    /// In how many accounts nobody can say what the changes come to. More than none are applied only by a
    /// request that accepts it.
    pub unknown: u64,
    /// What the kind needs to prove the changes.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub details: Value,
    /// SHA-256 of everything above, as JSON with sorted keys and without white space.
    pub digest: String,
}

/// An object as it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Read {
    pub id: ObjectId,
    pub state: State,
    /// SHA-256 of its canonical form.
    pub digest: String,
}

/// Changes that are made together, before any of the next wave.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Wave {
    pub changes: Vec<Change>,
    #[serde(default)]
    pub bake: Bake,
}

/// How long a wave is left alone once it is proven, and what ends the run then.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Bake {
    pub hours: u32,
    pub stop_on: Vec<StopOn>,
}

impl Bake {
    pub fn duration(&self) -> SignedDuration {
        SignedDuration::from_hours(i64::from(self.hours))
    }
}

/// What ends a run when a wave has been left alone for as long as planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StopOn {
    /// What the wave changed is not so any more, or does not show any more.
    NotAsPlanned,
    /// AWS lists an account in which the policies of a type that the wave changed come to something that
    /// it does not accept.
    InvalidEffectivePolicy,
}

/// One call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Change {
    /// Counts through all waves, from 1.
    pub number: u32,
    pub call: Operation,
    pub why: String,
    /// The object's state before and after.
    pub before: State,
    pub after: State,
}

/// Of changes, the last one of each object, in their order: what its object is to be like in the end.
pub fn last_of_each(changes: &[Change]) -> Vec<&Change> {
    let last: BTreeMap<ObjectId, u32> =
        changes.iter().map(|change| (change.call.object(), change.number)).collect();
    changes.iter().filter(|change| last.get(&change.call.object()) == Some(&change.number)).collect()
}

impl Plan {
    pub(crate) const VERSION: u32 = 1;

    /// All changes, in the order in which they are made.
    pub fn changes(&self) -> impl Iterator<Item = &Change> {
        self.waves.iter().flat_map(|wave| &wave.changes)
    }

    /// The state of an object when the plan was made.
    pub fn state(&self, id: &ObjectId) -> Option<&State> {
        self.objects.iter().find(|read| read.id == *id).map(|read| &read.state)
    }

    /// The plan's digest as it should be.
    pub(crate) fn sealed(&self) -> Result<String, JobError> {
        digest::sha256_of_document(&Self { digest: String::new(), ..self.clone() }).map_err(JobError::defect)
    }

    /// Keeps the plan under its run; answers the one that is there already where a step is repeated.
    pub(crate) async fn keep(self, store: &Store) -> Result<Self, JobError> {
        Ok(store.establish(&keys::change_plan(&self.run_id), self).await?.0.value)
    }

    /// Reads the plan that a run has made.
    pub(crate) async fn read(store: &Store, run: &RunId) -> Result<Self, JobError> {
        let key = keys::change_plan(run);
        let Some(object) = store.get(&key).await? else {
            return Err(JobError::invalid(format!("run {run} has made no plan: there is no {key}")));
        };
        let plan: Self = serde_json::from_slice(&object.bytes)
            .map_err(|error| JobError::invalid(format!("{key} is no plan of this version: {error}")))?;
        if plan.sealed()? != plan.digest {
            return Err(JobError::new(
                ErrorName::Outdated,
                format!("{key} was changed after it had been made"),
                "Nothing was written. Plan again.",
            ));
        }
        Ok(plan)
    }
}

impl Read {
    pub(crate) fn new(id: ObjectId, state: State) -> Result<Self, JobError> {
        Ok(Self { digest: digest_of(&state)?, id, state })
    }
}
