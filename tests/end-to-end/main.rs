//! The binaries that are deployed, as processes, over TCP and through Lambda's Runtime API.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod lanes;
mod support;
mod writes;

use std::time::Duration;

use local_aws::Settings;
use local_aws::ec2::Status;
use local_aws::settings::ReportOutcome;
use local_states::ExecutionStatus;
use models::OutcomeStatus;
use muster_tests::Scenario;
use serde_json::json;
use support::run;

#[test]
fn a_report_of_ninety_minutes_becomes_evidence() {
    let rest = run(&Scenario { accounts: 40, ..Scenario::default() });
    rest.check("real binaries");
    assert_eq!((rest.status, rest.outcome()), (ExecutionStatus::Succeeded, OutcomeStatus::Succeeded));
    let result = &rest.execution.output().unwrap()["result"];
    assert_eq!((&result["seenAccounts"], &result["complete"]), (&json!(40), &json!(true)), "{result}");
    // 40 accounts in 3 Regions with 10 attributes.
    assert_eq!(result["rows"], 40 * 3 * 10);
}

#[test]
fn faults_on_the_wire_lose_and_double_nothing() {
    for fault in [
        "lost-answer@ec2:StartDeclarativePoliciesReport",
        "cut@ec2:DescribeDeclarativePoliciesReports#2",
        "truncate@s3:GetObject#2",
        "throttle@organizations:ListAccounts#1*2",
        "server-error@s3:PutObject#1*2",
    ] {
        let rest = run(&Scenario { faults: vec![fault.parse().unwrap()], ..Scenario::default() });
        rest.check(fault);
        assert_eq!(rest.outcome(), OutcomeStatus::Succeeded, "{fault}");
    }
}

#[test]
fn a_process_that_dies_after_it_started_the_report_is_taken_over_by_another() {
    let fault = "crash-after@ec2:StartDeclarativePoliciesReport".parse().unwrap();
    let rest = run(&Scenario { faults: vec![fault], ..Scenario::default() });
    rest.check("crash");
    assert_eq!(rest.outcome(), OutcomeStatus::Succeeded);
    assert_eq!(rest.ours().len(), 1);
}

#[test]
fn a_named_error_of_a_process_reaches_the_state_machine_with_its_remedy() {
    let settings = Settings { report_outcomes: vec![ReportOutcome::Error], ..Settings::default() };
    let rest = run(&Scenario { settings, ..Scenario::default() });
    rest.check("error");
    let error = rest.execution.error().unwrap();
    assert_eq!((rest.status, error.error.as_str()), (ExecutionStatus::Failed, "JobFailed"));
    assert!(error.cause.contains("Record: s3://"), "{}", error.cause);
}

#[test]
fn a_report_that_never_ends_is_cancelled_at_its_deadline() {
    let settings = Settings { report_outcomes: vec![ReportOutcome::Never], ..Settings::default() };
    let request = json!({"deadlineHours": 2});
    let rest = run(&Scenario { settings, request, ..Scenario::default() });
    rest.check("deadline");
    assert_eq!(rest.outcome(), OutcomeStatus::Overdue);
    assert_eq!(rest.ours()[0].status, Status::Cancelled);
}

#[test]
fn somebody_elses_report_is_waited_for() {
    let in_the_way = Some(Duration::from_secs(2 * 3_600));
    let rest = run(&Scenario { in_the_way, ..Scenario::default() });
    rest.check("busy");
    assert_eq!(rest.outcome(), OutcomeStatus::Succeeded);
}
