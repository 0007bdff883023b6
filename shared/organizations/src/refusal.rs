//! What Organizations' errors mean, of writes above all: which pass by themselves, which say that it is so
//! already, and which leave open what became of the call.

use errors::{AwsError, JobError};
use models::ErrorName;

/// Why a call with an effect did not succeed.
#[derive(Debug)]
pub enum Refusal {
    /// It says that it is so already, or that there is nothing to be undone: to be looked at, for it may
    /// have been this very call, made before.
    AlreadySo(JobError),
    /// The answer leaves open whether it took effect: to be looked at.
    Open(JobError),
    /// It is refused for something that may have been changed a moment ago, and may not show yet.
    NotYet(JobError),
    /// A policy type is off, or its being turned on is not through everywhere yet.
    TypeNotEnabled(JobError),
    /// The organization was made a short time ago, and is not ready for this for up to an hour.
    Finalizing(JobError),
    Other(JobError),
}

impl Refusal {
    /// The error, whatever it leads to.
    pub fn into_error(self) -> JobError {
        match self {
            Self::AlreadySo(error)
            | Self::Open(error)
            | Self::NotYet(error)
            | Self::TypeNotEnabled(error)
            | Self::Finalizing(error)
            | Self::Other(error) => error,
        }
    }
}

impl From<JobError> for Refusal {
    fn from(error: JobError) -> Self {
        Self::Other(error)
    }
}

/// AWS's own word for why, such as `ACCOUNT_NUMBER_LIMIT_EXCEEDED`, of the errors that carry one: it stands
/// in brackets behind their message.
pub fn reason_of(error: &JobError) -> Option<&str> {
    let message = error.aws()?.message.as_deref()?;
    let (_, reason) = message.strip_suffix(']')?.rsplit_once(" [")?;
    Some(reason)
}

/// Whether the call has certainly had no effect, and may have one when it is made again in a moment.
pub(crate) fn passes(aws: &AwsError) -> bool {
    aws.is_throttle() || is_in_progress(aws)
}

/// Whether somebody changes the organization at this moment. AWS refuses the later of two.
fn is_in_progress(aws: &AwsError) -> bool {
    matches!(aws.code(), "ConcurrentModification" | "PolicyChangesInProgress")
}

/// What the error of a write means.
pub(crate) fn of_write(aws: AwsError) -> Refusal {
    match aws.code() {
        "AccountAlreadyRegistered"
        | "AccountNotRegistered"
        | "AlreadyInOrganization"
        | "DuplicateAccount"
        | "DuplicatePolicy"
        | "DuplicatePolicyAttachment"
        | "PolicyNotAttached"
        | "PolicyNotFound"
        | "PolicyTypeAlreadyEnabled"
        | "ResourcePolicyNotFound" => Refusal::AlreadySo(write_meaning(aws)),
        // A policy that was detached, a service that was trusted, a moment ago.
        "PolicyInUse" => Refusal::NotYet(write_meaning(aws)),
        "ConstraintViolation"
            if aws.detail.message.as_deref().is_some_and(|it| it.contains("SERVICE_ACCESS_NOT_ENABLED")) =>
        {
            Refusal::NotYet(write_meaning(aws))
        }
        "PolicyTypeNotEnabled" => Refusal::TypeNotEnabled(write_meaning(aws)),
        "FinalizingOrganization" => Refusal::Finalizing(write_meaning(aws)),
        _ if aws.effect_is_open() => Refusal::Open(write_meaning(aws)),
        _ => Refusal::Other(write_meaning(aws)),
    }
}

