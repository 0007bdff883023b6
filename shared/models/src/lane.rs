//! Lanes: the parts of a run that go on side by side, each working through items of its own.
//!
//! A lane is what AWS lets run only one at a time, or what shares one of its quotas. Its items are
//! listed in S3 by the plan. Its [`LaneRecord`] says how far it has come, and its [`LaneTicket`]
//! travels through the states of one execution, which a later one may go on from.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::failure::Failure;
use crate::id::{ItemName, RunId};
use crate::record::OutcomeStatus;
use crate::ticket::{InvalidTicket, Kind, Request, Ticket};

/// What a lane does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LaneNext {
    /// Go on at once.
    Start,
    /// Something is in the way: wait, then start again.
    Wait,
    /// Our job runs: wait, then ask for its status.
    Poll,
    /// Our job is complete: collect what it left.
    Collect,
    /// This execution has done its part: all items have an outcome, or the next one goes on.
    Done,
}

/// One element of the list that a Distributed Map reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlannedLane {
    pub name: ItemName,
    /// The key of its items, lines of JSON.
    pub items: String,
}

/// What a run with lanes holds as its handle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Plan {
    /// The key of the list of all lanes.
    pub all: String,
    /// The key of the list of those that are worked on now.
    pub open: String,
    /// When they were begun, by the run's clock.
    pub since: Timestamp,
    pub lanes: u64,
    pub items: u64,
    /// How many lanes are worked on side by side.
    pub concurrency: u32,
    /// Counts the resumes that asked for items again.
    #[serde(default)]
    pub again: u32,
    /// The items to do again: those that ended so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retry: Vec<OutcomeStatus>,
    /// What it was planned from, in the kind's own form, for gathering: a few hundred bytes.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub basis: Value,
}

/// What the execution of a lane begins with: the run's ticket, and the element of the list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Beginning {
    run: Value,
    lane: PlannedLane,
}

/// The state of one lane in an execution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LaneTicket {
    pub schema_version: u32,
    pub kind: Kind,
    pub run_id: RunId,
    /// The item of the run's own record.
    pub item: ItemName,
    pub lane: ItemName,
    pub request: Request,
    pub next: LaneNext,
    /// The key of the lane's items.
    pub items: String,
    pub deadline: Timestamp,
    /// The run's attempt.
    #[serde(default = "first")]
    pub attempt: u32,
    /// See [`Plan::again`].
    #[serde(default)]
    pub again: u32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retry: Vec<OutcomeStatus>,
    /// The execution of the run.
    #[serde(default)]
    pub execution: Option<String>,
    /// Steps made in this execution: its history is bounded.
    #[serde(default)]
    pub turns: u32,
    #[serde(default)]
    pub poll_after_seconds: u64,
}

fn first() -> u32 {
    1
}

impl LaneTicket {
    /// The most steps of one execution. A step whose function fails for good, with all of its retries,
    /// and whose failure is recorded with as many, takes 68 events with its wait and its choice: so
    /// many are fewer than 10,000 (a test of the definition counts them).
    pub const MOST_TURNS: u32 = 140;

    /// Reads a ticket of this version or of the previous one; or what a lane's execution begins with,
    /// a [`Beginning`].
    pub fn from_value(value: Value) -> Result<Self, InvalidTicket> {
        if value.get("run").is_some() {
            let beginning: Beginning = serde_json::from_value(value)?;
            return Self::begin(Ticket::from_value(beginning.run)?, beginning.lane);
        }
        let mut ticket: Self = serde_json::from_value(Ticket::accepted(value)?)?;
        ticket.schema_version = Ticket::VERSION;
        Ok(ticket)
    }

    /// What the execution of a lane of this run begins with.
    pub fn begin(run: Ticket, lane: PlannedLane) -> Result<Self, InvalidTicket> {
        let plan: Plan = serde_json::from_value(run.handle.unwrap_or_default())?;
        Ok(Self {
            schema_version: Ticket::VERSION,
            kind: run.kind,
            run_id: run.run_id,
            item: run.item,
            lane: lane.name,
            request: run.request,
            next: LaneNext::Start,
            items: lane.items,
            deadline: run.deadline,
            attempt: run.attempt,
            again: plan.again,
            retry: plan.retry,
            execution: run.execution,
            turns: 0,
            poll_after_seconds: 0,
        })
    }
}

