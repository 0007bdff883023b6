//! The record of an item, as the steps write it: each write on the condition that nobody else wrote.

use errors::JobError;
use jiff::Timestamp;
use models::{ErrorName, JobRecord, Outcome, OutcomeStatus, Phase, RunId, Ticket};
use serde_json::Value;
use store::{Records, Versioned};

use crate::function::Invocation;

/// Looks at a record that somebody else keeps writing, before the step is repeated as a whole.
pub(super) const LOOKS: usize = 5;

/// Writes the record's next phase; `None` when somebody else has written it meanwhile.
pub(super) async fn advance(
    records: &Records<'_>,
    invocation: &Invocation,
    record: Versioned<JobRecord>,
    phase: Phase,
) -> Result<Option<Versioned<JobRecord>>, JobError> {
    let next = JobRecord {
        phase,
        updated_at: invocation.now(),
        writer: invocation.request_id.clone(),
        ..record.value
    };
    records.update(&record.etag, next).await
}

/// The record of a ticket's item as somebody else has written it.
pub(super) async fn reload(records: &Records<'_>, ticket: &Ticket) -> Result<Versioned<JobRecord>, JobError> {
    let record = records.load(&ticket.run_id, &ticket.item).await?;
    record.ok_or_else(|| {
        JobError::defect(format!("the record of run {} has vanished from the bucket", ticket.run_id))
    })
}

/// Why a step gives up that others have kept from writing.
pub(super) fn contended(run: &RunId) -> JobError {
    JobError::new(
        ErrorName::Transient,
        format!("the record of run {run} is being written by others"),
        "The step is repeated.",
    )
}

/// The outcome of an item that did not fail.
pub(super) fn ended(status: OutcomeStatus, at: Timestamp, result: Value) -> Outcome {
    Outcome { status, at, failure: None, result: Some(result) }
}
