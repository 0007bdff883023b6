//! In whose name calls are made: the function's own, or that of a role in the management account or in a
//! member account.

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_sts::Client as Sts;
use aws_types::SdkConfig;
use errors::{AwsError, JobError};
use models::{AccountId, ErrorName, MemberRole, RoleArn, RunId};

use crate::environment::{Environment, InvalidEnvironment, Variable};

/// The role that reads the organization where the functions' own roles may not.
pub const MANAGEMENT_READ_ROLE_ARN: Variable = Variable {
    name: "MUSTER_MANAGEMENT_READ_ROLE_ARN",
    default: Some(""),
    description: "Role in the management account to read Organizations with; empty: the function's own role.",
};

/// The role that changes the organization where the functions' own roles may not.
pub const MANAGEMENT_WRITE_ROLE_ARN: Variable = Variable {
    name: "MUSTER_MANAGEMENT_WRITE_ROLE_ARN",
    default: Some(""),
    description: "Role in the management account to change the organization with; empty: the function's own role.",
};

/// The role that orders and reads the access report: AWS lets only the management account, and only
/// whoever has ordered a report, read it.
pub const ACCESS_REPORT_ROLE_ARN: Variable = Variable {
    name: "MUSTER_ACCESS_REPORT_ROLE_ARN",
    default: None,
    description: "Role in the management account with which every step of the access report calls IAM.",
};

/// The role that generates policies in a member account: AWS lets only an account itself do so. It is a
/// [`MemberRole`], and the very text that functions may take on.
pub const MEMBER_ROLE_ARN: Variable = Variable {
    name: "MUSTER_MEMBER_ROLE_ARN",
    default: None,
    description: "Role in every member account to generate policies with, with * for the account.",
};

/// In whose name calls are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// The function's own role.
    Own,
    /// A role of the management account, taken on for each run.
    Management(RoleArn),
    /// A role of a member account, taken on for each run and account.
    Member(RoleArn),
}

impl Identity {
    /// Who reads the organization, by [`MANAGEMENT_READ_ROLE_ARN`].
    pub fn reader(environment: &Environment) -> Result<Self, InvalidEnvironment> {
        let role: Vec<RoleArn> = environment.list(&MANAGEMENT_READ_ROLE_ARN)?;
        Ok(role.into_iter().next().map_or(Self::Own, Self::Management))
    }

    /// Who changes the organization, by [`MANAGEMENT_WRITE_ROLE_ARN`].
    pub fn writer(environment: &Environment) -> Result<Self, InvalidEnvironment> {
        let role: Vec<RoleArn> = environment.list(&MANAGEMENT_WRITE_ROLE_ARN)?;
        Ok(role.into_iter().next().map_or(Self::Own, Self::Management))
    }

    /// Who orders and reads the access report, by [`ACCESS_REPORT_ROLE_ARN`].
    pub fn access_report(environment: &Environment) -> Result<Self, InvalidEnvironment> {
        environment.get(&ACCESS_REPORT_ROLE_ARN).map(Self::Management)
    }

    /// Who works in this account, by [`MEMBER_ROLE_ARN`].
    pub fn member(role: &MemberRole, account: &AccountId) -> Self {
        Self::Member(role.in_account(account))
    }

    /// The role that is taken on; `None` for the function's own.
    pub fn role(&self) -> Option<&RoleArn> {
        match self {
            Self::Own => None,
            Self::Management(role) | Self::Member(role) => Some(role),
        }
    }

    /// What clients are built from to call in this name. Of a role's session the name is the run's
    /// id, so that CloudTrail tells which run made a call. Its credentials are valid for an hour,
    /// longer than any invocation.
    pub async fn config(&self, own: &SdkConfig, run: &RunId) -> Result<SdkConfig, JobError> {
        let Some(role) = self.role() else { return Ok(own.clone()) };
        let provider = SharedCredentialsProvider::new(self.assume(own, role, run).await?);
        Ok(own.to_builder().credentials_provider(provider).build())
    }

    async fn assume(&self, own: &SdkConfig, role: &RoleArn, run: &RunId) -> Result<Credentials, JobError> {
        let answer = Sts::new(own)
            .assume_role()
            .role_arn(role.as_str())
            .role_session_name(run.as_str())
            .send()
            .await
            .map_err(|error| self.refused(role, AwsError::new("sts:AssumeRole", &error)))?;
        let Some(given) = answer.credentials else {
            return Err(JobError::defect("sts:AssumeRole answered no credentials"));
        };
        let expires = given.expiration.try_into().map_err(JobError::defect)?;
        Ok(Credentials::new(
            given.access_key_id,
            given.secret_access_key,
            Some(given.session_token),
            Some(expires),
            "sts:AssumeRole",
        ))
    }

    /// AWS gives one answer for a role that does not exist, that does not trust the caller, and that the
    /// caller may not take on.
    fn refused(&self, role: &RoleArn, aws: AwsError) -> JobError {
        if aws.code() != "AccessDenied" {
            return aws.into_job_error();
        }
        let trusts = "its trust policy names this stack's account, organization and roles";
        let remedy = match self {
            Self::Member(_) => format!(
                "Check that the StackSet of infra/roles/member-roles.yaml has a stack in account {} (it passes over the \
                 management account), that {role} exists, that {trusts}, and that the stack's parameter MemberRoleArn \
                 is its ARN with * for the account. See docs/organization-trail.md.",
                role.account()
            ),
            Self::Own | Self::Management(_) => format!(
                "Check that {role} exists, that {trusts} (infra/roles/management-roles.yaml), and that the stack's \
                 parameter for it (ManagementReadRoleArn, ManagementWriteRoleArn, AccessReportRoleArn) is its ARN."
            ),
        };
        JobError::from_aws(ErrorName::Denied, remedy, aws)
    }
}
