//! IAM in one account, in the name of the member role's session: which principals it has, what they may
//! do, and what they did.
//!
//! * [`authorization`]: the account's roles and users with all of their policies; [`document`]: a
//!   policy's document as IAM sends it.
//! * [`access`]: service-last-accessed data of a principal; [`granting`]: which policies grant a service.
//!
//! A list is whole or an error, never a part. The SDK repeats what was throttled: IAM's rates count per
//! account and are not published, so there is nothing to pace by.

mod access;
mod authorization;
mod document;
mod granting;

use std::collections::HashSet;

use aws_sdk_iam::Client;
use aws_types::SdkConfig;
use errors::{AwsError, JobError};
use models::ErrorName;

pub(crate) use access::Standing;

/// IAM in the name of one session.
#[derive(Debug)]
pub(crate) struct Iam {
    client: Client,
}

impl Iam {
    pub(crate) fn new(config: &SdkConfig) -> Self {
        Self { client: Client::new(config) }
    }
}

/// Follows `IsTruncated` and `Marker` to a list's end. A page may be shorter than asked for, and others
/// follow.
struct Markers {
    operation: &'static str,
    seen: HashSet<String>,
}

impl Markers {
    fn new(operation: &'static str) -> Self {
        Self { operation, seen: HashSet::new() }
    }

    /// Where the list goes on; `None` at its end.
    fn next(&mut self, is_truncated: bool, marker: Option<String>) -> Result<Option<String>, JobError> {
        if !is_truncated {
            return Ok(None);
        }
        let Some(marker) = marker.filter(|marker| !marker.is_empty()) else {
            return Err(incomplete(self.operation, "said that there is more, and not where it goes on"));
        };
        if !self.seen.insert(marker.clone()) {
            let what = "answered a marker for the second time: its pages would never end";
            return Err(incomplete(self.operation, what));
        }
        Ok(Some(marker))
    }
}

/// A member that the rest makes no sense without, although AWS's model leaves it open.
fn required(operation: &str, value: Option<String>, what: &str) -> Result<String, JobError> {
    let value = value.filter(|value| !value.is_empty());
    value.ok_or_else(|| incomplete(operation, &format!("answered {what}")))
}

fn incomplete(operation: &str, what: &str) -> JobError {
    JobError::new(
        ErrorName::Incomplete,
        format!("{operation} {what}, so its answer is not whole"),
        "The account may have changed while it was read: resume the run with retry \"failed\". If it persists, \
         report it to AWS Support.",
    )
}

fn refused(aws: AwsError) -> JobError {
    match aws.code() {
        "AccessDenied" => JobError::from_aws(
            ErrorName::Denied,
            "The member role may not make this call: compare it with infra/roles/member-roles.yaml, and look for a \
             service control policy or a permissions boundary that denies it.",
            aws,
        ),
        _ => aws.into_job_error(),
    }
}

/// The refusal of a call about one principal.
fn refused_principal(aws: AwsError, arn: &str) -> JobError {
    match aws.code() {
        "NoSuchEntity" => JobError::from_aws(
            ErrorName::Gone,
            "It was removed since the account was read, so nothing is asked about it. If it was made anew, run again \
             to discover it.",
            aws,
        )
        .while_doing(format!("there is no {arn} any more")),
        _ => refused(aws),
    }
}

#[cfg(test)]
mod tests;
