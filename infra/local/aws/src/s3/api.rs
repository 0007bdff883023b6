//! The S3 operations that Muster and its users call, with AWS's semantics.

use std::io::{self, Seek};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use s3s::auth::{S3Auth, SecretKey};
use s3s::config::{S3Config, StaticConfigProvider};
use s3s::dto::{
    Bucket as BucketDto, CommonPrefix, CopyObjectInput, CopyObjectOutput, CopyObjectResult, CopySource,
    CreateBucketInput, CreateBucketOutput, DeleteObjectInput, DeleteObjectOutput, ETag, ETagCondition,
    GetBucketLocationInput, GetBucketLocationOutput, GetObjectInput, GetObjectOutput, HeadBucketInput,
    HeadBucketOutput, HeadObjectInput, HeadObjectOutput, ListBucketsInput, ListBucketsOutput,
    ListObjectsV2Input, ListObjectsV2Output, Object as ObjectDto, PutObjectInput, PutObjectOutput, Range,
    StreamingBlob, Timestamp as S3Timestamp,
};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{S3, S3Request, S3Response, S3Result, s3_error};
use tokio::io::AsyncReadExt;
use tokio_util::io::ReaderStream;

use super::Bucket;
use super::storage::{Condition, Object, Reader, Storage, WriteError};
use crate::iam::{Gate, Principal, Question};

/// The HTTP service over a storage.
pub fn service(storage: Arc<Storage>, gate: Arc<Gate>, partition: String, region: String) -> S3Service {
    let mut builder = S3ServiceBuilder::new(Api { storage, gate: Arc::clone(&gate), partition, region });
    builder.set_auth(Keys(gate));
    // Signatures carry the simulated time.
    let mut config = S3Config::default();
    config.presigned_url_max_skew_time_secs = u32::MAX;
    builder.set_config(Arc::new(StaticConfigProvider::new(Arc::new(config))));
    builder.build()
}

struct Keys(Arc<Gate>);

#[async_trait::async_trait]
impl S3Auth for Keys {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        match self.0.identities.secret(access_key) {
            Some(secret) => Ok(SecretKey::from(secret)),
            None => Err(s3_error!(
                InvalidAccessKeyId,
                "The AWS Access Key Id you provided does not exist in our records."
            )),
        }
    }
}

struct Api {
    storage: Arc<Storage>,
    gate: Arc<Gate>,
    partition: String,
    region: String,
}

impl Api {
    fn principal<T>(&self, request: &S3Request<T>) -> S3Result<Arc<Principal>> {
        let key = request.credentials.as_ref().map(|credentials| credentials.access_key.as_str());
        key.and_then(|key| self.gate.identities.principal(key))
            .ok_or_else(|| s3_error!(AccessDenied, "Access Denied"))
    }

    /// The bucket, after the owner that the caller expects was checked.
    fn bucket(&self, name: &str, expected_owner: Option<&str>) -> S3Result<Bucket> {
        let Some(bucket) = self.storage.bucket(name) else {
            return Err(s3_error!(NoSuchBucket, "The specified bucket does not exist"));
        };
        match expected_owner {
            Some(owner) if owner != bucket.owner => Err(s3_error!(AccessDenied, "Access Denied")),
            _ => Ok(bucket),
        }
    }

    fn arn(&self, bucket: &str, key: Option<&str>) -> String {
        match key {
            Some(key) => format!("arn:{}:s3:::{bucket}/{key}", self.partition),
            None => format!("arn:{}:s3:::{bucket}", self.partition),
        }
    }

    fn authorize(&self, principal: &Principal, bucket: &Bucket, action: &str, arn: &str) -> S3Result<()> {
        bucket
            .authorize(&self.gate, principal, action, arn)
            .map_err(|denied| s3_error!(AccessDenied, "{denied}"))
    }

    fn ask(&self, principal: &Principal, question: &Question<'_>) -> S3Result<()> {
        self.gate.check(principal, question).map_err(|denied| s3_error!(AccessDenied, "{denied}"))
    }

    /// The object, or the error S3 gives: who may not list learns nothing about what is missing.
    fn object(
        &self,
        principal: &Principal,
        bucket: &Bucket,
        name: &str,
        key: &str,
    ) -> S3Result<(Object, Reader)> {
        self.authorize(principal, bucket, "s3:GetObject", &self.arn(name, Some(key)))?;
        if let Some(found) = self.storage.open(name, key).map_err(internal)? {
            return Ok(found);
        }
        let list = self.arn(name, None);
        // Whether S3 asks this with the key as the prefix or without any is not established, so a
        // policy has to allow both.
        self.ask(principal, &Question::new("s3:ListBucket", &list).with("s3:prefix", key))?;
        self.ask(principal, &Question::new("s3:ListBucket", &list))?;
        Err(s3_error!(NoSuchKey, "The specified key does not exist."))
    }
}

