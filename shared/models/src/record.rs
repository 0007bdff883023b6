//! The job record: what S3 remembers of one item of a run.
//!
//! A record is written before the AWS call (what we intend) and again after it (what we hold), each
//! time on the condition that nobody else wrote in between. It goes forward only:
//!
//! ```text
//! Intended ──► Started ──► Collected ──► Closed
//!     └───────────┴─────────────────────────▲
//! ```
//!
//! `Collected` is the moment of commitment: all evidence is there and checked, and whoever finds
//! the record so, publishes it. Before that nothing is visible under `tables/`; after it a run can
//! only succeed. `Closed` holds the one outcome, which nothing replaces.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::failure::Failure;
use crate::id::{ItemName, RunId};
use crate::ticket::{Kind, Next, Request, Ticket};

/// How an item ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OutcomeStatus {
    Succeeded,
    Failed,
    /// The deadline, or the time for this item, passed first.
    Overdue,
    /// Nothing was to be done: a dry run, a reusable result, nobody to wait for.
    Skipped,
    /// A quota was used up; the next run goes on with it.
    CarriedOver,
}

impl OutcomeStatus {
    /// The word it has in JSON and in tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Overdue => "overdue",
            Self::Skipped => "skipped",
            Self::CarriedOver => "carriedOver",
        }
    }
}

/// The one end of an item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Outcome {
    pub status: OutcomeStatus,
    pub at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Value>,
}

/// One file of a run, as it was written under `runs/` and is published under `tables/`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PublishedFile {
    /// The key of the part.
    pub part: String,
    /// The ETag of the part: only these very bytes are published.
    pub etag: String,
    /// The key it is published under.
    pub key: String,
    pub rows: u64,
    pub bytes: u64,
}

/// How far an item has come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "phase", deny_unknown_fields)]
pub enum Phase {
    /// A start is intended. `attempted_at` is there while a call was made of which nobody knows
    /// whether it took effect.
    #[serde(rename_all = "camelCase")]
    Intended {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        attempted_at: Option<Timestamp>,
    },
    /// The job runs at AWS under this handle.
    Started { handle: Value, since: Timestamp },
    /// All evidence is there; it is being published.
    #[serde(rename_all = "camelCase")]
    Collected {
        handle: Value,
        files: Vec<PublishedFile>,
        result: Value,
        /// It is published, and something that comes after is not done yet.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        is_published: bool,
    },
    /// Ended. `handle` is kept for whoever asks what ran; `attempted_at` while AWS does not show what
    /// was started, or may have been: it is ended when it comes to light.
    #[serde(rename_all = "camelCase")]
    Closed {
        outcome: Outcome,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        handle: Option<Value>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        attempted_at: Option<Timestamp>,
    },
}

impl Phase {
    /// The end of an item of which nothing ran.
    pub const fn closed(outcome: Outcome) -> Self {
        Self::Closed { outcome, handle: None, attempted_at: None }
    }
}

/// What S3 remembers of one item of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobRecord {
    pub schema_version: u32,
    pub kind: Kind,
    pub run_id: RunId,
    pub item: ItemName,
    pub attempt: u32,
    pub request: Request,
    /// The execution that owns the item now; absent when steps are invoked by hand.
    pub execution: Option<String>,
    pub started_at: Timestamp,
    pub deadline: Timestamp,
    pub updated_at: Timestamp,
    /// The invocation that wrote this version, so that a writer whose answer was lost knows its own.
    pub writer: String,
    #[serde(flatten)]
    pub phase: Phase,
    /// Outcomes of earlier attempts, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<Outcome>,
}

impl JobRecord {
    pub const VERSION: u32 = 1;

    pub fn outcome(&self) -> Option<&Outcome> {
        match &self.phase {
            Phase::Closed { outcome, .. } => Some(outcome),
            _ => None,
        }
    }

    /// The ticket that goes on from this record; what is next is for a step to say.
    pub fn ticket(&self) -> Ticket {
        Ticket {
            schema_version: Ticket::VERSION,
            kind: self.kind,
            run_id: self.run_id.clone(),
            item: self.item.clone(),
            request: self.request.clone(),
            next: Next::Wait,
            started_at: self.started_at,
            deadline: self.deadline,
            waiting_since: self.started_at,
            handle: self.handle().cloned(),
            attempt: self.attempt,
            polls: 0,
            poll_after_seconds: 0,
            waiting_for: None,
            cancellable: matches!(self.phase, Phase::Started { .. }),
            execution: self.execution.clone(),
            failure: None,
            result: None,
            prerequisite: None,
            refresh: None,
            lanes: None,
        }
    }

    pub fn handle(&self) -> Option<&Value> {
        match &self.phase {
            Phase::Intended { .. } => None,
            Phase::Started { handle, .. } | Phase::Collected { handle, .. } => Some(handle),
            Phase::Closed { handle, .. } => handle.as_ref(),
        }
    }
}

/// Whose run it is. Written on the condition that it is not there: a schedule that is delivered
/// twice runs once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Claim {
    pub execution: String,
    pub at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_outcome_has_the_same_word_everywhere() {
        use OutcomeStatus::{CarriedOver, Failed, Overdue, Skipped, Succeeded};
        for status in [Succeeded, Failed, Overdue, Skipped, CarriedOver] {
            assert_eq!(serde_json::to_value(status).unwrap(), json!(status.as_str()));
        }
    }

    #[test]
    fn a_record_reads_back_in_every_phase() {
        let at: Timestamp = "2026-11-21T06:30:00Z".parse().unwrap();
        let phases = [
            Phase::Intended { attempted_at: None },
            Phase::Intended { attempted_at: Some(at) },
            Phase::Started { handle: json!({"reportId": "p-1"}), since: at },
            Phase::Collected {
                handle: json!({}),
                files: Vec::new(),
                result: json!({"rows": 1}),
                is_published: false,
            },
            Phase::Closed {
                outcome: Outcome {
                    status: OutcomeStatus::Failed,
                    at,
                    failure: Some(Failure::new("JobFailed", "why")),
                    result: None,
                },
                handle: None,
                attempted_at: Some(at),
            },
        ];
        for phase in phases {
            let record = JobRecord {
                schema_version: JobRecord::VERSION,
                kind: Kind::DeclarativePoliciesReport,
                run_id: "20261121T063000Z-9f86d081".parse().unwrap(),
                item: "r-ab12".parse().unwrap(),
                attempt: 1,
                request: Request::Inline(json!({})),
                execution: None,
                started_at: at,
                deadline: at,
                updated_at: at,
                writer: "w".into(),
                phase,
                earlier: Vec::new(),
            };
            let text = serde_json::to_string(&record).unwrap();
            assert_eq!(serde_json::from_str::<JobRecord>(&text).unwrap(), record, "{text}");
        }
    }
}
