//! One attempt to start a job, by the record it is remembered by.

use errors::JobError;
use jiff::Timestamp;
use models::{ErrorName, JobRecord, Next, OutcomeStatus, Phase, Ticket, WaitingFor};
use serde_json::{Value, json};
use store::{Open, Records, Versioned};

use super::record::{self, ended, reload};
use super::run::{Run, over};
use super::start::unknown_item;
use crate::function::Invocation;
use crate::job::{Found, Job, Prerequisite, Started};

/// One attempt to start, with the record it is remembered by.
pub(super) struct Attempt<'a, J: Job> {
    job: &'a J,
    invocation: &'a Invocation,
    run: Run<J>,
    record: Versioned<JobRecord>,
}

impl<'a, J: Job> Attempt<'a, J> {
    pub(super) async fn new(
        job: &'a J,
        invocation: &'a Invocation,
        run: Run<J>,
        record: Option<Versioned<JobRecord>>,
    ) -> Result<Self, JobError> {
        let records = Records::new(job.store());
        let (record, is_new) = match record {
            Some(record) => (record, false),
            None => {
                let intended = run.intended(invocation.now(), &invocation.request_id);
                match records.open(intended).await? {
                    Open::Opened(record) => (record, true),
                    Open::Exists(record) => (record, false),
                }
            }
        };
        run.is_of(&record.value)?;
        let attempt = Self { job, invocation, run, record };
        if is_new { attempt.unless_it_is_over().await } else { Ok(attempt) }
    }

    /// Whoever closed the run before its item was known did so under another name: a step that was
    /// still looking for its target then begins nothing any more.
    async fn unless_it_is_over(mut self) -> Result<Self, JobError> {
        let records = Records::new(self.job.store());
        let unknown = records.load(&self.run.ticket.run_id, &unknown_item()?).await?;
        let unknown = unknown.map(|record| record.value);
        if let Some(record) = unknown.filter(|record| record.execution == self.run.ticket.execution)
            && let Some(outcome) = record.outcome()
            && self.advance(Phase::closed(outcome.clone())).await?
        {
            records.unmark(&self.run.ticket.run_id, &self.run.ticket.item).await?;
        }
        Ok(self)
    }

    pub(super) async fn go(self) -> Result<Ticket, JobError> {
        match &self.record.value.phase {
            Phase::Intended { .. } => self.look().await,
            Phase::Started { .. } | Phase::Collected { .. } | Phase::Closed { .. } => self.go_on(),
        }
    }

    /// Goes on from what the record says, without asking AWS: an earlier run of this very step, or
    /// somebody else, has got that far.
    fn go_on(self) -> Result<Ticket, JobError> {
        let now = self.invocation.now();
        Ok(match self.record.value.phase {
            Phase::Intended { .. } => self.run.wait(Next::Wait, now),
            Phase::Started { handle, since } => self.run.running(self.job, handle, since, now)?,
            Phase::Collected { handle, .. } => self.run.complete(handle),
            Phase::Closed { outcome, .. } => over(self.run.ticket, &outcome),
        })
    }

    async fn look(mut self) -> Result<Ticket, JobError> {
        self.run.in_time(self.invocation.now())?;
        match self.find().await? {
            Found::Ours(handle) => self.started(&handle).await,
            // What this run may have started must not be left behind.
            Found::Reusable(_) if self.may_have_started(self.invocation.now()).is_some() => {
                Ok(self.run.wait(Next::Wait, self.invocation.now()))
            }
            Found::Reusable(handle) => {
                let handle = serde_json::to_value(handle).map_err(JobError::defect)?;
                let since = self.invocation.now();
                match self.advance(Phase::Started { handle: handle.clone(), since }).await? {
                    true => Ok(self.run.complete(handle)),
                    false => self.overtaken(None).await,
                }
            }
            Found::Published(result) => self.nothing_to_do(result).await,
            Found::Busy(other) => self.busy(other).await,
            Found::Free => self.start().await,
        }
    }

    async fn find(&self) -> Result<Found<J::Handle>, JobError> {
        self.job.find(self.run.context(self.invocation), &self.run.request.own).await
    }

