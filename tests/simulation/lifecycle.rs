//! What AWS, time, and other people do to a run.

use std::time::Duration;

use jiff::SignedDuration;
use local_aws::settings::{ReportOutcome, UnknownReport};
use local_aws::{Fault, FaultRule, Settings};
use local_states::ExecutionStatus;
use models::{OutcomeStatus, Ticket};
use muster_tests::{Rest, Scenario, on_virtual_time, records, run, stack};
use serde_json::{Value, json};

fn after(settings: Settings) -> Rest {
    let rest = run(&Scenario { settings, ..Scenario::default() });
    rest.check("");
    rest
}

fn error(rest: &Rest) -> (String, String) {
    let error = rest.execution.error().unwrap();
    (error.error, error.cause)
}

fn took(rest: &Rest) -> SignedDuration {
    rest.execution.ended().unwrap().duration_since(rest.execution.started)
}

#[test]
fn a_report_runs_from_its_request_to_its_record() {
    let rest = after(Settings::default());
    assert_eq!((rest.status, rest.outcome()), (ExecutionStatus::Succeeded, OutcomeStatus::Succeeded));
    let output = rest.execution.output().unwrap();
    assert_eq!(output["kind"], "declarative-policies-report");
    assert_eq!(output["runId"], rest.records[0].run_id.as_str());
    assert_eq!(output["item"], rest.stack.aws.organization().root);
}

#[test]
fn a_twelve_hour_report_takes_at_most_75_polls_and_800_events() {
    let rest = after(Settings { report_duration: Duration::from_secs(43_200), ..Settings::default() });
    assert_eq!(rest.status, ExecutionStatus::Succeeded);
    let events = rest.execution.history().events().len();
    assert!(events <= 800, "{events} events");
    let polls = rest.stack.aws.lambda().invocations()["muster-ReportStatus"];
    assert!(polls <= 75, "{polls} polls");
    let late = took(&rest) - SignedDuration::from_hours(12);
    assert!(late <= SignedDuration::from_mins(72), "late by {late}");
}

#[test]
fn an_end_is_seen_within_a_minute_or_a_tenth_of_the_time_it_took() {
    for minutes in [1_u64, 3, 7, 11, 25, 60, 150, 400] {
        let rest =
            after(Settings { report_duration: Duration::from_secs(minutes * 60), ..Settings::default() });
        let seen = took(&rest) - SignedDuration::from_mins(minutes as i64);
        let bound = SignedDuration::from_secs(60.max(minutes as i64 * 6));
        // The steps before the start and after the end take about a second.
        assert!(seen <= bound + SignedDuration::from_secs(2), "{minutes} minutes, seen {seen} late");
    }
}

#[test]
fn a_report_started_by_someone_else_is_waited_for_and_never_touched() {
    let rest = run(&Scenario { in_the_way: Some(Duration::from_secs(2 * 3_600)), ..Scenario::default() });
    rest.check("");
    assert_eq!(rest.outcome(), OutcomeStatus::Succeeded);
    let reports = rest.stack.aws.reports();
    let theirs = reports.iter().find(|report| report.bucket == "somebody-elses-bucket").unwrap();
    assert_eq!(theirs.status, local_aws::ec2::Status::Complete);
    let ours = &rest.ours()[0];
    let waited = ours.started.duration_since(theirs.ended.unwrap());
    assert!(waited <= SignedDuration::from_mins(12), "ours began {waited} after theirs ended");
    // While it waits, the ticket says for whom.
    let history = rest.execution.history();
    let waits: Vec<Value> = history
        .events()
        .iter()
        .filter(|event| event.name == "WaitStateEntered" && event.details["name"] == "WaitForTurn")
        .map(|event| serde_json::from_str(event.details["input"].as_str().unwrap()).unwrap())
        .collect();
    assert!(!waits.is_empty());
    for wait in waits {
        assert_eq!(wait["Payload"]["waitingFor"]["id"], theirs.id.as_str());
        assert_eq!(wait["Payload"]["waitingFor"]["target"], theirs.target.as_str());
        assert!(wait["Payload"]["waitingFor"]["since"].is_string());
        assert_eq!(wait["Payload"]["cancellable"], false);
    }
}

