//! What AWS, time, and other people do to a run.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::SignedDuration;
use local_aws::lambda::Delivery;
use local_aws::settings::{ReportOutcome, UnknownReport};
use local_aws::{Fault, FaultRule, Settings};
use local_states::ExecutionStatus;
use models::{OutcomeStatus, Ticket};
use muster_tests::{Rest, Scenario, on_virtual_time, records, rest, run, stack};
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
fn a_report_that_vanishes_is_gone_whatever_the_answer_for_an_unknown_id() {
    for unknown_report in [UnknownReport::InvalidParameter, UnknownReport::NotFound, UnknownReport::Empty] {
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
    let rest = run(&Scenario { delivery: Delivery::Twice, ..Scenario::default() });
    rest.check("");
    assert_eq!((rest.status, rest.outcome()), (ExecutionStatus::Succeeded, OutcomeStatus::Succeeded));
}

#[test]
fn every_step_may_run_beside_itself() {
    for seed in 1..=40 {
        let settings = Settings {
            report_duration: Duration::from_secs(150),
            request_latency: Duration::from_millis(40),
            ..Settings::default()
        };
        let rest = run(&Scenario { delivery: Delivery::TwiceAtOnce, settings, seed, ..Scenario::default() });
        rest.check(&format!("seed {seed}"));
        assert_eq!(rest.outcome(), OutcomeStatus::Succeeded, "seed {seed}: {:?}", rest.execution.error());
    }
}

/// Stops the execution after so many seconds.
fn stopped_after(seconds: u64, settings: Settings) -> Rest {
    on_virtual_time(async {
        let scenario = Scenario { settings, ..Scenario::default() };
        let stack = stack(&scenario);
        let execution = stack.start_report(json!({})).unwrap();
        tokio::time::sleep(Duration::from_millis(seconds * 1_000 / 10)).await;
        stack.aws.states().stop(&execution.arn, None, Some("enough".into())).unwrap();
        rest(stack, &scenario, execution).await
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

/// A ticket as the previous version of the functions wrote it.
fn of_the_previous_version(mut ticket: Value) -> Value {
    let members = ticket.as_object_mut().unwrap();
    for newer in [
        "execution",
        "attempt",
        "polls",
        "pollAfterSeconds",
        "waitingFor",
        "cancellable",
        "failure",
        "result",
    ] {
        members.remove(newer).unwrap();
    }
    ticket["schemaVersion"] = json!(Ticket::PREVIOUS_VERSION);
    ticket
}

#[test]
fn a_run_whose_tickets_are_of_the_previous_version_goes_on_to_its_end() {
    on_virtual_time(async {
        let stack = stack(&Scenario::default());
        let step = async |step: &str, ticket: Value| {
            let now = stack.aws.clock().now();
            let payload = json!({"ticket": ticket, "enteredAt": now});
            stack.aws.lambda().invoke(&format!("muster-Report{step}"), payload).await.unwrap()
        };
        let mut ticket = step("Start", json!({"request": {}})).await;
        let mut polls = 0;
        while ticket["next"] == "poll" {
            tokio::time::sleep(Duration::from_secs(ticket["pollAfterSeconds"].as_u64().unwrap())).await;
            ticket = step("Status", of_the_previous_version(ticket)).await;
            assert_eq!(ticket["schemaVersion"], Ticket::VERSION);
            polls += 1;
        }
        assert!(polls > 10, "{polls}");
        assert_eq!(ticket["next"], "collect");
        let done = step("Parse", of_the_previous_version(ticket)).await;
        assert_eq!((&done["next"], &done["result"]["complete"]), (&json!("done"), &json!(true)), "{done}");
        assert_eq!(records(&stack)[0].outcome().unwrap().status, OutcomeStatus::Succeeded);
        assert_eq!(stack.aws.reports().len(), 1);
    });
}

#[test]
fn a_ticket_of_a_newer_version_is_refused_by_its_number() {
    on_virtual_time(async {
        let stack = stack(&Scenario::default());
        let request = json!({"ticket": {"request": {}}});
        let mut ticket = stack.aws.lambda().invoke("muster-ReportStart", request).await.unwrap();
        ticket["schemaVersion"] = json!(Ticket::VERSION + 1);
        let refused = stack.aws.lambda().invoke("muster-ReportStatus", json!({"ticket": ticket})).await;
        let Err(local_aws::lambda::InvokeError::Function(refused)) = refused else { panic!("{refused:?}") };
        assert_eq!(refused.error_type, "InvalidRequest");
        assert!(refused.error_message.contains("newer deployment"), "{}", refused.error_message);
    });
}

#[test]
fn a_function_whose_configuration_is_not_valid_says_which_variable_at_every_invocation() {
    on_virtual_time(async {
        let stack = stack(&Scenario::default());
        let mut config = (*stack.aws.lambda().function("muster-ReportStart").unwrap()).clone();
        config.environment.insert("MUSTER_DEFAULT_TARGET".into(), "everything".into());
        stack.aws.lambda().deploy(config);
        for _ in 0..2 {
            let execution = stack.start_report(json!({})).unwrap();
            assert_eq!(execution.finished().await, ExecutionStatus::Failed);
            let error = execution.error().unwrap();
            assert_eq!(error.error, "Defect");
            assert!(
                error.cause.contains("MUSTER_DEFAULT_TARGET") && error.cause.contains("Deploy"),
                "{}",
                error.cause
            );
        }
        assert_eq!(stack.aws.reports().len(), 0);
    });
}

#[test]
fn a_throttled_start_is_repeated_with_backoff_and_not_looked_for() {
    let operation = Some("ec2:StartDeclarativePoliciesReport".to_owned());
    let faults = vec![FaultRule { fault: Fault::Throttle, operation, nth: 1, times: 1 }];
    let rest = run(&Scenario { faults, ..Scenario::default() });
    rest.check("");
    let waited = rest.ours()[0].started.duration_since(rest.execution.started);
    assert!(waited < SignedDuration::from_mins(1), "a throttle has no effect: {waited}");
}

#[test]
fn a_report_is_found_on_whichever_page_aws_lists_it() {
    on_virtual_time(async {
        let stack = stack(&Scenario::default());
        for _ in 0..1_050 {
            stack.aws.start_foreign_report(Duration::ZERO);
        }
        let execution = stack.start_report(json!({})).unwrap();
        assert_eq!(execution.finished().await, ExecutionStatus::Succeeded, "{:?}", execution.error());
        let reports = stack.aws.reports();
        let ours = reports.iter().position(|report| report.bucket == stack.bucket());
        assert_eq!((ours, reports.len()), (Some(1_050), 1_051));
    });
}

#[test]
fn a_status_that_is_not_known_is_not_an_end() {
    let settings = Settings { running_word: "validating", ..Settings::default() };
    let rest = after(settings.clone());
    assert_eq!(rest.outcome(), OutcomeStatus::Succeeded);
    let rest = run(&Scenario {
        request: json!({"deadlineHours": 1}),
        settings: Settings { report_outcomes: vec![ReportOutcome::Never], ..settings.clone() },
        ..Scenario::default()
    });
    rest.check("never ends");
    assert_eq!(rest.outcome(), OutcomeStatus::Overdue);
    let in_the_way = Some(Duration::from_secs(3_600));
    let rest = run(&Scenario { in_the_way, settings, ..Scenario::default() });
    rest.check("somebody else's");
    assert_eq!(rest.outcome(), OutcomeStatus::Succeeded);
}

#[test]
fn a_report_is_delivered_whichever_of_the_two_services_aws_names_is_the_last_of_the_calls() {
    for last in ["report.declarative-policies-ec2.amazonaws.com", "organizations.amazonaws.com"] {
        let rest = after(Settings { called_via_last: last.to_owned(), ..Settings::default() });
        assert_eq!(rest.outcome(), OutcomeStatus::Succeeded, "{last}");
    }
}

#[test]
fn every_kind_that_reads_has_a_schedule_that_is_off_unless_it_is_turned_on_and_none_that_changes_has_one() {
    on_virtual_time(async {
        let stack = stack(&Scenario::default());
        let scheduled: BTreeSet<_> =
            stack.deployed.schedules.iter().map(|each| each.machine.as_str()).collect();
        let reading = ["Report", "Inventory", "AccessReport", "PolicyGeneration", "Findings"];
        let reading = reading.map(|kind| stack.output(&format!("{kind}StateMachineArn")));
        assert_eq!(scheduled, reading.into_iter().collect());
        let due = "2026-11-22T03:00:00Z".parse().unwrap();
        assert_eq!(stack.deliver_schedule(due).unwrap().len(), 0);
    });
}

#[test]
fn a_schedule_that_is_delivered_twice_runs_once() {
    on_virtual_time(async {
        let parameters = [("ReportScheduleState".to_owned(), "ENABLED".to_owned())].into();
        let stack = stack(&Scenario { parameters, ..Scenario::default() });
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
