//! The collect step: reads what the job left, commits to it, and publishes it.

use std::collections::BTreeMap;

use errors::JobError;
use models::record::PublishedFile;
use models::{ErrorName, JobRecord, OutcomeStatus, Phase, RunId, Ticket, keys};
use store::publish::{Manifest, publish};
use store::{Records, Versioned};

use super::input::StepInput;
use super::record::{LOOKS, advance, contended, ended, reload};
use super::run::{Run, over};
use super::runs_row;
use crate::function::Invocation;
use crate::job::{Job, Part, PublishedAs};

pub(crate) async fn collect<J: Job>(
    job: &J,
    invocation: &Invocation,
    input: StepInput,
) -> Result<Ticket, JobError> {
    let run = Run::of_ticket(job, &input).await?;
    let record = recorded(job, &run.ticket).await?;
    commit(job, invocation, run, record).await
}

/// The record of a run that has something to collect.
pub(crate) async fn recorded<J: Job>(job: &J, ticket: &Ticket) -> Result<Versioned<JobRecord>, JobError> {
    let record = Records::new(job.store()).load(&ticket.run_id, &ticket.item).await?;
    record.ok_or_else(|| {
        JobError::new(
            ErrorName::Incomplete,
            format!("run {} has no record, so nobody can say whose result this is", ticket.run_id),
            "Begin the run with the start step.",
        )
    })
}

/// Reads what the job of this record left, commits to it, and publishes it.
pub(crate) async fn commit<J: Job>(
    job: &J,
    invocation: &Invocation,
    run: Run<J>,
    record: Versioned<JobRecord>,
) -> Result<Ticket, JobError> {
    run.is_of(&record.value)?;
    match &record.value.phase {
        Phase::Closed { outcome, .. } => return Ok(over(run.ticket, outcome)),
        Phase::Collected { .. } => return finish(job, invocation, run.ticket, record).await,
        Phase::Intended { .. } | Phase::Started { .. } => {}
    }
    let handle = run.handle()?;
    let context = run.context(invocation);
    let mut collected = job.collect(context, &run.request.own, &handle).await?;
    let row = runs_row::write(job.store(), &run.ticket, context, &collected).await?;
    collected.parts.push(row);
    let phase = Phase::Collected {
        handle: serde_json::to_value(handle).map_err(JobError::defect)?,
        files: files(&run.ticket.run_id, &collected.parts),
        result: collected.result,
        is_published: false,
    };
    match advance(&Records::new(job.store()), invocation, record, phase).await? {
        Some(record) => finish(job, invocation, run.ticket, record).await,
        None => Err(JobError::new(
            ErrorName::Transient,
            format!("the record of run {} was changed while its result was read", run.ticket.run_id),
            "The step is repeated.",
        )),
    }
}

/// Publishes a committed run and closes it. Called by whoever finds the record committed.
pub(crate) async fn finish<J: Job>(
    job: &J,
    invocation: &Invocation,
    ticket: Ticket,
    mut record: Versioned<JobRecord>,
) -> Result<Ticket, JobError> {
    let Phase::Collected { handle, files, result, is_published } = record.value.phase.clone() else {
        return Err(JobError::defect("a run that is not committed was to be published"));
    };
    let manifest = Manifest {
        schema_version: Manifest::VERSION,
        kind: record.value.kind,
        run_id: &record.value.run_id,
        files: &files,
        result: &result,
    };
    let store = job.store();
    if !is_published {
        publish(store, &record.value.item, &manifest).await?;
    }
    if let Err(error) = job.published(&result).await {
        // It may stay so for days, and whoever tries again is not to publish everything again.
        if !is_published {
            let phase = Phase::Collected { handle, files, result, is_published: true };
            advance(&Records::new(store), invocation, record, phase).await?;
        }
        return Err(error);
    }
    let outcome = ended(OutcomeStatus::Succeeded, invocation.now(), result);
    let records = Records::new(store);
    for _ in 0..LOOKS {
        let phase =
            Phase::Closed { outcome: outcome.clone(), handle: Some(handle.clone()), attempted_at: None };
        let written = match advance(&records, invocation, record, phase).await? {
            Some(closed) => closed,
            // Another invocation found it committed too, or the run was taken up by another execution.
            None => reload(&records, &ticket).await?,
        };
        if let Some(outcome) = written.value.outcome() {
            records.unmark(&ticket.run_id, &ticket.item).await?;
            return Ok(over(ticket, outcome));
        }
        record = written;
    }
    Err(contended(&ticket.run_id))
}

/// Where each part is published. Files of one table are numbered in their order.
fn files(run: &RunId, parts: &[Part]) -> Vec<PublishedFile> {
    let mut numbers = BTreeMap::<&str, u32>::new();
    let key = |published: &PublishedAs, numbers: &mut BTreeMap<_, _>| match published {
        PublishedAs::Document(key) => key.clone(),
        PublishedAs::Table(table) => {
            let number = numbers.entry(*table).or_default();
            let key = keys::table(table, run, *number);
            *number += 1;
            key
        }
    };
    let files = parts.iter().map(|part| PublishedFile {
        part: part.key.clone(),
        etag: part.etag.clone(),
        key: key(&part.published, &mut numbers),
        rows: part.rows,
        bytes: part.bytes,
    });
    files.collect()
}
