//! A download that goes on where it broke off.
//!
//! A report of a large organization is hundreds of megabytes; a connection that drops in the middle
//! is resumed with a range. The range is pinned to the ETag of the first answer, so that two
//! versions of an object are never read as one.

use std::time::Duration;

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use errors::JobError;
use models::ErrorName;

use crate::Store;

/// Failures in a row, without a byte of progress, after which the download gives up.
const ATTEMPTS_WITHOUT_PROGRESS: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// An object being read from its beginning.
#[derive(Debug)]
pub struct Download {
    store: Store,
    key: String,
    etag: String,
    size: u64,
    position: u64,
    body: Option<ByteStream>,
    failures: u32,
}

impl Download {
    pub(crate) async fn open(store: Store, key: String) -> Result<Option<Self>, JobError> {
        let answer = store
            .client
            .get_object()
            .bucket(store.bucket.as_str())
            .expected_bucket_owner(store.owner.as_str())
            .key(&key)
            .send()
            .await;
        let output = match answer {
            Ok(output) => output,
            Err(error)
                if error.as_service_error().and_then(ProvideErrorMetadata::code) == Some("NoSuchKey") =>
            {
                return Ok(None);
            }
            Err(error) => return Err(store.error("s3:GetObject", &key, &error)),
        };
        let size = length(&output);
        let etag = output.e_tag.unwrap_or_default();
        Ok(Some(Self { store, key, etag, size, position: 0, body: Some(output.body), failures: 0 }))
    }

    /// The object's whole length in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The version that is read, from the first byte to the last.
    pub fn etag(&self) -> &str {
        &self.etag
    }

    /// The next bytes, `None` at the end. All bytes of one version arrive, in order, once; or an error.
    pub async fn next(&mut self) -> Result<Option<Bytes>, JobError> {
        loop {
            let body = match &mut self.body {
                Some(body) => body,
                None => {
                    let body = self.resume().await?;
                    self.body.insert(body)
                }
            };
            match body.next().await {
                Some(Ok(bytes)) if bytes.is_empty() => {}
                Some(Ok(bytes)) => {
                    self.position += bytes.len() as u64;
                    self.failures = 0;
                    return Ok(Some(bytes));
                }
                None if self.position == self.size => return Ok(None),
                None => self.interrupted("it ended early").await?,
                Some(Err(error)) => self.interrupted(&error.to_string()).await?,
            }
        }
    }

    async fn interrupted(&mut self, why: &str) -> Result<(), JobError> {
        self.body = None;
        self.failures += 1;
        if self.failures >= ATTEMPTS_WITHOUT_PROGRESS || self.position > self.size {
            return Err(self.store.cut_off(&self.key, &why));
        }
        tracing::warn!(
            key = self.key,
            position = self.position,
            size = self.size,
            why,
            "download interrupted"
        );
        tokio::time::sleep(FIRST_PAUSE * 2_u32.pow(self.failures - 1)).await;
        Ok(())
    }

    async fn resume(&mut self) -> Result<ByteStream, JobError> {
        let answer = self
            .store
            .client
            .get_object()
            .bucket(self.store.bucket.as_str())
            .expected_bucket_owner(self.store.owner.as_str())
            .key(&self.key)
            .range(format!("bytes={}-", self.position))
            .if_match(&self.etag)
            .send()
            .await;
        match answer {
            Ok(output) if length(&output) == self.size - self.position => Ok(output.body),
            Ok(_) => Err(self.changed()),
            Err(error)
                if matches!(
                    error.as_service_error().and_then(ProvideErrorMetadata::code),
                    Some("PreconditionFailed" | "NoSuchKey" | "InvalidRange")
                ) =>
            {
                Err(self.changed())
            }
            Err(error) => Err(self.store.error("s3:GetObject", &self.key, &error)),
        }
    }

    fn changed(&self) -> JobError {
        JobError::new(
            ErrorName::Transient,
            format!("s3://{}/{} changed while it was read", self.store.bucket, self.key),
            "The step is repeated from the beginning.",
        )
    }
}

fn length(output: &GetObjectOutput) -> u64 {
    output.content_length.and_then(|length| u64::try_from(length).ok()).unwrap_or(0)
}
