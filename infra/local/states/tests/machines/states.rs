//! The states of a machine, and how an execution ends.

use std::time::Duration;

use local_states::{ExecutionStatus, TaskError};
use serde_json::{Value, json};

use crate::bench::{Bench, echoes, events, fails, task};

#[tokio::test(start_paused = true)]
async fn a_task_leaves_its_events_in_awss_order() {
    let bench = Bench::new(echoes);
    let definition = json!({"StartAt": "A", "States": {
        "A": task(json!({"Next": "B"})),
        "B": {"Type": "Choice", "Choices": [{"Variable": "$.Payload.go", "BooleanEquals": true, "Next": "C"}]},
        "C": {"Type": "Wait", "Seconds": 5, "Next": "D"},
        "D": {"Type": "Pass", "Parameters": {"was.$": "$.Payload", "id.$": "$$.Execution.Name"}, "Next": "E"},
        "E": {"Type": "Succeed"},
    }});
    let execution = bench.run(&definition, json!({"go": true})).await;
    assert_eq!(execution.output(), Some(json!({"was": {"go": true}, "id": "execution"})));
    assert_eq!(
        events(&execution),
        [
            "ExecutionStarted",
            "TaskStateEntered",
            "TaskScheduled",
            "TaskStarted",
            "TaskSucceeded",
            "TaskStateExited",
            "ChoiceStateEntered",
            "ChoiceStateExited",
            "WaitStateEntered",
            "WaitStateExited",
            "PassStateEntered",
            "PassStateExited",
            "SucceedStateEntered",
            "SucceedStateExited",
            "ExecutionSucceeded",
        ]
    );
    let history = execution.history();
    let previous = |id: u64| if id == 2 { 0 } else { id - 1 };
    assert!(history.events().iter().all(|event| event.previous == previous(event.id)));
    let took = execution.ended().unwrap().duration_since(execution.started);
    assert_eq!(took.as_secs(), 6, "one for the task, five of waiting");
    assert_eq!(*bench.world.changes.lock().unwrap(), [ExecutionStatus::Running, ExecutionStatus::Succeeded]);
}

#[tokio::test(start_paused = true)]
async fn a_retry_waits_by_its_backoff_and_then_the_error_is_caught() {
    let bench = Bench::new(fails("Throttled"));
    let definition = json!({"StartAt": "A", "States": {
        "A": task(json!({
            "Retry": [
                {"ErrorEquals": ["Other"]},
                {"ErrorEquals": ["Throttled"], "IntervalSeconds": 2, "BackoffRate": 3, "MaxAttempts": 3, "MaxDelaySeconds": 10},
            ],
            "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "B"}],
            "Next": "B",
        })),
        "B": {"Type": "Pass", "End": true},
    }});
    let execution = bench.run(&definition, json!({"x": 1})).await;
    assert_eq!(execution.output(), Some(json!({"x": 1, "error": {"Error": "Throttled", "Cause": "why"}})));
    let invoked = bench.world.invoked.lock().unwrap();
    let pauses: Vec<_> =
        invoked.windows(2).map(|pair| pair[1].0.duration_since(pair[0].0).as_secs()).collect();
    assert_eq!(pauses, [2, 6, 10]);
    let names = events(&execution);
    assert_eq!(
        names[..6],
        [
            "ExecutionStarted",
            "TaskStateEntered",
            "TaskScheduled",
            "TaskStarted",
            "TaskFailed",
            "TaskScheduled"
        ]
    );
    assert_eq!(names[13..16], ["TaskFailed", "TaskStateExited", "PassStateEntered"]);
}

#[tokio::test(start_paused = true)]
async fn full_jitter_is_within_its_bounds_and_the_same_for_the_same_seed() {
    let definition = json!({"StartAt": "A", "States": {"A": task(json!({
        "Retry": [{"ErrorEquals": ["X"], "IntervalSeconds": 8, "BackoffRate": 1, "MaxAttempts": 20, "JitterStrategy": "FULL"}],
    }))}});
    let mut runs = Vec::new();
    for _ in 0..2 {
        let bench = Bench::new(fails("X"));
        bench.run(&definition, json!({})).await;
        let invoked = bench.world.invoked.lock().unwrap();
        runs.push(
            invoked
                .windows(2)
                .map(|pair| pair[1].0.duration_since(pair[0].0).as_millis())
                .collect::<Vec<_>>(),
        );
    }
    assert_eq!(runs[0], runs[1]);
    assert!(runs[0].iter().all(|pause| (0..=8_000).contains(pause)), "{runs:?}");
    assert!(runs[0].iter().max() > runs[0].iter().min());
}

