//! Claims, job records and `open/` markers.
//!
//! The marker is written first and removed last: whatever dies in between, a sweep that reads
//! `open/` finds every item that may still have something running.

use errors::JobError;
use models::{Claim, ItemName, JobRecord, RunId, keys};

use crate::Versioned;
use crate::objects::{Store, to_json};

/// What became of opening a record.
#[derive(Debug)]
pub enum Open {
    /// Ours, with this version.
    Opened(Versioned<JobRecord>),
    /// It was there already.
    Exists(Versioned<JobRecord>),
}

/// The records of runs in one bucket.
#[derive(Debug, Clone, Copy)]
pub struct Records<'a> {
    store: &'a Store,
}

impl<'a> Records<'a> {
    pub fn new(store: &'a Store) -> Self {
        Self { store }
    }

    /// Claims a run for an execution; answers whose it is, which may be somebody else's.
    pub async fn claim(&self, run: &RunId, claim: Claim) -> Result<Claim, JobError> {
        Ok(self.store.establish(&keys::claim(run), claim).await?.0.value)
    }

    /// Writes the marker, then the record, unless there is one.
    pub async fn open(&self, record: JobRecord) -> Result<Open, JobError> {
        self.mark(&record).await?;
        self.create(record).await
    }

    /// Writes the record of an item that has nothing to be swept, unless there is one.
    pub async fn create(&self, record: JobRecord) -> Result<Open, JobError> {
        let key = keys::record(&record.run_id, &record.item);
        Ok(match self.store.establish(&key, record).await? {
            (record, true) => Open::Opened(record),
            (record, false) => Open::Exists(record),
        })
    }

    /// Marks the item as one that may have something running. The marker holds what the record
    /// begins with, for the case that the record itself was never written.
    pub async fn mark(&self, record: &JobRecord) -> Result<(), JobError> {
        self.store.put(&keys::marker(&record.run_id, &record.item), to_json(record)?).await.map(drop)
    }

    /// The record's beginning, from the marker.
    pub async fn marked(&self, run: &RunId, item: &ItemName) -> Result<Option<JobRecord>, JobError> {
        Ok(self.store.load(&keys::marker(run, item)).await?.map(|it| it.value))
    }

    /// Whose run it is, if anybody has claimed it.
    pub async fn claimed(&self, run: &RunId) -> Result<Option<Claim>, JobError> {
        Ok(self.store.load(&keys::claim(run)).await?.map(|it| it.value))
    }

    /// Removes the marker of an item that is closed: nothing of it can still be running. Somebody may
    /// have taken the run up meanwhile; then the marker is put back.
    pub async fn unmark(&self, run: &RunId, item: &ItemName) -> Result<(), JobError> {
        self.store.delete(&keys::marker(run, item)).await?;
        match self.load(run, item).await? {
            Some(record) if record.value.outcome().is_none() => self.mark(&record.value).await,
            _ => Ok(()),
        }
    }

    pub async fn load(&self, run: &RunId, item: &ItemName) -> Result<Option<Versioned<JobRecord>>, JobError> {
        self.store.load(&keys::record(run, item)).await
    }

    /// Writes the record's next version if `current` still is the present one; `None` when
    /// somebody else has written since.
    pub async fn update(
        &self,
        current: &str,
        next: JobRecord,
    ) -> Result<Option<Versioned<JobRecord>>, JobError> {
        let key = keys::record(&next.run_id, &next.item);
        self.store.advance(&key, current, next).await
    }
}