fn write_meaning(aws: AwsError) -> JobError {
    match aws.code() {
        "AccessDenied" => JobError::from_aws(
            ErrorName::Denied,
            "Compare the function's role with template.yaml and infra/roles/management-roles.yaml. A delegated \
             administrator needs the organization's resource policy besides; some calls are the management account's alone.",
            aws,
        ),
        "AccessDeniedForDependency" => JobError::from_aws(
            ErrorName::Denied,
            "The caller lacks what this call makes in its name, such as a service-linked role.",
            aws,
        ),
        "ConstraintViolation" => JobError::from_aws(
            ErrorName::InvalidRequest,
            "A quota or a rule of the organization is against it: the word in brackets says which.",
            aws,
        ),
        "PolicyNotFound" | "TargetNotFound" => {
            JobError::from_aws(ErrorName::Outdated, "Somebody has removed it since. Plan again.", aws)
        }
        "PolicyInUse" => {
            JobError::from_aws(ErrorName::Outdated, "Somebody has attached it since. Plan again.", aws)
        }
        "MalformedPolicyDocument" => JobError::from_aws(
            ErrorName::InvalidRequest,
            "AWS does not accept the policy's content. Correct it, and plan again.",
            aws,
        ),
        "PolicyTypeNotAvailableForOrganization" | "PolicyTypeNotEnabled" => JobError::from_aws(
            ErrorName::NotEnabled,
            "Enable the policy type with a run of organization-setup; it needs an organization with all features.",
            aws,
        ),
        "UnsupportedAPIEndpoint" => JobError::from_aws(
            ErrorName::InvalidRequest,
            "AWS has this operation in another Region or partition only.",
            aws,
        ),
        "FinalizingOrganization" => JobError::from_aws(
            ErrorName::Transient,
            "The organization is being set up, which takes up to an hour. If it takes longer, ask AWS Support.",
            aws,
        ),
        _ => common(aws),
    }
}

/// What an error of any operation means.
pub(crate) fn common(aws: AwsError) -> JobError {
    match aws.code() {
        "AWSOrganizationsNotInUse" => JobError::from_aws(
            ErrorName::NotEnabled,
            "Deploy to the organization's management account, or to a delegated administrator of it.",
            aws,
        ),
        _ if is_in_progress(&aws) => JobError::from_aws(
            ErrorName::Transient,
            "The organization is being changed; the step is repeated.",
            aws,
        ),
        _ => aws.into_job_error(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use errors::Answer;
    use models::AwsDetail;

    fn aws(code: Option<&str>, answer: Answer) -> AwsError {
        AwsError {
            detail: AwsDetail {
                operation: "organizations:AttachPolicy".into(),
                code: code.map(str::to_owned),
                message: None,
                request_id: None,
            },
            answer,
        }
    }

    fn refused(code: &str) -> AwsError {
        aws(Some(code), Answer::Refused { status: 400 })
    }

    #[test]
    fn what_passes_by_itself_has_had_no_effect() {
        for code in [
            "TooManyRequestsException",
            "ConcurrentModificationException",
            "PolicyChangesInProgressException",
        ] {
            assert!(passes(&refused(code)), "{code}");
        }
        for code in ["DuplicatePolicyAttachmentException", "ConstraintViolationException", "ServiceException"]
        {
            assert!(!passes(&refused(code)), "{code}");
        }
        assert!(!passes(&aws(None, Answer::Unknown)));
        assert!(!passes(&aws(Some("ServiceException"), Answer::Unknown)), "it may have had one");
    }

    #[test]
    fn a_write_that_was_not_answered_or_answered_with_a_server_error_is_open() {
        for open in [aws(None, Answer::Unknown), aws(Some("ServiceException"), Answer::Unknown)] {
            assert!(matches!(of_write(open), Refusal::Open(error) if error.name() == ErrorName::Transient));
        }
    }

    #[test]
    fn an_error_that_says_that_it_is_so_already_is_told_from_one_that_says_that_it_cannot_be() {
        for code in
            ["DuplicatePolicyAttachmentException", "PolicyNotAttachedException", "DuplicatePolicyException"]
        {
            assert!(matches!(of_write(refused(code)), Refusal::AlreadySo(_)), "{code}");
        }
        let other = |code| match of_write(refused(code)) {
            Refusal::Other(error) => error.name(),
            refusal => panic!("{code}: {refusal:?}"),
        };
        assert_eq!(other("ConstraintViolationException"), ErrorName::InvalidRequest);
        assert_eq!(other("AccessDeniedException"), ErrorName::Denied);
        assert_eq!(other("PolicyTypeNotAvailableForOrganizationException"), ErrorName::NotEnabled);
        assert!(matches!(of_write(refused("PolicyTypeNotEnabledException")), Refusal::TypeNotEnabled(_)));
        assert!(matches!(of_write(refused("FinalizingOrganizationException")), Refusal::Finalizing(_)));
    }
}
