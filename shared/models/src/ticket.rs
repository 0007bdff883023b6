//! The ticket: everything a state machine knows about one job while it runs.
//!
//! A step takes a ticket and answers the next one; the machine looks only at [`Ticket::next`] and
//! [`Ticket::poll_after_seconds`]. A ticket carries pointers, never evidence, and stays below
//! [`Ticket::MAX_BYTES`] at any size of the organization.
//!
//! # Versions
//!
//! A 12-hour job outlives a deployment, so a function accepts tickets of its own schema version and
//! of the previous one. A member that a version adds has a default here that does what the previous
//! version did; a ticket from a *newer* deployment is refused by its number.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::failure::Failure;
use crate::id::{BucketName, ItemName, RunId};

/// The kinds of job. The text is part of keys, function names and metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    DeclarativePoliciesReport,
    OrganizationInventory,
    OrganizationsAccessReport,
    PolicyGeneration,
    OrganizationSetup,
    OrganizationPolicies,
    OrganizationAccounts,
    Findings,
}

impl Kind {
    pub const ALL: [Self; 8] = [
        Self::DeclarativePoliciesReport,
        Self::OrganizationInventory,
        Self::OrganizationsAccessReport,
        Self::PolicyGeneration,
        Self::OrganizationSetup,
        Self::OrganizationPolicies,
        Self::OrganizationAccounts,
        Self::Findings,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DeclarativePoliciesReport => "declarative-policies-report",
            Self::OrganizationInventory => "organization-inventory",
            Self::OrganizationsAccessReport => "organizations-access-report",
            Self::PolicyGeneration => "policy-generation",
            Self::OrganizationSetup => "organization-setup",
            Self::OrganizationPolicies => "organization-policies",
            Self::OrganizationAccounts => "organization-accounts",
            Self::Findings => "findings",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the state machine does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Next {
    /// Somebody else's job is in the way: wait, then start again.
    Wait,
    /// Our job runs: wait, then ask for its status.
    Poll,
    /// Our job is complete: collect what it left.
    Collect,
    /// A run of another kind has to come first: [`Ticket::prerequisite`] is its request.
    Prepare,
    /// Runs of other kinds come first, side by side: [`Ticket::refresh`] says which.
    Refresh,
    /// The run is planned: work on its lanes, which [`Ticket::lanes`] lists.
    Lanes,
    /// A plan of changes: wait, then go on making them.
    Apply,
    /// Changes are made: wait, then see whether AWS shows them.
    Verify,
    /// Nothing is left to do; [`Ticket::result`] says what came of it.
    Done,
    /// Nothing is left to do; [`Ticket::failure`] says why there is no result.
    Failed,
}

/// The request of a run: in the ticket while it is small, else in S3 and checked by its digest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Request {
    Inline(Value),
    #[serde(rename_all = "camelCase")]
    Spilled {
        key: String,
        sha256: String,
    },
}

impl Request {
    /// The largest request that travels in the ticket itself.
    pub const INLINE_BYTES: usize = 2_048;
}

/// Somebody else's job that ours waits for. It is never adopted and never cancelled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WaitingFor {
    /// Its id, where AWS shows one.
    #[serde(default)]
    pub id: Option<String>,
    /// What it is about.
    #[serde(default)]
    pub target: Option<String>,
    /// When it was started, where AWS shows it.
    #[serde(default)]
    pub since: Option<Timestamp>,
}

/// The lanes that a run is to work on next: a list in S3, read by a Distributed Map.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LaneList {
    pub bucket: BucketName,
    pub key: String,
    /// How many lanes are worked on side by side.
    pub concurrency: u32,
}

