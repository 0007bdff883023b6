//! Which service and operation a request is for.

use bytes::Bytes;
use http::{HeaderMap, Method};

use super::query::Form;
use super::{ApiError, Request};
use crate::access_analyzer;

/// How a service speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// A form, answered in XML, as EC2 has it.
    Query,
    /// A form, answered in XML, as all others have it (CloudFormation, IAM, STS).
    AwsQuery,
    /// JSON 1.0 or 1.1 with `X-Amz-Target`.
    Json,
    /// Lambda's REST and JSON.
    RestJson,
    /// REST and JSON as newer services have it: errors have members of their own.
    AccessAnalyzer,
    /// S3's REST and XML.
    S3,
}

/// What a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) service: &'static str,
    pub(crate) operation: String,
    /// The Region that the request is signed for.
    pub(crate) region: String,
    pub(crate) access_key: Option<String>,
    /// Of temporary credentials.
    pub(crate) session_token: Option<String>,
}

const SERVICES: [(&str, Protocol); 10] = [
    ("access-analyzer", Protocol::AccessAnalyzer),
    ("cloudformation", Protocol::AwsQuery),
    ("ec2", Protocol::Query),
    ("events", Protocol::Json),
    ("iam", Protocol::AwsQuery),
    ("organizations", Protocol::Json),
    ("states", Protocol::Json),
    ("lambda", Protocol::RestJson),
    ("s3", Protocol::S3),
    ("sts", Protocol::AwsQuery),
];

impl Target {
    /// The service is in the credential scope of the signature, the operation where the protocol
    /// puts it.
    pub(crate) fn of(request: &Request, body: Option<&Bytes>) -> Option<Self> {
        let scope = credential(request)?;
        let mut parts = scope.split('/');
        let access_key = parts.next().map(str::to_owned);
        let (region, signed) = (parts.nth(1)?.to_owned(), parts.next()?);
        let (service, protocol) = SERVICES.iter().find(|(service, _)| *service == signed)?;
        let operation = match protocol {
            Protocol::Query | Protocol::AwsQuery => Form::parse(body?).get("Action")?.to_owned(),
            Protocol::Json => header(request.headers(), "x-amz-target")?.rsplit_once('.')?.1.to_owned(),
            Protocol::RestJson => rest_json(request)?.to_owned(),
            Protocol::AccessAnalyzer => {
                access_analyzer::operation(request.method(), request.uri().path())?.to_owned()
            }
            Protocol::S3 => s3(request).to_owned(),
        };
        let session_token = header(request.headers(), "x-amz-security-token").map(str::to_owned);
        Some(Self { service, operation, region, access_key, session_token })
    }

    /// How the service speaks that a request is signed for.
    pub(crate) fn protocol_of(request: &Request) -> Result<Protocol, ApiError> {
        let unsigned =
            || ApiError::new(403, "MissingAuthenticationToken", "Request is missing Authentication Token");
        let scope = credential(request).ok_or_else(unsigned)?;
        let signed = scope.split('/').nth(3).ok_or_else(unsigned)?;
        let service = SERVICES.iter().find(|(service, _)| *service == signed);
        service.map(|(_, protocol)| *protocol).ok_or_else(|| {
            let message = format!("the service {signed} is not simulated");
            ApiError::new(400, "UnknownOperationException", message)
        })
    }

    /// As in policies and logs: `ec2:DescribeDeclarativePoliciesReports`.
    pub(crate) fn action(&self) -> String {
        format!("{}:{}", self.service, self.operation)
    }
}

/// `AKIA…/20261121/eu-central-1/ec2/aws4_request`, of the header or of a presigned URL.
fn credential(request: &Request) -> Option<String> {
    if let Some(header) = header(request.headers(), "authorization") {
        let from = header.find("Credential=")? + "Credential=".len();
        return header[from..].split(',').next().map(|scope| scope.trim().to_owned());
    }
    let query = request.uri().query()?;
    let value = query.split('&').find_map(|pair| pair.strip_prefix("X-Amz-Credential="))?;
    percent_encoding::percent_decode_str(value).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

pub(crate) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn rest_json(request: &Request) -> Option<&'static str> {
    let path = request.uri().path();
    match *request.method() {
        Method::POST if path.starts_with("/2015-03-31/functions/") && path.ends_with("/invocations") => {
            Some("Invoke")
        }
        Method::GET if path.trim_end_matches('/') == "/2016-08-19/account-settings" => {
            Some("GetAccountSettings")
        }
        _ => None,
    }
}

/// S3's operation, as far as the simulation serves it.
fn s3(request: &Request) -> &'static str {
    let object =
        request.uri().path().trim_start_matches('/').split_once('/').is_some_and(|(_, key)| !key.is_empty());
    let query = request.uri().query().unwrap_or_default();
    match (request.method(), object) {
        (&Method::GET, true) => "GetObject",
        (&Method::HEAD, true) => "HeadObject",
        (&Method::PUT, true) if request.headers().contains_key("x-amz-copy-source") => "CopyObject",
        (&Method::PUT, true) => "PutObject",
        (&Method::DELETE, true) => "DeleteObject",
        (&Method::GET, false) if query.contains("location") => "GetBucketLocation",
        (&Method::GET, false) if request.uri().path() == "/" => "ListBuckets",
        (&Method::GET, false) => "ListObjectsV2",
        (&Method::HEAD, false) => "HeadBucket",
        (&Method::PUT, false) => "CreateBucket",
        _ => "Other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Body;

    fn protocol(authorization: Option<&str>) -> Result<Protocol, ApiError> {
        let mut request = http::Request::new(Body::empty());
        if let Some(value) = authorization {
            request.headers_mut().insert("authorization", value.parse().unwrap());
        }
        Target::protocol_of(&request)
    }

    #[test]
    fn a_service_that_is_not_simulated_is_named_and_an_unsigned_request_is_not_mistaken_for_one() {
        let signed = |service: &str| {
            format!(
                "AWS4-HMAC-SHA256 Credential=AKIA/20261121/eu-central-1/{service}/aws4_request, Signature=0"
            )
        };
        assert_eq!(protocol(Some(&signed("ec2"))), Ok(Protocol::Query));
        let unknown = protocol(Some(&signed("dynamodb"))).unwrap_err();
        assert_eq!((unknown.status, unknown.code.as_str()), (400, "UnknownOperationException"));
        assert!(unknown.message.contains("dynamodb"));
        for unsigned in [None, Some("Bearer x"), Some("AWS4-HMAC-SHA256 Credential=AKIA")] {
            assert_eq!(protocol(unsigned).unwrap_err().code, "MissingAuthenticationToken");
        }
    }
}
