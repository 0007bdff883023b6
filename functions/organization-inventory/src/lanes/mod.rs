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

use std::collections::HashSet;
use std::future::Future;
use std::time::Duration;

use errors::JobError;
use models::{AccountId, ErrorName};
use organizations::{Page, token_loop};
use runtime::lanes::{Lane, Outcomes, Results, Turn};
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
    /// The list goes on with this token.
    Pages { token: String },
    /// So many of what was listed have been read.
    Each { done: usize },
    /// The units whose own units are not read yet.
    Units { open: Vec<String> },
    /// The policies of the type are listed, and so many of them have been read; of the next one the
    /// targets go on with this token.
    Policies { done: usize, token: Option<String> },
    /// See [`effective`].
    Effective { class: usize, member: usize, first: Option<(AccountId, Answer)>, full: bool },
    /// Effective policies are read; the accounts in which they are not valid are listed next.
    Invalid,
}

type InventoryLane<'a> = Lane<'a, OrganizationInventory>;

/// How long a lane waits for what another is reading: the longer the longer it has waited already.
fn wait(lane: &InventoryLane<'_>) -> Turn {
    let waited = Duration::try_from(lane.now().duration_since(lane.since())).unwrap_or_default();
    Turn::Wait((waited / 10).clamp(SHORTEST_WAIT, LONGEST_WAIT))
}

const SHORTEST_WAIT: Duration = Duration::from_secs(2);
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// What other lanes left, if all of their items succeeded or were not needed; an error if one failed.
/// `None` while they are still at it.
async fn needed<'a>(lane: &InventoryLane<'a>, lanes: &[&str]) -> Result<Option<Results<'a>>, JobError> {
    let Some(results) = lane.closed(lanes).await? else { return Ok(None) };
    let outcomes = results.outcomes().await?;
    let Some(outcome) = outcomes.values().flat_map(Outcomes::missing).next() else {
        return Ok(Some(results));
    };
    let why = outcome.failure.as_ref().map(ToString::to_string).unwrap_or_default();
    Err(JobError::new(
        ErrorName::Incomplete,
        format!("{} could not be read, which this is read by: {why}", outcome.item),
        "Once that is mended, resume the run with retry \"failed\".",
    ))
}

/// Reads the pages of a list, from where the lane's state says; `true` at its end. A list that begins
/// again, for AWS does not take its token any more, is announced by `begins` again.
async fn pages<T, F>(
    lane: &mut InventoryLane<'_>,
    begins: &Entry,
    page: impl Fn(Option<String>) -> F + Send,
    entry: impl Fn(T) -> Entry + Send,
) -> Result<bool, JobError>
where
    T: Send,
    F: Future<Output = Result<Page<T>, JobError>> + Send,
{
    let mut token = match &lane.state {
        State::Pages { token } => Some(token.clone()),
        _ => None,
    };
    // Only a token of an earlier invocation may be too old: a list that AWS breaks off is an error.
    let mut is_old = token.is_some();
    let mut seen = HashSet::new();
    loop {
        if token.is_none() {
            lane.write(begins).await?;
        }
        let (items, next) = match page(token.clone()).await {
            Err(error) if is_old && is_spent(&error) => {
                tracing::warn!("a list begins again: {error}");
                (token, is_old) = (None, false);
                continue;
            }
            page => page?,
        };
        is_old = false;
        for item in items {
            lane.write(&entry(item)).await?;
        }
        let Some(next) = next.filter(|next| !next.is_empty()) else { return Ok(true) };
        if !seen.insert(next.clone()) {
            return Err(token_loop());
        }
        lane.state = State::Pages { token: next.clone() };
        lane.checkpoint().await?;
        if !lane.has_time() {
            return Ok(false);
        }
        token = Some(next);
    }
}

/// Whether AWS does not take a page's token any more.
fn is_spent(error: &JobError) -> bool {
    error.aws().is_some_and(|aws| {
        aws.is("InvalidInput") && aws.message.as_deref().is_some_and(|it| it.contains("INVALID_NEXT_TOKEN"))
    })
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
