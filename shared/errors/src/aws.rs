//! An AWS call that did not succeed, before anybody has said what it means.

use std::error::Error;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;
use models::{AwsDetail, ErrorName};

use crate::JobError;

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The request never left: it cannot have had an effect.
    NotSent,
    /// The service refused it. A client error (4xx) has had no effect.
    Refused { status: u16 },
    /// No answer, or one that says nothing about the effect (5xx, cut off, unreadable).
    Unknown,
}

/// What AWS said, or that it said nothing.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{detail}")]
pub struct AwsError {
    pub detail: AwsDetail,
    pub answer: Answer,
}

impl AwsError {
    /// Reads the error of `operation` (`service:Operation`) out of the SDK's.
    pub fn new<E>(operation: &str, error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let status = error.raw_response().map(|raw| raw.status().as_u16());
        let (code, message) = match error {
            SdkError::ServiceError(context) => {
                let metadata = context.err().meta();
                (metadata.code().map(str::to_owned), metadata.message().map(str::to_owned))
            }
            other => (None, Some(chain(other))),
        };
        let answer = match (error, status) {
            (SdkError::ConstructionFailure(_), _) => Answer::NotSent,
            (SdkError::DispatchFailure(failure), _) if failure.is_user() => Answer::NotSent,
            (SdkError::ServiceError(_), Some(status)) if status < 500 => Answer::Refused { status },
            _ => Answer::Unknown,
        };
        Self {
            detail: AwsDetail {
                operation: operation.to_owned(),
                code,
                message,
                request_id: error.request_id().map(str::to_owned),
            },
            answer,
        }
    }

    /// The code without the suffix `Exception`: AWS's pages and AWS's answers disagree about it.
    pub fn code(&self) -> &str {
        let code = self.detail.code.as_deref().unwrap_or_default();
        code.strip_suffix("Exception").unwrap_or(code)
    }

    /// Whether the call may have taken effect although it failed. A throttle is a refusal, whatever
    /// its status: EC2's is a 503.
    pub fn effect_is_open(&self) -> bool {
        self.answer == Answer::Unknown && !self.is_throttle()
    }

    /// Whether AWS asks to slow down.
    pub fn is_throttle(&self) -> bool {
        self.common_name() == ErrorName::Throttled
    }

    /// The meaning every AWS service shares. Codes that only one operation gives are matched by its
    /// caller first.
    pub fn into_job_error(self) -> JobError {
        let name = self.common_name();
        let remedy = match name {
            ErrorName::Throttled => {
                "AWS asks to slow down; the call is repeated with backoff. If it persists, see who else uses \
                 the account's request rate, or run at another hour."
            }
            ErrorName::Denied => {
                "Compare the function's role with template.yaml, and look for a service control policy, a \
                 permissions boundary or a resource policy that denies it."
            }
            ErrorName::InvalidRequest => "Correct the request; repeating it unchanged cannot succeed.",
            ErrorName::Transient => "The call is repeated. If it persists, look at the AWS Health Dashboard.",
            _ => {
                "This code is unknown to Muster: keep the request id, and report it so that its meaning can be \
                 established."
            }
        };
        JobError::from_aws(name, remedy, self)
    }

    fn common_name(&self) -> ErrorName {
        match (self.code(), self.answer) {
            (
                "RequestLimitExceeded"
                | "Throttling"
                | "Throttled"
                | "ThrottledException"
                | "RequestThrottled"
                | "TooManyRequests"
                | "SlowDown"
                | "BandwidthLimitExceeded"
                | "ProvisionedThroughputExceeded"
                | "LimitExceeded",
                _,
            )
            | (_, Answer::Refused { status: 429 }) => ErrorName::Throttled,
            (
                "InternalError"
                | "InternalFailure"
                | "InternalServerError"
                | "Internal"
                | "Service"
                | "ServiceUnavailable"
                | "Unavailable"
                | "RequestTimeout"
                | "RequestTimeTooSkewed"
                | "RequestExpired"
                | "ExpiredToken"
                | "ExpiredTokenException"
                | "OperationAborted"
                | "ConditionalRequestConflict",
                _,
            )
            | (_, Answer::Unknown) => ErrorName::Transient,
            (
                "AccessDenied"
                | "UnauthorizedOperation"
                | "AuthFailure"
                | "InvalidClientTokenId"
                | "InvalidAccessKeyId"
                | "SignatureDoesNotMatch"
                | "UnrecognizedClient"
                | "OptInRequired",
                _,
            )
            | (_, Answer::Refused { status: 401 | 403 }) => ErrorName::Denied,
            (code, _)
                if code.starts_with("Invalid")
                    || code.starts_with("Malformed")
                    || code.starts_with("Missing") =>
            {
                ErrorName::InvalidRequest
            }
            ("Validation" | "ValidationError", _) => ErrorName::InvalidRequest,
            _ => ErrorName::Defect,
        }
    }
}

/// The error and its causes in one line.
fn chain(error: &(dyn Error + 'static)) -> String {
    std::iter::successors(Some(error), |&error| error.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: &str, status: u16) -> AwsError {
        AwsError {
            detail: AwsDetail {
                operation: "ec2:DescribeRegions".into(),
                code: Some(code.into()),
                message: None,
                request_id: Some("4f0c".into()),
            },
            answer: if status < 500 { Answer::Refused { status } } else { Answer::Unknown },
        }
    }

    #[test]
    fn a_code_means_the_same_with_and_without_its_suffix() {
        assert_eq!(refused("AccessDeniedException", 400).into_job_error().name(), ErrorName::Denied);
        assert_eq!(refused("AccessDenied", 403).into_job_error().name(), ErrorName::Denied);
        assert_eq!(refused("TooManyRequestsException", 400).into_job_error().name(), ErrorName::Throttled);
        assert_eq!(refused("RequestLimitExceeded", 503).into_job_error().name(), ErrorName::Throttled);
    }

    #[test]
    fn a_server_error_leaves_the_effect_open_and_a_client_error_does_not() {
        assert!(refused("InternalError", 500).effect_is_open());
        assert!(!refused("AccessDenied", 403).effect_is_open());
        assert!(!refused("RequestLimitExceeded", 503).effect_is_open(), "a throttle is a refusal");
        assert_eq!(refused("InternalError", 500).into_job_error().name(), ErrorName::Transient);
        assert_eq!(refused("Weird", 400).into_job_error().name(), ErrorName::Defect);
    }
}
