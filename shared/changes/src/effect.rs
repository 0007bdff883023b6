//! The record of one change: that it is about to be made, and what came of it.

use errors::JobError;
use jiff::Timestamp;
use models::{ErrorName, PolicyId, RunId, keys};
use serde::{Deserialize, Serialize};
use store::{Store, Versioned};

use crate::object::State;
use crate::plan::Change;

/// What a run knows of one of its changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Effect {
    pub number: u32,
    pub status: EffectStatus,
    /// The object's state right before the first call.
    pub before: State,
    /// The state that AWS showed, or the call was answered with, afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<State>,
    /// When the first call was about to be made.
    pub attempted_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_at: Option<Timestamp>,
    /// The policy that was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyId>,
    /// Whether the answer was lost, and the effect found afterwards.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub answer_lost: bool,
    /// Whether AWS has refused every call so far: none has had an effect.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub refused: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EffectStatus {
    /// A call may have been made.
    Attempted,
    /// This run has made the change.
    Made,
    /// It was so already when the change's turn came, and not by this run: not taken back with it.
    Found,
}

impl EffectStatus {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Attempted => "attempted",
            Self::Made => "made",
            Self::Found => "found",
        }
    }
}

impl Effect {
    pub(crate) fn attempted(change: &Change, before: State, now: Timestamp) -> Self {
        Self {
            number: change.number,
            status: EffectStatus::Attempted,
            before,
            after: None,
            attempted_at: now,
            made_at: None,
            policy: None,
            answer_lost: false,
            refused: false,
        }
    }

    /// Whether what the change is meant to make may be this run's doing, if it is there.
    pub(crate) fn may_be_made(&self) -> bool {
        match self.status {
            EffectStatus::Attempted => !self.refused,
            EffectStatus::Made => true,
            EffectStatus::Found => false,
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.status != EffectStatus::Attempted
    }
}

/// The effects of one run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effects<'a> {
    pub(crate) store: &'a Store,
    pub(crate) run: &'a RunId,
}

impl Effects<'_> {
    pub(crate) async fn load(&self, number: u32) -> Result<Option<Versioned<Effect>>, JobError> {
        self.store.load(&keys::change(self.run, number)).await
    }

    /// Writes down that a change is about to be made; answers what is there already, if it is.
    pub(crate) async fn intend(&self, effect: Effect) -> Result<Versioned<Effect>, JobError> {
        Ok(self.store.establish(&keys::change(self.run, effect.number), effect).await?.0)
    }

    /// Writes down what came of it. Where another invocation was faster, what it wrote stays.
    pub(crate) async fn settle(&self, present: &Versioned<Effect>, next: Effect) -> Result<(), JobError> {
        let key = keys::change(self.run, next.number);
        self.store.advance(&key, &present.etag, next).await.map(drop)
    }

    /// Writes down whether AWS has refused every call so far; answers what is there then.
    pub(crate) async fn refused(
        &self,
        present: Versioned<Effect>,
        refused: bool,
    ) -> Result<Versioned<Effect>, JobError> {
        if present.value.refused == refused {
            return Ok(present);
        }
        let key = keys::change(self.run, present.value.number);
        let next = Effect { refused, ..present.value.clone() };
        match self.store.advance(&key, &present.etag, next).await? {
            Some(next) => Ok(next),
            None => Err(JobError::new(
                ErrorName::Outdated,
                format!("change {} was recorded by another invocation meanwhile", present.value.number),
                "Nothing more was written by this one.",
            )),
        }
    }

    /// All of them, by number.
    pub(crate) async fn all(&self) -> Result<Vec<Effect>, JobError> {
        let mut effects = Vec::new();
        let mut listing = self.store.list(keys::changes(self.run));
        while let Some(page) = listing.next_page().await? {
            for entry in page {
                if let Some(effect) = self.store.load::<Effect>(&entry.key).await? {
                    effects.push(effect.value);
                }
            }
        }
        Ok(effects)
    }
}
