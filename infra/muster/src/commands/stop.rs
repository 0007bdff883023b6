//! `muster stop`: a run, stopped. What it started at AWS is cancelled by the sweep.

use aws_sdk_sfn::types::ExecutionStatus;
use models::RunId;

use super::block_on;
use crate::arguments::Stop;
use crate::client::Stack;
use crate::{Done, Problem, view};

/// Executions of each kind that are looked through for a name.
const LOOKED_AT: i32 = 1_000;

pub(crate) fn main(arguments: &Stop) -> Done {
    block_on(async {
        let stack = Stack::at(&arguments.at).await?;
        let execution = execution(&stack, &arguments.run).await?;
        stack.stop(&execution).await?;
        view::say(&format!(
            "Stopped {}\nThe sweep now cancels what the run started at AWS and records its outcome: at once, or within \
             15 minutes. `cargo muster status {}` shows when nothing is open any more.",
            view::line(&execution),
            stack.named().unwrap_or_default()
        ));
        Ok(())
    })
}

/// The execution that is meant: by its ARN, its name, or the run it works at.
async fn execution(stack: &Stack, run: &str) -> Done<String> {
    if run.starts_with("arn:") {
        return Ok(run.to_owned());
    }
    if let Ok(id) = run.parse::<RunId>() {
        let records = stack.objects()?.records(&id).await?;
        let of_record = records.into_iter().find_map(|record| record.execution);
        return of_record.ok_or_else(|| Problem::other(format!("no execution is recorded for run {run}")));
    }
    for (_, machine) in stack.machines()? {
        let listed = stack.executions(machine, LOOKED_AT).await?;
        let running = listed.into_iter().find(|it| it.name == run && it.status == ExecutionStatus::Running);
        if let Some(execution) = running {
            return Ok(execution.arn);
        }
    }
    Err(Problem::other(format!("no running execution is named {run}")))
}
