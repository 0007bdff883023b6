//! What each lane reads.
//!
//! A turn reads until its time is up and commits every few minutes how far it came, so one that dies
//! goes on from there.

pub(crate) mod accounts;
pub(crate) mod effective;
pub(crate) mod policies;
pub(crate) mod requests;
pub(crate) mod structure;
pub(crate) mod tags;

use std::time::Duration;

use errors::JobError;
use models::{ErrorName, OutcomeStatus, PolicyId};
use runtime::lanes::{Lane, Results};
use serde::{Deserialize, Serialize};

use crate::OrganizationInventory;
use crate::entry::{Answer, Entry};

pub(crate) const ACCOUNTS: &str = "accounts";
pub(crate) const TAGS: &str = "tags";
pub(crate) const STRUCTURE: &str = "structure";
pub(crate) const POLICIES: &str = "policies";
pub(crate) const REQUESTS: &str = "account-requests";
pub(crate) const EFFECTIVE: &str = "effective-policies";

/// How far the present item has been read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum State {
    #[default]
    New,
    /// The list of accounts goes on with this token.
    Accounts { token: String },
    /// So many, in the order of their list, have been asked for their tags, or their places.
    Each { done: usize },
    /// The units whose own units are not read yet.
    Units { open: Vec<String> },
    /// The policies of the type, and how many of them have been read.
    Policies { ids: Vec<PolicyId>, done: usize },
    /// See [`effective`].
    Effective { class: usize, member: usize, first: Option<(models::AccountId, Answer)>, full: bool },
    /// Effective policies are read; so many of the accounts in which they are not valid as well.
    Invalid { done: usize },
}

type InventoryLane<'a> = Lane<'a, OrganizationInventory>;

/// How long a lane waits for what another is reading.
const WAIT: Duration = Duration::from_secs(20);

/// What other lanes left, if all of their items succeeded or were not needed; an error if one failed.
/// `None` while they are still at it.
async fn needed<'a>(lane: &InventoryLane<'a>, lanes: &[&str]) -> Result<Option<Results<'a>>, JobError> {
    let Some(results) = lane.closed(lanes).await? else { return Ok(None) };
    let failed = results
        .outcomes()
        .find(|(_, outcome)| !matches!(outcome.status, OutcomeStatus::Succeeded | OutcomeStatus::Skipped));
    let Some((_, outcome)) = failed else { return Ok(Some(results)) };
    let why = outcome.failure.as_ref().map(ToString::to_string).unwrap_or_default();
    Err(JobError::new(
        ErrorName::Incomplete,
        format!("{} could not be read, which this is read by: {why}", outcome.item),
        "Once that is mended, resume the run with retry \"failed\".",
    ))
}

/// Leaves a gap for whoever reads the inventory.
async fn gap(lane: &mut InventoryLane<'_>, reason: &str, example: impl Into<String>) -> Result<(), JobError> {
    lane.write(&Entry::Gap { reason: reason.to_owned(), example: example.into() }).await
}

/// Whether AWS says that what was asked about is not there (any more).
fn is_gone(error: &JobError) -> bool {
    let codes = ["TargetNotFound", "PolicyNotFound", "AccountNotFound", "ParentNotFound", "ChildNotFound"];
    error.aws().is_some_and(|aws| codes.iter().any(|code| aws.is(code)))
}

/// Whether the same call may succeed later: such an error ends the turn, and is not the item's.
fn passes(error: &JobError) -> bool {
    ErrorName::TRANSIENT.contains(&error.name())
}
