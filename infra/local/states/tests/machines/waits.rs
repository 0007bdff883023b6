//! Wait states.

use std::sync::Arc;

use local_states::{Execution, ExecutionStatus};
use serde_json::{Value, json};

use crate::bench::{Bench, echoes, events};

fn machine(name: &str, value: &str) -> Value {
    json!({"StartAt": "W", "States": {"W": {"Type": "Wait", name: value, "End": true}}})
}

/// Waits until the moment that the input names. The clock begins at 06:30.
async fn until(moment: Value) -> Arc<Execution> {
    Bench::new(echoes).run(&machine("TimestampPath", "$.at"), json!({"at": moment})).await
}

fn milliseconds(execution: &Execution) -> i128 {
    execution.ended().unwrap().duration_since(execution.started).as_millis()
}

#[tokio::test(start_paused = true)]
async fn a_wait_lasts_until_its_moment_and_not_at_all_when_that_has_passed() {
    for (moment, expected) in [
        ("2026-11-21T07:00:00Z", 1_800_000),
        ("2026-11-21T09:00:00+02:00", 1_800_000),
        ("2026-11-22T06:30:00Z", 86_400_000),
        ("2026-11-21T06:30:00Z", 0),
        ("2026-11-21T06:00:00Z", 0),
        ("1969-12-31T23:59:59Z", 0),
    ] {
        let fixed = Bench::new(echoes).run(&machine("Timestamp", moment), json!({})).await;
        for execution in [fixed, until(json!(moment)).await] {
            assert_eq!(execution.status(), ExecutionStatus::Succeeded, "{moment}");
            assert_eq!(milliseconds(&execution), expected, "{moment}");
            assert_eq!(events(&execution)[1..3], ["WaitStateEntered", "WaitStateExited"]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_moment_is_cut_to_whole_seconds() {
    for moment in ["2026-11-21T07:00:00.999Z", "2026-11-21T07:00:00.0000001Z"] {
        let fixed = Bench::new(echoes).run(&machine("Timestamp", moment), json!({})).await;
        for execution in [fixed, until(json!(moment)).await] {
            assert_eq!(milliseconds(&execution), 1_800_000, "{moment}");
        }
    }
}

const NO_MOMENTS: [&str; 12] = [
    "",
    "tomorrow",
    "2026-11-21",
    "2026-11-21T07:00:00",
    "2026-11-21T07:00Z",
    "2026-11-21 07:00:00Z",
    "2026-11-21t07:00:00Z",
    "2026-11-21T07:00:00z",
    "2026-11-21T07:00:00+0200",
    "2026-11-21T07:00:00.Z",
    "2026-11-31T07:00:00Z",
    "2026-11-21T07:00:00Z[UTC]",
];

#[tokio::test(start_paused = true)]
async fn a_malformed_moment_in_the_input_is_a_runtime_error() {
    let texts = NO_MOMENTS.iter().map(|text| json!(text));
    for moment in texts.chain([json!(1_795_242_600), json!(null), json!({})]) {
        let execution = until(moment.clone()).await;
        assert_eq!(execution.status(), ExecutionStatus::Failed, "{moment}");
        let error = execution.error().unwrap();
        assert_eq!(error.error, "States.Runtime");
        assert!(error.cause.contains("$.at"), "{}", error.cause);
        assert_eq!(events(&execution)[1..], ["WaitStateEntered", "ExecutionFailed"]);
    }
    let nowhere = Bench::new(echoes).run(&machine("TimestampPath", "$.at"), json!({})).await;
    assert_eq!(nowhere.error().unwrap().error, "States.Runtime");
}

#[test]
fn a_malformed_moment_in_a_definition_is_refused() {
    for text in NO_MOMENTS {
        let problem = local_states::StateMachine::parse(&machine("Timestamp", text)).unwrap_err();
        assert!(problem.to_string().contains("Timestamp is not a time"), "{text:?}: {problem}");
    }
}

#[test]
fn a_wait_of_more_seconds_than_aws_takes_is_refused() {
    let parse = |seconds: u64| {
        let wait = json!({"Type": "Wait", "Seconds": seconds, "End": true});
        local_states::StateMachine::parse(&json!({"StartAt": "W", "States": {"W": wait}}))
    };
    assert!(parse(99_999_999).is_ok());
    assert!(parse(100_000_000).unwrap_err().to_string().contains("Seconds"));
}

#[tokio::test(start_paused = true)]
async fn seconds_in_the_input_are_a_whole_number() {
    let definition = machine("SecondsPath", "$.for");
    let execution = Bench::new(echoes).run(&definition, json!({"for": 90})).await;
    assert_eq!(milliseconds(&execution), 90_000);
    for seconds in [json!(-1), json!(1.5), json!("1")] {
        let execution = Bench::new(echoes).run(&definition, json!({"for": seconds})).await;
        let error = execution.error().unwrap();
        assert_eq!(error.error, "States.Runtime");
        assert!(error.cause.contains("$.for"), "{}", error.cause);
    }
}
