//! Objects of one bucket. Every call names the account that must own the bucket, so that a bucket
//! that somebody else made under our name is refused by S3 itself.

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::Object as S3Object;
use bytes::Bytes;
use errors::{AwsError, JobError};
use jiff::Timestamp;
use models::{AccountId, BucketName, ErrorName};
use serde::Serialize;

use crate::Download;

/// One bucket and the account that must own it.
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) client: Client,
    pub(crate) bucket: BucketName,
    pub(crate) owner: AccountId,
}

/// An object's content and the version it is of.
#[derive(Debug, Clone)]
pub struct Object {
    pub bytes: Bytes,
    pub etag: String,
    /// When it was written, by S3's own clock and to the second; absent if S3 did not say.
    pub modified: Option<Timestamp>,
}

/// One line of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub key: String,
    pub size: u64,
    /// When it was written; absent if S3 did not say.
    pub modified: Option<Timestamp>,
}

/// What became of a write that required the key to be absent.
#[derive(Debug)]
pub enum Create {
    /// This writer's bytes are there.
    Created { etag: String },
    /// Somebody else's are.
    Exists(Object),
}

/// What became of a write that required a version.
#[derive(Debug)]
pub enum Replace {
    /// This writer's bytes are there.
    Replaced { etag: String },
    /// The object has changed, or is gone.
    Changed,
}

/// S3 answers 409 when conditional writes meet; the loser simply asks again.
const CONFLICT_ATTEMPTS: usize = 5;

impl Store {
    pub fn new(client: Client, bucket: BucketName, owner: AccountId) -> Self {
        Self { client, bucket, owner }
    }

    pub fn bucket(&self) -> &BucketName {
        &self.bucket
    }

    /// The same account's other bucket.
    pub fn with_bucket(&self, bucket: BucketName) -> Self {
        Self { bucket, ..self.clone() }
    }

    /// The object, or `None` when there is none. The role needs `s3:ListBucket`: without it S3
    /// answers 403 for a missing key, and nobody could tell absent from forbidden.
    pub async fn get(&self, key: &str) -> Result<Option<Object>, JobError> {
        match self.open(key).await? {
            Some(output) => self.read(key, output).await.map(Some),
            None => Ok(None),
        }
    }

    async fn open(&self, key: &str) -> Result<Option<GetObjectOutput>, JobError> {
        let answer = self
            .client
            .get_object()
            .bucket(self.bucket.as_str())
            .expected_bucket_owner(self.owner.as_str())
            .key(key)
            .send()
            .await;
        match answer {
            Ok(output) => Ok(Some(output)),
            Err(error) if code(&error) == Some("NoSuchKey") => Ok(None),
            Err(error) => Err(self.error("s3:GetObject", key, &error)),
        }
    }

    async fn read(&self, key: &str, output: GetObjectOutput) -> Result<Object, JobError> {
        let etag = output.e_tag.unwrap_or_default();
        let modified = output.last_modified.and_then(|time| Timestamp::from_second(time.secs()).ok());
        let bytes = output.body.collect().await.map_err(|error| self.cut_off(key, &error))?.into_bytes();
        Ok(Object { bytes, etag, modified })
    }

    /// The same of an object that a user has put there, refused by its size before it is read.
    pub async fn get_at_most(&self, key: &str, most: u64) -> Result<Option<Object>, JobError> {
        match self.open(key).await? {
            Some(output) if output.content_length.is_some_and(|size| size.unsigned_abs() > most) => {
                Err(JobError::invalid(format!(
                    "{key} has {} bytes, and {most} are the most",
                    output.content_length.unwrap_or_default()
                )))
            }
            Some(output) => self.read(key, output).await.map(Some),
            None => Ok(None),
        }
    }

    /// Streams the object from its beginning; `None` when there is none.
    pub async fn download(&self, key: &str) -> Result<Option<Download>, JobError> {
        Download::open(self.clone(), key.to_owned()).await
    }

    /// Writes the object, whatever is there. For keys that only one writer has.
    pub async fn put(&self, key: &str, bytes: impl Into<Bytes>) -> Result<String, JobError> {
        self.put_stream(key, ByteStream::from(bytes.into())).await
    }

    /// Writes a file of any size as one object.
    pub async fn put_file(&self, key: &str, path: &std::path::Path) -> Result<String, JobError> {
        let stream = ByteStream::from_path(path)
            .await
            .map_err(|error| JobError::defect(format!("{} cannot be read: {error}", path.display())))?;
        self.put_stream(key, stream).await
    }

