//! Objects of many lines, each a JSON document, read one after the other.

use std::ops::Range;

use errors::JobError;
use models::ErrorName;
use serde::de::DeserializeOwned;

use crate::versioned::from_json;
use crate::{Download, Store};

/// The lines of an object, as they arrive.
#[derive(Debug)]
pub struct Lines {
    key: String,
    download: Download,
    /// What has arrived and was not read yet, from `position` on.
    buffer: Vec<u8>,
    position: usize,
    ended: bool,
}

impl Store {
    /// The lines of an object that must be there; of the version `etag`, where it is given.
    pub async fn lines(&self, key: &str, etag: Option<&str>) -> Result<Lines, JobError> {
        let changed = || {
            JobError::new(
                ErrorName::Incomplete,
                format!(
                    "s3://{}/{key} is not there any more, or was changed since it was written",
                    self.bucket()
                ),
                "Find out who changed the run's own objects, then run again.",
            )
        };
        let download = self.download(key).await?.ok_or_else(changed)?;
        if etag.is_some_and(|etag| etag != download.etag()) {
            return Err(changed());
        }
        Ok(Lines { key: key.to_owned(), download, buffer: Vec::new(), position: 0, ended: false })
    }
}

impl Lines {
    /// The next document, `None` after the last.
    pub async fn next<T: DeserializeOwned>(&mut self) -> Result<Option<T>, JobError> {
        let line = self.find().await?;
        line.map(|line| from_json(&self.key, &self.buffer[line])).transpose()
    }

    /// The next line without its end, `None` after the last.
    pub async fn next_line(&mut self) -> Result<Option<&[u8]>, JobError> {
        let line = self.find().await?;
        Ok(line.map(|line| &self.buffer[line]))
    }

    /// Where in the buffer the next line is.
    async fn find(&mut self) -> Result<Option<Range<usize>>, JobError> {
        let mut searched = self.position;
        loop {
            let found = self.buffer[searched..].iter().position(|&byte| byte == b'\n');
            if let Some(length) = found {
                let line = self.position..searched + length;
                self.position = line.end + 1;
                return Ok(Some(line));
            }
            if self.ended {
                return match &self.buffer[self.position..] {
                    [] => Ok(None),
                    // Every line is written with its end.
                    _ => Err(JobError::defect(format!("{} ends within a line", self.key))),
                };
            }
            self.buffer.drain(..self.position);
            self.position = 0;
            searched = self.buffer.len();
            match self.download.next().await? {
                Some(bytes) => self.buffer.extend_from_slice(&bytes),
                None => self.ended = true,
            }
        }
    }
}