/// The state of one job. See the [module documentation](self).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Ticket {
    pub schema_version: u32,
    pub kind: Kind,
    pub run_id: RunId,
    pub item: ItemName,
    pub request: Request,
    pub next: Next,
    /// When the run was due: the moment its deadline counts from.
    pub started_at: Timestamp,
    pub deadline: Timestamp,
    /// When the present wait (for somebody else's job, or for ours) began.
    pub waiting_since: Timestamp,
    /// The kind's own knowledge of its job at AWS, such as a report id.
    #[serde(default)]
    pub handle: Option<Value>,
    /// Counts from 1; a resumed item that had an outcome gets the next number.
    #[serde(default = "first_attempt")]
    pub attempt: u32,
    /// Waits so far, so that each has a jitter of its own.
    #[serde(default)]
    pub polls: u32,
    #[serde(default)]
    pub poll_after_seconds: u64,
    #[serde(default)]
    pub waiting_for: Option<WaitingFor>,
    /// Whether AWS can cancel the job now.
    #[serde(default)]
    pub cancellable: bool,
    /// The execution this ticket travels in; absent when a step was invoked by hand.
    #[serde(default)]
    pub execution: Option<String>,
    #[serde(default)]
    pub failure: Option<Failure>,
    #[serde(default)]
    pub result: Option<Value>,
    /// The request of the run that has to come first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prerequisite: Option<Value>,
    /// The runs of other kinds that come first, however they end: for each whether it is due, its state
    /// machine and its request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh: Option<Value>,
    /// Of a run that is planned into lanes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lanes: Option<LaneList>,
}

fn first_attempt() -> u32 {
    1
}

/// A ticket that this version of the functions cannot take.
#[derive(Debug, thiserror::Error)]
pub enum InvalidTicket {
    #[error(
        "the ticket has no schemaVersion; pass what a step answered, or {{\"request\": …}} to begin a run"
    )]
    NoVersion,
    #[error(
        "the ticket has schema version {found}, these functions accept {} and {}; \
         a newer deployment wrote it: deploy that version again, or stop the run and start it anew",
        Ticket::PREVIOUS_VERSION,
        Ticket::VERSION
    )]
    OtherVersion { found: u64 },
    #[error("the ticket is malformed: {0}")]
    Malformed(#[from] serde_json::Error),
}

impl Ticket {
    /// The version these functions write.
    pub const VERSION: u32 = 1;
    /// The oldest version these functions read: tickets with the members that have no default.
    pub const PREVIOUS_VERSION: u32 = 0;
    pub const MAX_BYTES: usize = 8 * 1024;

    /// Reads a ticket of this version or of the previous one.
    pub fn from_value(value: Value) -> Result<Self, InvalidTicket> {
        let mut ticket: Self = serde_json::from_value(Self::accepted(value)?)?;
        ticket.schema_version = Self::VERSION;
        Ok(ticket)
    }

    /// The value, if it is of a version that these functions read.
    pub(crate) fn accepted(value: Value) -> Result<Value, InvalidTicket> {
        let found = value.get("schemaVersion").and_then(Value::as_u64).ok_or(InvalidTicket::NoVersion)?;
        if found != u64::from(Self::VERSION) && found != u64::from(Self::PREVIOUS_VERSION) {
            return Err(InvalidTicket::OtherVersion { found });
        }
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn minimal() -> Value {
        json!({
            "schemaVersion": Ticket::PREVIOUS_VERSION,
            "kind": "declarative-policies-report",
            "runId": "20261121T063000Z-9f86d081",
            "item": "r-ab12",
            "request": {"inline": {"targetId": "r-ab12"}},
            "next": "poll",
            "startedAt": "2026-11-21T06:30:00Z",
            "deadline": "2026-11-22T06:30:00Z",
            "waitingSince": "2026-11-21T06:30:00Z",
        })
    }

    #[test]
    fn a_ticket_of_the_previous_version_becomes_one_of_this_version() {
        let ticket = Ticket::from_value(minimal()).unwrap();
        assert_eq!((ticket.schema_version, ticket.attempt, ticket.polls), (Ticket::VERSION, 1, 0));
        let again = Ticket::from_value(serde_json::to_value(&ticket).unwrap()).unwrap();
        assert_eq!(again, ticket);
    }

    #[test]
    fn a_ticket_of_a_newer_version_is_refused_by_its_number() {
        let mut value = minimal();
        value["schemaVersion"] = json!(Ticket::VERSION + 1);
        assert!(matches!(Ticket::from_value(value), Err(InvalidTicket::OtherVersion { .. })));
        assert!(matches!(Ticket::from_value(json!({"next": "poll"})), Err(InvalidTicket::NoVersion)));
    }

    #[test]
    fn an_unknown_member_of_a_ticket_is_refused() {
        let mut value = minimal();
        value["nextt"] = json!("done");
        assert!(matches!(Ticket::from_value(value), Err(InvalidTicket::Malformed(_))));
    }
}