    fn put_object(&self, key: &str) -> PutObjectFluentBuilder {
        self.client
            .put_object()
            .bucket(self.bucket.as_str())
            .expected_bucket_owner(self.owner.as_str())
            .key(key)
    }

    async fn put_stream(&self, key: &str, stream: ByteStream) -> Result<String, JobError> {
        self.put_object(key)
            .body(stream)
            .send()
            .await
            .map(|output| output.e_tag.unwrap_or_default())
            .map_err(|error| self.error("s3:PutObject", key, &error))
    }

    /// Writes the object unless the key is taken. A writer whose first answer was lost finds its own
    /// bytes there and has succeeded; so the bytes must tell writers apart.
    pub async fn create(&self, key: &str, bytes: impl Into<Bytes>) -> Result<Create, JobError> {
        let bytes = bytes.into();
        for _ in 0..CONFLICT_ATTEMPTS {
            let answer =
                self.put_object(key).if_none_match("*").body(ByteStream::from(bytes.clone())).send().await;
            match answer {
                Ok(output) => return Ok(Create::Created { etag: output.e_tag.unwrap_or_default() }),
                Err(error) if code(&error) == Some("PreconditionFailed") => match self.get(key).await? {
                    Some(object) if object.bytes == bytes => {
                        return Ok(Create::Created { etag: object.etag });
                    }
                    Some(object) => return Ok(Create::Exists(object)),
                    None => {}
                },
                Err(error) if code(&error) == Some("ConditionalRequestConflict") => {}
                Err(error) => return Err(self.error("s3:PutObject", key, &error)),
            }
        }
        Err(self.contended(key))
    }

    /// Writes the object if it still is the version `etag`.
    pub async fn replace(&self, key: &str, etag: &str, bytes: impl Into<Bytes>) -> Result<Replace, JobError> {
        let bytes = bytes.into();
        for _ in 0..CONFLICT_ATTEMPTS {
            let answer =
                self.put_object(key).if_match(etag).body(ByteStream::from(bytes.clone())).send().await;
            match answer {
                Ok(output) => return Ok(Replace::Replaced { etag: output.e_tag.unwrap_or_default() }),
                Err(error) if matches!(code(&error), Some("PreconditionFailed" | "NoSuchKey")) => {
                    return Ok(match self.get(key).await? {
                        Some(object) if object.bytes == bytes => Replace::Replaced { etag: object.etag },
                        _ => Replace::Changed,
                    });
                }
                Err(error) if code(&error) == Some("ConditionalRequestConflict") => {}
                Err(error) => return Err(self.error("s3:PutObject", key, &error)),
            }
        }
        Err(self.contended(key))
    }

    /// Copies an object within the bucket, if it still is the version `etag`.
    pub async fn copy(&self, from: &str, etag: &str, to: &str) -> Result<(), JobError> {
        self.client
            .copy_object()
            .bucket(self.bucket.as_str())
            .expected_bucket_owner(self.owner.as_str())
            .expected_source_bucket_owner(self.owner.as_str())
            // Keys of runs hold only characters that need no escape in a header.
            .copy_source(format!("{}/{from}", self.bucket))
            .copy_source_if_match(etag)
            .key(to)
            .send()
            .await
            .map(drop)
            .map_err(|error| self.error("s3:CopyObject", to, &error))
    }

    /// Removes the object; one that is not there is no error.
    pub async fn delete(&self, key: &str) -> Result<(), JobError> {
        self.client
            .delete_object()
            .bucket(self.bucket.as_str())
            .expected_bucket_owner(self.owner.as_str())
            .key(key)
            .send()
            .await
            .map(drop)
            .map_err(|error| self.error("s3:DeleteObject", key, &error))
    }

    /// All objects whose key begins with `prefix`, a page at a time.
    pub fn list(&self, prefix: impl Into<String>) -> Listing {
        Listing {
            store: self.clone(),
            prefix: prefix.into(),
            after: None,
            delimiter: None,
            token: None,
            ended: false,
        }
    }

    /// The folders in `prefix` (which ends with a slash), in their order and with the slash: what lies
    /// in them is not listed.
    pub async fn folders(&self, prefix: &str) -> Result<Vec<String>, JobError> {
        let mut listing = Listing { delimiter: Some("/"), ..self.list(prefix) };
        let mut folders = Vec::new();
        while let Some(page) = listing.next().await? {
            folders.extend(page.common_prefixes.unwrap_or_default().into_iter().filter_map(|it| it.prefix));
        }
        Ok(folders)
    }

