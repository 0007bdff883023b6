//! What the access report over the organization uses.

use std::collections::BTreeSet;
use std::time::Duration;

use local_aws::access_reports::{AccessReportOutcome, AccessReportSettings};
use local_aws::iam::Use;
use local_aws::lambda::InvokeError;
use local_aws::{Fault, Settings};
use local_stack::LocalStack;
use local_states::ExecutionStatus;
use muster_tests::{Scenario, on_virtual_time, root};
use serde_json::{Value, json};

use super::runs::{Runs, at, called, run_of, scheduled, start};

const ACCESS_REPORTS: Runs = Runs("AccessReportStateMachineArn");
/// A run begins with an inventory of about a minute.
const INVENTORY: Duration = Duration::from_secs(10);
/// Most calls of a run are an inventory's, whose own test tries every call, and those of one report
/// after the other.
const STEP: u64 = 7;

fn all() -> Value {
    json!({"targets": ["root", "organizationalUnits", "policies", "accounts"], "awsManagedPolicies": true})
}

/// Reports that take so long that they are polled and collected.
fn slow(deployed: &Scenario) -> Scenario {
    let outcomes = vec![AccessReportOutcome::Slow(Duration::from_secs(600)); 2];
    let access_reports = AccessReportSettings { outcomes, ..AccessReportSettings::default() };
    Scenario { settings: Settings { access_reports, ..Settings::default() }, ..deployed.clone() }
}

/// Stopped while the inventory runs that comes first: Step Functions stops that too.
async fn stopped_at_its_inventory(deployed: &Scenario) -> LocalStack {
    let stack = start(deployed);
    ACCESS_REPORTS.stopped(&stack, json!({}), INVENTORY).await;
    stack
}

/// Stopped once reports are ordered; with what is used after that.
async fn stopped_at_work(deployed: &Scenario) -> LocalStack {
    let stack = start(deployed);
    let execution = ACCESS_REPORTS.start(&stack, json!({}));
    called(&stack, "iam:GenerateOrganizationsAccessReport").await;
    stack.aws.states().stop(&execution.arn, None, None).unwrap();
    super::runs::rest().await;
    let resumed = json!({"resume": run_of(&stack, &execution), "retry": ["failed"]});
    ACCESS_REPORTS.run(&stack, "resumed", resumed, ExecutionStatus::Succeeded).await;
    stack
}

/// What is used by runs one after the other: an inventory that is there, turns, earlier reports, items
/// that failed, schedules, estimates.
async fn one_after_the_other(deployed: &Scenario) -> LocalStack {
    use ExecutionStatus::Succeeded;
    let denied = at(Fault::Deny, "iam:GetOrganizationsAccessReport", 1, 1);
    let stack = start(&Scenario { faults: vec![denied], ..deployed.clone() });
    let first = ACCESS_REPORTS.start(&stack, json!({}));
    first.finished().await;
    assert!(first.output().unwrap()["result"]["items"]["failed"].as_u64() > Some(0));
    let again = json!({"resume": run_of(&stack, &first), "retry": ["failed"]});
    ACCESS_REPORTS.run(&stack, "what failed", again, Succeeded).await;
    ACCESS_REPORTS.run(&stack, "all of it", all(), Succeeded).await;
    ACCESS_REPORTS.run(&stack, "in turns", all(), Succeeded).await;
    ACCESS_REPORTS.run(&stack, "young enough", json!({"maxAgeHours": 24}), Succeeded).await;
    ACCESS_REPORTS.run(&stack, "an estimate", json!({"dryRun": true}), Succeeded).await;
    scheduled(&stack).await;
    ACCESS_REPORTS.without_record(&stack, json!({}), Duration::from_secs(5)).await;
    stack
}

/// Steps that somebody invokes by hand, for a run that has no record.
async fn by_hand(deployed: &Scenario) -> LocalStack {
    let stack = start(deployed);
    for step in ["start", "status", "collect"] {
        let binary = format!("organizations-access-report-{step}");
        let event = std::fs::read(root().join(format!("tests/events/{binary}.json"))).unwrap();
        let event = serde_json::from_slice(&event).unwrap();
        let answer = stack.aws.lambda().invoke(&stack.deployed.functions[&binary], event).await;
        let Err(InvokeError::Function(error)) = answer else { panic!("{step}: {answer:?}") };
        assert_eq!(error.error_type, "Incomplete", "{step}: {}", error.error_message);
    }
    stack
}

/// What the roles used over all of this.
pub(super) fn used(deployed: &Scenario) -> BTreeSet<Use> {
    let mut used = ACCESS_REPORTS.with_a_fault_anywhere(deployed, STEP);
    used.extend(ACCESS_REPORTS.taken_up(deployed, INVENTORY));
    used.extend(ACCESS_REPORTS.stopped_between_marker_and_record(deployed));
    used.extend(on_virtual_time(async {
        let stack = start(&slow(deployed));
        ACCESS_REPORTS.run(&stack, "slow reports", json!({}), ExecutionStatus::Succeeded).await;
        stack.aws.gate().used()
    }));
    used.extend(on_virtual_time(async { stopped_at_its_inventory(deployed).await.aws.gate().used() }));
    used.extend(on_virtual_time(async { stopped_at_work(deployed).await.aws.gate().used() }));
    used.extend(on_virtual_time(async { by_hand(deployed).await.aws.gate().used() }));
    used.extend(on_virtual_time(async { one_after_the_other(deployed).await.aws.gate().used() }));
    used
}
