//! Whose turn it is to ask for an account. AWS takes one request in ten seconds, from whichever lane, run
//! or invocation: when somebody asked last is kept in a document of its own, written before each request by
//! whoever holds the writer's lease. The lease's own object cannot tell: whoever makes other changes writes
//! it too.

use errors::JobError;
use jiff::{SignedDuration, Timestamp};
use models::{RunId, keys};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use store::{Store, Versioned};

/// When somebody asked last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Last {
    at: Timestamp,
    run: RunId,
}

/// The turns of all who ask for accounts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Turns<'a> {
    pub(crate) store: &'a Store,
    pub(crate) spacing: SignedDuration,
}

impl Turns<'_> {
    /// How long it is until somebody may ask; nothing if that is now.
    pub(crate) async fn left(&self, now: Timestamp) -> Result<Option<Duration>, JobError> {
        let last = self.store.load::<Last>(keys::ACCOUNT_CREATION).await?;
        Ok(last.and_then(|last| self.after(last.value.at, now)))
    }

    /// Takes the turn; or says how long it is until somebody may ask.
    pub(crate) async fn take(&self, run: &RunId, now: Timestamp) -> Result<Option<Duration>, JobError> {
        let next = Last { at: now, run: run.clone() };
        let taken = match self.store.load::<Last>(keys::ACCOUNT_CREATION).await? {
            None => self.store.establish(keys::ACCOUNT_CREATION, next).await?.1,
            Some(Versioned { value, etag }) => match self.after(value.at, now) {
                Some(left) => return Ok(Some(left)),
                None => self.store.advance(keys::ACCOUNT_CREATION, &etag, next).await?.is_some(),
            },
        };
        // Another was faster, who can only have held a lease that was broken.
        Ok((!taken).then(|| whole_seconds(self.spacing)))
    }

    fn after(&self, last: Timestamp, now: Timestamp) -> Option<Duration> {
        let left = self.spacing.saturating_sub(now.duration_since(last));
        // A time to come is another clock's, and never more than one turn away.
        left.is_positive().then(|| whole_seconds(left.min(self.spacing)))
    }
}

fn whole_seconds(duration: SignedDuration) -> Duration {
    Duration::from_secs(u64::try_from(duration.as_secs()).unwrap_or(0).saturating_add(1))
}
