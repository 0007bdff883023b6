//! Faults at every call of a run that applies a plan: nothing is made twice or lost.

use std::time::Duration;

use local_aws::aws::journal::Write;
use local_aws::lambda::Delivery;
use local_aws::{Fault, FaultRule};
use local_stack::LocalStack;
use muster_tests::{Scenario, records};
use serde_json::{Value, json};

use super::cases::{Case, small};
use super::{SETUP, on, plan, run, scenario, writes};

/// What passes by itself.
const PASSING: [Fault; 8] = [
    Fault::Throttle,
    Fault::ServerError,
    Fault::ServerErrorAfter,
    Fault::Cut,
    Fault::LostAnswer,
    Fault::Truncate,
    Fault::CrashBefore,
    Fault::CrashAfter,
];

/// What the sweep takes to close a run.
const SWEEPS: Duration = Duration::from_secs(45 * 60);

fn rule(fault: Fault, operation: &str) -> FaultRule {
    FaultRule { fault, operation: Some(operation.to_owned()), nth: 1, times: 1 }
}

/// What a plan comes to where nothing goes wrong: the writes that took effect, and the calls of the run.
struct Clean {
    writes: Vec<Write>,
    operations: Vec<String>,
}

fn clean(case: Case) -> Clean {
    on(&small(), async |stack| {
        let planned = case.planned(stack).await;
        let mut called = planned.calls();
        called.dedup();
        assert_eq!(called, case.calls(), "{case:?}");
        let before = stack.aws.calls().len();
        let result = run(stack, case.machine(), planned.applied()).await.result();
        let writes = stack.aws.organization_writes();
        is_whole(stack, &writes, &result, &format!("{case:?}"));
        let calls = stack.aws.calls().split_off(before);
        let mut operations: Vec<_> = calls.into_iter().map(|call| call.action).collect();
        operations.sort();
        operations.dedup();
        Clean { writes, operations }
    })
}

/// Every change is made once, as where nothing goes wrong, and nothing is left open.
fn is_whole(stack: &LocalStack, writes: &[Write], result: &Value, context: &str) {
    assert_eq!(result["made"], result["changes"], "{context}: {result}");
    assert_eq!(stack.aws.organization_writes(), writes, "{context}");
    let open = stack.aws.storage().keys(stack.bucket(), "open/");
    assert_eq!(open, Vec::<String>::new(), "{context}");
}

fn survives(case: Case, operations: impl Fn(&str) -> bool) {
    let clean = clean(case);
    let operations: Vec<_> = clean.operations.iter().filter(|it| operations(it)).collect();
    for call in case.calls() {
        assert!(operations.iter().any(|it| it.ends_with(call)), "{case:?}: {call} in {operations:?}");
    }
    for operation in operations {
        for fault in PASSING {
            let rule = rule(fault, operation);
            let context = format!("{case:?}, {rule}");
            on(&small(), async |stack| {
                let planned = case.planned(stack).await;
                stack.aws.faults().add(rule);
                let ended = run(stack, case.machine(), planned.applied()).await;
                assert!(ended.0.output().is_some(), "{context}: {:?}", ended.0.error());
                // What a crash has left open, the sweep closes.
                tokio::time::sleep(SWEEPS).await;
                is_whole(stack, &clean.writes, &ended.result(), &context);
            });
        }
    }
}

fn of_organizations(operation: &str) -> bool {
    operation.starts_with("organizations:")
}

#[test]
fn one_fault_at_any_call_makes_no_policy_twice_and_loses_no_attachment() {
    survives(Case::Policy, |_| true);
}

#[test]
fn one_fault_where_a_policy_is_changed_leaves_what_no_fault_leaves() {
    survives(Case::PolicyChanged, of_organizations);
}

#[test]
fn one_fault_where_a_policy_is_taken_back_leaves_what_no_fault_leaves() {
    survives(Case::PolicyTakenBack, of_organizations);
}

#[test]
fn one_fault_where_the_organization_is_set_up_leaves_what_no_fault_leaves() {
    survives(Case::SetUp, of_organizations);
}

#[test]
fn one_fault_where_the_set_up_is_taken_back_leaves_what_no_fault_leaves() {
    survives(Case::SetUpTakenBack, of_organizations);
}

#[test]
fn one_fault_where_a_policy_type_is_turned_off_leaves_what_no_fault_leaves() {
    survives(Case::TypeOff, of_organizations);
}

#[test]
fn one_fault_where_a_policy_type_comes_back_loses_no_attachment() {
    survives(Case::TypeTakenBack, of_organizations);
}

#[test]
fn a_run_that_is_stopped_at_a_write_is_closed_resumed_and_makes_nothing_twice() {
    for case in Case::ALL {
        let clean = clean(case);
        for call in case.calls() {
            for fault in [Fault::StopBefore, Fault::StopAfter] {
                let rule = rule(fault, &format!("organizations:{call}"));
                let context = format!("{case:?}, {rule}");
                on(&small(), async |stack| {
                    let planned = case.planned(stack).await;
                    stack.aws.faults().add(rule);
                    let ended = run(stack, case.machine(), planned.applied()).await;
                    assert!(ended.0.output().is_none(), "{context}");
                    tokio::time::sleep(SWEEPS).await;
                    let record = records(stack).into_iter().max_by_key(|it| it.started_at).unwrap();
                    assert!(record.outcome().is_some(), "{context}: the sweep has closed it");
                    let at_rest = writes(stack).len();
                    tokio::time::sleep(SWEEPS).await;
                    assert_eq!(writes(stack).len(), at_rest, "{context}: nothing goes on");
                    let request = json!({"resume": record.run_id, "retry": ["failed"]});
                    let resumed = run(stack, case.machine(), request).await;
                    is_whole(stack, &clean.writes, &resumed.result(), &context);
                });
            }
        }
    }
}

#[test]
fn every_step_may_be_made_twice() {
    for case in Case::ALL {
        let clean = clean(case);
        for delivery in [Delivery::Twice, Delivery::TwiceAtOnce] {
            on(&Scenario { delivery, ..small() }, async |stack| {
                let planned = case.planned(stack).await;
                let result = run(stack, case.machine(), planned.applied()).await.result();
                is_whole(stack, &clean.writes, &result, &format!("{case:?}, {delivery:?}"));
            });
        }
    }
}

/// Whether and for how long a change stands in the way of the next one, AWS does not say.
#[test]
fn changes_that_stand_in_the_way_of_the_next_one_are_waited_for() {
    for case in Case::ALL {
        let clean = clean(case);
        let mut scenario = small();
        scenario.settings.organization.policy_change_duration = Duration::from_secs(60);
        scenario.settings.organization.modification_window = Duration::from_secs(5);
        on(&scenario, async |stack| {
            let planned = case.planned(stack).await;
            let result = run(stack, case.machine(), planned.applied()).await.result();
            is_whole(stack, &clean.writes, &result, &format!("{case:?}"));
        });
    }
}

#[test]
fn a_denied_write_ends_the_run_and_says_whose_role_lacks_it() {
    on(&scenario(), async |stack| {
        let request = json!({"desired": {"trustedAccess": {"ram.amazonaws.com": "enabled"}}});
        let planned = plan(stack, SETUP, request).await;
        stack.aws.faults().add(rule(Fault::Deny, "organizations:EnableAWSServiceAccess"));
        let (error, cause) = run(stack, SETUP, planned.applied()).await.error();
        assert_eq!(error, "Denied");
        assert!(cause.contains("template.yaml"), "{cause}");
    });
}
