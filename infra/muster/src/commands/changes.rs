//! `muster plan`, `apply` and `rollback`: changes of the organization.

use models::{Kind, RunId, keys};
use serde_json::{Value, json};

use super::{block_on, run};
use crate::arguments::{Apply, Plan, Rollback, Where};
use crate::client::Stack;
use crate::local::{self, Local, Pace};
use crate::{Done, Problem};

/// What runs that change something are about.
const ITEM: &str = "organization";

pub(crate) fn plan(arguments: &Plan) -> Done {
    let path = &arguments.desired;
    let text = std::fs::read_to_string(path).map_err(Problem::file(path))?;
    let desired: Value = serde_json::from_str(&text)
        .map_err(|error| Problem::other(format!("{}: {error}", path.display())))?;
    on(&arguments.at, async |stack| run::run(stack, arguments.kind, &json!({"desired": desired})).await)
}

pub(crate) fn apply(arguments: &Apply) -> Done {
    let mut request = json!({"apply": {"run": arguments.plan, "digest": arguments.digest}});
    if arguments.accept_unknown {
        request["acceptUnknown"] = json!(true);
    }
    if let Some(hours) = arguments.deadline_hours {
        request["deadlineHours"] = json!(hours);
    }
    on(&arguments.at, async |stack| run::run(stack, kind(stack, &arguments.plan).await?, &request).await)
}

pub(crate) fn rollback(arguments: &Rollback) -> Done {
    let request = json!({"rollback": {"run": arguments.run}});
    on(&arguments.at, async |stack| run::run(stack, kind(stack, &arguments.run).await?, &request).await)
}

/// Of which kind a run is.
async fn kind(stack: &Stack, run: &RunId) -> Done<Kind> {
    let item = ITEM.parse().map_err(|error| Problem::other(format!("{error}")))?;
    let key = keys::record(run, &item);
    let record: Option<models::JobRecord> = stack.objects()?.document(&key).await?;
    let record = record.ok_or_else(|| {
        let there = stack.shown(&key).unwrap_or_default();
        Problem::other(format!("there is no run {run} that plans or changes something: {there} is not there"))
    })?;
    Ok(record.kind)
}

/// Does something on the stack that is meant.
fn on(at: &Where, work: impl AsyncFnOnce(&Stack) -> Done) -> Done {
    if let Some(name) = &at.stack {
        return block_on(async { work(&Stack::deployed(name).await?).await });
    }
    let simulation = &at.simulation;
    local::runtime(simulation, Pace::Jumping)?.block_on(async {
        let local = Local::start(simulation, Pace::Jumping, run::SPEED, None).await?;
        let done = work(&Stack::local(&local.stack, simulation.out.clone())).await;
        local.remember(simulation)?;
        done
    })
}
