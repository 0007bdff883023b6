//! One run of a kind, as a step holds it: the ticket, and its request in the kind's own type.

use errors::JobError;
use jiff::{SignedDuration, Timestamp};
use models::{ErrorName, JobRecord, Next, Outcome, OutcomeStatus, Phase, Ticket, WaitingFor};
use serde_json::Value;

use super::input::StepInput;
use super::request::{self, Parsed};
use crate::function::Invocation;
use crate::job::{Job, RunContext, Then};

#[derive(Debug)]
pub(crate) struct Run<J: Job> {
    pub(crate) ticket: Ticket,
    pub(crate) request: Parsed<J>,
}

impl<J: Job> Run<J> {
    /// The run of a ticket that another step answered.
    pub(crate) async fn of_ticket(job: &J, input: &StepInput) -> Result<Self, JobError> {
        let ticket = input.ticket()?;
        if ticket.kind != J::KIND {
            return Err(JobError::invalid(format!(
                "the ticket is one of {}, this is {}",
                ticket.kind,
                J::KIND
            )));
        }
        let request = request::recall(job.store(), &ticket.request).await?;
        Ok(Self { request: Parsed::stored(&request)?, ticket })
    }

    /// The run that a record remembers, its ticket not yet saying what is next.
    pub(crate) async fn of_record(job: &J, record: &JobRecord) -> Result<Self, JobError> {
        let request = request::recall(job.store(), &record.request).await?;
        Ok(Self { request: Parsed::stored(&request)?, ticket: record.ticket() })
    }

    pub(crate) fn context<'a>(&'a self, invocation: &'a Invocation) -> RunContext<'a> {
        RunContext {
            run_id: &self.ticket.run_id,
            item: &self.ticket.item,
            attempt: self.ticket.attempt,
            writer: &invocation.request_id,
            now: invocation.now(),
            deadline: self.ticket.deadline,
            max_age: self.request.common.max_age(),
        }
    }

    /// Refuses to work for an attempt that a resumed run has left behind.
    pub(crate) fn is_of(&self, record: &JobRecord) -> Result<(), JobError> {
        let Ticket { run_id, attempt, .. } = &self.ticket;
        if *attempt == record.attempt {
            return Ok(());
        }
        Err(JobError::invalid(format!(
            "run {run_id} was resumed and is at attempt {}; this is attempt {attempt}",
            record.attempt
        )))
    }

    pub(crate) fn handle(&self) -> Result<J::Handle, JobError> {
        let handle =
            self.ticket.handle.clone().ok_or_else(|| JobError::invalid("the ticket has no handle"))?;
        serde_json::from_value(handle)
            .map_err(|error| JobError::invalid(format!("the ticket's handle: {error}")))
    }

    /// The record this run begins with: a start is intended.
    pub(crate) fn intended(&self, now: Timestamp, writer: &str) -> JobRecord {
        record_of(&self.ticket, now, writer, Phase::Intended { attempted_at: None })
    }

    /// Refuses to go on past the deadline.
    pub(crate) fn in_time(&self, now: Timestamp) -> Result<(), JobError> {
        let ticket = &self.ticket;
        if now < ticket.deadline {
            return Ok(());
        }
        let doing = match &ticket.waiting_for {
            Some(other) => format!("was still waiting for {}", describe(other)),
            None => "was not complete".to_owned(),
        };
        Err(JobError::new(
            ErrorName::Overdue,
            format!("run {} {doing} at its deadline, {}", ticket.run_id, ticket.deadline),
            "What it had started is cancelled. Run it again with a larger deadlineHours, or find out why AWS takes so long.",
        ))
    }

    /// The ticket to wait with before asking again.
    pub(crate) fn wait(mut self, next: Next, now: Timestamp) -> Ticket {
        let elapsed =
            std::time::Duration::try_from(now.duration_since(self.ticket.waiting_since)).unwrap_or_default();
        let wait = J::SCHEDULE.wait(elapsed, self.ticket.run_id.as_str(), self.ticket.polls);
        self.ticket.poll_after_seconds = self.until_deadline(wait, now);
        self.ticket.polls += 1;
        self.ticket.next = next;
        self.ticket
    }

