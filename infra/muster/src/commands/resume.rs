//! `muster resume`: a run that did not finish, gone on with.

use models::keys;
use serde_json::json;

use super::{block_on, run};
use crate::Problem;
use crate::arguments::Resume;
use crate::client::Stack;

pub(crate) fn main(arguments: Resume) -> crate::Done {
    block_on(async {
        let stack = Stack::at(&arguments.at).await?;
        let run_id = &arguments.run_id;
        let records = stack.objects()?.records(run_id).await?;
        let record = records.first().ok_or_else(|| {
            let there = stack.shown(&keys::jobs(run_id)).unwrap_or_default();
            Problem::other(format!("there is no run {run_id} to resume: nothing lies under {there}"))
        })?;
        let request = match arguments.retry.is_empty() {
            true => json!({"resume": run_id}),
            false => json!({"resume": run_id, "retry": arguments.retry}),
        };
        run::run(&stack, record.kind, &request).await
    })
}
