//! `muster status`: the newest runs, and what is still open.

use aws_sdk_sfn::types::ExecutionStatus;
use jiff::Timestamp;
use models::keys;

use super::block_on;
use crate::arguments::At;
use crate::client::{REPORT_MACHINE, Stack};
use crate::{Done, view};

/// Runs that are shown.
const SHOWN: i32 = 20;
/// Open jobs that are shown.
const OPEN_SHOWN: usize = 100;

pub(crate) fn main(at: &At) -> Done {
    block_on(async {
        let stack = Stack::at(at).await?;
        let mut table = view::table(["execution", "status", "started", "ended", "state", "run"]);
        for execution in stack.executions(stack.output(REPORT_MACHINE)?, SHOWN).await? {
            let seen = match execution.status {
                ExecutionStatus::Running => stack.seen(&execution.arn).await?,
                _ => None,
            };
            let state = seen.as_ref().map(view::state).unwrap_or_default();
            let run = seen.and_then(|seen| seen.ticket["runId"].as_str().map(str::to_owned));
            table.add_row([
                execution.name,
                execution.status.as_str().to_owned(),
                shown(execution.started),
                shown(execution.stopped),
                state,
                run.unwrap_or_default(),
            ]);
        }
        view::say(&table.to_string());
        let open = stack.objects()?.keys(keys::OPEN, OPEN_SHOWN).await?;
        match open.as_slice() {
            [] => view::say("Nothing is open."),
            open => {
                view::say(&format!(
                    "Open: {}{}",
                    open.len(),
                    if open.len() == OPEN_SHOWN { " or more" } else { "" }
                ));
                for key in open {
                    view::say(&format!("  {}", stack.shown(key)?));
                }
            }
        }
        Ok(())
    })
}

fn shown(at: Option<Timestamp>) -> String {
    at.map(view::moment).unwrap_or_default()
}
