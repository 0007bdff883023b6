//! Objects of the stack's bucket.

use aws_sdk_s3::Client;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::get_object::GetObjectError;
use models::JobRecord;
use models::RunId;
use models::keys;
use serde_json::Value;

use super::{BUCKET, Stack};
use crate::{Done, Problem};

/// The stack's bucket.
#[derive(Debug)]
pub(crate) struct Objects {
    client: Client,
    bucket: String,
}

impl Stack {
    pub(crate) fn objects(&self) -> Done<Objects> {
        Ok(Objects { client: Client::new(&self.sdk), bucket: self.output(BUCKET)?.to_owned() })
    }
}

impl Objects {
    /// A JSON object's content; `None` when it is not there.
    pub(crate) async fn json(&self, key: &str) -> Done<Option<Value>> {
        let answered = self.client.get_object().bucket(&self.bucket).key(key).send().await;
        let object = match answered {
            Ok(object) => object,
            Err(SdkError::ServiceError(error)) if matches!(error.err(), GetObjectError::NoSuchKey(_)) => {
                return Ok(None);
            }
            Err(error) => return Err(Problem::aws("s3:GetObject")(error)),
        };
        let body = object.body.collect().await;
        let body = body.map_err(|error| Problem::other(format!("s3://{}/{key}: {error}", self.bucket)))?;
        serde_json::from_slice(&body.into_bytes())
            .map(Some)
            .map_err(|error| Problem::other(format!("s3://{}/{key}: {error}", self.bucket)))
    }

    /// The keys that begin so, in their order; at most `most`.
    pub(crate) async fn keys(&self, prefix: &str, most: usize) -> Done<Vec<String>> {
        let mut keys = Vec::new();
        let mut pages =
            self.client.list_objects_v2().bucket(&self.bucket).prefix(prefix).into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(Problem::aws("s3:ListObjectsV2"))?;
            keys.extend(page.contents().iter().filter_map(|object| object.key().map(str::to_owned)));
            if keys.len() >= most {
                break;
            }
        }
        keys.truncate(most);
        Ok(keys)
    }

    /// The records of a run.
    pub(crate) async fn records(&self, run: &RunId) -> Done<Vec<JobRecord>> {
        let mut records = Vec::new();
        for key in self.keys(&keys::jobs(run), 1_000).await? {
            if let Some(value) = self.json(&key).await? {
                let record = serde_json::from_value(value);
                records.push(
                    record.map_err(|error| Problem::other(format!("s3://{}/{key}: {error}", self.bucket)))?,
                );
            }
        }
        Ok(records)
    }
}
