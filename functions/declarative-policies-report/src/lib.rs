//! The EC2 declarative policies report, also called the account status report of EC2 policies:
//! where every account and Region stands on each attribute that a declarative policy would set.
//!
//! AWS runs one report at a time in an organization and takes up to several hours. It leaves one CSV
//! in S3, whose layout AWS documents nowhere. Start has no client token, so the run's id is part of
//! the `S3Prefix`: Describe returns it, and a report whose start was not answered is found again.
//!
//! * [`Request`]: what can be asked for, and its rules.
//! * [`DeclarativePoliciesReport`]: the job.

mod collection;
mod config;
mod handle;
mod job;
mod reports;
mod request;

pub use config::VARIABLES;
pub use handle::Handle;
pub use job::DeclarativePoliciesReport;
pub use request::Request;
