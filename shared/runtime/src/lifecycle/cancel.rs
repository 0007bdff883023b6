//! The cancel step: ends what is ours and still runs, and records the run's one outcome.
//!
//! It is the last step of a run that failed, the sweep's tool for a run whose execution is gone, and
//! it may find either of them to have succeeded after all: a committed run is published, not undone.

use errors::JobError;
use jiff::Timestamp;
use models::{ItemName, JobRecord, Next, Outcome, Phase, RunId, Ticket, keys};
use serde_json::Value;
use store::{Open, Records, Versioned};

use super::collect::finish;
use super::input::{Caught, StepInput};
use super::record::{LOOKS, advance, contended};
use super::request;
use super::run::{Run, over, record_of};
use super::start::{draft, run_id};
use crate::function::{Invocation, about};
use crate::job::{Cancelled, Job};

pub(crate) async fn cancel<J: Job>(
    job: &J,
    invocation: &Invocation,
    input: StepInput,
) -> Result<Ticket, JobError> {
    let caught = input.error.clone().unwrap_or_else(|| Caught {
        error: "Stopped".to_owned(),
        cause: "The run was cancelled by hand.".to_owned(),
    });
    let closing = Closing { job, invocation, records: Records::new(job.store()), caught };
    let ticket = match input.new_request() {
        None => closing.close(input.ticket()?).await?,
        Some(request) => match closing.beginning(&input, request).await? {
            Beginning::Ours(ticket) => closing.close(*ticket).await?,
            Beginning::Elsewhere(ticket) => *ticket,
            Beginning::Nowhere(ticket) => return Ok(*ticket),
        },
    };
    Ok(with_record(ticket, job.store().bucket().as_str()))
}

/// Tells the operator where to read on.
fn with_record(mut ticket: Ticket, bucket: &str) -> Ticket {
    if let Some(failure) = &mut ticket.failure {
        let key = keys::record(&ticket.run_id, &ticket.item);
        failure.cause.push_str(&format!(" Record: s3://{bucket}/{key}"));
    }
    ticket
}

/// The run of an execution whose first step failed.
enum Beginning {
    /// It is this execution's, as far as it got.
    Ours(Box<Ticket>),
    /// It is another execution's: only this execution failed.
    Elsewhere(Box<Ticket>),
    /// There is none, and so no record either.
    Nowhere(Box<Ticket>),
}

struct Closing<'a, J: Job> {
    job: &'a J,
    invocation: &'a Invocation,
    records: Records<'a>,
    caught: Caught,
}

