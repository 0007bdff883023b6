//! JSON documents that are written only by whoever has seen their present version.

use errors::JobError;
use models::ErrorName;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::objects::{Create, Replace, Store, to_json};

/// Attempts to change a document while others do.
const ATTEMPTS: usize = 5;

/// A value and the version of the object it was read from.
#[derive(Debug, Clone)]
pub struct Versioned<T> {
    pub value: T,
    pub etag: String,
}

impl Store {
    /// The document, or `None` when there is none.
    pub async fn load<T: DeserializeOwned>(&self, key: &str) -> Result<Option<Versioned<T>>, JobError> {
        match self.get(key).await? {
            None => Ok(None),
            Some(object) => Ok(Some(Versioned { value: from_json(key, &object.bytes)?, etag: object.etag })),
        }
    }

    /// Writes the document unless there is one; answers which is there, and whether it is this one.
    pub async fn establish<T: Serialize + DeserializeOwned>(
        &self,
        key: &str,
        value: T,
    ) -> Result<(Versioned<T>, bool), JobError> {
        Ok(match self.create(key, to_json(&value)?).await? {
            Create::Created { etag } => (Versioned { value, etag }, true),
            Create::Exists(object) => {
                (Versioned { value: from_json(key, &object.bytes)?, etag: object.etag }, false)
            }
        })
    }

    /// Writes the document's next version if `current` still is the present one; `None` when somebody
    /// else has written since.
    pub async fn advance<T: Serialize>(
        &self,
        key: &str,
        current: &str,
        next: T,
    ) -> Result<Option<Versioned<T>>, JobError> {
        Ok(match self.replace(key, current, to_json(&next)?).await? {
            Replace::Replaced { etag } => Some(Versioned { value: next, etag }),
            Replace::Changed => None,
        })
    }

    /// Changes the document, beginning with the default where there is none; again with the newest if
    /// somebody else writes meanwhile. What changes nothing is not written.
    pub async fn update<T>(&self, key: &str, change: impl Fn(&mut T) + Send + Sync) -> Result<(), JobError>
    where
        T: Serialize + DeserializeOwned + Default + Clone + PartialEq + Send + Sync,
    {
        for _ in 0..ATTEMPTS {
            let present = self.load::<T>(key).await?;
            let mut next = present.as_ref().map(|it| it.value.clone()).unwrap_or_default();
            change(&mut next);
            let written = match present {
                None => self.establish(key, next).await?.1,
                Some(present) => {
                    next == present.value || self.advance(key, &present.etag, next).await?.is_some()
                }
            };
            if written {
                return Ok(());
            }
        }
        Err(JobError::new(
            ErrorName::Transient,
            format!("{key} is being written by others again and again"),
            "The step is repeated.",
        ))
    }
}

pub(crate) fn from_json<T: DeserializeOwned>(key: &str, bytes: &[u8]) -> Result<T, JobError> {
    serde_json::from_slice(bytes)
        .map_err(|error| JobError::defect(format!("{key} is not what Muster wrote: {error}")))
}
