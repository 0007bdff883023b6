//! How much of the lane's time the one slot that AWS has is in use.

use jiff::{SignedDuration, Timestamp};
use local_aws::access_reports::AccessReportSettings;
use local_stack::LocalStack;
use local_states::ExecutionStatus;
use muster_tests::{Scenario, on_virtual_time, stack};
use serde_json::json;

use super::{run, scenario};

/// When the lane's first execution began, and the last ended.
fn lane(stack: &LocalStack) -> (Timestamp, Timestamp) {
    let executions = stack.aws.states().executions().into_iter();
    let lanes: Vec<_> =
        executions.filter(|it| it.arn.contains("organizations-access-report/lanes")).collect();
    let begun = lanes.iter().map(|it| it.started).min().unwrap();
    (begun, lanes.iter().map(|it| it.ended().unwrap()).max().unwrap())
}

#[test]
fn over_two_thousand_entities_the_one_slot_is_in_use_nine_tenths_of_the_time() {
    on_virtual_time(async {
        let stack = stack(&Scenario { accounts: 1_900, ..scenario(AccessReportSettings::default()) });
        let inventory = json!({"effectivePolicies": "none", "tags": false});
        let inventory = stack.start_inventory(inventory).unwrap();
        assert_eq!(inventory.finished().await, ExecutionStatus::Succeeded);
        let request = json!({"targets": ["root", "organizationalUnits", "policies", "accounts"]});
        let of = run(stack, request).await;
        let expected = of.result()["expectedItems"].as_u64().unwrap();
        assert!(expected >= 2_000, "{expected}");
        assert_eq!(of.result()["itemsWithData"], json!(expected));
        let busy: SignedDuration =
            of.jobs().iter().map(|job| job.ended.unwrap().duration_since(job.started)).sum();
        let (begun, ended) = lane(&of.stack);
        let share = busy.as_secs_f64() / ended.duration_since(begun).as_secs_f64();
        assert!(share >= 0.9, "{share:.3} of {:#} for {expected} reports", ended.duration_since(begun));
        let events = of.execution.history().events().len();
        assert!(events < 60, "{events} events");
    });
}
