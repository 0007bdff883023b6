//! `muster resume`: a run that did not finish, gone on with.

use models::Kind;
use serde_json::json;

use super::{block_on, run};
use crate::arguments::Resume;
use crate::client::Stack;

pub(crate) fn main(arguments: Resume) -> crate::Done {
    block_on(async {
        let stack = Stack::at(&arguments.at).await?;
        let request = match arguments.retry.is_empty() {
            true => json!({"resume": arguments.run_id}),
            false => json!({"resume": arguments.run_id, "retry": arguments.retry}),
        };
        run::run(&stack, Kind::DeclarativePoliciesReport, &request).await
    })
}
