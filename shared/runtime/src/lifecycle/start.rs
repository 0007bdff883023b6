//! The start step: from a request to a job that runs, or to whom it waits for.

use errors::JobError;
use jiff::{SignedDuration, Timestamp};
use models::ErrorName;
use models::{
    Claim, JobRecord, Next, Outcome, OutcomeStatus, Phase, Request, RunId, Ticket, WaitingFor, keys,
};
use serde_json::{Value, json};
use store::{Open, Records, Versioned};

use super::input::StepInput;
use super::request::{self, Parsed};
use super::run::{self, Run, over};
use crate::function::Invocation;
use crate::job::{Found, Job, Started};

pub(crate) async fn start<J: Job>(
    job: &J,
    invocation: &Invocation,
    input: StepInput,
) -> Result<Ticket, JobError> {
    let (run, record) = match input.new_request() {
        Some(request) => match begin(job, invocation, &input, request).await? {
            Begun::Run(run, record) => (*run, record.map(|record| *record)),
            Begun::Over(ticket) => return Ok(*ticket),
        },
        None => {
            let run = Run::of_ticket(job, input.ticket).await?;
            let record = Records::new(job.store()).load(&run.ticket.run_id, &run.ticket.item).await?;
            (run, record)
        }
    };
    Attempt::new(job, invocation, run, record).await?.go().await
}

/// How a new request begins.
enum Begun<J: Job> {
    Run(Box<Run<J>>, Option<Box<Versioned<JobRecord>>>),
    /// There is nothing to run.
    Over(Box<Ticket>),
}

async fn begin<J: Job>(
    job: &J,
    invocation: &Invocation,
    input: &StepInput,
    request: &Value,
) -> Result<Begun<J>, JobError> {
    let mut request = Parsed::read(job, request)?;
    if let Some(run_id) = request.common.resume.clone() {
        return resume(job, invocation, input, &request, &run_id).await;
    }
    let now = invocation.now();
    let run_id = run_id(input, request.common.scheduled_time, invocation);
    if request.common.scheduled_time.is_some()
        && let Some(execution) = &input.execution
    {
        let claim = Claim { execution: execution.id.clone(), at: now };
        let holder = Records::new(job.store()).claim(&run_id, claim).await?;
        if holder.execution != execution.id {
            let mut ticket = draft::<J>(input, run_id, Request::Inline(json!({})), now)?;
            ticket.next = Next::Done;
            ticket.result = Some(json!({"claimedBy": holder.execution}));
            return Ok(Begun::Over(Box::new(ticket)));
        }
    }
    job.resolve(&run_id, &mut request.own).await?;
    let kept = request::keep(job.store(), &run_id, request.to_value()?).await?;
    let mut ticket = draft::<J>(input, run_id, kept, now)?;
    ticket.item = J::item(&request.own)?;
    ticket.deadline = deadline::<J>(ticket.started_at, request.common.deadline_hours)?;
    let run = Run { ticket, request };
    if run.request.common.dry_run {
        let (would_start, why) = job.would_start(run.context(invocation), &run.request.own).await?;
        let result = json!({"wouldStart": would_start, "why": why});
        return skip(job, invocation, run, result).await.map(|ticket| Begun::Over(Box::new(ticket)));
    }
    Ok(Begun::Run(Box::new(run), None))
}

/// The run's id: of the schedule's time where there is one, so that two deliveries are one run;
/// else of the execution, so that a repeated first step is the same run.
pub(crate) fn run_id(input: &StepInput, scheduled: Option<Timestamp>, invocation: &Invocation) -> RunId {
    match (&input.execution, scheduled) {
        (Some(execution), Some(due)) => RunId::derive(due, execution.machine()),
        (Some(execution), None) => RunId::derive(execution.start_time, &execution.id),
        (None, due) => RunId::derive(due.unwrap_or_else(|| invocation.now()), &invocation.request_id),
    }
}

/// The ticket of a run at its beginning, whose item and deadline are not known yet.
pub(crate) fn draft<J: Job>(
    input: &StepInput,
    run_id: RunId,
    request: Request,
    now: Timestamp,
) -> Result<Ticket, JobError> {
    let execution = input.execution.as_ref();
    Ok(Ticket {
        schema_version: Ticket::VERSION,
        kind: J::KIND,
        run_id,
        item: UNKNOWN_ITEM.parse().map_err(JobError::defect)?,
        request,
        next: Next::Wait,
        started_at: execution.map_or(now, |execution| execution.start_time),
        deadline: now,
        waiting_since: now,
        handle: None,
        attempt: 1,
        polls: 0,
        poll_after_seconds: 0,
        waiting_for: None,
        cancellable: false,
        execution: execution.map(|execution| execution.id.clone()),
        failure: None,
        result: None,
    })
}

