//! Requests and answers as they are on the wire.

pub(crate) mod aws_query;
mod error;
pub(crate) mod form;
pub(crate) mod json;
pub(crate) mod query;
pub(crate) mod refusal;
mod request;
pub(crate) mod xml;

pub use error::ApiError;
pub(crate) use request::{Protocol, Target};

use bytes::Bytes;
use http_body_util::BodyExt;

/// A body, of a request or an answer, whole or streamed.
pub use s3s::Body;

/// An HTTP request to AWS.
pub type Request = http::Request<Body>;

/// An HTTP answer of AWS.
pub type Response = http::Response<Body>;

/// The connection ended without an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the connection was closed")]
pub struct Disconnected;

/// Reads a body to its end.
pub async fn collect(body: Body) -> Result<Bytes, Disconnected> {
    body.collect().await.map(http_body_util::Collected::to_bytes).map_err(|_| Disconnected)
}

/// An answer with a text body.
pub(crate) fn answer(
    status: u16,
    content_type: &'static str,
    request_id: &str,
    body: impl Into<Bytes>,
) -> Response {
    let mut response = Response::new(Body::from(body.into()));
    *response.status_mut() =
        http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static(content_type));
    if let Ok(value) = http::HeaderValue::from_str(request_id) {
        headers.insert("x-amzn-requestid", value);
    }
    response
}
