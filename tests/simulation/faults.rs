//! Every fault at every call of every step; each of them several thousand times in all.

use std::time::Duration;

use local_aws::lambda::Delivery;
use local_aws::settings::ReportOutcome;
use local_aws::{Fault, FaultRule, Settings};
use local_states::ExecutionStatus;
use models::OutcomeStatus;
use muster_tests::{Rest, Scenario, run};
use serde_json::json;

/// A report short enough that every call of a run can be tried.
fn short() -> Scenario {
    Scenario {
        settings: Settings { report_duration: Duration::from_secs(150), ..Settings::default() },
        ..Scenario::default()
    }
}

fn at(fault: Fault, nth: u64, times: u64) -> FaultRule {
    FaultRule { fault, operation: None, nth, times }
}

/// Runs the scenario once for every call that its clean run makes, with the fault at that call.
fn at_every_call(scenario: &Scenario, fault: Fault, times: u64, check: impl Fn(&Rest, &str)) {
    let clean = run(scenario);
    clean.check("without a fault");
    let calls = clean.stack.aws.calls();
    assert!(calls.len() > 20, "{} calls are too few to be a run", calls.len());
    for (index, call) in calls.iter().enumerate() {
        let rule = at(fault, index as u64 + 1, times);
        let context = format!("{rule} ({} {}), request {}", call.function, call.action, scenario.request);
        let rest = run(&Scenario { faults: vec![rule], ..scenario.clone() });
        rest.check(&context);
        check(&rest, &context);
    }
}

/// One transient fault anywhere costs nothing but time.
fn is_survived(rest: &Rest, context: &str) {
    assert_eq!(rest.outcome(), OutcomeStatus::Succeeded, "{context}\n{:#?}", rest.records);
    assert_eq!(rest.status, ExecutionStatus::Succeeded, "{context}");
}

fn whatever(_: &Rest, _: &str) {}

#[test]
fn one_throttle_anywhere_is_survived() {
    at_every_call(&short(), Fault::Throttle, 1, is_survived);
}

#[test]
fn one_server_error_anywhere_is_survived() {
    at_every_call(&short(), Fault::ServerError, 1, is_survived);
}

#[test]
fn one_server_error_after_the_effect_anywhere_is_survived() {
    at_every_call(&short(), Fault::ServerErrorAfter, 1, is_survived);
}

#[test]
fn one_cut_connection_anywhere_is_survived() {
    at_every_call(&short(), Fault::Cut, 1, is_survived);
}

#[test]
fn one_lost_answer_anywhere_is_survived() {
    at_every_call(&short(), Fault::LostAnswer, 1, is_survived);
}

#[test]
fn one_truncated_answer_anywhere_is_survived() {
    at_every_call(&short(), Fault::Truncate, 1, is_survived);
}

#[test]
fn one_crash_before_any_call_is_survived() {
    at_every_call(&short(), Fault::CrashBefore, 1, is_survived);
}

#[test]
fn one_crash_between_any_effect_and_its_answer_is_survived() {
    at_every_call(&short(), Fault::CrashAfter, 1, is_survived);
}

#[test]
fn being_denied_anywhere_ends_in_one_outcome() {
    at_every_call(&short(), Fault::Deny, 1, whatever);
}

#[test]
fn stopping_the_execution_before_any_call_leaves_nothing_running() {
    at_every_call(&short(), Fault::StopBefore, 1, |rest, context| {
        assert!(matches!(rest.status, ExecutionStatus::Aborted | ExecutionStatus::Succeeded), "{context}");
    });
}

#[test]
fn stopping_the_execution_after_any_call_leaves_nothing_running() {
    at_every_call(&short(), Fault::StopAfter, 1, whatever);
}

#[test]
fn faults_that_outlast_the_sdks_retries_are_survived() {
    for fault in [Fault::Throttle, Fault::ServerError, Fault::Cut] {
        at_every_call(&short(), fault, 7, is_survived);
    }
}

fn writes(rest: &Rest) -> u64 {
    rest.stack.aws.calls().iter().filter(|call| call.action == "s3:PutObject").count() as u64
}

/// Only conditional writes meet others. Where none is, the fault does nothing.
#[test]
fn conditional_writes_that_meet_others_once_or_four_times_are_survived() {
    let clean = run(&short());
    clean.check("without a fault");
    for times in [1, 4] {
        let mut most = 0;
        for nth in 1..=writes(&clean) {
            let operation = Some("s3:PutObject".to_owned());
            let rule = FaultRule { fault: Fault::Conflict, operation, nth, times };
            let context = rule.to_string();
            let rest = run(&Scenario { faults: vec![rule], ..short() });
            rest.check(&context);
            is_survived(&rest, &context);
            most = most.max(writes(&rest) - writes(&clean));
        }
        assert_eq!(most, times, "every write of one key that met others was made again");
    }
}

#[test]
fn a_process_that_crashes_again_and_again_ends_in_one_outcome() {
    for fault in [Fault::CrashBefore, Fault::CrashAfter] {
        at_every_call(&short(), fault, 3, whatever);
    }
}

#[test]
fn every_fault_is_met_while_a_failed_report_is_closed() {
    for fault in Fault::ALL {
        let scenario = Scenario {
            settings: Settings { report_outcomes: vec![ReportOutcome::Error], ..short().settings },
            ..short()
        };
        at_every_call(&scenario, fault, 1, |rest, context| {
            assert_eq!(rest.outcome(), OutcomeStatus::Failed, "{context}");
        });
    }
}

#[test]
fn every_fault_is_met_while_an_overdue_run_is_cancelled() {
    for fault in Fault::ALL {
        let scenario = Scenario {
            request: json!({"deadlineHours": 1}),
            settings: Settings { report_outcomes: vec![ReportOutcome::Never], ..Settings::default() },
            ..Scenario::default()
        };
        at_every_call(&scenario, fault, 1, |rest, context| {
            assert_ne!(rest.outcome(), OutcomeStatus::Succeeded, "{context}");
        });
    }
}

#[test]
fn every_fault_is_met_while_somebody_elses_report_is_in_the_way() {
    for fault in Fault::ALL {
        let scenario = Scenario { in_the_way: Some(Duration::from_secs(120)), ..short() };
        at_every_call(&scenario, fault, 1, whatever);
    }
}

#[test]
fn every_fault_is_met_while_new_reports_show_late() {
    for fault in Fault::ALL {
        let settings = Settings { describe_lag: Duration::from_secs(300), ..short().settings };
        at_every_call(&Scenario { settings, ..short() }, fault, 1, whatever);
    }
}

#[test]
fn every_fault_is_met_with_every_step_made_twice() {
    for fault in Fault::ALL {
        at_every_call(&Scenario { delivery: Delivery::Twice, ..short() }, fault, 1, whatever);
    }
}

#[test]
fn every_fault_is_met_with_every_step_made_twice_at_once() {
    for fault in Fault::ALL {
        let settings = Settings { request_latency: Duration::from_millis(40), ..short().settings };
        let scenario = Scenario { delivery: Delivery::TwiceAtOnce, settings, ..short() };
        at_every_call(&scenario, fault, 1, whatever);
    }
}

#[test]
fn the_same_seed_and_faults_give_the_same_run() {
    let trail = |_| {
        let scenario = Scenario { faults: vec![at(Fault::Throttle, 9, 5)], ..short() };
        let rest = run(&scenario);
        let history = rest.execution.history();
        history.events().iter().map(|event| (event.at, event.name)).collect::<Vec<_>>()
    };
    assert_eq!(trail(1), trail(2));
}