#[test]
fn waiting_for_someone_else_ends_at_the_deadline() {
    let rest = run(&Scenario {
        request: json!({"deadlineHours": 1}),
        in_the_way: Some(Duration::from_secs(2 * 3_600)),
        ..Scenario::default()
    });
    rest.check("");
    assert_eq!(rest.outcome(), OutcomeStatus::Overdue);
    let (name, cause) = error(&rest);
    assert_eq!(name, "Overdue");
    assert!(
        cause.contains("started at") && cause.contains("by somebody else") && cause.contains("s3://"),
        "{cause}"
    );
    assert_eq!(rest.ours().len(), 0);
}

#[test]
fn past_its_deadline_a_run_is_cancelled_and_overdue() {
    let rest = run(&Scenario {
        request: json!({"deadlineHours": 2}),
        settings: Settings { report_outcomes: vec![ReportOutcome::Never], ..Settings::default() },
        ..Scenario::default()
    });
    rest.check("");
    assert_eq!((rest.status, rest.outcome()), (ExecutionStatus::Failed, OutcomeStatus::Overdue));
    assert_eq!(error(&rest).0, "Overdue");
    assert_eq!(rest.ours()[0].status, local_aws::ec2::Status::Cancelled);
    let late = took(&rest) - SignedDuration::from_hours(2);
    assert!(late <= SignedDuration::from_secs(3), "the deadline is kept to the second: {late}");
}

#[test]
fn a_report_that_fails_says_what_to_check() {
    let rest = after(Settings { report_outcomes: vec![ReportOutcome::Error], ..Settings::default() });
    let (name, cause) = error(&rest);
    assert_eq!(name, "JobFailed");
    assert!(cause.contains("gives no cause") && cause.contains("service-linked role"), "{cause}");
}

#[test]
fn a_report_that_somebody_cancels_is_a_failed_job_that_says_so() {
    let rest = after(Settings { report_outcomes: vec![ReportOutcome::Cancelled], ..Settings::default() });
    let (name, cause) = error(&rest);
    assert_eq!(name, "JobFailed");
    assert!(cause.contains("cancelled by somebody else") && cause.contains("CloudTrail"), "{cause}");
}

#[test]
fn a_report_that_vanishes_is_gone_with_either_answer_for_an_unknown_id() {
    for unknown_report in [UnknownReport::InvalidParameter, UnknownReport::NotFound] {
        let outcomes = vec![ReportOutcome::Vanish];
        let rest = after(Settings { report_outcomes: outcomes, unknown_report, ..Settings::default() });
        assert_eq!(error(&rest).0, "Gone");
    }
}

#[test]
fn a_report_that_shows_late_is_pending_and_not_gone() {
    for lag in [30, 240, 600] {
        let rest = after(Settings { describe_lag: Duration::from_secs(lag), ..Settings::default() });
        assert_eq!(rest.outcome(), OutcomeStatus::Succeeded, "{lag} s");
    }
}

#[test]
fn error_codes_mean_the_same_with_and_without_their_suffix() {
    for exception_suffix in [true, false] {
        let settings = Settings { exception_suffix, ..Settings::default() };
        let rest =
            run(&Scenario { settings, in_the_way: Some(Duration::from_secs(600)), ..Scenario::default() });
        rest.check("");
        assert_eq!(rest.outcome(), OutcomeStatus::Succeeded);
    }
}

