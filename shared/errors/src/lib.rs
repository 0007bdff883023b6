//! What a failure means.
//!
//! [`AwsError`] keeps what AWS answered (operation, code, message, request id) and whether the call
//! may have taken effect. [`JobError`] gives it one of the stable names that state machines retry
//! and catch by, and says what the operator can do.

mod aws;
mod job;

pub use aws::{Answer, AwsError};
pub use job::JobError;