fn time(at: jiff::Timestamp) -> S3Timestamp {
    S3Timestamp::from(std::time::SystemTime::from(at))
}

fn etag(object: &Object) -> ETag {
    ETag::Strong(object.etag.clone())
}

fn is(condition: &ETagCondition, object: &Object) -> bool {
    match condition {
        ETagCondition::Any => true,
        ETagCondition::ETag(tag) => tag.value() == object.etag,
    }
}

/// The preconditions of a read.
fn check(
    object: &Object,
    if_match: Option<&ETagCondition>,
    if_none_match: Option<&ETagCondition>,
) -> S3Result<()> {
    if if_match.is_some_and(|condition| !is(condition, object)) {
        return Err(s3_error!(
            PreconditionFailed,
            "At least one of the pre-conditions you specified did not hold"
        ));
    }
    if if_none_match.is_some_and(|condition| is(condition, object)) {
        return Err(s3_error!(NotModified));
    }
    Ok(())
}

fn content(reader: Reader, from: u64, length: u64) -> io::Result<StreamingBlob> {
    match reader {
        Reader::Memory(bytes) => {
            let range = usize::try_from(from).unwrap_or(0)..usize::try_from(from + length).unwrap_or(0);
            Ok(StreamingBlob::from(s3s::Body::from(bytes.slice(range))))
        }
        Reader::File(mut file) => {
            file.seek(io::SeekFrom::Start(from))?;
            let part = tokio::fs::File::from_std(file).take(length);
            Ok(StreamingBlob::wrap(ReaderStream::with_capacity(part, 256 * 1024)))
        }
    }
}

fn internal(error: io::Error) -> s3s::S3Error {
    s3_error!(InternalError, "{error}")
}

fn write_error(error: WriteError) -> s3s::S3Error {
    match error {
        WriteError::NoSuchBucket => s3_error!(NoSuchBucket, "The specified bucket does not exist"),
        WriteError::NoSuchKey => s3_error!(NoSuchKey, "The specified key does not exist."),
        WriteError::PreconditionFailed => {
            s3_error!(PreconditionFailed, "At least one of the pre-conditions you specified did not hold")
        }
        WriteError::UnusableKey => {
            s3_error!(InvalidArgument, "This key cannot be a file's name in the local bucket's folder")
        }
        WriteError::Io(error) => internal(error),
    }
}

