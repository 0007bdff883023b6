//! How far an account is. The lane's record keeps it between invocations.

use std::collections::BTreeSet;

use jiff::Timestamp;
use models::{AccountId, AccountRequestId, ItemName};
use serde::{Deserialize, Serialize};

use crate::entry::Known;

/// What a lane remembers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct State {
    /// The account that the rest is about. Kept when a run is resumed: the same account goes on from there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    item: Option<ItemName>,
    #[serde(default)]
    pub(crate) progress: Progress,
    /// Since when AWS has refused every account of this lane for a reason that passes by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) refused_since: Option<Timestamp>,
}

impl State {
    /// Turns to an account; of another one nothing is remembered.
    pub(crate) fn turn_to(&mut self, item: &ItemName) {
        if self.item.as_ref() != Some(item) {
            self.item = Some(item.clone());
            self.progress = Progress::default();
        }
    }

    /// Forgets the account: should it be asked for again, it is from its beginning.
    pub(crate) fn forget(&mut self) {
        self.item = None;
        self.progress = Progress::default();
    }
}

/// How far the present account is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Progress {
    #[serde(default)]
    pub(crate) stage: Stage,
    /// When the stage began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) since: Option<Timestamp>,
    /// How often AWS was asked for it, calls that it refused left out.
    #[serde(default)]
    pub(crate) asks: u32,
    /// How often it was to be moved.
    #[serde(default)]
    pub(crate) moves: u32,
    /// Nothing is asked for before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) not_before: Option<Timestamp>,
    /// Whether all accounts were looked through for its address.
    #[serde(default)]
    pub(crate) looked: bool,
    /// Requests for accounts of its name that were for other ones.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) others_requests: BTreeSet<AccountRequestId>,
    /// Requests that were in progress when AWS said that an account has the address: it may be of one of them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) waits_for: BTreeSet<AccountRequestId>,
    /// Accounts that have another address.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) others: BTreeSet<AccountId>,
    #[serde(default)]
    pub(crate) known: Known,
}

impl Progress {
    /// Goes on to a stage.
    pub(crate) fn turn(&mut self, stage: Stage, now: Timestamp) {
        self.stage = stage;
        self.since = Some(now);
    }
}

/// Where an account stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) enum Stage {
    /// Nothing was asked for that could still come to light.
    #[default]
    Begin,
    /// The intent to ask is recorded, and no answer: whether AWS was asked is open.
    Asked { at: Timestamp },
    /// A request is in progress.
    Requested { request: AccountRequestId, whose: Whose },
    /// All accounts are looked through for the address.
    Search { because: Because, token: Option<String>, round: u32 },
    /// An account has the address: whose is it?
    Has { account: AccountId },
    /// It is ours: on its way to its place.
    Place { account: AccountId },
    /// It is in its place: until AWS says that it is active.
    Activate { account: AccountId },
}

/// Whose a request is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) enum Whose {
    /// AWS has answered it to us.
    Ours,
    /// It has the name, and came about the time of an order of ours whose answer was lost.
    Maybe { asked: Timestamp },
    /// It has the name, and was there before we asked for anything.
    Others,
}

/// Why all accounts are looked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Because {
    /// The plan had no time to.
    NotLooked,
    /// An answer was lost, or a request has vanished.
    Lost,
    /// AWS says that an account has the address.
    EmailTaken,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_of_one_account_and_survives_its_json() {
        let (first, second): (ItemName, ItemName) =
            ("account-0".parse().unwrap(), "account-1".parse().unwrap());
        let mut state = State::default();
        state.turn_to(&first);
        let now: Timestamp = "2026-11-30T00:00:00Z".parse().unwrap();
        state.progress.turn(Stage::Asked { at: now }, now);
        let read: State = serde_json::from_value(serde_json::to_value(&state).unwrap()).unwrap();
        assert_eq!(read, state);
        state.turn_to(&first);
        assert_eq!(state, read, "the same account goes on");
        state.turn_to(&second);
        assert_eq!(state.progress, Progress::default());
    }
}
