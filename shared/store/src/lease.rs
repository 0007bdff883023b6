//! A lease: whoever holds it is the only one of us who writes to something that has no conditional
//! writes of its own.
//!
//! It is an object that is made, renewed and given back by conditional writes, and that says until when
//! it counts. A holder that dies is followed by another once that time has come. A holder that lives
//! renews it as it works, and writes only while it has time left for the call: whoever has been followed
//! finds that out at the renewal.
//!
//! A holder's clock may be behind: that of a step which Step Functions repeats still tells when its state was
//! entered. So a lease counts for a term from S3's own time of its last renewal at least, and its holder goes
//! by what has passed since he asked for that.
//!
//! An operator breaks a lease by removing its object. Whoever held it stops where he has to renew it, within
//! two minutes.

use errors::JobError;
use jiff::{SignedDuration, Timestamp};
use models::{ErrorName, RunId};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::objects::{Create, Replace, Store, to_json};
use crate::versioned::from_json;

/// How long a lease counts from its last renewal: longer than any one call with its repetitions.
const TERM: SignedDuration = SignedDuration::from_mins(5);
/// A lease with less time left than this is renewed before it is relied upon.
const ENOUGH: SignedDuration = SignedDuration::from_mins(3);

/// Who holds a lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Holder {
    pub run: RunId,
    /// The invocation: two of one run exclude each other too.
    pub writer: String,
    pub since: Timestamp,
    /// Nobody's from then on, by the clock of whoever holds it, which may be behind.
    pub until: Timestamp,
}

impl Holder {
    /// Whether it counts at this time. It was renewed last when S3 says that it was written, and counts for a
    /// term from then on at least.
    fn counts(&self, renewed: Option<Timestamp>, now: Timestamp) -> bool {
        let until = renewed.map_or(self.until, |renewed| self.until.max(renewed + TERM));
        self.until != Timestamp::UNIX_EPOCH && until > now
    }
}

/// What came of asking for a lease.
#[derive(Debug)]
pub enum Asked<'a> {
    Granted(Lease<'a>),
    /// Somebody else has it.
    Held(Holder),
}

/// A lease that is held.
#[derive(Debug)]
pub struct Lease<'a> {
    store: &'a Store,
    key: String,
    etag: String,
    holder: Holder,
    /// Right before the last renewal was asked for.
    renewed: Instant,
}

impl Store {
    /// Asks for the lease under `key` in the name of an invocation of a run.
    pub async fn lease(
        &self,
        key: &str,
        run: &RunId,
        writer: &str,
        now: Timestamp,
    ) -> Result<Asked<'_>, JobError> {
        let holder = Holder { run: run.clone(), writer: writer.to_owned(), since: now, until: now + TERM };
        let renewed = Instant::now();
        let granted = |etag| {
            let (key, holder) = (key.to_owned(), holder.clone());
            Asked::Granted(Lease { store: self, key, etag, holder, renewed })
        };
        let found = match self.create(key, to_json(&holder)?).await? {
            Create::Created { etag } => return Ok(granted(etag)),
            Create::Exists(found) => found,
        };
        let present: Holder = from_json(key, &found.bytes)?;
        if present.counts(found.modified, now) {
            return Ok(Asked::Held(present));
        }
        Ok(match self.replace(key, &found.etag, to_json(&holder)?).await? {
            Replace::Replaced { etag } => granted(etag),
            // Another was faster.
            Replace::Changed => Asked::Held(present),
        })
    }
}

impl Lease<'_> {
    /// Makes sure that the lease counts for long enough to make a call.
    pub async fn keep(&mut self, now: Timestamp) -> Result<(), JobError> {
        if self.renewed.elapsed() < TERM.unsigned_abs() - ENOUGH.unsigned_abs() {
            return Ok(());
        }
        let renewed = Instant::now();
        self.write(now + TERM).await?;
        self.renewed = renewed;
        Ok(())
    }

    /// Gives it back: whoever asks next has it at once, whatever time his clock tells.
    pub async fn give_back(mut self) -> Result<(), JobError> {
        match self.write(Timestamp::UNIX_EPOCH).await {
            // Somebody else has it already.
            Err(error) if error.name() == ErrorName::Outdated => Ok(()),
            given_back => given_back,
        }
    }

    async fn write(&mut self, until: Timestamp) -> Result<(), JobError> {
        let next = Holder { until, ..self.holder.clone() };
        match self.store.replace(&self.key, &self.etag, to_json(&next)?).await? {
            Replace::Replaced { etag } => {
                self.etag = etag;
                self.holder = next;
                Ok(())
            }
            Replace::Changed => Err(JobError::new(
                ErrorName::Outdated,
                format!(
                    "the lease {} is not held by run {} any more: it was broken, or its time was over",
                    self.key, self.holder.run
                ),
                "Nothing more was written. Look who holds it now, then resume the run.",
            )),
        }
    }
}
