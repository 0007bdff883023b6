//! `muster evidence`: what a run established about a report that AWS does not document. It holds no
//! account, no name and no free text, so that it can be shared.

mod share;

use aws_sdk_sfn::types::ExecutionStatus;
use models::{OutcomeStatus, Phase, RunId};
use serde_json::{Value, json};

use super::block_on;
use crate::arguments::Evidence;
use crate::client::{REPORT_MACHINE, Stack};
use crate::{Done, Problem, view};

/// Executions that are looked through for one that has evidence.
const LOOKED_AT: i32 = 100;

pub(crate) fn main(arguments: &Evidence) -> Done {
    block_on(async {
        let stack = Stack::at(&arguments.at).await?;
        let run_id = match &arguments.run_id {
            Some(run_id) => run_id.clone(),
            None => newest(&stack).await?,
        };
        let evidence = of_run(&stack, &run_id).await?;
        let text = serde_json::to_string_pretty(&evidence);
        view::say(&text.map_err(|error| Problem::other(error.to_string()))?);
        Ok(())
    })
}

/// The newest run that says anything about the report.
async fn newest(stack: &Stack) -> Done<RunId> {
    for execution in stack.executions(stack.output(REPORT_MACHINE)?, LOOKED_AT).await? {
        if execution.status != ExecutionStatus::Running
            && let Some(seen) = stack.seen(&execution.arn).await?
            && let Some(run_id) = seen.ticket["runId"].as_str().and_then(|id| id.parse().ok())
        {
            return Ok(run_id);
        }
        let ended = stack.described(&execution.arn).await?;
        if let Some(run_id) = ended.output["runId"].as_str().and_then(|id| id.parse().ok()) {
            return Ok(run_id);
        }
    }
    Err(Problem::other("no run has ended yet"))
}

async fn of_run(stack: &Stack, run_id: &RunId) -> Done<Value> {
    let objects = stack.objects()?;
    let records = objects.records(run_id).await?;
    if records.is_empty() {
        return Err(Problem::other(format!("there is no record of run {run_id}")));
    }
    let mut errors = Vec::new();
    let mut reports = Vec::new();
    for record in records {
        let current = match &record.phase {
            Phase::Closed { outcome, .. } => Some(outcome),
            _ => None,
        };
        for outcome in record.earlier.iter().chain(current) {
            if let Some(failure) = &outcome.failure {
                errors.push(json!({"error": failure.error, "cause": share::text(&failure.cause)}));
            }
        }
        let Some(outcome) = current.filter(|outcome| outcome.status == OutcomeStatus::Succeeded) else {
            continue;
        };
        let key = outcome.result.as_ref().and_then(|result| result["summary"].as_str());
        if let Some(summary) = objects.json(key.unwrap_or_default()).await? {
            reports.push(share::report(&summary));
        }
    }
    Ok(json!({"runId": run_id, "reports": reports, "errors": errors}))
}
