use std::path::Path;

use bytes::Bytes;
use jiff::Timestamp;
use local_clock::Clock;
use md5::{Digest, Md5};
use s3s::auth::Credentials;
use s3s::{HttpError, S3ErrorCode};

use super::*;

/// One bucket, in a folder or in memory.
fn api(folder: Option<&Path>, kms_key: Option<&str>) -> Api {
    let clock = Clock::virtual_time(Timestamp::UNIX_EPOCH);
    let storage = Arc::new(Storage::new(clock, folder.map(Path::to_owned)));
    let bucket = Bucket { kms_key: kms_key.map(str::to_owned), ..Bucket::default() };
    storage.create_bucket("b", bucket).unwrap();
    Api { storage, gate: Arc::default(), partition: "aws".into(), region: "eu-central-1".into() }
}

impl Api {
    /// A request of somebody who may do everything.
    fn request<T>(&self, input: T) -> S3Request<T> {
        let key = self.gate.identities.issue(Principal {
            account: "012345678901".into(),
            arn: "arn:aws:iam::012345678901:user/Admin".into(),
            policy: None,
            role: None,
            sandbox: None,
            function: None,
        });
        let secret_key = SecretKey::from(key.secret_access_key);
        S3Request {
            input,
            method: http::Method::GET,
            uri: http::Uri::default(),
            headers: http::HeaderMap::default(),
            extensions: http::Extensions::default(),
            credentials: Some(Credentials { access_key: key.access_key_id, secret_key }),
            region: None,
            service: None,
            trailing_headers: None,
        }
    }

    async fn get(&self, key: &str) -> S3Result<GetObjectOutput> {
        let input = GetObjectInput { bucket: "b".into(), key: key.into(), ..GetObjectInput::default() };
        self.get_object(self.request(input)).await.map(|response| response.output)
    }

    async fn put(&self, key: &str, content: &'static str) -> String {
        let body = Some(StreamingBlob::from(s3s::Body::from(Bytes::from(content))));
        let input = PutObjectInput { bucket: "b".into(), key: key.into(), body, ..PutObjectInput::default() };
        let written = self.put_object(self.request(input)).await.unwrap().output;
        written.e_tag.unwrap().value().to_owned()
    }

    async fn copy(&self, from: &str, to: &str) -> S3Result<S3Response<CopyObjectOutput>> {
        let copy_source = CopySource::Bucket { bucket: "b".into(), key: from.into(), version_id: None };
        let mut input = CopyObjectInput::builder();
        input.set_bucket("b".into());
        input.set_key(to.into());
        input.set_copy_source(copy_source);
        self.copy_object(self.request(input.build().unwrap())).await
    }
}

async fn read(output: GetObjectOutput) -> Result<Vec<u8>, HttpError> {
    let mut stream = output.body.unwrap();
    let mut bytes = Vec::new();
    while let Some(part) = stream.next().await {
        bytes.extend_from_slice(&part.map_err(HttpError::new)?);
    }
    Ok(bytes)
}

fn md5(content: &[u8]) -> String {
    Md5::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn what_is_read_while_others_write_and_delete_it_is_one_version_or_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let api = api(Some(folder.path()), None);
    // Small and many, so that one of them is soon there between any two steps of a reader.
    let others = [1, 2, 3].map(|other| {
        let storage = Arc::clone(&api.storage);
        std::thread::spawn(move || {
            for round in 0..1_500_usize {
                let content = format!("{other} {round}").into_bytes();
                match round % 4 {
                    0 => storage.delete("b", "key").unwrap(),
                    1 => drop(storage.put("b", "key", content.into(), &Condition::None).unwrap()),
                    _ => storage.deliver("b", "key", |out| out.write_all(&content)).unwrap(),
                }
            }
        })
    });
    let mut versions = 0;
    while !others.iter().all(std::thread::JoinHandle::is_finished) || versions == 0 {
        match api.get("key").await {
            Err(error) => assert_eq!(error.code(), &S3ErrorCode::NoSuchKey, "{error:?}"),
            Ok(output) => {
                let etag = output.e_tag.clone().unwrap().value().to_owned();
                let length = output.content_length;
                let bytes = read(output).await.unwrap();
                assert_eq!((md5(&bytes), i64::try_from(bytes.len()).ok()), (etag, length));
                versions += 1;
            }
        }
    }
    others.into_iter().for_each(|other| other.join().unwrap());
}

#[tokio::test]
async fn what_is_being_read_stays_although_it_is_written_anew_or_deleted() {
    let folder = tempfile::tempdir().unwrap();
    for folder in [Some(folder.path()), None] {
        let api = api(folder, None);
        api.put("key", "one").await;
        let first = api.get("key").await.unwrap();
        api.put("key", "two").await;
        let second = api.get("key").await.unwrap();
        api.storage.delete("b", "key").unwrap();
        assert_eq!(read(first).await.unwrap(), b"one");
        assert_eq!(read(second).await.unwrap(), b"two");
        assert_eq!(api.get("key").await.unwrap_err().code(), &S3ErrorCode::NoSuchKey);
    }
}

#[tokio::test]
async fn an_object_that_cannot_be_read_is_an_error_and_not_copied_as_an_empty_one() {
    let folder = tempfile::tempdir().unwrap();
    let api = api(Some(folder.path()), None);
    api.put("from", "content").await;
    std::fs::remove_file(folder.path().join("b/from")).unwrap();
    assert_eq!(api.copy("from", "to").await.unwrap_err().code(), &S3ErrorCode::InternalError);
    assert_eq!(api.storage.keys("b", ""), ["from"]);
}

#[tokio::test]
async fn with_a_kms_key_each_write_has_an_etag_of_its_own_that_is_no_md5() {
    let folder = tempfile::tempdir().unwrap();
    for folder in [Some(folder.path()), None] {
        let plain = api(folder, None);
        for _ in 0..2 {
            assert_eq!(plain.put("key", "content").await, md5(b"content"));
        }

        let api = api(folder, Some("arn:aws:kms:eu-central-1:012345678901:key/k"));
        let mut etags =
            vec![md5(b"content"), api.put("key", "content").await, api.put("key", "content").await];
        let shown = api.get("key").await.unwrap().e_tag.unwrap();
        assert_eq!(shown.value(), etags[2], "it stays until the next write");
        let copied = api.copy("key", "copy").await.unwrap().output.copy_object_result.unwrap();
        etags.push(copied.e_tag.unwrap().value().to_owned());
        api.storage.deliver("b", "key", |out| out.write_all(b"content")).unwrap();
        etags.push(api.get("key").await.unwrap().e_tag.unwrap().value().to_owned());
        assert!(etags.iter().all(|etag| etag.len() == 32), "{etags:?}");
        let different: std::collections::BTreeSet<_> = etags.iter().collect();
        assert_eq!(different.len(), etags.len(), "{etags:?}");
    }
}