    /// The ticket of a job that runs since `since`: to be asked about, or with lanes to work on.
    pub(crate) fn running(
        mut self,
        job: &J,
        handle: Value,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<Ticket, JobError> {
        self.ticket.handle = Some(handle);
        self.ticket.waiting_for = None;
        self.ticket.waiting_since = since;
        self.ticket.polls = 0;
        self.ticket.cancellable = true;
        self.ticket.prerequisite = None;
        if let Some(then) = job.then(&self.handle()?) {
            return Ok(self.then(then, now));
        }
        self.ticket.refresh = job.refresh(&self.handle()?);
        if self.ticket.refresh.is_some() {
            self.ticket.poll_after_seconds = 0;
            self.ticket.cancellable = false;
            self.ticket.next = Next::Refresh;
            return Ok(self.ticket);
        }
        self.ticket.lanes = job.lanes(&self.handle()?);
        if self.ticket.lanes.is_none() {
            return Ok(self.wait(Next::Poll, now));
        }
        self.ticket.poll_after_seconds = 0;
        self.ticket.next = Next::Lanes;
        Ok(self.ticket)
    }

    /// The ticket of a run that changes something.
    pub(crate) fn then(mut self, then: Then, now: Timestamp) -> Ticket {
        let (next, after) = match then {
            Then::Apply(after) => (Next::Apply, after),
            Then::Verify(after) => (Next::Verify, after),
            Then::Publish => (Next::Collect, std::time::Duration::ZERO),
        };
        self.ticket.poll_after_seconds = self.until_deadline(after.as_secs(), now);
        self.ticket.next = next;
        self.ticket
    }

    /// So many seconds, but not past the deadline: it is kept to the second, not to the next turn.
    fn until_deadline(&self, seconds: u64, now: Timestamp) -> u64 {
        let left = self.ticket.deadline.duration_since(now).max(SignedDuration::from_secs(1));
        seconds.min(u64::try_from(left.as_secs()).unwrap_or(1)).max(1)
    }

    /// The ticket of a job that is complete.
    pub(crate) fn complete(mut self, handle: Value) -> Ticket {
        self.ticket.handle = Some(handle);
        self.ticket.waiting_for = None;
        self.ticket.cancellable = false;
        self.ticket.refresh = None;
        self.ticket.next = Next::Collect;
        self.ticket
    }
}

/// A record of the ticket's item in the given phase.
pub(crate) fn record_of(ticket: &Ticket, now: Timestamp, writer: &str, phase: Phase) -> JobRecord {
    JobRecord {
        schema_version: JobRecord::VERSION,
        kind: ticket.kind,
        run_id: ticket.run_id.clone(),
        item: ticket.item.clone(),
        attempt: ticket.attempt,
        request: ticket.request.clone(),
        execution: ticket.execution.clone(),
        started_at: ticket.started_at,
        deadline: ticket.deadline,
        updated_at: now,
        writer: writer.to_owned(),
        phase,
        earlier: Vec::new(),
    }
}

/// The last ticket of an item that has this outcome.
pub(crate) fn over(mut ticket: Ticket, outcome: &Outcome) -> Ticket {
    ticket.cancellable = false;
    ticket.waiting_for = None;
    ticket.poll_after_seconds = 0;
    ticket.lanes = None;
    ticket.prerequisite = None;
    ticket.refresh = None;
    ticket.result.clone_from(&outcome.result);
    ticket.failure.clone_from(&outcome.failure);
    ticket.next = match outcome.status {
        OutcomeStatus::Succeeded | OutcomeStatus::Skipped => Next::Done,
        OutcomeStatus::Failed | OutcomeStatus::Overdue | OutcomeStatus::CarriedOver => Next::Failed,
    };
    ticket
}

fn describe(other: &WaitingFor) -> String {
    let mut text = format!("the report {}", other.id.as_deref().unwrap_or("(id not known)"));
    if let Some(target) = &other.target {
        text.push_str(&format!(" of {target}"));
    }
    if let Some(since) = other.since {
        text.push_str(&format!(", started at {since} by somebody else"));
    }
    text
}