/// The item of a run whose request could not be read so far as to name it.
const UNKNOWN_ITEM: &str = "request";

fn deadline<J: Job>(from: Timestamp, hours: Option<u32>) -> Result<Timestamp, JobError> {
    from.checked_add(SignedDuration::from_hours(i64::from(hours.unwrap_or(J::DEADLINE_HOURS))))
        .map_err(JobError::defect)
}

/// Goes on with an earlier run: what has an outcome keeps it, unless it is to be retried.
async fn resume<J: Job>(
    job: &J,
    invocation: &Invocation,
    input: &StepInput,
    request: &Parsed<J>,
    run_id: &RunId,
) -> Result<Begun<J>, JobError> {
    let records = Records::new(job.store());
    let found = job.store().list(keys::jobs(run_id)).all(2).await?;
    let item = found.first().and_then(|entry| keys::parse_record(&entry.key)).map(|(_, item)| item);
    let record = match item {
        Some(item) => records.load(run_id, &item).await?,
        None => None,
    };
    let Some(Versioned { value: mut record, etag }) = record else {
        return Err(JobError::invalid(format!(
            "there is no run {run_id} to resume in bucket {}",
            job.store().bucket()
        )));
    };
    if record.kind != J::KIND {
        return Err(JobError::invalid(format!(
            "run {run_id} is one of {}, this is {}",
            record.kind,
            J::KIND
        )));
    }
    if let Phase::Closed { outcome, .. } = &record.phase {
        if !request.common.retry.contains(&outcome.status) {
            return Ok(Begun::Over(Box::new(over(record.ticket(), outcome))));
        }
        if outcome.status == OutcomeStatus::Succeeded {
            return Err(JobError::invalid(format!("run {run_id} has succeeded: start a new run instead")));
        }
        let outcome = outcome.clone();
        record.phase = again(job, invocation, &mut record).await?;
        record.earlier.push(outcome);
    }
    let now = invocation.now();
    record.execution = input.execution.as_ref().map(|execution| execution.id.clone());
    record.deadline = deadline::<J>(now, request.common.deadline_hours)?;
    record.updated_at = now;
    record.writer.clone_from(&invocation.request_id);
    records.mark(&record).await?;
    let Some(record) = records.update(&etag, record).await? else {
        return Err(JobError::invalid(format!("run {run_id} is being worked on by another execution")));
    };
    let mut run = Run::of_record(job, &record.value).await?;
    run.ticket.waiting_since = now;
    Ok(Begun::Run(Box::new(run), Some(Box::new(record))))
}

/// Where a closed run goes on: with the job it had, if AWS completed it and only its collection
/// failed; else with a new one.
async fn again<J: Job>(job: &J, invocation: &Invocation, record: &mut JobRecord) -> Result<Phase, JobError> {
    if record.handle().is_some() {
        let run = Run::of_record(job, record).await?;
        let mut handle = run.handle()?;
        match job.status(run.context(invocation), &mut handle).await {
            Ok(_) => {
                let handle = serde_json::to_value(handle).map_err(JobError::defect)?;
                return Ok(Phase::Started { handle, since: invocation.now() });
            }
            Err(error) if matches!(error.name(), ErrorName::JobFailed | ErrorName::Gone) => {}
            Err(error) => return Err(error),
        }
    }
    record.attempt += 1;
    Ok(Phase::Intended { attempted_at: None })
}

/// Records that there was nothing to do, and why.
async fn skip<J: Job>(
    job: &J,
    invocation: &Invocation,
    run: Run<J>,
    result: Value,
) -> Result<Ticket, JobError> {
    let now = invocation.now();
    let outcome = Outcome { status: OutcomeStatus::Skipped, at: now, failure: None, result: Some(result) };
    let phase = Phase::Closed { outcome: outcome.clone(), handle: None, attempted_at: None };
    let record = run::record_of(&run.ticket, now, &invocation.request_id, phase);
    match Records::new(job.store()).create(record).await? {
        Open::Opened(_) => Ok(over(run.ticket, &outcome)),
        Open::Exists(record) => {
            let outcome = record.value.outcome().cloned().unwrap_or(outcome);
            Ok(over(run.ticket, &outcome))
        }
    }
}

/// One attempt to start, with the record it is remembered by.
struct Attempt<'a, J: Job> {
    job: &'a J,
    invocation: &'a Invocation,
    run: Run<J>,
    record: Versioned<JobRecord>,
}

