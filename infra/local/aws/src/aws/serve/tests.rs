use http::Method;
use serde_json::json;

use super::*;
use crate::aws::Aws;
use crate::aws::testing::aws;

const OWNER: &str = "x-amz-expected-bucket-owner";
const SOURCE: &str = "x-amz-copy-source";
const SOURCE_OWNER: &str = "x-amz-source-expected-bucket-owner";

/// The status of a function's request to S3. Nothing here signs, so that what is not answered before
/// S3 looks at it is answered 403.
async fn status(aws: &Aws, method: Method, path: &str, headers: &[(&'static str, &str)]) -> u16 {
    let key = aws.gate().identities.issue(Principal {
        sandbox: Some(1),
        function: Some("f".to_owned()),
        ..aws.0.person("f")
    });
    let signed = format!(
        "AWS4-HMAC-SHA256 Credential={}/20261121/eu-central-1/s3/aws4_request, SignedHeaders=host, Signature=0",
        key.access_key_id
    );
    let mut request = http::Request::builder().method(method).uri(path).header("authorization", signed);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    aws.call(request.body(Body::empty()).unwrap()).await.unwrap().status().as_u16()
}

#[tokio::test(start_paused = true)]
async fn a_conflict_happens_to_conditional_puts_and_to_nothing_else() {
    let (aws, _) = aws(Some("conflict@*#1*100"), json!([]));
    let condition = [("if-none-match", "*")];
    assert_eq!(status(&aws, Method::PUT, "/b/key", &condition).await, 409);
    assert_eq!(status(&aws, Method::PUT, "/b/key", &[("if-match", "\"0\"")]).await, 409);
    for (method, path, headers) in [
        (Method::PUT, "/b/key", [].as_slice()),
        (Method::GET, "/b/key", &condition),
        (Method::PUT, "/b/key", &[(SOURCE, "/b/other"), ("if-none-match", "*")]),
        (Method::DELETE, "/b/key", &condition),
    ] {
        assert_ne!(status(&aws, method.clone(), path, headers).await, 409, "{method} {path} {headers:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_to_s3_names_the_owners_of_all_its_buckets_or_not() {
    for (method, headers, named) in [
        (Method::PUT, [].as_slice(), false),
        (Method::PUT, &[(OWNER, "012345678901")], true),
        (Method::GET, &[(OWNER, "012345678901")], true),
        (Method::DELETE, &[(SOURCE_OWNER, "012345678901")], false),
        (Method::PUT, &[(SOURCE, "/b/other"), (OWNER, "012345678901")], false),
        (Method::PUT, &[(SOURCE, "/b/other"), (SOURCE_OWNER, "012345678901")], false),
        (Method::PUT, &[(SOURCE, "/b/other"), (OWNER, "012345678901"), (SOURCE_OWNER, "012345678901")], true),
    ] {
        let (aws, _) = aws(None, json!([]));
        status(&aws, method.clone(), "/b/key", headers).await;
        let named_by: Vec<_> = aws.calls().iter().map(|call| call.names_owner).collect();
        assert_eq!(named_by, [named], "{method} {headers:?}");
    }
}
