//! Executions that an execution starts and waits for.

use std::sync::Arc;
use std::time::Duration;

use local_states::{Execution, ExecutionStatus};
use serde_json::{Value, json};

use crate::bench::{Bench, echoes, ends, events, took};

#[tokio::test(start_paused = true)]
async fn a_nested_execution_is_waited_for_and_its_failure_is_a_failed_task() {
    let bench = Bench::new(echoes);
    let child = bench.deploy("child", &json!({"StartAt": "C", "States": {
        "C": {"Type": "Choice", "Choices": [{"Variable": "$.ok", "BooleanEquals": true, "Next": "W"}], "Default": "F"},
        "W": {"Type": "Wait", "Seconds": 60, "Next": "S"},
        "S": {"Type": "Pass", "Result": {"answer": 42}, "End": true},
        "F": {"Type": "Fail", "Error": "Bad", "Cause": "because"},
    }}));
    let parent = json!({"StartAt": "N", "States": {"N": {
        "Type": "Task", "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Parameters": {"StateMachineArn": child, "Input.$": "$"}, "End": true,
    }}});
    let machine = bench.deploy("parent", &parent);
    let good = bench.service.start(&machine, Some("good"), json!({"ok": true})).unwrap();
    good.finished().await;
    assert_eq!(good.output().unwrap()["Output"], json!({"answer": 42}));
    assert_eq!(good.ended().unwrap().duration_since(good.started).as_secs(), 61);
    assert_eq!(events(&good)[2..6], ["TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded"]);
    let bad = bench.service.start(&machine, Some("bad"), json!({"ok": false})).unwrap();
    bad.finished().await;
    let error = bad.error().unwrap();
    assert_eq!(error.error, "States.TaskFailed");
    let cause: Value = serde_json::from_str(&error.cause).unwrap();
    assert_eq!((&cause["Status"], &cause["Error"]), (&json!("FAILED"), &json!("Bad")));
}

#[tokio::test(start_paused = true)]
async fn stopping_a_parent_stops_its_child_only_where_the_role_allows_it() {
    for (denied, expected) in
        [(vec![], ExecutionStatus::Aborted), (vec!["states:StopExecution"], ExecutionStatus::Succeeded)]
    {
        let bench = Bench::with(echoes, Vec::new(), &denied);
        let child = bench.deploy(
            "child",
            &json!({"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 600, "End": true}}}),
        );
        let parent = bench.deploy(
            "parent",
            &json!({"StartAt": "N", "States": {"N": {
                "Type": "Task", "Resource": "arn:aws:states:::states:startExecution.sync:2",
                "Parameters": {"StateMachineArn": child, "Name": "inner"}, "End": true,
            }}}),
        );
        let execution = bench.service.start(&parent, None, json!({})).unwrap();
        tokio::time::sleep(Duration::from_secs(60)).await;
        bench.service.stop(&execution.arn, None, None).unwrap();
        execution.finished().await;
        let child = bench
            .service
            .execution("arn:aws:states:eu-central-1:012345678901:execution:child:inner")
            .unwrap();
        assert_eq!(child.finished().await, expected);
    }
}

const INNER: &str = "arn:aws:states:eu-central-1:012345678901:execution:inner:one";

/// A state machine that fails after a minute.
fn failing() -> Value {
    json!({"StartAt": "W", "States": {
        "W": {"Type": "Wait", "Seconds": 60, "Next": "F"},
        "F": {"Type": "Fail", "Error": "Bad"},
    }})
}

/// A state machine that waits for an execution of ten minutes.
fn waiting(more: Value) -> Value {
    let mut state = json!({
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Parameters": {
            "StateMachineArn": "arn:aws:states:eu-central-1:012345678901:stateMachine:inner",
            "Name": "one",
        },
        "End": true,
    });
    state.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"StartAt": "N", "States": {"N": state}})
}

/// Runs `state`, whose error is caught; an hour follows. Answers how the execution inside ended and
/// after how many seconds.
async fn caught(mut state: Value, denied: &[&'static str]) -> (ExecutionStatus, i64) {
    let bench = Bench::with(echoes, Vec::new(), denied);
    bench.deploy(
        "inner",
        &json!({"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 600, "End": true}}}),
    );
    state["Catch"] = json!([{"ErrorEquals": ["States.ALL"], "Next": "H"}]);
    state["Next"] = json!("H");
    state.as_object_mut().unwrap().remove("End");
    let definition =
        json!({"StartAt": "S", "States": {"S": state, "H": {"Type": "Wait", "Seconds": 3600, "End": true}}});
    let parent = bench.run(&definition, json!([{"fails": true}, {"fails": false}])).await;
    assert_eq!((parent.status(), took(&parent)), (ExecutionStatus::Succeeded, 3_660));
    let inner: Arc<Execution> = bench.service.execution(INNER).unwrap();
    (ends(&inner).await, took(&inner))
}

#[tokio::test(start_paused = true)]
async fn a_failing_branch_stops_what_its_sibling_waits_for_where_the_role_allows_it() {
    let parallel = json!({"Type": "Parallel", "Branches": [failing(), waiting(json!({}))]});
    assert_eq!(caught(parallel.clone(), &[]).await, (ExecutionStatus::Aborted, 60));
    assert_eq!(caught(parallel, &["states:StopExecution"]).await, (ExecutionStatus::Succeeded, 600));
}

#[tokio::test(start_paused = true)]
async fn a_failing_item_of_an_inline_map_stops_what_its_sibling_waits_for() {
    let mut processor = failing();
    processor["StartAt"] = json!("C");
    processor["States"]["N"] = waiting(json!({}))["States"]["N"].clone();
    processor["States"]["C"] = json!({"Type": "Choice",
        "Choices": [{"Variable": "$.fails", "BooleanEquals": true, "Next": "W"}], "Default": "N"});
    let map = json!({"Type": "Map", "ItemProcessor": processor});
    assert_eq!(caught(map, &[]).await, (ExecutionStatus::Aborted, 60));
}

#[tokio::test(start_paused = true)]
async fn a_task_that_waits_too_long_stops_what_it_waits_for() {
    let task = waiting(json!({"TimeoutSeconds": 60}))["States"]["N"].clone();
    assert_eq!(caught(task.clone(), &[]).await, (ExecutionStatus::Aborted, 60));
    assert_eq!(caught(task, &["states:StopExecution"]).await, (ExecutionStatus::Succeeded, 600));
}
