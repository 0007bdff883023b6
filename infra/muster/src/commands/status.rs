//! `muster status`: the newest runs, and what is still open.

use std::cmp::Reverse;

use aws_sdk_sfn::types::ExecutionStatus;
use jiff::Timestamp;
use models::keys;

use super::block_on;
use crate::arguments::At;
use crate::client::{Listed, Stack};
use crate::kinds::Known;
use crate::{Done, view};

/// Runs that are shown.
const SHOWN: i32 = 20;
/// Open jobs that are shown.
const OPEN_SHOWN: usize = 100;

pub(crate) fn main(at: &At) -> Done {
    block_on(async {
        let stack = Stack::at(at).await?;
        let mut table = view::table(["kind", "execution", "status", "started", "ended", "state", "run"]);
        let executions = newest(&stack).await?;
        for (known, execution) in &executions {
            let mut seen = stack.seen(&execution.arn).await?;
            if let (ExecutionStatus::Running, Some(seen)) = (&execution.status, &mut seen) {
                seen.lanes = stack.lanes(seen).await?;
            }
            let state = match (&execution.status, &seen) {
                (ExecutionStatus::Running, Some(seen)) => view::state(seen),
                (_, Some(seen)) => view::line(seen.ticket["failure"]["error"].as_str().unwrap_or_default()),
                (_, None) => String::new(),
            };
            let run = seen.and_then(|seen| seen.run).unwrap_or_default();
            table.add_row([
                known.kind.to_string(),
                view::line(&execution.name),
                view::line(execution.status.as_str()),
                shown(execution.started),
                shown(execution.stopped),
                state,
                view::line(&run),
            ]);
        }
        match executions.as_slice() {
            [] => view::say("There is no run yet."),
            _ => view::say(&table.to_string()),
        }
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
                    view::say(&format!("  {}", view::line(&stack.shown(key)?)));
                }
            }
        }
        Ok(())
    })
}

/// The newest executions of all machines.
async fn newest(stack: &Stack) -> Done<Vec<(&'static Known, Listed)>> {
    let mut newest = Vec::new();
    for (known, machine) in stack.machines()? {
        newest.extend(stack.executions(machine, SHOWN).await?.into_iter().map(|it| (known, it)));
    }
    newest.sort_by_key(|(_, execution)| Reverse(execution.started));
    newest.truncate(usize::try_from(SHOWN).unwrap_or(usize::MAX));
    Ok(newest)
}

fn shown(at: Option<Timestamp>) -> String {
    at.map(view::moment).unwrap_or_default()
}
