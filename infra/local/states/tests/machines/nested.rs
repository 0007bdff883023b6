//! Executions that an execution starts and waits for.

use std::time::Duration;

use local_states::ExecutionStatus;
use serde_json::{Value, json};

use crate::bench::{Bench, echoes, events};

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
