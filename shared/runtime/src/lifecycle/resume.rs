//! Going on with an earlier run.

use errors::JobError;
use models::{ErrorName, JobRecord, Outcome, OutcomeStatus, Phase, RunId, keys};
use store::{Open, Records, Versioned};

use super::input::StepInput;
use super::request::{self, Parsed};
use super::run::{Run, over};
use super::start::{Begun, deadline, fresh, unknown_item};
use crate::function::{Invocation, about};
use crate::job::{Found, Job};

/// Goes on with an earlier run: what has an outcome keeps it, unless it is to be retried.
pub(super) async fn resume<J: Job>(
    job: &J,
    invocation: &Invocation,
    input: &StepInput,
    request: &Parsed<J>,
    run_id: &RunId,
) -> Result<Begun<J>, JobError> {
    about(run_id, None);
    let record = record_of_run(job, run_id).await?;
    about(run_id, Some(&record.value.item));
    let run = Run::of_record(job, &record.value).await?;
    if is_taken_by(&record.value, input) {
        return Ok(go_on(run.request, record, invocation));
    }
    let Versioned { value: mut record, etag } = record;
    let stored = &run.request.common;
    if let Phase::Closed { outcome, .. } = &record.phase {
        let retry = &request.common.retry;
        if !retry.contains(&outcome.status) && !J::has_items_to_retry(outcome, retry) {
            return Ok(Begun::Over(Box::new(over(record.ticket(), outcome))));
        }
        let outcome = outcome.clone();
        if record.item == unknown_item()? {
            return anew(job, invocation, input, request, &record, outcome).await;
        }
        if stored.dry_run {
            return Err(JobError::invalid(format!("run {run_id} was a dry run: start a new one")));
        }
        record.phase = again(job, invocation, &run, &mut record, &request.common.retry).await?;
        record.earlier.push(outcome);
    }
    let now = invocation.now();
    record.execution = input.execution.as_ref().map(|execution| execution.id.clone());
    record.deadline = deadline::<J>(now, request.common.deadline_hours.or(stored.deadline_hours))?;
    record.updated_at = now;
    record.writer.clone_from(&invocation.request_id);
    let records = Records::new(job.store());
    records.mark(&record).await?;
    let Some(record) = records.update(&etag, record).await? else {
        let record = record_of_run(job, run_id).await?;
        return match is_taken_by(&record.value, input) {
            true => Ok(go_on(run.request, record, invocation)),
            false => Err(taken(run_id)),
        };
    };
    // Whoever closed it before may have removed the marker since.
    records.mark(&record.value).await?;
    Ok(go_on(run.request, record, invocation))
}

/// Whether this very execution has taken the run up: its first step is made again.
fn is_taken_by(record: &JobRecord, input: &StepInput) -> bool {
    input.execution.as_ref().is_some_and(|execution| record.execution.as_ref() == Some(&execution.id))
}

/// The run of a record that is this execution's.
fn go_on<J: Job>(request: Parsed<J>, record: Versioned<JobRecord>, invocation: &Invocation) -> Begun<J> {
    let mut ticket = record.value.ticket();
    if let Some(outcome) = record.value.outcome() {
        return Begun::Over(Box::new(over(ticket, outcome)));
    }
    ticket.waiting_since = invocation.now();
    Begun::Run(Box::new(Run { ticket, request }), Some(Box::new(record)))
}

async fn record_of_run<J: Job>(job: &J, run_id: &RunId) -> Result<Versioned<JobRecord>, JobError> {
    let found = job.store().list(keys::jobs(run_id)).all(2).await?;
    let item = found.first().and_then(|entry| keys::parse_record(&entry.key)).map(|(_, item)| item);
    let record = match item {
        Some(item) => Records::new(job.store()).load(run_id, &item).await?,
        None => None,
    };
    let record = record.ok_or_else(|| {
        JobError::invalid(format!("there is no run {run_id} to resume in bucket {}", job.store().bucket()))
    })?;
    if record.value.kind != J::KIND {
        let kind = record.value.kind;
        return Err(JobError::invalid(format!("run {run_id} is one of {kind}, this is {}", J::KIND)));
    }
    Ok(record)
}

/// A run that ended before anybody knew what it was about is begun again with its own request. It
/// gets a record under the item that it is about, which remembers how it had ended.
async fn anew<J: Job>(
    job: &J,
    invocation: &Invocation,
    input: &StepInput,
    request: &Parsed<J>,
    record: &JobRecord,
    outcome: Outcome,
) -> Result<Begun<J>, JobError> {
    let mut own = Parsed::read(job, &request::recall(job.store(), &record.request).await?)?;
    own.common.deadline_hours = request.common.deadline_hours.or(own.common.deadline_hours);
    let begun = fresh(job, invocation, input, record.run_id.clone(), own).await?;
    let Begun::Run(run, _) = begun else { return Ok(begun) };
    let mut intended = run.intended(invocation.now(), &invocation.request_id);
    intended.earlier = record.earlier.iter().cloned().chain([outcome]).collect();
    let (Open::Opened(record) | Open::Exists(record)) = Records::new(job.store()).open(intended).await?;
    // What is there may be of this very step, made before.
    match record.value.execution == run.ticket.execution {
        true => Ok(Begun::Run(run, Some(Box::new(record)))),
        false => Err(taken(&record.value.run_id)),
    }
}

pub(crate) fn taken(run_id: &RunId) -> JobError {
    JobError::invalid(format!("run {run_id} is being worked on by another execution"))
}

/// Where a closed run goes on: with the job it had, if AWS completed it and only its collection
/// failed; else with a new one.
async fn again<J: Job>(
    job: &J,
    invocation: &Invocation,
    run: &Run<J>,
    record: &mut JobRecord,
    retry: &[OutcomeStatus],
) -> Result<Phase, JobError> {
    let context = run.context(invocation);
    let handle = match record.phase {
        Phase::Closed { handle: None, attempted_at: attempted_at @ Some(_), .. } => {
            match job.find(context, &run.request.own).await? {
                Found::Ours(handle) => Some(handle),
                // What that attempt may have started can still come to light, and is then this run's.
                _ => return Ok(Phase::Intended { attempted_at }),
            }
        }
        _ if record.handle().is_some() => Some(run.handle()?),
        _ => None,
    };
    if let Some(mut handle) = handle {
        match job.status(context, &mut handle).await {
            Ok(_) => {
                J::resumed(&mut handle, retry);
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