    async fn start(mut self) -> Result<Ticket, JobError> {
        let now = self.invocation.now();
        if self.may_have_started(now).is_some() {
            // An earlier call may have started the job, and AWS does not show it yet.
            return Ok(self.run.wait(Next::Wait, now));
        }
        // The configuration may have changed since the run began.
        self.job.check(&self.run.request.own)?;
        if !self.advance(Phase::Intended { attempted_at: Some(now) }).await? {
            return self.overtaken(None).await;
        }
        match self.job.start(self.run.context(self.invocation), &self.run.request.own).await {
            Ok(Started::Running(handle)) => self.started(&handle).await,
            Ok(Started::Needs(needed)) => {
                self.without_effect().await?;
                self.prepare(needed)
            }
            Ok(Started::Busy(other)) => {
                self.without_effect().await?;
                self.busy(other).await
            }
            // The answer leaves open whether the job runs: look before anybody starts it again.
            Err(error) if error.effect_is_open() => match self.find().await? {
                Found::Ours(handle) => self.started(&handle).await,
                Found::Busy(other) => self.busy(other).await,
                _ => Err(error),
            },
            Err(error) => {
                self.without_effect().await?;
                Err(error)
            }
        }
    }

    /// Asks the state machine for the run that has to come first; it comes back to this step.
    fn prepare(mut self, needed: Prerequisite) -> Result<Ticket, JobError> {
        if self.run.ticket.next == Next::Prepare {
            return Err(JobError::new(
                ErrorName::Incomplete,
                format!(
                    "a run of {} was made for this one, and left nothing that it can go on with",
                    needed.kind
                ),
                "Look at that run's result, its newest, for what it could not read.",
            ));
        }
        self.run.ticket.next = Next::Prepare;
        self.run.ticket.prerequisite = Some(needed.request);
        Ok(self.run.ticket)
    }

    /// Records that the call has certainly started nothing, so that the next need not wait.
    async fn without_effect(&mut self) -> Result<(), JobError> {
        self.advance(Phase::Intended { attempted_at: None }).await.map(drop)
    }

    async fn started(mut self, handle: &J::Handle) -> Result<Ticket, JobError> {
        let value = serde_json::to_value(handle).map_err(JobError::defect)?;
        let now = self.invocation.now();
        match self.advance(Phase::Started { handle: value.clone(), since: now }).await? {
            true => self.run.running(self.job, value, now, now),
            false => self.overtaken(Some(handle)).await,
        }
    }

    async fn busy(mut self, other: WaitingFor) -> Result<Ticket, JobError> {
        if !self.run.request.common.wait {
            return self.nothing_to_do(json!({"waitingFor": other})).await;
        }
        if self.run.ticket.waiting_for.is_none() {
            self.run.ticket.waiting_since = self.invocation.now();
        }
        self.run.ticket.waiting_for = Some(other);
        Ok(self.run.wait(Next::Wait, self.invocation.now()))
    }

    async fn nothing_to_do(mut self, result: Value) -> Result<Ticket, JobError> {
        let now = self.invocation.now();
        let outcome = ended(OutcomeStatus::Skipped, now, result);
        let attempted_at = self.may_have_started(now);
        let closed = Phase::Closed { outcome: outcome.clone(), handle: None, attempted_at };
        if !self.advance(closed).await? {
            return self.overtaken(None).await;
        }
        // Otherwise the marker stays, and the sweep looks for what may still come to light.
        if attempted_at.is_none() {
            Records::new(self.job.store()).unmark(&self.run.ticket.run_id, &self.run.ticket.item).await?;
        }
        Ok(over(self.run.ticket, &outcome))
    }

    /// When a start was attempted that may have worked although nobody sees it yet.
    fn may_have_started(&self, now: Timestamp) -> Option<Timestamp> {
        match self.record.value.phase {
            Phase::Intended { attempted_at } => {
                attempted_at.filter(|at| now.duration_since(*at) < J::VISIBLE_WITHIN)
            }
            _ => None,
        }
    }

    /// Writes the record's next phase; `false` when somebody else has written it meanwhile.
    async fn advance(&mut self, phase: Phase) -> Result<bool, JobError> {
        let records = Records::new(self.job.store());
        let written = record::advance(&records, self.invocation, self.record.clone(), phase).await?;
        let Some(written) = written else { return Ok(false) };
        self.record = written;
        Ok(true)
    }

    /// Goes on with what somebody else wrote. A run that was closed in the meantime keeps its
    /// outcome, and a job that has just been started for it is ended again.
    async fn overtaken(mut self, started: Option<&J::Handle>) -> Result<Ticket, JobError> {
        self.record = reload(&Records::new(self.job.store()), &self.run.ticket).await?;
        if let (Phase::Closed { .. }, Some(handle)) = (&self.record.value.phase, started) {
            self.job
                .cancel(self.run.context(self.invocation), &self.run.request.own, Some(handle), None)
                .await?;
        }
        self.go_on()
    }
}