/// A part that a lane has written: lines of JSON, see [`LaneLine`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LanePart {
    pub key: String,
    pub etag: String,
    pub lines: u64,
    #[serde(default)]
    pub bytes: u64,
}

/// One line of a part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LaneLine<T> {
    /// How an item ended. Of several, the last counts.
    Outcome(ItemOutcome),
    /// What was read for it, in the kind's own form.
    Data(T),
}

/// The one end of an item of a lane.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ItemOutcome {
    pub item: ItemName,
    pub status: OutcomeStatus,
    pub at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// Items that a lane has found out about as it worked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AddedItems {
    /// The key of all items of the lane, planned and added.
    pub all: String,
    pub count: u64,
}

/// What S3 remembers of a lane. Written by conditional writes, so of two invocations that work on it
/// at once only one is counted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LaneRecord {
    pub schema_version: u32,
    pub kind: Kind,
    pub run_id: RunId,
    pub lane: ItemName,
    /// The resume that it has obeyed, see [`Plan::again`].
    pub again: u32,
    pub updated_at: Timestamp,
    /// The invocation that wrote this version.
    pub writer: String,
    /// The key of the items that are worked through.
    pub items: String,
    /// How many there are.
    pub total: u64,
    /// What the lane has added to what was planned, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub added: Option<AddedItems>,
    /// How many of them have an outcome, from the first on.
    pub done: u64,
    /// When the lane last did something for its present item: what a wait is counted from.
    pub since: Timestamp,
    /// Waits for the present item so far.
    pub waits: u32,
    /// How many items ended how; of an item that was done again, its last outcome.
    pub outcomes: BTreeMap<OutcomeStatus, u64>,
    pub parts: Vec<LanePart>,
    /// What the kind knows about the present item.
    pub state: Value,
}

impl LaneRecord {
    pub const VERSION: u32 = 1;

    /// Whether every item has an outcome.
    pub fn is_closed(&self) -> bool {
        self.done >= self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_lanes_ticket_begins_with_the_runs_and_is_refused_from_a_newer_deployment() {
        let run = json!({
            "schemaVersion": Ticket::VERSION,
            "kind": "organization-inventory",
            "runId": "20261121T063000Z-9f86d081",
            "item": "organization",
            "request": {"inline": {}},
            "next": "lanes",
            "startedAt": "2026-11-21T06:30:00Z",
            "deadline": "2026-11-22T06:30:00Z",
            "waitingSince": "2026-11-21T06:30:00Z",
            "attempt": 2,
            "handle": {
                "all": "a", "open": "b", "since": "2026-11-21T06:30:00Z", "lanes": 1, "items": 1, "concurrency": 5,
                "again": 1, "retry": ["failed"],
            },
        });
        let items = "runs/20261121T063000Z-9f86d081/plan/w/accounts.jsonl";
        let begun = json!({"run": run, "lane": {"name": "accounts", "items": items}});
        let ticket = LaneTicket::from_value(begun).unwrap();
        assert_eq!((ticket.attempt, ticket.turns, ticket.next), (2, 0, LaneNext::Start));
        assert_eq!((ticket.again, ticket.retry.as_slice()), (1, [OutcomeStatus::Failed].as_slice()));
        let mut later = serde_json::to_value(&ticket).unwrap();
        assert_eq!(LaneTicket::from_value(later.clone()).unwrap(), ticket);
        later["schemaVersion"] = json!(Ticket::VERSION + 1);
        assert!(matches!(LaneTicket::from_value(later), Err(InvalidTicket::OtherVersion { .. })));
    }

    #[test]
    fn a_line_says_what_it_is() {
        let line: LaneLine<u32> = serde_json::from_str(r#"{"data":7}"#).unwrap();
        assert_eq!(line, LaneLine::Data(7));
    }
}
