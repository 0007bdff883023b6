//! Access Analyzer: policies generated from what a role or user did, and checks of policies.
//!
//! * [`api`]: the operations, in REST and JSON; [`input`] reads what they are sent, [`errors`] is what
//!   they refuse with.
//! * [`start`]: an order for a generation, and what is wrong with it.
//! * [`jobs`]: the generations of each account and Region, one at a time and so many a day.
//! * [`outcome`]: what a generation comes to; [`logs`]: the trail's files that it reads.
//! * [`content`]: the policies that it writes, of what is [`recent`]; [`documents`]: as many documents as they need;
//!   [`placeholders`]: their resources.
//! * [`validate`], over [`json_tree`]: ValidatePolicy. [`compare`]: CheckNoNewAccess.
//!
//! Sources: botocore's model of Access Analyzer (2019-11-01), the IAM user guide's pages on policy
//! generation, on its quotas and on policy checks. What AWS leaves open says so where it stands, and is
//! in [`AccessAnalyzerSettings`] where callers can tell the difference.

mod api;
mod compare;
mod content;
mod documents;
mod errors;
mod input;
mod jobs;
mod json_tree;
mod logs;
mod outcome;
mod placeholders;
mod recent;
mod settings;
mod start;
#[cfg(test)]
mod tests;
mod validate;

pub(crate) use api::{Analyzer, Asked, operation};
pub(crate) use jobs::PolicyGenerations;
pub use jobs::{PolicyGeneration, PolicyGenerationState};
pub use outcome::trail;
pub use settings::{
    AccessAnalyzerSettings, BothRegionForms, CancelEnded, JobErrorCode, LogBucket, PolicyGenerationOutcome,
    QuotaDay, SecondGeneration, StartRefusal, TokenReuse, TrailSettings, UnknownGeneration, WithoutTrail,
};
pub use start::{CloudTrail, Trail};