#[tokio::test(start_paused = true)]
async fn an_uncaught_error_fails_the_execution_and_a_fail_state_names_it_from_paths() {
    let bench = Bench::new(fails("Denied"));
    let execution = bench.run(&json!({"StartAt": "A", "States": {"A": task(json!({}))}}), json!({})).await;
    assert_eq!(execution.status(), ExecutionStatus::Failed);
    assert_eq!(execution.error(), Some(TaskError::new("Denied", "why")));
    assert_eq!(events(&execution)[3..], ["TaskStarted", "TaskFailed", "ExecutionFailed"]);

    let bench = Bench::new(echoes);
    let definition =
        json!({"StartAt": "A", "States": {"A": {"Type": "Fail", "ErrorPath": "$.e", "CausePath": "$.c"}}});
    let execution = bench.run(&definition, json!({"e": "Overdue", "c": "late"})).await;
    assert_eq!(execution.error(), Some(TaskError::new("Overdue", "late")));
    assert_eq!(events(&execution), ["ExecutionStarted", "FailStateEntered", "ExecutionFailed"]);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_takes_too_long_times_out_and_can_be_caught() {
    let bench = Bench::new(|_, payload| (Duration::from_secs(100), Ok(payload)));
    let definition = json!({"StartAt": "A", "States": {
        "A": task(json!({"TimeoutSeconds": 30, "Catch": [{"ErrorEquals": ["States.Timeout"], "Next": "B"}], "Next": "B"})),
        "B": {"Type": "Pass", "End": true},
    }});
    let execution = bench.run(&definition, json!({})).await;
    assert_eq!(execution.output().unwrap()["Error"], "States.Timeout");
    assert!(events(&execution).contains(&"TaskTimedOut"));
    assert_eq!(execution.ended().unwrap().duration_since(execution.started).as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn stopping_ends_an_execution_at_once_and_no_catch_runs() {
    let bench = Bench::new(|_, payload| (Duration::from_secs(100), Ok(payload)));
    let definition = json!({"StartAt": "A", "States": {
        "A": task(json!({"Catch": [{"ErrorEquals": ["States.ALL"], "Next": "B"}], "Next": "B"})),
        "B": {"Type": "Pass", "End": true},
    }});
    let machine = bench.deploy("machine", &definition);
    let execution = bench.service.start(&machine, None, json!({})).unwrap();
    tokio::time::sleep(Duration::from_secs(10)).await;
    bench.service.stop(&execution.arn, Some("Enough".into()), None).unwrap();
    assert_eq!(execution.finished().await, ExecutionStatus::Aborted);
    assert_eq!(events(&execution)[3..], ["TaskStarted", "ExecutionAborted"]);
    assert_eq!(execution.ended().unwrap().duration_since(execution.started).as_secs(), 10);
    assert!(bench.service.stop(&execution.arn, None, None).is_ok(), "stopping twice is no error");
}

#[tokio::test(start_paused = true)]
async fn a_machines_own_timeout_ends_it_without_a_catch() {
    let bench = Bench::new(|_, payload| (Duration::from_secs(100), Ok(payload)));
    let definition = json!({"StartAt": "A", "TimeoutSeconds": 20, "States": {
        "A": task(json!({"Catch": [{"ErrorEquals": ["States.ALL"], "Next": "B"}], "Next": "B"})),
        "B": {"Type": "Pass", "End": true},
    }});
    let execution = bench.run(&definition, json!({})).await;
    assert_eq!(execution.status(), ExecutionStatus::TimedOut);
    assert_eq!(events(&execution).last(), Some(&"ExecutionTimedOut"));
}

#[tokio::test(start_paused = true)]
async fn branches_run_side_by_side_and_one_failure_fails_them_all() {
    let bench = Bench::new(|_, payload| {
        let seconds = payload["seconds"].as_u64().unwrap();
        let result = if payload["fail"] == true { Err(TaskError::new("X", "")) } else { Ok(json!(seconds)) };
        (Duration::from_secs(seconds), result)
    });
    let branch = |payload: Value| {
        json!({"StartAt": "T", "States": {"T": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": "f", "Payload": payload}, "End": true}}})
    };
    let machine = |branches: Value| json!({"StartAt": "P", "States": {"P": {"Type": "Parallel", "Branches": branches, "End": true}}});
    let both = machine(json!([branch(json!({"seconds": 9})), branch(json!({"seconds": 4}))]));
    let execution = bench.run(&both, json!({})).await;
    let output = execution.output().unwrap();
    assert_eq!((&output[0]["Payload"], &output[1]["Payload"]), (&json!(9), &json!(4)));
    assert_eq!(execution.ended().unwrap().duration_since(execution.started).as_secs(), 9);

    let bench2 = Bench::new(|_, payload| {
        let result = if payload["fail"] == true { Err(TaskError::new("X", "")) } else { Ok(payload.clone()) };
        (Duration::from_secs(payload["seconds"].as_u64().unwrap()), result)
    });
    let one = machine(json!([branch(json!({"seconds": 9})), branch(json!({"seconds": 4, "fail": true}))]));
    let execution = bench2.run(&one, json!({})).await;
    assert_eq!(execution.error().unwrap().error, "X");
    assert_eq!(execution.ended().unwrap().duration_since(execution.started).as_secs(), 4);
    assert_eq!(
        events(&execution)[events(&execution).len() - 2..],
        ["ParallelStateFailed", "ExecutionFailed"]
    );
}

#[tokio::test(start_paused = true)]
async fn payloads_over_256_kib_end_an_execution_and_states_all_does_not_catch_it() {
    let bench = Bench::new(|_, _| (Duration::ZERO, Ok(json!("x".repeat(262_144)))));
    let definition = json!({"StartAt": "A", "States": {
        "A": task(json!({"Catch": [{"ErrorEquals": ["States.ALL"], "Next": "B"}], "Next": "B"})),
        "B": {"Type": "Pass", "End": true},
    }});
    let execution = bench.run(&definition, json!({})).await;
    assert_eq!(execution.error().unwrap().error, "States.DataLimitExceeded");
    let machine = bench.service.machines()[0].arn.clone();
    let refused = bench.service.start(&machine, None, json!("x".repeat(262_144))).unwrap_err();
    assert_eq!(refused.code, "InvalidExecutionInput");
}

#[tokio::test(start_paused = true)]
async fn the_25_000th_event_ends_an_execution() {
    let bench = Bench::new(echoes);
    let definition = json!({"StartAt": "A", "States": {
        "A": {"Type": "Pass", "Next": "C"},
        "C": {"Type": "Choice", "Choices": [{"Variable": "$.stop", "BooleanEquals": true, "Next": "S"}], "Default": "A"},
        "S": {"Type": "Succeed"},
    }});
    let execution = bench.run(&definition, json!({"stop": false})).await;
    assert_eq!(execution.status(), ExecutionStatus::Failed);
    assert_eq!(execution.history().events().len(), 25_000);
    assert_eq!(events(&execution).last(), Some(&"ExecutionFailed"));
}

#[tokio::test(start_paused = true)]
async fn names_are_idempotent_while_an_execution_runs_and_taken_afterwards() {
    let bench = Bench::new(echoes);
    let machine = bench.deploy(
        "machine",
        &json!({"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 60, "End": true}}}),
    );
    let first = bench.service.start(&machine, Some("n"), json!({"a": 1})).unwrap();
    let again = bench.service.start(&machine, Some("n"), json!({"a": 1})).unwrap();
    assert_eq!(first.arn, again.arn);
    let start =
        |name: &str, input| bench.service.start(&machine, Some(name), input).map(drop).map_err(|it| it.code);
    assert_eq!(start("n", json!({"a": 2})), Err("ExecutionAlreadyExists"));
    first.finished().await;
    assert_eq!(start("n", json!({"a": 1})), Err("ExecutionAlreadyExists"));
    for name in ["", "a b", "2026-11-21T06:30:00Z", &"x".repeat(81), "a/b", "a\u{7}"] {
        assert_eq!(start(name, json!({})), Err("InvalidName"), "{name:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_path_that_leads_nowhere_is_a_runtime_error_that_nothing_catches() {
    let bench = Bench::new(echoes);
    let definition = json!({"StartAt": "A", "States": {
        "A": task(json!({"Parameters": {"FunctionName": "f", "Payload.$": "$.missing"},
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "B"}], "Next": "B"})),
        "B": {"Type": "Pass", "End": true},
    }});
    let execution = bench.run(&definition, json!({})).await;
    let error = execution.error().unwrap();
    assert_eq!(error.error, "States.Runtime");
    assert!(error.cause.contains("$.missing"), "{}", error.cause);
}

#[tokio::test(start_paused = true)]
async fn a_history_begins_with_the_start_even_when_the_stop_follows_at_once() {
    let bench = Bench::new(echoes);
    let machine = bench.deploy("machine", &json!({"StartAt": "A", "States": {"A": task(json!({}))}}));
    let execution = bench.service.start(&machine, None, json!({})).unwrap();
    bench.service.stop(&execution.arn, None, None).unwrap();
    execution.finished().await;
    assert_eq!(events(&execution), ["ExecutionStarted", "ExecutionAborted"]);
}

#[tokio::test(start_paused = true)]
async fn what_an_error_does_not_say_is_left_out_of_its_event() {
    let bench = Bench::new(|_, payload| (Duration::from_secs(100), Ok(payload)));
    let definition = json!({"StartAt": "A", "States": {"A": task(json!({"TimeoutSeconds": 30}))}});
    let execution = bench.run(&definition, json!({})).await;
    let history = execution.history();
    let timed_out = history.events().iter().find(|event| event.name == "TaskTimedOut").unwrap();
    let expected = json!({"resourceType": "lambda", "resource": "invoke", "error": "States.Timeout"});
    assert_eq!(timed_out.details, expected);
}