#[async_trait::async_trait]
impl S3 for Api {
    async fn get_object(&self, request: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        let principal = self.principal(&request)?;
        let input = request.input;
        let bucket = self.bucket(&input.bucket, input.expected_bucket_owner.as_deref())?;
        let (object, reader) = self.object(&principal, &bucket, &input.bucket, &input.key)?;
        check(&object, input.if_match.as_ref(), input.if_none_match.as_ref())?;
        let part = match &input.range {
            None => None,
            Some(range) => Some(
                Range::check(range, object.size)
                    .map_err(|_| s3_error!(InvalidRange, "The requested range is not satisfiable"))?,
            ),
        };
        let (from, length) =
            part.as_ref().map_or((0, object.size), |part| (part.start, part.end - part.start));
        let output = GetObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            body: Some(content(reader, from, length).map_err(internal)?),
            content_length: i64::try_from(length).ok(),
            content_range: part.map(|part| format!("bytes {}-{}/{}", part.start, part.end - 1, object.size)),
            e_tag: Some(etag(&object)),
            last_modified: Some(time(object.modified)),
            ..GetObjectOutput::default()
        };
        Ok(S3Response::new(output))
    }

    async fn head_object(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        let principal = self.principal(&request)?;
        let input = request.input;
        let bucket = self.bucket(&input.bucket, input.expected_bucket_owner.as_deref())?;
        let (object, _) = self.object(&principal, &bucket, &input.bucket, &input.key)?;
        check(&object, input.if_match.as_ref(), input.if_none_match.as_ref())?;
        let output = HeadObjectOutput {
            content_length: i64::try_from(object.size).ok(),
            e_tag: Some(etag(&object)),
            last_modified: Some(time(object.modified)),
            ..HeadObjectOutput::default()
        };
        Ok(S3Response::new(output))
    }

    async fn put_object(&self, request: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        let principal = self.principal(&request)?;
        let input = request.input;
        let bucket = self.bucket(&input.bucket, input.expected_bucket_owner.as_deref())?;
        self.authorize(&principal, &bucket, "s3:PutObject", &self.arn(&input.bucket, Some(&input.key)))?;
        let mut body = BytesMut::new();
        if let Some(mut stream) = input.body {
            while let Some(bytes) = stream.next().await {
                body.extend_from_slice(
                    &bytes.map_err(|_| s3_error!(IncompleteBody, "The body ended early"))?,
                );
            }
        }
        if input.content_length.is_some_and(|length| length != i64::try_from(body.len()).unwrap_or(i64::MAX))
        {
            return Err(s3_error!(
                IncompleteBody,
                "You did not provide the number of bytes specified by Content-Length"
            ));
        }
        let condition = match (&input.if_match, &input.if_none_match) {
            (None, None) => Condition::None,
            (None, Some(ETagCondition::Any)) => Condition::Absent,
            (Some(ETagCondition::ETag(tag)), None) => Condition::Version(tag.value().to_owned()),
            _ => return Err(s3_error!(NotImplemented, "this combination of preconditions")),
        };
        // Without what it has grown beyond: it is kept for as long as the object.
        let body = Bytes::copy_from_slice(&body);
        let written = self.storage.put(&input.bucket, &input.key, body, &condition);
        let object = written.map_err(write_error)?;
        let output = PutObjectOutput {
            e_tag: Some(etag(&object)),
            size: i64::try_from(object.size).ok(),
            ..PutObjectOutput::default()
        };
        Ok(S3Response::new(output))
    }

    async fn copy_object(
        &self,
        request: S3Request<CopyObjectInput>,
    ) -> S3Result<S3Response<CopyObjectOutput>> {
        let principal = self.principal(&request)?;
        let input = request.input;
        let CopySource::Bucket { bucket: source_bucket, key: source_key, .. } = &input.copy_source else {
            return Err(s3_error!(NotImplemented, "copying from an access point"));
        };
        let source = self.bucket(source_bucket, input.expected_source_bucket_owner.as_deref())?;
        let target = self.bucket(&input.bucket, input.expected_bucket_owner.as_deref())?;
        let (object, reader) = self.object(&principal, &source, source_bucket, source_key)?;
        self.authorize(&principal, &target, "s3:PutObject", &self.arn(&input.bucket, Some(&input.key)))?;
        if input.copy_source_if_match.as_ref().is_some_and(|condition| !is(condition, &object)) {
            return Err(s3_error!(
                PreconditionFailed,
                "At least one of the pre-conditions you specified did not hold"
            ));
        }
        let bytes = reader.all().map_err(internal)?;
        let written = self.storage.put(&input.bucket, &input.key, bytes, &Condition::None);
        let object = written.map_err(write_error)?;
        let result = CopyObjectResult {
            e_tag: Some(etag(&object)),
            last_modified: Some(time(object.modified)),
            ..CopyObjectResult::default()
        };
        Ok(S3Response::new(CopyObjectOutput {
            copy_object_result: Some(result),
            ..CopyObjectOutput::default()
        }))
    }

    async fn delete_object(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        let principal = self.principal(&request)?;
        let input = request.input;
        let bucket = self.bucket(&input.bucket, input.expected_bucket_owner.as_deref())?;
        self.authorize(&principal, &bucket, "s3:DeleteObject", &self.arn(&input.bucket, Some(&input.key)))?;
        self.storage.delete(&input.bucket, &input.key).map_err(write_error)?;
        Ok(S3Response::new(DeleteObjectOutput::default()))
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let principal = self.principal(&request)?;
        let input = request.input;
        let bucket = self.bucket(&input.bucket, input.expected_bucket_owner.as_deref())?;
        let prefix = input.prefix.clone().unwrap_or_default();
        let arn = self.arn(&input.bucket, None);
        let question = Question::new("s3:ListBucket", &arn).with("s3:prefix", prefix.as_str());
        self.ask(&principal, &question.resource_policy(bucket.policy.as_ref()))?;
        let after = input.continuation_token.clone().or(input.start_after.clone()).unwrap_or_default();
        let most = usize::try_from(input.max_keys.unwrap_or(1_000)).unwrap_or(1_000).min(1_000);
        let (mut contents, mut prefixes, mut last, mut truncated) =
            (Vec::new(), Vec::<String>::new(), String::new(), false);
        for (key, object) in self.storage.list(&input.bucket, &prefix, &after) {
            let folder = input.delimiter.as_deref().filter(|it| !it.is_empty()).and_then(|delimiter| {
                let rest = &key[prefix.len()..];
                rest.find(delimiter).map(|at| format!("{prefix}{}", &rest[..at + delimiter.len()]))
            });
            if folder
                .as_ref()
                .is_some_and(|folder| prefixes.last() == Some(folder) || after.starts_with(folder.as_str()))
            {
                last = key;
                continue;
            }
            if contents.len() + prefixes.len() == most {
                truncated = true;
                break;
            }
            last.clone_from(&key);
            match folder {
                Some(folder) => prefixes.push(folder),
                None => contents.push(ObjectDto {
                    e_tag: Some(etag(&object)),
                    key: Some(key),
                    last_modified: Some(time(object.modified)),
                    size: i64::try_from(object.size).ok(),
                    ..ObjectDto::default()
                }),
            }
        }
        let output = ListObjectsV2Output {
            name: Some(input.bucket),
            key_count: i32::try_from(contents.len() + prefixes.len()).ok(),
            max_keys: i32::try_from(most).ok(),
            is_truncated: Some(truncated),
            next_continuation_token: truncated.then_some(last),
            contents: Some(contents),
            common_prefixes: Some(
                prefixes.into_iter().map(|prefix| CommonPrefix { prefix: Some(prefix) }).collect(),
            ),
            delimiter: input.delimiter,
            continuation_token: input.continuation_token,
            start_after: input.start_after,
            prefix: Some(prefix),
            ..ListObjectsV2Output::default()
        };
        Ok(S3Response::new(output))
    }

    async fn head_bucket(
        &self,
        request: S3Request<HeadBucketInput>,
    ) -> S3Result<S3Response<HeadBucketOutput>> {
        let principal = self.principal(&request)?;
        let input = request.input;
        let bucket = self.bucket(&input.bucket, input.expected_bucket_owner.as_deref())?;
        self.authorize(&principal, &bucket, "s3:ListBucket", &self.arn(&input.bucket, None))?;
        Ok(S3Response::new(HeadBucketOutput {
            bucket_region: Some(bucket.region),
            ..HeadBucketOutput::default()
        }))
    }

    async fn create_bucket(
        &self,
        request: S3Request<CreateBucketInput>,
    ) -> S3Result<S3Response<CreateBucketOutput>> {
        let principal = self.principal(&request)?;
        let name = request.input.bucket;
        self.authorize(&principal, &Bucket::default(), "s3:CreateBucket", &self.arn(&name, None))?;
        if self.storage.bucket(&name).is_some() {
            return Err(s3_error!(BucketAlreadyOwnedByYou));
        }
        let bucket =
            Bucket { owner: principal.account.clone(), region: self.region.clone(), ..Bucket::default() };
        self.storage.create_bucket(&name, bucket).map_err(internal)?;
        Ok(S3Response::new(CreateBucketOutput { location: Some(format!("/{name}")) }))
    }

    async fn get_bucket_location(
        &self,
        request: S3Request<GetBucketLocationInput>,
    ) -> S3Result<S3Response<GetBucketLocationOutput>> {
        let principal = self.principal(&request)?;
        let input = request.input;
        let bucket = self.bucket(&input.bucket, input.expected_bucket_owner.as_deref())?;
        self.authorize(&principal, &bucket, "s3:GetBucketLocation", &self.arn(&input.bucket, None))?;
        let constraint = (bucket.region != "us-east-1").then(|| bucket.region.into());
        Ok(S3Response::new(GetBucketLocationOutput { location_constraint: constraint }))
    }

    async fn list_buckets(
        &self,
        request: S3Request<ListBucketsInput>,
    ) -> S3Result<S3Response<ListBucketsOutput>> {
        let principal = self.principal(&request)?;
        self.ask(&principal, &Question::new("s3:ListAllMyBuckets", "*"))?;
        let buckets = self.storage.bucket_names().into_iter();
        let buckets = buckets.map(|name| BucketDto { name: Some(name), ..BucketDto::default() }).collect();
        Ok(S3Response::new(ListBucketsOutput { buckets: Some(buckets), ..ListBucketsOutput::default() }))
    }
}

#[cfg(test)]
mod tests;