#[test]
fn a_start_whose_answer_is_lost_is_found_again_even_when_it_shows_late() {
    for lag in [0, 60, 300] {
        for fault in [Fault::LostAnswer, Fault::ServerErrorAfter, Fault::CrashAfter] {
            let operation = Some("ec2:StartDeclarativePoliciesReport".to_owned());
            let rest = run(&Scenario {
                faults: vec![FaultRule { fault, operation, nth: 1, times: 1 }],
                settings: Settings { describe_lag: Duration::from_secs(lag), ..Settings::default() },
                ..Scenario::default()
            });
            rest.check("");
            assert_eq!(rest.ours().len(), 1);
            assert_eq!(rest.outcome(), OutcomeStatus::Succeeded, "{fault:?}, lag {lag}");
        }
    }
}

#[test]
fn every_step_may_run_twice() {
    let rest = run(&Scenario { twice: true, ..Scenario::default() });
    rest.check("");
    assert_eq!((rest.status, rest.outcome()), (ExecutionStatus::Succeeded, OutcomeStatus::Succeeded));
}

/// Stops the execution after so many seconds.
fn stopped_after(seconds: u64, settings: Settings) -> Rest {
    on_virtual_time(async {
        let scenario = Scenario { settings, ..Scenario::default() };
        let stack = stack(&scenario);
        let execution = stack.start_report(json!({})).unwrap();
        tokio::time::sleep(Duration::from_millis(seconds * 1_000 / 10)).await;
        stack.aws.states().stop(&execution.arn, None, Some("enough".into())).unwrap();
        let status = execution.finished().await;
        tokio::time::sleep(Duration::from_secs(2_700)).await;
        let records = records(&stack);
        Rest { stack, execution, status, records }
    })
}

#[test]
fn stopping_at_any_moment_leaves_one_outcome_and_nothing_running() {
    // Tenths of seconds through the first steps, then through the waits, then around the end.
    let moments = (0..40).chain((40..2_000).step_by(97)).chain(1_500..1_560);
    for tenths in moments {
        let rest = stopped_after(
            tenths,
            Settings { report_duration: Duration::from_secs(150), ..Settings::default() },
        );
        rest.check(&format!("stopped after {tenths} tenths of a second"));
        if rest.status == ExecutionStatus::Aborted && rest.outcome() == OutcomeStatus::Failed {
            let failure = rest.records[0].outcome().unwrap().failure.clone().unwrap();
            assert_eq!(failure.error, "Stopped");
            assert!(failure.cause.contains("enough"), "{}", failure.cause);
        }
    }
}

#[test]
fn a_stopped_report_is_cancelled_within_one_sweep() {
    on_virtual_time(async {
        let stack = stack(&Scenario::default());
        let execution = stack.start_report(json!({})).unwrap();
        tokio::time::sleep(Duration::from_secs(600)).await;
        stack.aws.states().stop(&execution.arn, None, None).unwrap();
        tokio::time::sleep(Duration::from_secs(30)).await;
        let report = &stack.aws.reports()[0];
        assert_eq!(report.status, local_aws::ec2::Status::Cancelled, "the event alone brings the sweep");
    });
}

#[test]
fn a_ticket_of_the_previous_version_goes_on_to_the_end() {
    on_virtual_time(async {
        let stack = stack(&Scenario::default());
        let machine = stack.output("ReportStateMachineArn").to_owned();
        // A run begins as usual; then its ticket is cut down to what the previous version had.
        let execution = stack.start_report(json!({})).unwrap();
        tokio::time::sleep(Duration::from_secs(120)).await;
        let history = execution.history();
        let wait = history.events().iter().rev().find(|event| event.name == "WaitStateEntered").unwrap();
        let mut ticket: Value = serde_json::from_str(wait.details["input"].as_str().unwrap()).unwrap();
        let ticket = ticket["Payload"].as_object_mut().unwrap();
        for newer in
            ["attempt", "polls", "pollAfterSeconds", "waitingFor", "cancellable", "failure", "result"]
        {
            ticket.remove(newer).unwrap();
        }
        ticket["schemaVersion"] = json!(Ticket::PREVIOUS_VERSION);
        tokio::time::sleep(Duration::from_secs(2 * 3_600)).await;
        for step in ["muster-ReportStatus", "muster-ReportParse", "muster-ReportStart", "muster-ReportCancel"]
        {
            let answer = stack.aws.lambda().invoke(step, json!({"ticket": ticket})).await.unwrap();
            assert_eq!(answer["schemaVersion"], Ticket::VERSION, "{step}");
        }
        // And one of a newer version is refused by its number.
        ticket["schemaVersion"] = json!(Ticket::VERSION + 1);
        let refused =
            stack.aws.lambda().invoke("muster-ReportStatus", json!({"ticket": ticket})).await.unwrap_err();
        let local_aws::lambda::InvokeError::Function(refused) = refused else { panic!("{refused:?}") };
        assert_eq!(refused.error_type, "InvalidRequest");
        assert!(refused.error_message.contains("newer deployment"), "{}", refused.error_message);
        assert!(machine.contains("stateMachine"));
    });
}

