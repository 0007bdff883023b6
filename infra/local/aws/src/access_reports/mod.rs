//! IAM's access report of an organization: which services its service control policies leave open to
//! an entity, and who last used each of them.
//!
//! * [`api`]: the two operations, in the Query protocol of IAM.
//! * [`jobs`]: one job at a time, from its order to its end.
//! * [`content`]: the entity a path names, and the rows of its report.
//! * [`crate::services`]: the services, which of them policies leave open, and when an account last used
//!   one.
//!
//! Sources: botocore's model of IAM (2010-05-08), its documentation strings for what a report holds
//! and who may have it, and the IAM user guide's pages on last accessed information. What has only
//! been observed of AWS says so where it stands; what nobody knows is in [`AccessReportSettings`].

mod api;
mod content;
mod jobs;
mod settings;
mod sorting;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use api::{Caller, Iam, NAMESPACE};
pub use jobs::{AccessReport, AccessReportState};
pub(crate) use jobs::{AccessReports, Order};
pub use settings::{AccessReportOutcome, AccessReportSettings, DenyOnly, ReportReaders, WithoutPolicies};
