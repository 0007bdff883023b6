//! A step's error: one of the stable names, what happened, and what to do about it.

use std::borrow::Cow;
use std::fmt;

use models::{AwsDetail, ErrorName};

use crate::AwsError;

/// Why a step failed.
///
/// Its text is what an operator reads in the execution's `Cause`: what happened, what AWS said with
/// its request id, and what to do.
#[derive(Debug, Clone)]
pub struct JobError {
    name: ErrorName,
    happened: String,
    remedy: Cow<'static, str>,
    aws: Option<Box<AwsError>>,
}

impl JobError {
    pub fn new(name: ErrorName, happened: impl Into<String>, remedy: impl Into<Cow<'static, str>>) -> Self {
        Self { name, happened: happened.into(), remedy: remedy.into(), aws: None }
    }

    /// An error that AWS's answer explains by itself.
    pub fn from_aws(name: ErrorName, remedy: impl Into<Cow<'static, str>>, aws: AwsError) -> Self {
        Self { name, happened: String::new(), remedy: remedy.into(), aws: Some(Box::new(aws)) }
    }

    /// A request or ticket that is not accepted.
    pub fn invalid(happened: impl fmt::Display) -> Self {
        Self::new(
            ErrorName::InvalidRequest,
            happened.to_string(),
            "Correct the request; repeating it unchanged cannot succeed.",
        )
    }

    /// Something that Muster's own invariants exclude.
    pub fn defect(happened: impl fmt::Display) -> Self {
        Self::new(
            ErrorName::Defect,
            happened.to_string(),
            "This is a bug in Muster: report it with the function's log of this request.",
        )
    }

    /// Says what was being done when AWS refused.
    pub fn while_doing(mut self, happened: impl Into<String>) -> Self {
        self.happened = happened.into();
        self
    }

    pub fn name(&self) -> ErrorName {
        self.name
    }

    /// AWS's part in it, where it has one.
    pub fn aws(&self) -> Option<&AwsDetail> {
        self.aws.as_deref().map(|aws| &aws.detail)
    }

    /// Whether an AWS call may have taken effect although it failed.
    pub fn effect_is_open(&self) -> bool {
        self.aws.as_deref().is_some_and(AwsError::effect_is_open)
    }
}

impl From<AwsError> for JobError {
    fn from(aws: AwsError) -> Self {
        aws.into_job_error()
    }
}

impl fmt::Display for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts: Vec<Cow<'_, str>> = Vec::with_capacity(3);
        if !self.happened.is_empty() {
            parts.push(sentence(&self.happened));
        }
        let said = self.aws.as_ref().map(ToString::to_string);
        if let Some(said) = &said {
            parts.push(sentence(said));
        }
        if !self.remedy.is_empty() {
            parts.push(Cow::Borrowed(&self.remedy));
        }
        f.write_str(&parts.join(" "))
    }
}

impl std::error::Error for JobError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.aws.as_deref().map(|aws| aws as _)
    }
}

/// The text with a full stop, so that texts of different origin can follow each other.
fn sentence(text: &str) -> Cow<'_, str> {
    let text = text.trim_end();
    if text.ends_with(['.', '!', '?']) { Cow::Borrowed(text) } else { Cow::Owned(format!("{text}.")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Answer;

    #[test]
    fn an_error_says_what_happened_what_aws_said_and_what_to_do() {
        let aws = AwsError {
            detail: AwsDetail {
                operation: "s3:PutObject".into(),
                code: Some("AccessDenied".into()),
                message: Some("Access Denied".into()),
                request_id: Some("R1".into()),
            },
            answer: Answer::Refused { status: 403 },
        };
        let error = JobError::from_aws(ErrorName::StorageInaccessible, "Check the bucket policy.", aws)
            .while_doing("the record could not be written");
        assert_eq!(
            error.to_string(),
            "the record could not be written. s3:PutObject answered AccessDenied: Access Denied (request id R1). \
             Check the bucket policy."
        );
        assert_eq!(error.aws().and_then(|aws| aws.request_id.as_deref()), Some("R1"));
    }
}
