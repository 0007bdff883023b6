//! Reads of AWS Organizations.
//!
//! A list is whole or an error: a page may be empty and carry a token, so the loop follows tokens
//! and never page sizes; a token that comes back is a loop; an error on any page fails the list.

mod accounts;
mod pages;

pub use accounts::{Account, AccountState};

use std::sync::Arc;

use aws_sdk_organizations::Client;
use errors::{AwsError, JobError};
use models::{ErrorName, RootId};

use pages::{Operation, Pace};

/// A reader of one organization.
#[derive(Debug, Clone)]
pub struct Organization {
    client: Client,
    pace: Arc<Pace>,
}

const LIST_ROOTS: Operation = Operation { name: "ListRoots", per_second: 1.0 };

impl Organization {
    /// A reader that stays below `rate_share` (0 to 1) of AWS's request rate of each operation: the
    /// rates are shared with Control Tower, Identity Center and everybody else.
    pub fn new(client: Client, rate_share: f64) -> Self {
        Self { client, pace: Arc::new(Pace::new(rate_share)) }
    }

    /// The organization's root. There is exactly one.
    pub async fn root(&self) -> Result<RootId, JobError> {
        let roots = pages::all(&self.pace, LIST_ROOTS, |token| async move {
            let page = self
                .client
                .list_roots()
                .set_next_token(token)
                .send()
                .await
                .map_err(|error| meaning("organizations:ListRoots", &error))?;
            Ok((page.roots.unwrap_or_default(), page.next_token))
        })
        .await?;
        match roots.as_slice() {
            [root] => root
                .id()
                .unwrap_or_default()
                .parse()
                .map_err(|error| JobError::defect(format!("ListRoots: {error}"))),
            others => Err(JobError::defect(format!("ListRoots answered {} roots", others.len()))),
        }
    }
}

/// What an error of an Organizations read means.
fn meaning<E>(
    operation: &str,
    error: &aws_sdk_organizations::error::SdkError<E, aws_sdk_organizations::config::http::HttpResponse>,
) -> JobError
where
    E: aws_sdk_organizations::error::ProvideErrorMetadata + std::error::Error + 'static,
{
    let aws = AwsError::new(operation, error);
    match aws.code() {
        "AWSOrganizationsNotInUse" => JobError::from_aws(
            ErrorName::NotEnabled,
            "Deploy to the organization's management account, or to a delegated administrator of it.",
            aws,
        ),
        "AccessDenied" => JobError::from_aws(
            ErrorName::Denied,
            "Only the management account and delegated administrators may read the organization.",
            aws,
        ),
        "ConcurrentModification" | "PolicyChangesInProgress" => JobError::from_aws(
            ErrorName::Transient,
            "The organization is being changed; the step is repeated.",
            aws,
        ),
        _ => aws.into_job_error(),
    }
}
