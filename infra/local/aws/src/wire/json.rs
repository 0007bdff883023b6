//! The JSON protocols of Organizations, Step Functions, EventBridge, Lambda and Access Analyzer.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{ApiError, Response, answer};

/// Reads a request's body; an empty one is an empty object.
pub(crate) fn body(bytes: &Bytes) -> Result<Value, ApiError> {
    if bytes.is_empty() {
        return Ok(json!({}));
    }
    serde_json::from_slice(bytes)
        .map_err(|error| ApiError::new(400, "SerializationException", error.to_string()))
}

pub(crate) fn success(version: Version, request_id: &str, value: &Value) -> Response {
    answer(200, version.content_type(), request_id, value.to_string())
}

/// An error with its code in `__type`.
pub(crate) fn failure(version: Version, error: &ApiError, request_id: &str) -> Response {
    let mut body = json!({"__type": error.code, "Message": error.message, "message": error.message});
    if let Some(reason) = error.reason {
        body["Reason"] = json!(reason);
    }
    answer(error.status, version.content_type(), request_id, body.to_string())
}

/// Lambda's errors have their code in a header.
pub(crate) fn rest_failure(error: &ApiError, request_id: &str) -> Response {
    let body = json!({"Message": error.message, "Type": if error.status < 500 { "User" } else { "Service" }});
    let mut response = answer(error.status, "application/json", request_id, body.to_string());
    name_in_header(&mut response, error);
    response
}

/// Access Analyzer's errors have members of their own besides; when to try again is in a header too.
pub(crate) fn members_failure(error: &ApiError, request_id: &str) -> Response {
    let mut body = json!({"message": error.message});
    for (name, value) in &error.members {
        body[*name] = value.clone();
    }
    let mut response = answer(error.status, "application/json", request_id, body.to_string());
    name_in_header(&mut response, error);
    if let Some(seconds) = error.retry_after {
        response.headers_mut().insert(http::header::RETRY_AFTER, seconds.into());
    }
    response
}

fn name_in_header(response: &mut Response, error: &ApiError) {
    if let Ok(code) = http::HeaderValue::from_str(&error.code) {
        response.headers_mut().insert("x-amzn-errortype", code);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    V1_0,
    V1_1,
}

impl Version {
    fn content_type(self) -> &'static str {
        match self {
            Self::V1_0 => "application/x-amz-json-1.0",
            Self::V1_1 => "application/x-amz-json-1.1",
        }
    }
}
