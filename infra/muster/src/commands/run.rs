//! `muster run`: one job, from its request to its result.

use std::path::Path;
use std::time::Instant;

use local_aws::organization::Organization;
use models::{ErrorName, Kind};
use serde_json::{Value, json};

use aws_sdk_sfn::types::ExecutionStatus;

use super::{again, report};
use crate::arguments::Run;
use crate::client::Stack;
use crate::kinds::{self, Estimate};
use crate::local::{self, Local, Pace};
use crate::view::{self, Progress};
use crate::{Done, Problem};

/// Simulated seconds in a real one, unless the arguments say otherwise: an hour in a second.
pub(super) const SPEED: f64 = 3_600.0;

/// Where the page of a stack is written to, to be opened.
const PAGE: &str = "report.html";

pub(crate) fn main(arguments: Run) -> Done {
    let kind = arguments.kind;
    let mut request = arguments.request;
    if arguments.estimate {
        if let Some(Estimate::Always(text)) = kinds::known(kind).map(|known| known.estimate) {
            view::say(&format!("{kind}: {text}"));
            return Ok(());
        }
        request["dryRun"] = json!(true);
    }
    if let Some(name) = &arguments.stack {
        return super::block_on(async {
            let stack = Stack::deployed(name).await?;
            run(&stack, kind, &request).await?;
            if arguments.open { report::open(&stack, Path::new(PAGE)).await } else { Ok(()) }
        });
    }
    let simulation = &arguments.simulation;
    local::runtime(simulation, Pace::Jumping)?.block_on(async {
        let local = Local::start(simulation, Pace::Jumping, SPEED, None).await?;
        introduce(&local.stack.aws.organization(), simulation.seed);
        let stack = Stack::local(&local.stack, simulation.out.clone());
        let mut done = run(&stack, kind, &request).await;
        if arguments.again && done.is_ok() {
            again::change(&local.stack.aws).await;
            done = run(&stack, Kind::Findings, &json!({"maxAgeHours": again::MAX_AGE_HOURS})).await;
        }
        if arguments.open && done.is_ok() {
            done = report::open(&stack, Path::new(PAGE)).await;
        }
        local.remember(simulation)?;
        if let Some(logs) = &local.logs {
            view::say(&format!("  {:<11} {}", "logs", logs.display()));
        }
        done
    })
}

fn introduce(organization: &Organization, seed: u64) {
    view::note(&format!(
        "A simulated organization ({}): {} accounts, {} Regions, seed {seed}. Nothing here calls AWS.",
        organization.id,
        organization.accounts.len(),
        organization.regions.len(),
    ));
}

/// Runs a request to its end and shows what came of it.
pub(crate) async fn run(stack: &Stack, kind: Kind, request: &Value) -> Done {
    let begun = Instant::now();
    let execution = stack.start(stack.machine(kind)?, request).await?;
    if !stack.simulated {
        view::note(&format!(
            "{}\nThe run goes on when this command is ended; `cargo muster status --stack {}` shows it.",
            view::line(&execution),
            stack.name
        ));
    }
    let mut progress = Progress::new();
    let mut run_id = String::new();
    let ended = stack
        .follow(&execution, |seen| {
            if let Some(id) = seen.ticket["runId"].as_str() {
                id.clone_into(&mut run_id);
            }
            progress.show(seen);
        })
        .await;
    progress.end();
    let ended = ended?;
    if ended.status == ExecutionStatus::Succeeded {
        return view::result(stack, kind, &ended, begun.elapsed()).await;
    }
    Err(Problem::Run {
        status: ended.status.as_str().to_owned(),
        next: next(stack, &run_id, &ended.error)?,
        error: ended.error,
        cause: ended.cause,
    })
}

/// What somebody can do about a run that did not succeed, where its cause does not say it all.
fn next(stack: &Stack, run_id: &str, error: &str) -> Done<String> {
    if run_id.is_empty() {
        return Ok("\nNothing of the run was recorded.".to_owned());
    }
    // A run keeps its request: one that was refused is refused again. And where the run to resume
    // does not exist, it has no records either.
    if error == ErrorName::InvalidRequest.as_str() {
        return Ok(String::new());
    }
    let records = stack.shown(&format!("runs/{run_id}/"))?;
    let again = stack.named().map(|named| {
        format!("\nOnce its cause is gone: cargo muster resume {run_id} --retry failed,overdue {named}")
    });
    Ok(format!("\nIts records are in {records}{}", again.unwrap_or_default()))
}