impl<'a, J: Job> Attempt<'a, J> {
    async fn new(
        job: &'a J,
        invocation: &'a Invocation,
        run: Run<J>,
        record: Option<Versioned<JobRecord>>,
    ) -> Result<Self, JobError> {
        let record = match record {
            Some(record) => record,
            None => {
                let intended = run.intended(invocation.now(), &invocation.request_id);
                match Records::new(job.store()).open(intended).await? {
                    Open::Opened(record) | Open::Exists(record) => record,
                }
            }
        };
        Ok(Self { job, invocation, run, record })
    }

    async fn go(self) -> Result<Ticket, JobError> {
        match &self.record.value.phase {
            Phase::Intended { .. } => self.look().await,
            Phase::Started { .. } | Phase::Collected { .. } | Phase::Closed { .. } => Ok(self.go_on()),
        }
    }

    /// Goes on from what the record says, without asking AWS: an earlier run of this very step, or
    /// somebody else, has got that far.
    fn go_on(self) -> Ticket {
        let now = self.invocation.now();
        match self.record.value.phase {
            Phase::Intended { .. } => self.run.wait(Next::Wait, now),
            Phase::Started { handle, since } => self.run.poll(handle, since, now),
            Phase::Collected { handle, .. } => self.run.complete(handle),
            Phase::Closed { outcome, .. } => over(self.run.ticket, &outcome),
        }
    }

    async fn look(mut self) -> Result<Ticket, JobError> {
        self.run.in_time(self.invocation.now())?;
        match self.find().await? {
            Found::Ours(handle) => self.started(&handle).await,
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
        if let Phase::Intended { attempted_at: Some(attempted_at) } = self.record.value.phase
            && now.duration_since(attempted_at) < J::VISIBLE_WITHIN
        {
            // An earlier call may have started the job, and AWS does not show it yet.
            return Ok(self.run.wait(Next::Wait, now));
        }
        if !self.advance(Phase::Intended { attempted_at: Some(now) }).await? {
            return self.overtaken(None).await;
        }
        match self.job.start(self.run.context(self.invocation), &self.run.request.own).await {
            Ok(Started::Running(handle)) => self.started(&handle).await,
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

    /// Records that the call has certainly started nothing, so that the next need not wait.
    async fn without_effect(&mut self) -> Result<(), JobError> {
        self.advance(Phase::Intended { attempted_at: None }).await.map(drop)
    }

    async fn started(mut self, handle: &J::Handle) -> Result<Ticket, JobError> {
        let value = serde_json::to_value(handle).map_err(JobError::defect)?;
        let now = self.invocation.now();
        match self.advance(Phase::Started { handle: value.clone(), since: now }).await? {
            true => Ok(self.run.poll(value, now, now)),
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
        let outcome =
            Outcome { status: OutcomeStatus::Skipped, at: now, failure: None, result: Some(result) };
        let closed = Phase::Closed { outcome: outcome.clone(), handle: None, attempted_at: None };
        if !self.advance(closed).await? {
            return self.overtaken(None).await;
        }
        Records::new(self.job.store()).unmark(&self.run.ticket.run_id, &self.run.ticket.item).await?;
        Ok(over(self.run.ticket, &outcome))
    }

    /// Writes the record's next phase; `false` when somebody else has written it meanwhile.
    async fn advance(&mut self, phase: Phase) -> Result<bool, JobError> {
        let next = JobRecord {
            phase,
            updated_at: self.invocation.now(),
            writer: self.invocation.request_id.clone(),
            ..self.record.value.clone()
        };
        match Records::new(self.job.store()).update(&self.record.etag, next).await? {
            Some(record) => {
                self.record = record;
                Ok(true)
            }
            None => Ok(false),
        }
    }

    /// Goes on with what somebody else wrote. A run that was closed in the meantime keeps its
    /// outcome, and a job that has just been started for it is ended again.
    async fn overtaken(mut self, started: Option<&J::Handle>) -> Result<Ticket, JobError> {
        let ticket = &self.run.ticket;
        let record = Records::new(self.job.store()).load(&ticket.run_id, &ticket.item).await?;
        self.record = record.ok_or_else(|| {
            JobError::defect(format!("the record of run {} has vanished from the bucket", ticket.run_id))
        })?;
        if let (Phase::Closed { .. }, Some(handle)) = (&self.record.value.phase, started) {
            self.job
                .cancel(self.run.context(self.invocation), &self.run.request.own, Some(handle), None)
                .await?;
        }
        Ok(self.go_on())
    }
}
