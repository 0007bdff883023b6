//! What is published. Columns are only ever added.
//!
//! | table | one row for each |
//! |---|---|
//! | `generated_policies` | principal that is worked on, whatever came of it |
//! | `principal_access` | principal and service that its policies allow, and action of it that AWS tracks |
//!
//! * [`conclusion`]: what a service or an action that shows no use lets anybody conclude.
//! * [`covered`]: how much of CloudTrail a generation covers.
//! * [`status`]: what came of a principal.

pub(crate) mod conclusion;
mod covered;
mod generated_policies;
mod principal_access;
pub(crate) mod status;

use jiff::Timestamp;
use table::Table;

pub(crate) use covered::{Covered, Ordered};
pub(crate) use generated_policies::{GeneratedPolicies, Row};
pub(crate) use principal_access::{Owner, PrincipalAccess};

/// Those that a run is published in.
pub const TABLES: [Table; 2] = [generated_policies::TABLE, principal_access::TABLE];

/// Milliseconds since the epoch.
fn millis(at: Option<Timestamp>) -> Option<i64> {
    at.map(Timestamp::as_millisecond)
}

#[cfg(test)]
mod documentation;
