//! Faults at the calls of a run, after its inventory, and steps that are made more than once.

use local_aws::access_analyzer::AccessAnalyzerSettings;
use local_aws::aws::Call;
use local_aws::lambda::Delivery;
use local_aws::{Fault, FaultRule};
use local_states::ExecutionStatus;
use models::OutcomeStatus;
use muster_tests::{Scenario, faults_at, on_virtual_time};
use serde_json::json;

use super::{Generated, inventoried, run, small};

/// What passes by itself.
const PASSING: [Fault; 6] = [
    Fault::Throttle,
    Fault::ServerErrorAfter,
    Fault::LostAnswer,
    Fault::Truncate,
    Fault::CrashBefore,
    Fault::CrashAfter,
];

fn plain() -> Scenario {
    Scenario { accounts: 2, ..small(AccessAnalyzerSettings::default()) }
}

/// What is left when a run and the sweep have come to rest.
struct Rest {
    of: Generated,
    outcome: OutcomeStatus,
    /// The calls of the run.
    calls: Vec<Call>,
}

/// Runs with a fault that happens after the inventory, and lets everything come to rest.
fn with(scenario: &Scenario, fault: Option<FaultRule>) -> Rest {
    let context = fault.as_ref().map(ToString::to_string).unwrap_or_default();
    on_virtual_time(async {
        let stack = inventoried(scenario).await;
        let before = stack.aws.calls().len();
        fault.into_iter().for_each(|fault| stack.aws.faults().add(fault));
        let of = run(stack, json!({})).await;
        let calls = of.stack.aws.calls().split_off(before);
        Rest { outcome: of.rest(&context).await, of, calls }
    })
}

/// The same is found as without a fault, and nobody has two generations.
fn is_survived(rest: &Rest, clean: &Rest, context: &str) {
    let (of, clean) = (&rest.of, &clean.of);
    let ended = (rest.outcome, of.execution.status());
    let expected = (OutcomeStatus::Succeeded, ExecutionStatus::Succeeded);
    assert_eq!(ended, expected, "{context}: {:?}", of.execution.error());
    assert_eq!(of.result()["complete"], json!(true), "{context}: {}", of.result());
    assert_eq!(of.found(), clean.found(), "{context}");
    of.nobody_is_generated_twice(context);
}

/// Tries every fault that passes at the first call of an operation, or at its last.
fn at_operation(operation: &str) {
    let clean = with(&plain(), None);
    is_survived(&clean, &clean, "without a fault");
    assert!(clean.of.jobs().len() > 1, "{:?}", clean.of.jobs());
    let last = clean.calls.iter().filter(|call| call.action == operation).count() as u64;
    assert!(last > 0, "{operation} is not called");
    for (index, fault) in PASSING.into_iter().enumerate() {
        let nth = if index % 2 == 0 { 1 } else { last };
        let rule = FaultRule { fault, operation: Some(operation.to_owned()), nth, times: 1 };
        let context = rule.to_string();
        is_survived(&with(&plain(), Some(rule)), &clean, &context);
    }
}

#[test]
fn one_fault_where_a_role_is_taken_on_is_survived() {
    at_operation("sts:AssumeRole");
}

#[test]
fn one_fault_where_principals_are_listed_is_survived() {
    at_operation("iam:GetAccountAuthorizationDetails");
}

#[test]
fn one_fault_where_access_is_ordered_is_survived() {
    at_operation("iam:GenerateServiceLastAccessedDetails");
}

#[test]
fn one_fault_where_access_is_read_is_survived() {
    at_operation("iam:GetServiceLastAccessedDetails");
}

#[test]
fn one_fault_where_granting_policies_are_listed_is_survived() {
    at_operation("iam:ListPoliciesGrantingServiceAccess");
}

#[test]
fn one_fault_where_generations_are_listed_is_survived() {
    at_operation("access-analyzer:ListPolicyGenerations");
}

#[test]
fn one_fault_where_a_generation_is_ordered_is_survived_and_none_is_ordered_twice() {
    at_operation("access-analyzer:StartPolicyGeneration");
}

#[test]
fn one_fault_where_a_generation_is_asked_for_is_survived() {
    at_operation("access-analyzer:GetGeneratedPolicy");
}

#[test]
fn one_fault_where_a_policy_is_validated_is_survived() {
    at_operation("access-analyzer:ValidatePolicy");
}

#[test]
fn one_fault_where_an_object_is_read_is_survived() {
    at_operation("s3:GetObject");
}

#[test]
fn one_fault_where_an_object_is_written_is_survived() {
    at_operation("s3:PutObject");
}

#[test]
fn the_operations_in_accounts_are_those_that_faults_are_tried_at() {
    let mut of_accounts: Vec<_> = with(&plain(), None).calls.into_iter().map(|call| call.action).collect();
    of_accounts.retain(|action| !["s3:", "lambda:", "states:"].iter().any(|it| action.starts_with(it)));
    of_accounts.sort();
    of_accounts.dedup();
    let tried = [
        "access-analyzer:GetGeneratedPolicy",
        "access-analyzer:ListPolicyGenerations",
        "access-analyzer:StartPolicyGeneration",
        "access-analyzer:ValidatePolicy",
        "iam:GenerateServiceLastAccessedDetails",
        "iam:GetAccountAuthorizationDetails",
        "iam:GetServiceLastAccessedDetails",
        "iam:ListPoliciesGrantingServiceAccess",
        "sts:AssumeRole",
    ];
    assert_eq!(of_accounts, tried);
}

/// One fault at every so manieth call of a run, beginning with this one.
fn at_calls(fault: Fault, times: u64, places: (usize, usize), check: impl Fn(&Rest, &Rest, &str)) {
    let clean = with(&plain(), None);
    for (rule, context) in faults_at(&clean.calls, fault, times, places) {
        check(&with(&plain(), Some(rule)), &clean, &context);
    }
}

#[test]
fn one_lost_answer_anywhere_is_survived() {
    at_calls(Fault::LostAnswer, 1, (0, 29), is_survived);
}

#[test]
fn one_crash_anywhere_is_survived() {
    at_calls(Fault::CrashAfter, 1, (7, 29), is_survived);
}

#[test]
fn throttles_that_outlast_the_sdks_retries_are_survived() {
    at_calls(Fault::Throttle, 7, (14, 29), is_survived);
}

#[test]
fn being_denied_anywhere_ends_in_one_outcome_and_is_counted() {
    at_calls(Fault::Deny, 1, (21, 29), |rest, _, context| {
        let Rest { of, outcome: OutcomeStatus::Succeeded, .. } = rest else { return };
        let failed = of
            .rows("item_outcomes")
            .iter()
            .filter(|row| row["kind"] == "policy-generation")
            .any(|row| row["status"] != "succeeded" && row["error"] != "Excluded");
        let complete = of.result()["complete"] == json!(true);
        assert!(!(failed && complete), "{context}: a gap that is not counted");
    });
}

#[test]
fn every_step_made_twice_and_beside_itself_finds_the_same_and_orders_nothing_twice() {
    let clean = with(&plain(), None);
    for delivery in [Delivery::Twice, Delivery::TwiceAtOnce] {
        let rest = with(&Scenario { delivery, ..plain() }, None);
        is_survived(&rest, &clean, &format!("{delivery:?}"));
    }
}