impl<J: Job> Closing<'_, J> {
    /// Ends and closes the ticket's item.
    async fn close(&self, ticket: Ticket) -> Result<Ticket, JobError> {
        about(&ticket.run_id, Some(&ticket.item));
        for _ in 0..LOOKS {
            let closed = match self.records.load(&ticket.run_id, &ticket.item).await? {
                None => self.close_unrecorded(&ticket).await?,
                // The run went on in another execution, which decides about it.
                Some(record) if record.value.execution != ticket.execution => {
                    Some(self.failed(ticket.clone()))
                }
                Some(record) => self.close_recorded(record).await?,
            };
            if let Some(closed) = closed {
                return Ok(closed);
            }
        }
        Err(contended(&ticket.run_id))
    }

    /// Ends what a record speaks of and closes it; `None` when somebody else wrote it meanwhile.
    async fn close_recorded(&self, record: Versioned<JobRecord>) -> Result<Option<Ticket>, JobError> {
        let ticket = record.value.ticket();
        let (outcome, attempted_at) = match &record.value.phase {
            Phase::Collected { .. } => {
                return finish(self.job, self.invocation, ticket, record).await.map(Some);
            }
            Phase::Closed { outcome, attempted_at: None, .. } => {
                let ticket = over(ticket, outcome);
                self.records.unmark(&ticket.run_id, &ticket.item).await?;
                return Ok(Some(ticket));
            }
            // Closed while what was started, or may have been, was not to be seen: look again.
            Phase::Closed { outcome, attempted_at, .. } => (outcome.clone(), *attempted_at),
            Phase::Intended { attempted_at } => (self.outcome(), *attempted_at),
            // AWS may not know a job yet that it has only just started.
            Phase::Started { since, .. } => (self.outcome(), Some(*since)),
        };
        let ended = self.end(&record.value, attempted_at).await?;
        let phase = Phase::Closed {
            outcome: outcome.clone(),
            handle: record.value.handle().cloned(),
            attempted_at: attempted_at.filter(|_| ended == Cancelled::NotVisible),
        };
        if phase != record.value.phase
            && advance(&self.records, self.invocation, record, phase).await?.is_none()
        {
            return Ok(None);
        }
        if ended == Cancelled::Ended {
            self.records.unmark(&ticket.run_id, &ticket.item).await?;
        }
        Ok(Some(over(ticket, &outcome)))
    }

    /// Records the outcome of a run that failed before it had a record, and so before it could have
    /// started anything; `None` when a record has appeared meanwhile.
    async fn close_unrecorded(&self, ticket: &Ticket) -> Result<Option<Ticket>, JobError> {
        let outcome = self.outcome();
        let phase = Phase::closed(outcome.clone());
        let record = record_of(ticket, self.invocation.now(), &self.invocation.request_id, phase);
        match self.records.create(record).await? {
            Open::Exists(_) => Ok(None),
            Open::Opened(_) => {
                self.records.unmark(&ticket.run_id, &ticket.item).await?;
                Ok(Some(over(ticket.clone(), &outcome)))
            }
        }
    }

    /// Ends what runs of this record, if anything does.
    async fn end(&self, record: &JobRecord, attempted_at: Option<Timestamp>) -> Result<Cancelled, JobError> {
        let run = Run::of_record(self.job, record).await?;
        let handle = match record.handle() {
            Some(_) => Some(run.handle()?),
            None => None,
        };
        self.job.cancel(run.context(self.invocation), &run.request.own, handle.as_ref(), attempted_at).await
    }

    fn outcome(&self) -> Outcome {
        self.caught.outcome(self.invocation.now())
    }

    fn failed(&self, ticket: Ticket) -> Ticket {
        Ticket { next: Next::Failed, failure: Some(self.caught.to_failure()), result: None, ..ticket }
    }

    /// How far a run got whose first step failed: that is to be seen in the bucket, for the request
    /// may not even be readable.
    async fn beginning(&self, input: &StepInput, request: &Value) -> Result<Beginning, JobError> {
        let common = request::common_of(request);
        let resumed = common.as_ref().and_then(|common| common.resume.clone());
        let scheduled = common.as_ref().and_then(|common| common.scheduled_time);
        let run_id = resumed.clone().unwrap_or_else(|| run_id(input, scheduled, self.invocation));
        about(&run_id, None);
        let execution = input.execution.as_ref().map(|execution| execution.id.clone());

        if let Some(item) = self.item(&run_id).await? {
            let record = match self.records.load(&run_id, &item).await? {
                Some(record) => Some(record.value),
                None => self.records.marked(&run_id, &item).await?,
            };
            if let Some(record) = record {
                let ticket = Box::new(record.ticket());
                return Ok(if record.execution == execution {
                    Beginning::Ours(ticket)
                } else {
                    Beginning::Elsewhere(Box::new(self.failed(*ticket)))
                });
            }
        }
        let claimed = match scheduled {
            Some(_) => self.records.claimed(&run_id).await?,
            None => None,
        };
        let elsewhere = claimed.is_some_and(|claim| execution.as_ref() != Some(&claim.execution));
        let now = self.invocation.now();
        let kept = request::keep(self.job.store(), &run_id, request.clone()).await?;
        let ticket = Ticket { next: Next::Failed, ..draft::<J>(input, run_id, kept, now)? };
        Ok(if resumed.is_some() {
            Beginning::Nowhere(Box::new(self.failed(ticket)))
        } else if elsewhere {
            Beginning::Elsewhere(Box::new(self.failed(ticket)))
        } else {
            Beginning::Ours(Box::new(ticket))
        })
    }

    /// The item that the run has a record or a marker of.
    async fn item(&self, run_id: &RunId) -> Result<Option<ItemName>, JobError> {
        let records = self.job.store().list(keys::jobs(run_id)).all(2).await?;
        if let Some((_, item)) = records.first().and_then(|entry| keys::parse_record(&entry.key)) {
            return Ok(Some(item));
        }
        let markers = self.job.store().list(format!("{}{run_id}/", keys::OPEN)).all(2).await?;
        Ok(markers.first().and_then(|entry| keys::parse_marker(&entry.key)).map(|(_, item)| item))
    }
}
