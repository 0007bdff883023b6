//! Faults at the calls of a run, and steps that are made more than once: no account is asked for twice,
//! and none is lost.

use local_aws::aws::Call;
use local_aws::lambda::Delivery;
use local_aws::{Fault, FaultRule};
use local_stack::Topology;
use local_states::ExecutionStatus;
use models::OutcomeStatus;
use muster_tests::{Scenario, faults_at, on_virtual_time, stack};

use super::{CREATE, Made, batch, plain, requests, run};

/// What passes by itself.
const PASSING: [Fault; 7] = [
    Fault::Throttle,
    Fault::ServerError,
    Fault::ServerErrorAfter,
    Fault::LostAnswer,
    Fault::Truncate,
    Fault::CrashBefore,
    Fault::CrashAfter,
];

const COUNT: usize = 2;

/// What is left when a run and the sweep have come to rest.
struct Rest {
    of: Made,
    outcome: OutcomeStatus,
    calls: Vec<Call>,
}

fn with(scenario: &Scenario, fault: Option<FaultRule>) -> Rest {
    let context = fault.as_ref().map(ToString::to_string).unwrap_or_default();
    fastrand::seed(scenario.seed);
    on_virtual_time(async {
        let stack = stack(scenario);
        fault.into_iter().for_each(|fault| stack.aws.faults().add(fault));
        let request = batch(&stack, COUNT);
        let of = run(stack, request).await;
        let calls = of.stack.aws.calls();
        Rest { outcome: of.rest(&context).await, of, calls }
    })
}

/// The same came of it as without a fault, and AWS was asked for nobody twice.
fn is_survived(rest: &Rest, clean: &Rest, context: &str) {
    let (of, clean) = (&rest.of, &clean.of);
    let ended = (rest.outcome, of.execution.status());
    let expected = (OutcomeStatus::Succeeded, ExecutionStatus::Succeeded);
    assert_eq!(ended, expected, "{context}: {:?}", of.execution.error());
    assert_eq!(of.result()["complete"], true, "{context}: {} {:?}", of.result(), of.rows());
    assert_eq!(of.found(), clean.found(), "{context}");
    of.all_are_there(COUNT, context);
    of.nobody_is_asked_for_twice(context);
}

/// Tries every fault that passes at the first call of an operation, and at its last.
fn at_operation(scenario: &Scenario, operation: &str) {
    let clean = with(scenario, None);
    is_survived(&clean, &clean, "without a fault");
    let last = clean.calls.iter().filter(|call| call.action == operation).count() as u64;
    assert!(last > 0, "{operation} is not called");
    for fault in PASSING {
        for nth in [1, last] {
            let rule = FaultRule { fault, operation: Some(operation.to_owned()), nth, times: 1 };
            let context = rule.to_string();
            is_survived(&with(scenario, Some(rule)), &clean, &context);
        }
    }
}

#[test]
fn one_fault_where_an_account_is_asked_for_is_survived_and_none_is_asked_for_twice() {
    at_operation(&plain(), CREATE);
}

#[test]
fn one_fault_where_an_account_is_moved_is_survived() {
    at_operation(&plain(), "organizations:MoveAccount");
}

#[test]
fn one_fault_where_requests_are_listed_is_survived() {
    at_operation(&plain(), "organizations:ListCreateAccountStatus");
}

#[test]
fn one_fault_where_a_request_is_asked_about_is_survived() {
    at_operation(&plain(), "organizations:DescribeCreateAccountStatus");
}

#[test]
fn one_fault_where_an_account_is_asked_about_is_survived() {
    at_operation(&plain(), "organizations:DescribeAccount");
}

#[test]
fn one_fault_where_a_place_is_looked_at_is_survived() {
    at_operation(&plain(), "organizations:ListParents");
}

#[test]
fn one_fault_where_accounts_are_listed_is_survived() {
    at_operation(&plain(), "organizations:ListAccounts");
}

#[test]
fn one_fault_where_a_role_is_taken_on_is_survived() {
    at_operation(&Scenario { topology: Topology::Delegated, ..plain() }, "sts:AssumeRole");
}

#[test]
fn one_fault_where_an_object_is_read_is_survived() {
    at_operation(&plain(), "s3:GetObject");
}

#[test]
fn one_fault_where_an_object_is_written_is_survived() {
    at_operation(&plain(), "s3:PutObject");
}

#[test]
fn the_operations_of_a_run_are_those_that_faults_are_tried_at() {
    let mut called: Vec<_> = with(&plain(), None).calls.into_iter().map(|call| call.action).collect();
    called.retain(|action| action.starts_with("organizations:"));
    called.sort();
    called.dedup();
    let tried = [
        "organizations:CreateAccount",
        "organizations:DescribeAccount",
        "organizations:DescribeCreateAccountStatus",
        // Of the plan, which may be made again.
        "organizations:DescribeOrganization",
        "organizations:ListAWSServiceAccessForOrganization",
        "organizations:ListAccounts",
        "organizations:ListCreateAccountStatus",
        "organizations:ListParents",
        "organizations:ListRoots",
        "organizations:MoveAccount",
    ];
    assert_eq!(called, tried);
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
    at_calls(Fault::LostAnswer, 1, (0, 7), is_survived);
}

#[test]
fn one_crash_anywhere_is_survived() {
    at_calls(Fault::CrashAfter, 1, (1, 13), is_survived);
    at_calls(Fault::CrashBefore, 1, (8, 13), is_survived);
}

#[test]
fn throttles_that_outlast_the_sdks_retries_are_survived() {
    at_calls(Fault::Throttle, 7, (2, 11), is_survived);
}

#[test]
fn being_denied_anywhere_ends_in_one_outcome_and_is_counted() {
    at_calls(Fault::Deny, 1, (4, 11), |rest, _, context| {
        let Rest { of, outcome: OutcomeStatus::Succeeded, .. } = rest else { return };
        let statuses = of.statuses();
        let all = statuses.get("created") == Some(&COUNT);
        assert_eq!(of.result()["complete"], all, "{context}: {statuses:?}");
        of.nobody_is_asked_for_twice(context);
    });
}

#[test]
fn every_step_made_twice_and_beside_itself_asks_for_nobody_twice() {
    let clean = with(&plain(), None);
    for delivery in [Delivery::Twice, Delivery::TwiceAtOnce] {
        let rest = with(&Scenario { delivery, ..plain() }, None);
        is_survived(&rest, &clean, &format!("{delivery:?}"));
    }
}

#[test]
fn answers_that_are_lost_again_and_again_make_no_account_twice() {
    let rule = "lost-answer@organizations:CreateAccount#1*2".parse().unwrap();
    let rest = with(&plain(), Some(rule));
    is_survived(&rest, &with(&plain(), None), "two lost answers");
}

#[test]
fn a_request_that_never_arrived_is_made_again_after_it_was_looked_for() {
    let rest = with(&plain(), Some("server-error@organizations:CreateAccount#1".parse().unwrap()));
    let clean = with(&plain(), None);
    is_survived(&rest, &clean, "never arrived");
    let mut requested: Vec<_> = requests(&rest.of.stack, "New").into_iter().map(|it| it.requested).collect();
    requested.sort();
    let late = requested[1].duration_since(requested[0]);
    assert!(late.as_mins() >= 3, "it was looked for first: {late:#}");
}
