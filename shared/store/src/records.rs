//! Claims, job records and `open/` markers.
//!
//! The marker is written first and removed last: whatever dies in between, a sweep that reads
//! `open/` finds every item that may still have something running.

use errors::JobError;
use models::{Claim, ItemName, JobRecord, RunId, keys};
use serde::de::DeserializeOwned;

use crate::objects::{Create, Replace, Store, to_json};

/// A value and the version of the object it was read from.
#[derive(Debug, Clone)]
pub struct Versioned<T> {
    pub value: T,
    pub etag: String,
}

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
        match self.store.create(&keys::claim(run), to_json(&claim)?).await? {
            Create::Created { .. } => Ok(claim),
            Create::Exists(object) => from_json(&keys::claim(run), &object.bytes),
        }
    }

    /// Writes the marker, then the record, unless there is one.
    pub async fn open(&self, record: JobRecord) -> Result<Open, JobError> {
        self.mark(&record).await?;
        self.create(record).await
    }

    /// Writes the record of an item that has nothing to be swept, unless there is one.
    pub async fn create(&self, record: JobRecord) -> Result<Open, JobError> {
        let key = keys::record(&record.run_id, &record.item);
        Ok(match self.store.create(&key, to_json(&record)?).await? {
            Create::Created { etag } => Open::Opened(Versioned { value: record, etag }),
            Create::Exists(object) => {
                Open::Exists(Versioned { value: from_json(&key, &object.bytes)?, etag: object.etag })
            }
        })
    }

    /// Marks the item as one that may have something running. The marker holds what the record
    /// begins with, for the case that the record itself was never written.
    pub async fn mark(&self, record: &JobRecord) -> Result<(), JobError> {
        self.store.put(&keys::marker(&record.run_id, &record.item), to_json(record)?).await.map(drop)
    }

    /// The record's beginning, from the marker.
    pub async fn marked(&self, run: &RunId, item: &ItemName) -> Result<Option<JobRecord>, JobError> {
        let key = keys::marker(run, item);
        match self.store.get(&key).await? {
            None => Ok(None),
            Some(object) => from_json(&key, &object.bytes).map(Some),
        }
    }

    /// Whose run it is, if anybody has claimed it.
    pub async fn claimed(&self, run: &RunId) -> Result<Option<Claim>, JobError> {
        let key = keys::claim(run);
        match self.store.get(&key).await? {
            None => Ok(None),
            Some(object) => from_json(&key, &object.bytes).map(Some),
        }
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
        let key = keys::record(run, item);
        match self.store.get(&key).await? {
            None => Ok(None),
            Some(object) => Ok(Some(Versioned { value: from_json(&key, &object.bytes)?, etag: object.etag })),
        }
    }

    /// Writes the record's next version if `current` still is the present one; `None` when
    /// somebody else has written since.
    pub async fn update(
        &self,
        current: &str,
        next: JobRecord,
    ) -> Result<Option<Versioned<JobRecord>>, JobError> {
        let key = keys::record(&next.run_id, &next.item);
        Ok(match self.store.replace(&key, current, to_json(&next)?).await? {
            Replace::Replaced { etag } => Some(Versioned { value: next, etag }),
            Replace::Changed => None,
        })
    }
}

fn from_json<T: DeserializeOwned>(key: &str, bytes: &[u8]) -> Result<T, JobError> {
    serde_json::from_slice(bytes)
        .map_err(|error| JobError::defect(format!("{key} is not what Muster wrote: {error}")))
}
