//! Objects of the stack's bucket.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::Arc;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::get_object::GetObjectError;
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use models::{JobRecord, RunId, keys};
use parquet::errors::Result as ParquetResult;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use parquet::schema::types::Type;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::io::AsyncBufReadExt;

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
    /// An object's content; `None` when it is not there.
    async fn body(&self, key: &str) -> Done<Option<ByteStream>> {
        let answered = self.client.get_object().bucket(&self.bucket).key(key).send().await;
        let object = match answered {
            Ok(object) => object,
            Err(SdkError::ServiceError(error)) if matches!(error.err(), GetObjectError::NoSuchKey(_)) => {
                return Ok(None);
            }
            Err(error) => return Err(Problem::aws("s3:GetObject")(error)),
        };
        Ok(Some(object.body))
    }

    /// What is wrong with an object.
    fn problem(&self, key: &str, error: &dyn Display) -> Problem {
        Problem::other(format!("s3://{}/{key}: {error}", self.bucket))
    }

    /// The bytes of an object that is not large; `None` when it is not there.
    pub(crate) async fn bytes(&self, key: &str) -> Done<Option<Bytes>> {
        let Some(body) = self.body(key).await? else { return Ok(None) };
        let body = body.collect().await.map_err(|error| self.problem(key, &error))?;
        Ok(Some(body.into_bytes()))
    }

    /// A JSON object's content; `None` when it is not there.
    pub(crate) async fn document<T: DeserializeOwned>(&self, key: &str) -> Done<Option<T>> {
        let Some(bytes) = self.bytes(key).await? else { return Ok(None) };
        serde_json::from_slice(&bytes).map(Some).map_err(|error| self.problem(key, &error))
    }

    /// As [`Objects::document`], of whatever form.
    pub(crate) async fn json(&self, key: &str) -> Done<Option<Value>> {
        self.document(key).await
    }

    /// The lines of an object, each a JSON document.
    pub(crate) async fn lines<T: DeserializeOwned>(&self, key: &str, mut each: impl FnMut(T)) -> Done {
        let Some(body) = self.body(key).await? else { return Ok(()) };
        let mut lines = body.into_async_read().lines();
        while let Some(line) = lines.next_line().await.map_err(|error| self.problem(key, &error))? {
            each(serde_json::from_str(&line).map_err(|error| self.problem(key, &error))?);
        }
        Ok(())
    }

    /// How often each value occurs in a column of text of a table's file.
    pub(crate) async fn count(&self, key: &str, column: &str) -> Done<BTreeMap<String, u64>> {
        let Some(bytes) = self.bytes(key).await? else { return Ok(BTreeMap::new()) };
        counted(bytes, column).map_err(|error| self.problem(key, &error))
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
            records.extend(self.document::<JobRecord>(&key).await?);
        }
        Ok(records)
    }
}

/// Reads one column of a file, and no other.
fn counted(file: Bytes, column: &str) -> ParquetResult<BTreeMap<String, u64>> {
    let reader = SerializedFileReader::new(file)?;
    let schema = reader.metadata().file_metadata().schema();
    let fields = schema.get_fields().iter().filter(|field| field.name() == column).map(Arc::clone);
    let only = Type::group_type_builder(schema.name()).with_fields(fields.collect()).build()?;
    let mut counts = BTreeMap::new();
    for row in reader.get_row_iter(Some(only))? {
        for (_, field) in row?.into_columns() {
            if let Field::Str(value) = field {
                *counts.entry(value).or_default() += 1;
            }
        }
    }
    Ok(counts)
}