#[test]
fn a_schedule_that_is_delivered_twice_runs_once() {
    on_virtual_time(async {
        let stack = stack(&Scenario::default());
        let due = "2026-11-22T03:00:00Z".parse().unwrap();
        let first = stack.deliver_schedule(due).unwrap().remove(0);
        let second = stack.deliver_schedule(due).unwrap().remove(0);
        assert_eq!(second.finished().await, ExecutionStatus::Succeeded);
        let result = second.output().unwrap()["result"].clone();
        assert_eq!(result["claimedBy"], first.arn.as_str());
        assert_eq!(first.finished().await, ExecutionStatus::Succeeded);
        let records = records(&stack);
        assert_eq!(records.len(), 1);
        assert!(records[0].run_id.as_str().starts_with("20261122T030000Z-"));
        assert_eq!(stack.aws.reports().len(), 1);
    });
}

#[test]
fn a_resumed_run_keeps_its_outcome_unless_it_is_to_be_retried() {
    on_virtual_time(async {
        let settings = Settings { report_outcomes: vec![ReportOutcome::Error], ..Settings::default() };
        let stack = stack(&Scenario { settings, ..Scenario::default() });
        let first = stack.start_report(json!({})).unwrap();
        assert_eq!(first.finished().await, ExecutionStatus::Failed);
        let run = records(&stack)[0].run_id.to_string();

        let again = stack.start_report(json!({"resume": run})).unwrap();
        assert_eq!(again.finished().await, ExecutionStatus::Failed);
        assert_eq!(again.error().unwrap().error, "JobFailed");
        assert_eq!(stack.aws.reports().len(), 1, "nothing was started again");

        let retried = stack.start_report(json!({"resume": run, "retry": ["failed"]})).unwrap();
        assert_eq!(retried.finished().await, ExecutionStatus::Succeeded, "{:?}", retried.error());
        let record = &records(&stack)[0];
        assert_eq!((record.attempt, record.earlier.len()), (2, 1));
        assert_eq!(record.outcome().unwrap().status, OutcomeStatus::Succeeded);
        assert!(stack.aws.reports()[1].prefix.ends_with("/attempt-2"));
    });
}

#[test]
fn a_resumed_run_goes_on_with_the_report_it_had_started() {
    on_virtual_time(async {
        let stack = stack(&Scenario::default());
        let first = stack.start_report(json!({})).unwrap();
        tokio::time::sleep(Duration::from_secs(300)).await;
        let run = records(&stack)[0].run_id.to_string();
        let second = stack.start_report(json!({"resume": run})).unwrap();
        tokio::time::sleep(Duration::from_secs(30)).await;
        // Two executions of one run: the first one's end does not take the report from the second.
        stack.aws.states().stop(&first.arn, None, None).unwrap();
        assert_eq!(second.finished().await, ExecutionStatus::Succeeded, "{:?}", second.error());
        assert_eq!(stack.aws.reports().len(), 1);
        assert_eq!(records(&stack).len(), 1);
    });
}
