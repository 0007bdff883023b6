//! Faults at every call of a run that applies a plan: nothing is made twice or lost.

use local_aws::lambda::Delivery;
use local_aws::{Fault, FaultRule};
use local_stack::LocalStack;
use muster_tests::{Scenario, records};
use serde_json::{Value, json};

use super::policies::{metadata, unit};
use super::{POLICIES, SETUP, on, plan, run, scenario, writes};

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

/// The policies that others did not make, with what they are attached to.
fn made(stack: &LocalStack) -> Vec<(String, usize)> {
    let policies = stack.aws.organization().policies.into_iter();
    let ours = policies.filter(|policy| policy.name == "metadata");
    ours.map(|policy| (policy.name, policy.targets.len())).collect()
}

fn is_whole(stack: &LocalStack, result: &Value, context: &str) {
    assert_eq!(result["made"], 2, "{context}: {result}");
    assert_eq!(made(stack), [("metadata".to_owned(), 1)], "{context}");
    let open = stack.aws.storage().keys(stack.bucket(), "open/");
    assert_eq!(open, Vec::<String>::new(), "{context}");
}

#[test]
fn one_fault_at_any_call_of_applying_makes_no_policy_twice_and_loses_no_attachment() {
    let operations = on(&scenario(), async |stack| {
        let planned = plan(stack, POLICIES, metadata(&unit(stack))).await;
        let before = stack.aws.calls().len();
        let result = run(stack, POLICIES, planned.applied()).await.result();
        is_whole(stack, &result, "without a fault");
        let mut operations: Vec<_> =
            stack.aws.calls().split_off(before).into_iter().map(|call| call.action).collect();
        operations.sort();
        operations.dedup();
        operations
    });
    assert!(operations.iter().any(|it| it == "organizations:AttachPolicy"), "{operations:?}");
    for operation in &operations {
        for fault in PASSING {
            let rule = FaultRule { fault, operation: Some(operation.clone()), nth: 1, times: 1 };
            let context = rule.to_string();
            on(&scenario(), async |stack| {
                let planned = plan(stack, POLICIES, metadata(&unit(stack))).await;
                stack.aws.faults().add(rule);
                let ended = run(stack, POLICIES, planned.applied()).await;
                assert!(ended.0.output().is_some(), "{context}: {:?}", ended.0.error());
                // What a crash has left open, the sweep closes.
                tokio::time::sleep(std::time::Duration::from_secs(45 * 60)).await;
                is_whole(stack, &ended.result(), &context);
            });
        }
    }
}

#[test]
fn a_run_that_is_stopped_at_a_write_is_closed_resumed_and_makes_nothing_twice() {
    for operation in ["organizations:CreatePolicy", "organizations:AttachPolicy"] {
        for fault in [Fault::StopBefore, Fault::StopAfter] {
            on(&scenario(), async |stack| {
                let planned = plan(stack, POLICIES, metadata(&unit(stack))).await;
                let rule = FaultRule { fault, operation: Some(operation.to_owned()), nth: 1, times: 1 };
                let context = rule.to_string();
                stack.aws.faults().add(rule);
                let ended = run(stack, POLICIES, planned.applied()).await;
                assert!(ended.0.output().is_none(), "{context}");
                tokio::time::sleep(std::time::Duration::from_secs(45 * 60)).await;
                let record = records(stack).into_iter().max_by_key(|it| it.started_at).unwrap();
                assert!(record.outcome().is_some(), "{context}: the sweep has closed it");
                let at_rest = writes(stack).len();
                tokio::time::sleep(std::time::Duration::from_secs(45 * 60)).await;
                assert_eq!(writes(stack).len(), at_rest, "{context}: nothing goes on");
                let request = json!({"resume": record.run_id, "retry": ["failed"]});
                let resumed = run(stack, POLICIES, request).await;
                is_whole(stack, &resumed.result(), &context);
            });
        }
    }
}

#[test]
fn every_step_may_be_made_twice() {
    for delivery in [Delivery::Twice, Delivery::TwiceAtOnce] {
        on(&Scenario { delivery, ..scenario() }, async |stack| {
            let planned = plan(stack, POLICIES, metadata(&unit(stack))).await;
            let result = run(stack, POLICIES, planned.applied()).await.result();
            is_whole(stack, &result, &format!("{delivery:?}"));
        });
    }
}

#[test]
fn a_denied_write_ends_the_run_and_says_whose_role_lacks_it() {
    on(&scenario(), async |stack| {
        let request = json!({"desired": {"trustedAccess": {"ram.amazonaws.com": "enabled"}}});
        let planned = plan(stack, SETUP, request).await;
        let operation = Some("organizations:EnableAWSServiceAccess".to_owned());
        stack.aws.faults().add(FaultRule { fault: Fault::Deny, operation, nth: 1, times: 1 });
        let (error, cause) = run(stack, SETUP, planned.applied()).await.error();
        assert_eq!(error, "Denied");
        assert!(cause.contains("template.yaml"), "{cause}");
    });
}
