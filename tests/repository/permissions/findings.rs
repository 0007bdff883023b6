//! What runs of findings use.

use std::collections::BTreeSet;
use std::time::Duration;

use local_aws::iam::Use;
use local_stack::LocalStack;
use local_states::ExecutionStatus;
use muster_tests::{Scenario, on_virtual_time};
use serde_json::json;

use super::runs::{Runs, rest, scheduled, start};

const FINDINGS: Runs = Runs("FindingsStateMachineArn");
/// When a run waits for those that it refreshes.
const AT_WORK: Duration = Duration::from_secs(60);
/// When an inventory is at work.
const BEGUN: Duration = Duration::from_secs(3);
/// A fault is tried at every so many-th call.
const STEP: u64 = 7;

/// What is used by runs one after the other: everything refreshed, nothing, exceptions, schedules, stops.
async fn one_after_the_other(scenario: &Scenario) -> LocalStack {
    use ExecutionStatus::Succeeded;
    let stack = start(scenario);
    FINDINGS.run(&stack, "everything refreshed", json!({}), Succeeded).await;
    FINDINGS.run(&stack, "nothing refreshed", json!({}), Succeeded).await;
    FINDINGS.run(&stack, "a dry run", json!({"dryRun": true}), Succeeded).await;
    let storage = stack.aws.storage();
    storage.deliver(stack.bucket(), "exceptions.json", |out| out.write_all(b"{\"exceptions\": []}")).unwrap();
    FINDINGS.run(&stack, "with exceptions", json!({"refresh": "none"}), Succeeded).await;
    scheduled(&stack).await;
    // While the inventory is made, and while what waits for it is.
    FINDINGS.stopped(&stack, json!({"refresh": ["organization-inventory"], "maxAgeHours": 1}), BEGUN).await;
    let stopped = FINDINGS.stopped(&stack, json!({"maxAgeHours": 1}), AT_WORK).await;
    let resumed = json!({"resume": stopped, "retry": ["failed"]});
    FINDINGS.run(&stack, "resumed", resumed, Succeeded).await;
    rest().await;
    stack
}

/// What the roles used over all of this.
pub(super) fn used(deployed: &Scenario) -> BTreeSet<Use> {
    let mut used = on_virtual_time(async { one_after_the_other(deployed).await.aws.gate().used() });
    let without_evidence = Scenario { request: json!({"refresh": "none"}), ..deployed.clone() };
    used.extend(FINDINGS.with_a_fault_anywhere(&without_evidence, STEP));
    let with_a_report = json!({"refresh": ["declarative-policies-report"]});
    used.extend(FINDINGS.taken_up(&Scenario { request: with_a_report, ..deployed.clone() }, AT_WORK));
    used.extend(FINDINGS.stopped_between_marker_and_record(&without_evidence));
    used
}
