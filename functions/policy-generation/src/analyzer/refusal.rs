//! What Access Analyzer's errors mean.

use aws_sdk_accessanalyzer::error::SdkError;
use aws_sdk_accessanalyzer::operation::start_policy_generation::StartPolicyGenerationError;
use aws_sdk_accessanalyzer::types::{JobError as AwsJobError, JobErrorCode};
use errors::{Answer, AwsError, JobError};
use models::{AwsDetail, ErrorName};
use std::time::Duration;

use super::{Failed, GET, START, after};

/// Why an order was not taken.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The account's quota is in use: of generations at once, or of a day. One exception for both.
    Quota(JobError),
    /// Another generation is in the way, or the client token was used for another order.
    Conflict(JobError),
    /// AWS asks to wait, perhaps how long.
    Throttled(Option<Duration>, JobError),
    Other(JobError),
}

impl From<JobError> for Refusal {
    fn from(error: JobError) -> Self {
        Self::Other(error)
    }
}

type Response = aws_smithy_runtime_api::client::orchestrator::HttpResponse;

/// What the refusal of an order means.
pub(super) fn started(error: &SdkError<StartPolicyGenerationError, Response>) -> Refusal {
    let aws = AwsError::new(START, error);
    match error.as_service_error() {
        Some(StartPolicyGenerationError::ServiceQuotaExceededException(_)) => {
            Refusal::Quota(JobError::from_aws(
                ErrorName::QuotaSpent,
                "No generation of the account is in progress, so its generations of the day are spent: the principals \
                 that are left are carried over to the next run. Quotas count per account and Region (50 a day, 5 in \
                 some Regions).",
                aws,
            ))
        }
        Some(StartPolicyGenerationError::ConflictException(_)) => Refusal::Conflict(JobError::from_aws(
            ErrorName::JobFailed,
            "No generation of the account is in progress, so waiting does not help. If the request has a clientToken, \
             it was used for another order: give another, or none.",
            aws,
        )),
        Some(StartPolicyGenerationError::ThrottlingException(it)) => {
            Refusal::Throttled(after(it.retry_after_seconds()), aws.into_job_error())
        }
        Some(StartPolicyGenerationError::ValidationException(it)) => {
            let fields: Vec<_> = it
                .field_list()
                .iter()
                .map(|field| format!("{}: {}", field.name(), field.message()))
                .collect();
            let remedy = match fields.is_empty() {
                true => format!("AWS refuses the order ({}) and names no field.", it.reason().as_str()),
                false => {
                    format!("AWS refuses these fields ({}): {}.", it.reason().as_str(), fields.join("; "))
                }
            };
            Refusal::Other(JobError::from_aws(ErrorName::InvalidRequest, remedy, aws))
        }
        Some(StartPolicyGenerationError::AccessDeniedException(_)) => Refusal::Other(JobError::from_aws(
            ErrorName::Denied,
            "Check first that the member's caller role may pass the access role (iam:PassRole with \
             iam:PassedToService access-analyzer.amazonaws.com) and that the access role is there \
             (service-role/AccessAnalyzerMonitorServiceRole_Muster of infra/roles/member-roles.yaml); then that the \
             caller role may call access-analyzer:StartPolicyGeneration, and that no service control policy denies it.",
            aws,
        )),
        _ => Refusal::Other(aws.into_job_error()),
    }
}

/// The meaning of any other call's error.
pub(super) fn plain(aws: AwsError) -> JobError {
    match aws.code() {
        "AccessDenied" => JobError::from_aws(
            ErrorName::Denied,
            "Compare the member's caller role with infra/roles/member-roles.yaml, and look for a service control \
             policy that denies Access Analyzer in this Region.",
            aws,
        ),
        _ => aws.into_job_error(),
    }
}

/// An error of a call about one job: `Ok` where it says that AWS knows no such job. Which code that is,
/// is not established; a job id of ours is always well formed.
pub(super) fn of_job(aws: AwsError) -> Result<JobError, JobError> {
    match aws.code() {
        "Validation" | "ResourceNotFound" => Ok(JobError::from_aws(
            ErrorName::Gone,
            "AWS keeps a generation for about seven days. The principal is asked for again by the next run.",
            aws,
        )),
        _ => Err(plain(aws)),
    }
}

/// Whether a generation failed because the principal, the trail or the role was not found.
pub(crate) fn is_not_found(error: &JobError) -> bool {
    let code = error.aws().and_then(|it| it.code.as_deref());
    code == Some(JobErrorCode::ResourceNotFoundError.as_str())
}

/// What a failed generation says.
pub(super) fn failed(error: Option<&AwsJobError>, request_id: Option<&str>) -> Failed {
    let (name, remedy) = match error.map(AwsJobError::code) {
        Some(JobErrorCode::AuthorizationError) => (
            ErrorName::Denied,
            "Access Analyzer's role in the account is not there, or could not read the trail, its bucket or its key: compare the role, \
             the bucket policy and the key policy with docs/organization-trail.md.",
        ),
        Some(JobErrorCode::ResourceNotFoundError) => (
            ErrorName::JobFailed,
            "The principal, the trail or the access role is not there any more: check the stack's TrailArn, and \
             that the principal still exists.",
        ),
        Some(JobErrorCode::ServiceQuotaExceededError) => (
            ErrorName::JobFailed,
            "The window holds more than 100,000 log files or 25 GB; it is narrowed within bounds. If it cannot be \
             narrowed further, ask with cloudTrailDetails for fewer Regions.",
        ),
        Some(JobErrorCode::ServiceError) => (
            ErrorName::JobFailed,
            "AWS failed by itself. Resume the run with retry \"failed\"; if it persists, report it to AWS Support with \
             the job's id.",
        ),
        _ => (
            ErrorName::JobFailed,
            "Muster does not know this code. Resume the run with retry \"failed\"; if it persists, report it to AWS \
             Support with the job's id.",
        ),
    };
    let aws = AwsError {
        detail: AwsDetail {
            operation: GET.to_owned(),
            code: error.map(|it| it.code().as_str().to_owned()),
            message: error.map(|it| it.message().to_owned()),
            request_id: request_id.map(str::to_owned),
        },
        answer: Answer::Refused { status: 200 },
    };
    Failed {
        too_much: error.is_some_and(|it| *it.code() == JobErrorCode::ServiceQuotaExceededError),
        error: JobError::from_aws(name, remedy, aws)
            .while_doing("AWS accepted the order, and its job failed"),
    }
}