    /// What went wrong with an object, as storage: in this bucket a denial is a matter of the
    /// bucket, its policy and its key.
    pub(crate) fn error<E>(
        &self,
        operation: &str,
        key: &str,
        error: &SdkError<E, aws_sdk_s3::config::http::HttpResponse>,
    ) -> JobError
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let aws = AwsError::new(operation, error);
        let storage = matches!(
            aws.code(),
            "AccessDenied" | "NoSuchBucket" | "PermanentRedirect" | "InvalidBucketState"
        ) || aws.code().starts_with("KMS");
        let error = if storage {
            JobError::from_aws(
                ErrorName::StorageInaccessible,
                format!(
                    "Check that bucket {} exists, belongs to account {}, lies in this Region, and that its policy, \
                     its KMS key and the function's role allow the call.",
                    self.bucket, self.owner
                ),
                aws,
            )
        } else {
            aws.into_job_error()
        };
        error.while_doing(format!("s3://{}/{key}", self.bucket))
    }

    pub(crate) fn cut_off(&self, key: &str, error: &dyn std::fmt::Display) -> JobError {
        JobError::new(
            ErrorName::Transient,
            format!("reading s3://{}/{key} was cut off: {error}", self.bucket),
            "The step is repeated.",
        )
    }

    fn contended(&self, key: &str) -> JobError {
        JobError::new(
            ErrorName::Transient,
            format!("s3://{}/{key} is being written by others", self.bucket),
            "The step is repeated.",
        )
    }
}

/// A listing in progress. S3 answers it in pages; each is whole or an error.
#[derive(Debug)]
pub struct Listing {
    store: Store,
    prefix: String,
    after: Option<String>,
    delimiter: Option<&'static str>,
    token: Option<String>,
    ended: bool,
}

impl Listing {
    /// Only keys that come after this one, whether or not it exists.
    pub fn after(self, key: impl Into<String>) -> Self {
        Self { after: Some(key.into()), ..self }
    }

    /// The next page, `None` after the last. A page may be empty and not be the last.
    pub async fn next_page(&mut self) -> Result<Option<Vec<Entry>>, JobError> {
        let page = self.next().await?;
        Ok(page.map(|page| page.contents.unwrap_or_default().into_iter().filter_map(entry).collect()))
    }

    async fn next(&mut self) -> Result<Option<ListObjectsV2Output>, JobError> {
        if self.ended {
            return Ok(None);
        }
        let output = self
            .store
            .client
            .list_objects_v2()
            .bucket(self.store.bucket.as_str())
            .expected_bucket_owner(self.store.owner.as_str())
            .prefix(&self.prefix)
            .set_start_after(self.after.clone())
            .set_delimiter(self.delimiter.map(str::to_owned))
            .set_continuation_token(self.token.take())
            .send()
            .await
            .map_err(|error| self.store.error("s3:ListObjectsV2", &self.prefix, &error))?;
        self.token = output.next_continuation_token.clone().filter(|_| output.is_truncated == Some(true));
        self.ended = self.token.is_none();
        Ok(Some(output))
    }

    /// All pages in one list, for prefixes that hold few objects. More than `limit` is an error.
    pub async fn all(mut self, limit: usize) -> Result<Vec<Entry>, JobError> {
        let mut entries = Vec::new();
        while let Some(page) = self.next_page().await? {
            entries.extend(page);
            if entries.len() > limit {
                return Err(JobError::new(
                    ErrorName::Incomplete,
                    format!("more than {limit} objects lie under s3://{}/{}", self.store.bucket, self.prefix),
                    "Move what does not belong there.",
                ));
            }
        }
        Ok(entries)
    }
}

fn entry(object: S3Object) -> Option<Entry> {
    let modified = object.last_modified.and_then(|at| Timestamp::from_nanosecond(at.as_nanos()).ok());
    Some(Entry { key: object.key?, size: u64::try_from(object.size.unwrap_or(0)).unwrap_or(0), modified })
}

fn code<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> Option<&str> {
    error.as_service_error().and_then(ProvideErrorMetadata::code)
}

/// The JSON text of one of our own types.
pub(crate) fn to_json(value: &impl Serialize) -> Result<Vec<u8>, JobError> {
    serde_json::to_vec_pretty(value).map_err(JobError::defect)
}
