//! The start step: from a request to a job that runs, or to whom it waits for.

use errors::JobError;
use jiff::{SignedDuration, Timestamp};
use models::{Claim, ErrorName, ItemName, JobRecord, Next, OutcomeStatus, Phase, Request, RunId, Ticket};
use serde_json::{Value, json};
use store::{Open, Records, Versioned};

use super::attempt::Attempt;
use super::input::StepInput;
use super::record::ended;
use super::request::{self, Parsed};
use super::resume::resume;
use super::run::{self, Run, over};
use crate::function::{Invocation, about};
use crate::job::{Job, WouldStart};

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
            let run = Run::of_ticket(job, &input).await?;
            let record = Records::new(job.store()).load(&run.ticket.run_id, &run.ticket.item).await?;
            (run, record)
        }
    };
    Attempt::new(job, invocation, run, record).await?.go().await
}

/// How a new request begins.
pub(super) enum Begun<J: Job> {
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
    let request = Parsed::read(job, request)?;
    if let Some(run_id) = request.common.resume.clone() {
        return resume(job, invocation, input, &request, &run_id).await;
    }
    let now = invocation.now();
    let run_id = run_id(input, request.common.scheduled_time, invocation);
    about(&run_id, None);
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
    fresh(job, invocation, input, run_id, request).await
}

/// Begins a run of this request.
pub(super) async fn fresh<J: Job>(
    job: &J,
    invocation: &Invocation,
    input: &StepInput,
    run_id: RunId,
    mut request: Parsed<J>,
) -> Result<Begun<J>, JobError> {
    let now = invocation.now();
    match job.resolve(&run_id, &mut request.own).await {
        Ok(()) => {}
        // A dry run is to say what stands in the way; what passes by itself is tried again.
        Err(error) if request.common.dry_run && !ErrorName::TRANSIENT.contains(&error.name()) => {
            let kept = request::keep(job.store(), &run_id, request.to_value()?).await?;
            let run = Run { ticket: draft::<J>(input, run_id, kept, now)?, request };
            return dry(job, invocation, run, WouldStart::no(error.to_string())).await;
        }
        Err(error) => return Err(error),
    }
    let kept = request::keep(job.store(), &run_id, request.to_value()?).await?;
    let mut ticket = draft::<J>(input, run_id, kept, now)?;
    ticket.item = J::item(&request.own)?;
    about(&ticket.run_id, Some(&ticket.item));
    ticket.deadline = deadline::<J>(ticket.started_at, request.common.deadline_hours)?;
    let run = Run { ticket, request };
    if run.request.common.dry_run {
        let answer = job.would_start(run.context(invocation), &run.request.own).await?;
        return dry(job, invocation, run, answer).await;
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
        item: unknown_item()?,
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
        prerequisite: None,
        refresh: None,
        lanes: None,
    })
}

/// The item of a run whose request could not be read so far as to name it.
const UNKNOWN_ITEM: &str = "request";

pub(super) fn unknown_item() -> Result<ItemName, JobError> {
    UNKNOWN_ITEM.parse().map_err(JobError::defect)
}

pub(super) fn deadline<J: Job>(from: Timestamp, hours: Option<u32>) -> Result<Timestamp, JobError> {
    from.checked_add(SignedDuration::from_hours(i64::from(hours.unwrap_or(J::DEADLINE_HOURS))))
        .map_err(JobError::defect)
}

/// Records what a dry run found out.
async fn dry<J: Job>(
    job: &J,
    invocation: &Invocation,
    run: Run<J>,
    answer: WouldStart,
) -> Result<Begun<J>, JobError> {
    let now = invocation.now();
    let mut result = json!({"wouldStart": answer.starts, "why": answer.why});
    if let Some(estimate) = answer.estimate {
        result["estimate"] = serde_json::to_value(estimate).map_err(JobError::defect)?;
    }
    let outcome = ended(OutcomeStatus::Skipped, now, result);
    let record = run::record_of(&run.ticket, now, &invocation.request_id, Phase::closed(outcome.clone()));
    let outcome = match Records::new(job.store()).create(record).await? {
        Open::Opened(_) => outcome,
        Open::Exists(record) => record.value.outcome().cloned().unwrap_or(outcome),
    };
    Ok(Begun::Over(Box::new(over(run.ticket, &outcome))))
}
