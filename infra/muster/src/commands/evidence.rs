//! `muster evidence`: what a run established about a report that AWS does not document. It holds no
//! account, no name and no free text, so that it can be shared.

mod share;

use std::collections::BTreeSet;

use aws_sdk_sfn::types::ExecutionStatus;
use models::{LaneLine, LaneRecord, OutcomeStatus, RunId, keys};
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::block_on;
use crate::arguments::Evidence;
use crate::client::{Objects, Stack};
use crate::{Done, Problem, view};

/// Executions of a kind that are looked through for a run that has evidence. Each takes three to five
/// calls.
const LOOKED_AT: i32 = 100;

/// Lanes of a run that are looked through for errors.
const LANES: usize = 1_000;

/// Errors that AWS has no part in: a request that was refused before it reached AWS, and a run that
/// somebody stopped.
const OURS: [&str; 2] = ["InvalidRequest", "Stopped"];

pub(crate) fn main(arguments: &Evidence) -> Done {
    block_on(async {
        let stack = Stack::at(&arguments.at).await?;
        let evidence = match &arguments.run_id {
            Some(run_id) => {
                let evidence = of_run(&stack, run_id).await?;
                evidence.ok_or_else(|| Problem::other(format!("there is no record of run {run_id}")))?
            }
            None => newest(&stack).await?,
        };
        let text = serde_json::to_string_pretty(&evidence);
        view::say(&view::lines(&text.map_err(|error| Problem::other(error.to_string()))?));
        Ok(())
    })
}

/// The evidence of the newest run that says anything about AWS: of the first kind that has one, so
/// that no inventory hides what is known of the report that AWS does not document. Dry runs, refused
/// requests and executions that resumed a run which does not exist are passed over, or they would hide
/// it.
async fn newest(stack: &Stack) -> Done<Value> {
    let mut looked_at = BTreeSet::new();
    for (_, machine) in stack.machines()? {
        for execution in stack.executions(machine, LOOKED_AT).await? {
            if execution.status == ExecutionStatus::Running {
                continue;
            }
            let seen = stack.seen(&execution.arn).await?;
            let Some(run_id) = seen.and_then(|seen| seen.run?.parse::<RunId>().ok()) else { continue };
            if looked_at.insert(run_id.clone())
                && let Some(evidence) = of_run(stack, &run_id).await?
                && says_something(&evidence)
            {
                return Ok(evidence);
            }
        }
    }
    Err(Problem::other(format!(
        "none of the newest {LOOKED_AT} executions of each kind that have ended left a report, or an error that AWS has \
         a part in"
    )))
}

/// Whether evidence tells anything about AWS.
fn says_something(evidence: &Value) -> bool {
    let elements = |name: &str| evidence[name].as_array().map(Vec::as_slice).unwrap_or_default();
    let theirs = |error: &Value| error["error"].as_str().is_some_and(|name| !OURS.contains(&name));
    !elements("reports").is_empty() || elements("errors").iter().any(theirs)
}

/// What a run's records and its report say; `None` when it has no record.
async fn of_run(stack: &Stack, run_id: &RunId) -> Done<Option<Value>> {
    let objects = stack.objects()?;
    let records = objects.records(run_id).await?;
    if records.is_empty() {
        return Ok(None);
    }
    let kind = records.first().map(|record| record.kind);
    let mut errors = Vec::new();
    let mut reports = Vec::new();
    for record in records {
        let failures = record.earlier.iter().chain(record.outcome()).filter_map(|it| it.failure.as_ref());
        errors.extend(failures.map(share::error));
        let succeeded = record.outcome().filter(|outcome| outcome.status == OutcomeStatus::Succeeded);
        let result = succeeded.and_then(|outcome| outcome.result.as_ref());
        if let Some(key) = result.and_then(|result| result["summary"].as_str())
            && let Some(summary) = objects.json(key).await?
        {
            reports.push(share::report(&summary));
        }
    }
    errors.extend(of_items(&objects, run_id).await?);
    Ok(Some(json!({"kind": kind, "runId": run_id, "reports": reports, "errors": errors})))
}

/// Errors of items of a run with lanes, each once.
async fn of_items(objects: &Objects, run_id: &RunId) -> Done<Vec<Value>> {
    let mut errors = Vec::new();
    for key in objects.keys(&keys::lanes(run_id), LANES).await? {
        let Some(lane) = objects.document::<LaneRecord>(&key).await? else { continue };
        let well =
            |status: &OutcomeStatus| matches!(status, OutcomeStatus::Succeeded | OutcomeStatus::Skipped);
        if lane.outcomes.keys().all(well) {
            continue;
        }
        for part in &lane.parts {
            let each = |line: LaneLine<IgnoredAny>| {
                let LaneLine::Outcome(outcome) = line else { return };
                let error = outcome.failure.as_ref().map(share::error);
                errors.extend(error.filter(|error| !errors.contains(error)));
            };
            objects.lines(&part.key, each).await?;
        }
    }
    Ok(errors)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dry_run_a_refused_request_and_a_stopped_run_say_nothing_about_aws() {
        let of = |reports: Value, errors: &[&str]| {
            let errors: Vec<_> = errors.iter().map(|name| json!({"error": name, "cause": ""})).collect();
            says_something(&json!({"reports": reports, "errors": errors}))
        };
        for errors in [&[][..], &["InvalidRequest"], &["Stopped", "InvalidRequest"]] {
            assert!(!of(json!([]), errors), "{errors:?}");
        }
        assert!(of(json!([{"header": []}]), &[]));
        assert!(of(json!([]), &["InvalidRequest", "UnrecognisedLayout"]));
    }
}
