//! What the lanes leave, a line for each.

use std::collections::BTreeMap;

use jiff::Timestamp;
use models::{AccountId, PolicyId, TargetId};
use organizations::{Account, AccountRequest, Description, Policy, Root, Unit, ValidationError};
use serde::{Deserialize, Serialize};

/// Something that was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Entry {
    Organization(Description),
    Root(Root),
    Unit(Unit),
    /// The list of accounts begins, perhaps again: what was listed before is not of it.
    AccountsBegin,
    Account(Account),
    Tags {
        account: AccountId,
        tags: BTreeMap<String, String>,
    },
    /// Where an account lies that does not tell by itself.
    Parent {
        account: AccountId,
        parent: String,
    },
    /// A policy that is to be read.
    Listed(Policy),
    /// What it says, or why that is not known.
    Policy {
        policy: Policy,
        content: Result<String, String>,
    },
    /// A page of what it is attached to, the first and the last of them told apart.
    Targets {
        policy: PolicyId,
        targets: Vec<TargetId>,
        begins: bool,
        ends: bool,
    },
    TargetsUnreadable {
        policy: PolicyId,
        error: String,
    },
    /// The list of requests begins, perhaps again.
    RequestsBegin,
    /// Of several about one request, the last counts.
    Request(AccountRequest),
    /// The content of effective policies, by its digest.
    Content {
        digest: String,
        content: String,
    },
    Effective(Effective),
    Derived(Derived),
    /// The list of accounts with invalid policies of a type begins, perhaps again.
    InvalidBegin {
        kind: String,
    },
    InvalidListed {
        kind: String,
        account: AccountId,
    },
    /// An account in which the policies of a type come to something that AWS does not accept.
    Invalid {
        kind: String,
        account: AccountId,
        errors: Vec<ValidationError>,
    },
    /// Something that could not be read, or is in doubt.
    Gap {
        reason: String,
        example: String,
    },
}

/// What AWS answered for one account and type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Effective {
    pub(crate) kind: String,
    pub(crate) account: AccountId,
    /// The class of the account within the type; absent where accounts are read each by itself.
    pub(crate) class: Option<u32>,
    pub(crate) answer: Answer,
}

/// What a type comes to in an account, told apart as AWS tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Answer {
    /// With the digest of the content; `{}` is content.
    Content {
        digest: String,
        updated: Option<Timestamp>,
    },
    /// AWS says that there is none.
    NotFound,
    Unreadable {
        error: String,
    },
}

impl Answer {
    /// Whether two accounts were answered the same. What could not be read is like nothing.
    pub(crate) fn agrees(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Content { digest, .. }, Self::Content { digest: theirs, .. }) => digest == theirs,
            (Self::NotFound, Self::NotFound) => true,
            _ => false,
        }
    }
}

/// Accounts that were not read, because those of their class that were agree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Derived {
    pub(crate) kind: String,
    pub(crate) class: u32,
    pub(crate) from: AccountId,
    pub(crate) answer: Answer,
    pub(crate) accounts: Vec<AccountId>,
}
