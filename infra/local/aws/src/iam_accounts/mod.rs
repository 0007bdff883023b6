//! IAM of every account: its principals with their policies, and when they last used what.
//!
//! * [`api`]: the operations, in the Query protocol of IAM; [`authorization_details`] writes the long one.
//! * [`source`]: what an ARN names, and who counts for it.
//! * [`accessed`]: the rows of a report on services last accessed.
//! * [`jobs`]: such a report from its order to its end.
//!
//! The account is always the caller's. Sources: botocore's model of IAM (2010-05-08) and its
//! documentation strings. What nobody knows is in [`IamAccountSettings`].

mod accessed;
mod api;
mod authorization_details;
mod jobs;
mod settings;
mod source;
#[cfg(test)]
mod tests;

pub(crate) use api::{IamAccounts, serves};
pub(crate) use jobs::AccessedJobs;
pub use settings::{AccessedOutcome, IamAccountSettings};
