//! Findings over published evidence: what deviates, is unused, could not be read or can be enforced, and
//! what has changed since the last run.
//!
//! A run takes of each kind of job the newest published evidence of its scope, after having what is too
//! old refreshed; whatever of that fails, the last published evidence counts. Nothing is asked of AWS
//! here: every finding points to rows that anybody can read. **Missing evidence is never a conclusion**:
//! a finding that is gone is resolved only where the new evidence would show it.
//!
//! * [`request`], [`sources`]: what a run is asked for, and the evidence that there is.
//! * [`evaluate`]: from evidence to findings, and what the evidence covers.
//! * [`proposals`]: what could be done about it, to review.
//! * [`publish`]: exceptions, drift, and what people read.
//! * [`events`]: what EventBridge is told.
//! * [`finding`], [`kinds`], [`covered`]: what all of it is made of.

mod config;
mod covered;
mod evaluate;
mod events;
mod exceptions;
mod finding;
mod job;
mod kinds;
mod organization;
mod proposals;
mod publish;
mod request;
mod sources;

pub use config::VARIABLES;
pub use job::{Findings, Handle};
pub use publish::TABLES;
pub use request::{Refresh, Request, Word};
