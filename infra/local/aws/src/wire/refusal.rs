//! Refusals in the shape of each protocol.

use super::xml::Element;
use super::{ApiError, Body, Protocol, Response, answer, collect, json};
use super::{aws_query, query};
use crate::iam::InvalidCredentials;

pub(crate) fn throttled(protocol: Protocol) -> ApiError {
    match protocol {
        Protocol::Query => ApiError::new(503, "RequestLimitExceeded", "Request limit exceeded."),
        Protocol::AwsQuery => ApiError::new(400, "Throttling", "Rate exceeded"),
        Protocol::S3 => ApiError::new(503, "SlowDown", "Please reduce your request rate."),
        Protocol::Json => ApiError::new(400, "TooManyRequestsException", "Rate exceeded"),
        Protocol::RestJson => ApiError::new(429, "TooManyRequestsException", "Rate Exceeded."),
        Protocol::AccessAnalyzer => ApiError::new(429, "ThrottlingException", "Rate exceeded"),
    }
}

/// A failure of AWS's own.
pub(crate) fn server_error(protocol: Protocol) -> ApiError {
    match protocol {
        Protocol::AccessAnalyzer => {
            ApiError::new(500, "InternalServerException", "An internal error has occurred")
        }
        _ => ApiError::server(),
    }
}

pub(crate) fn denied(protocol: Protocol) -> ApiError {
    match protocol {
        Protocol::Query => {
            ApiError::new(403, "UnauthorizedOperation", "You are not authorized to perform this operation.")
        }
        Protocol::S3 | Protocol::AwsQuery => ApiError::new(403, "AccessDenied", "Access Denied"),
        Protocol::Json => {
            ApiError::new(400, "AccessDeniedException", "You are not authorized to perform this operation.")
        }
        Protocol::RestJson | Protocol::AccessAnalyzer => {
            ApiError::new(403, "AccessDeniedException", "You are not authorized to perform this operation.")
        }
    }
}

/// S3's answer when conditional writes of one key meet.
pub(crate) fn conflict() -> ApiError {
    let message =
        "The conditional request cannot succeed due to a conflicting operation against this resource.";
    ApiError::new(409, "ConditionalRequestConflict", message)
}

/// Credentials that are unknown, do not fit their token, or have expired.
pub(crate) fn invalid_credentials(protocol: Protocol, error: &InvalidCredentials) -> ApiError {
    let (status, code) = match (error, protocol) {
        (InvalidCredentials::Unknown, Protocol::Query) => (401, "AuthFailure"),
        (InvalidCredentials::Unknown, Protocol::AwsQuery) => (403, "InvalidClientTokenId"),
        (InvalidCredentials::Unknown, Protocol::S3) => (403, "InvalidAccessKeyId"),
        (InvalidCredentials::Unknown, Protocol::Json) => (400, "UnrecognizedClientException"),
        (InvalidCredentials::Unknown, Protocol::RestJson | Protocol::AccessAnalyzer) => {
            (403, "UnrecognizedClientException")
        }
        (InvalidCredentials::Expired, Protocol::Query) => (401, "RequestExpired"),
        (InvalidCredentials::Expired, Protocol::Json) => (400, "ExpiredTokenException"),
        (InvalidCredentials::Expired, Protocol::RestJson | Protocol::AccessAnalyzer) => {
            (403, "ExpiredTokenException")
        }
        (InvalidCredentials::Expired, Protocol::AwsQuery | Protocol::S3) => (403, "ExpiredToken"),
    };
    ApiError::new(status, code, error.to_string())
}

/// What a request is answered that names no operation.
pub(crate) fn no_operation(protocol: Protocol) -> ApiError {
    match protocol {
        Protocol::Query | Protocol::AwsQuery => {
            ApiError::new(400, "MissingAction", "The request must contain the parameter Action")
        }
        Protocol::S3 => ApiError::new(405, "MethodNotAllowed", "The specified method is not allowed."),
        Protocol::Json => ApiError::new(400, "UnknownOperationException", "The request names no operation"),
        Protocol::RestJson | Protocol::AccessAnalyzer => {
            ApiError::new(404, "UnknownOperationException", "No operation has this method and path")
        }
    }
}

/// An error in the shape of its protocol.
pub(crate) fn refuse(protocol: Protocol, error: &ApiError, request_id: &str) -> Response {
    match protocol {
        Protocol::Query => query::failure(error, request_id),
        Protocol::AwsQuery => aws_query::failure(error, request_id),
        Protocol::Json => json::failure(json::Version::V1_1, error, request_id),
        Protocol::RestJson => json::rest_failure(error, request_id),
        Protocol::AccessAnalyzer => json::members_failure(error, request_id),
        Protocol::S3 => {
            let document = Element::new("Error")
                .child(Element::text("Code", &error.code))
                .child(Element::text("Message", &error.message))
                .child(Element::text("RequestId", request_id))
                .document();
            let mut response = answer(error.status, "application/xml", request_id, document);
            if let Ok(value) = http::HeaderValue::from_str(request_id) {
                response.headers_mut().insert("x-amz-request-id", value);
            }
            response
        }
    }
}

/// The answer, its body broken off half way.
pub(crate) fn truncate(response: Response) -> Response {
    use futures_util::StreamExt;
    use http_body_util::StreamBody;

    response.map(|body| {
        let broken = futures_util::stream::once(async move {
            let bytes = collect(body).await.unwrap_or_default();
            bytes.slice(..bytes.len() / 2)
        })
        .map(|half| Ok(http_body::Frame::data(half)))
        .chain(futures_util::stream::once(async {
            Err(std::io::Error::new(std::io::ErrorKind::ConnectionReset, "the connection was closed"))
        }));
        Body::http_body_unsync(StreamBody::new(Box::pin(broken)))
    })
}
