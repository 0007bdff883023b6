//! Map states, inline and distributed.

use std::sync::Arc;
use std::time::Duration;

use local_states::{Execution, ExecutionStatus, TaskError};
use serde_json::{Value, json};

use crate::bench::{Bench, echoes, ends, events, task, took};

#[tokio::test(start_paused = true)]
async fn an_inline_map_keeps_the_order_of_its_items_and_bounds_what_runs_at_once() {
    let bench = Bench::new(|_, payload| (Duration::from_secs(10), Ok(payload["item"].clone())));
    let definition = json!({"StartAt": "M", "States": {"M": {
        "Type": "Map", "ItemsPath": "$.items", "MaxConcurrency": 2,
        "ItemSelector": {"item.$": "$$.Map.Item.Value", "index.$": "$$.Map.Item.Index"},
        "ItemProcessor": {"ProcessorConfig": {"Mode": "INLINE"}, "StartAt": "T", "States": {"T": task(json!({}))}},
        "ResultPath": "$.done", "End": true,
    }}});
    let execution = bench.run(&definition, json!({"items": ["a", "b", "c"]})).await;
    let done = execution.output().unwrap()["done"].clone();
    let payloads: Vec<_> = done.as_array().unwrap().iter().map(|it| it["Payload"].clone()).collect();
    assert_eq!(payloads, [json!("a"), json!("b"), json!("c")]);
    assert_eq!(execution.ended().unwrap().duration_since(execution.started).as_secs(), 20);
    let names = events(&execution);
    assert_eq!(names.iter().filter(|name| **name == "MapIterationSucceeded").count(), 3);
    assert_eq!(names[1..4], ["MapStateEntered", "MapStateStarted", "MapIterationStarted"]);
}

/// Tolerates so many failed items.
fn distributed(tolerated: u64) -> Value {
    tolerating(json!({"ToleratedFailureCount": tolerated}))
}

fn tolerating(tolerated: Value) -> Value {
    let mut definition = json!({"StartAt": "M", "States": {"M": {
        "Type": "Map",
        "ItemReader": {"Resource": "arn:aws:states:::s3:getObject", "ReaderConfig": {"InputType": "JSON"},
            "Parameters": {"Bucket": "b", "Key.$": "$.key"}},
        "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": "T", "States": {"T": task(json!({}))}},
        "ResultPath": null, "End": true,
    }}});
    let map = definition["States"]["M"].as_object_mut().unwrap();
    map.extend(tolerated.as_object().unwrap().clone());
    definition
}

#[tokio::test(start_paused = true)]
async fn a_distributed_map_gives_every_item_an_execution_and_a_history_of_its_own() {
    let bench = Bench::with(echoes, (0..300).map(|number| json!({"n": number})).collect(), &[]);
    let execution = bench.run(&distributed(0), json!({"key": "k"})).await;
    assert_eq!(execution.output(), Some(json!({"key": "k"})));
    assert_eq!(
        events(&execution)[1..],
        [
            "MapStateEntered",
            "MapStateStarted",
            "MapRunStarted",
            "MapRunSucceeded",
            "MapStateSucceeded",
            "MapStateExited",
            "ExecutionSucceeded"
        ]
    );
    let children = bench.children();
    assert_eq!(children.len(), 300);
    assert!(children.iter().all(|child| events(child).first() == Some(&"ExecutionStarted")));
}

#[tokio::test(start_paused = true)]
async fn a_distributed_map_fails_past_its_tolerance_its_list_or_its_permissions() {
    let odd = |_: &str, payload: Value| {
        let odd = payload["n"].as_u64().unwrap() % 2 == 1;
        (Duration::ZERO, if odd { Err(TaskError::new("Odd", "")) } else { Ok(payload) })
    };
    let list: Vec<_> = (0..4).map(|number| json!({"n": number})).collect();
    let execution = Bench::with(odd, list.clone(), &[]).run(&distributed(1), json!({"key": "k"})).await;
    assert_eq!(execution.error().unwrap().error, "States.ExceedToleratedFailureThreshold");
    let execution = Bench::with(odd, list.clone(), &[]).run(&distributed(2), json!({"key": "k"})).await;
    assert_eq!(execution.status(), ExecutionStatus::Succeeded);
    let execution =
        Bench::with(echoes, list.clone(), &[]).run(&distributed(0), json!({"key": "other"})).await;
    assert_eq!(execution.error().unwrap().error, "States.ItemReaderFailed");
    assert_eq!(
        events(&execution)[2..],
        ["MapStateStarted", "MapRunStarted", "MapRunFailed", "MapStateFailed", "ExecutionFailed"]
    );
    for action in ["states:StartExecution", "states:DescribeExecution", "states:StopExecution"] {
        let bench = Bench::with(echoes, list.clone(), &[action]);
        let execution = bench.run(&distributed(0), json!({"key": "k"})).await;
        assert_eq!(execution.error().unwrap(), TaskError::new("States.Permissions", action));
        assert!(bench.children().is_empty(), "{action}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_distributed_map_asks_for_its_own_machine_and_for_its_executions() {
    let bench = Bench::with(echoes, vec![json!({})], &[]);
    bench.run(&distributed(0), json!({"key": "k"})).await;
    let account = "arn:aws:states:eu-central-1:012345678901";
    let asked = bench.world.asked.lock().unwrap().clone();
    let expected = [
        ("states:StartExecution", "stateMachine:machine"),
        ("states:DescribeExecution", "execution:machine:execution"),
        ("states:StopExecution", "execution:machine:execution"),
    ];
    assert_eq!(
        asked,
        expected.map(|(action, resource)| (action.to_owned(), format!("{account}:{resource}")))
    );
}

#[tokio::test(start_paused = true)]
async fn a_label_names_the_map_in_the_arns_of_its_run_and_of_its_children() {
    let bench = Bench::with(echoes, vec![json!({})], &[]);
    let mut definition = distributed(0);
    definition["States"]["M"]["Label"] = json!("items");
    let execution = bench.run(&definition, json!({"key": "k"})).await;
    let history = execution.history();
    let started = history.events().iter().find(|event| event.name == "MapRunStarted").unwrap();
    let account = "arn:aws:states:eu-central-1:012345678901";
    assert!(
        started.details["mapRunArn"]
            .as_str()
            .unwrap()
            .starts_with(&format!("{account}:mapRun:machine/items:"))
    );
    let children = bench.children();
    assert!(
        children[0].arn.starts_with(&format!("{account}:execution:machine/items:")),
        "{}",
        children[0].arn
    );
}

/// How long ten items of ten seconds take with the bound that the input has, or the error.
async fn bounded(mode: &str, bound: Value) -> Result<i64, TaskError> {
    let items: Vec<_> = (0..10).map(|number| json!({"n": number})).collect();
    let bench = Bench::with(|_, payload| (Duration::from_secs(10), Ok(payload)), items.clone(), &[]);
    let mut definition = distributed(0);
    let map = definition["States"]["M"].as_object_mut().unwrap();
    map.insert("MaxConcurrencyPath".into(), json!("$.bound"));
    if mode == "INLINE" {
        map.remove("ItemReader");
        map.remove("ToleratedFailureCount");
        map.insert("ItemsPath".into(), json!("$.items"));
        map["ItemProcessor"].as_object_mut().unwrap().remove("ProcessorConfig");
    }
    let execution = bench.run(&definition, json!({"key": "k", "items": items, "bound": bound})).await;
    match execution.error() {
        None => Ok(took(&execution)),
        Some(error) => {
            assert_eq!(events(&execution)[1..], ["MapStateEntered", "ExecutionFailed"]);
            Err(error)
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_path_bounds_what_a_map_runs_at_once_and_must_lead_to_a_whole_number() {
    for mode in ["INLINE", "DISTRIBUTED"] {
        for (bound, seconds) in [(1, 100), (3, 40), (10, 10), (0, 10), (1_000_000, 10)] {
            assert_eq!(bounded(mode, json!(bound)).await, Ok(seconds), "{mode}, {bound}");
        }
        for (bound, says) in [
            (json!(-1), "Expected non-negative integer for MaxConcurrency, got '-1' instead."),
            (json!(2.5), "\"2.5\" which is not a valid integer: $.bound"),
            (json!("4 lanes"), "\"4 lanes\" which is not a valid integer: $.bound"),
            (json!(null), "\"null\" which is not a valid integer: $.bound"),
        ] {
            let error = bounded(mode, bound).await.unwrap_err();
            assert_eq!(error.error, "States.Runtime");
            assert!(error.cause.ends_with(says), "{error:?}");
        }
    }
}

/// A distributed Map over three items; each starts a machine of ten minutes and waits for it, unless
/// the item is to fail after one minute.
async fn over_three(
    top: Value,
    fails: &[bool],
    end: impl AsyncFnOnce(&Bench, &Execution),
) -> (Bench, Arc<Execution>) {
    let list = fails.iter().map(|fails| json!({"fails": fails})).collect();
    let bench = Bench::with(echoes, list, &[]);
    let inner = bench.deploy(
        "inner",
        &json!({"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 600, "End": true}}}),
    );
    let mut definition = distributed(0);
    definition["States"]["M"]["ItemProcessor"]["StartAt"] = json!("C");
    definition["States"]["M"]["ItemProcessor"]["States"] = json!({
        "C": {"Type": "Choice", "Choices": [{"Variable": "$.fails", "BooleanEquals": true, "Next": "W"}], "Default": "N"},
        "W": {"Type": "Wait", "Seconds": 60, "Next": "F"},
        "F": {"Type": "Fail", "Error": "Bad"},
        "N": {"Type": "Task", "Resource": "arn:aws:states:::states:startExecution.sync:2",
            "Parameters": {"StateMachineArn": inner}, "End": true},
    });
    definition.as_object_mut().unwrap().extend(top.as_object().unwrap().clone());
    let machine = bench.deploy("machine", &definition);
    let execution = bench.service.start(&machine, None, json!({"key": "k"})).unwrap();
    end(&bench, &execution).await;
    ends(&execution).await;
    (bench, execution)
}

/// Every child that had not failed by itself was aborted when the parent ended, and so was what it
/// waited for.
async fn all_are_aborted_with(bench: &Bench, parent: &Execution, running: usize) {
    let (children, others): (Vec<_>, Vec<_>) =
        bench.service.executions().into_iter().partition(|it| it.arn.contains('/'));
    assert_eq!(children.len(), 3);
    let aborted: Vec<_> =
        children.into_iter().filter(|child| child.status() == ExecutionStatus::Aborted).collect();
    assert_eq!(aborted.len(), running);
    for child in aborted {
        assert_eq!(events(&child).last(), Some(&"ExecutionAborted"));
        assert_eq!(child.ended(), parent.ended());
    }
    let nested: Vec<_> = others.into_iter().filter(|it| it.machine.name == "inner").collect();
    assert_eq!(nested.len(), running);
    for execution in nested {
        assert_eq!(ends(&execution).await, ExecutionStatus::Aborted);
        assert_eq!(execution.ended(), parent.ended());
    }
}

#[tokio::test(start_paused = true)]
async fn stopping_a_parent_aborts_the_children_of_its_map_and_what_they_wait_for() {
    let (bench, parent) = over_three(json!({}), &[false; 3], async |bench, execution| {
        tokio::time::sleep(Duration::from_secs(60)).await;
        bench.service.stop(&execution.arn, None, None).unwrap();
    })
    .await;
    assert_eq!(parent.status(), ExecutionStatus::Aborted);
    all_are_aborted_with(&bench, &parent, 3).await;
}

#[tokio::test(start_paused = true)]
async fn a_parents_timeout_aborts_the_children_of_its_map_and_what_they_wait_for() {
    let (bench, parent) = over_three(json!({"TimeoutSeconds": 60}), &[false; 3], async |_, _| {}).await;
    assert_eq!(parent.status(), ExecutionStatus::TimedOut);
    all_are_aborted_with(&bench, &parent, 3).await;
}

#[tokio::test(start_paused = true)]
async fn an_exceeded_tolerance_aborts_the_other_children_and_what_they_wait_for() {
    let (bench, parent) = over_three(json!({}), &[false, true, false], async |_, _| {}).await;
    assert_eq!(parent.error().unwrap().error, "States.ExceedToleratedFailureThreshold");
    all_are_aborted_with(&bench, &parent, 2).await;
}

#[tokio::test(start_paused = true)]
async fn a_stopped_child_of_a_map_counts_as_failed() {
    let (bench, parent) = over_three(json!({}), &[false; 3], async |bench, _| {
        tokio::time::sleep(Duration::from_secs(60)).await;
        let child = bench.service.executions().into_iter().find(|it| it.arn.contains('/')).unwrap();
        bench.service.stop(&child.arn, Some("Enough".into()), None).unwrap();
    })
    .await;
    assert_eq!(parent.error().unwrap().error, "States.ExceedToleratedFailureThreshold");
    all_are_aborted_with(&bench, &parent, 3).await;
}

/// How a Map over ten items ends of which `failing` fail.
async fn of_ten(failing: u64, tolerated: Value) -> ExecutionStatus {
    let handler = move |_: &str, payload: Value| {
        let fails = payload["n"].as_u64().unwrap() < failing;
        (Duration::ZERO, if fails { Err(TaskError::new("Bad", "")) } else { Ok(payload) })
    };
    let list = (0..10).map(|number| json!({"n": number})).collect();
    let execution = Bench::with(handler, list, &[]).run(&tolerating(tolerated), json!({"key": "k"})).await;
    if let Some(error) = execution.error() {
        assert_eq!(error.error, "States.ExceedToleratedFailureThreshold");
    }
    execution.status()
}

#[tokio::test(start_paused = true)]
async fn a_map_fails_when_either_tolerance_is_exceeded_and_one_that_is_not_given_is_no_limit() {
    let count = |count: u64| json!({"ToleratedFailureCount": count});
    let percentage = |percentage: f64| json!({"ToleratedFailurePercentage": percentage});
    let both =
        |count: u64, share: f64| json!({"ToleratedFailureCount": count, "ToleratedFailurePercentage": share});
    for (failing, tolerated, fails) in [
        (0, json!({}), false),
        (1, json!({}), true),
        (3, count(3), false),
        (4, count(3), true),
        (3, percentage(30.0), false),
        (4, percentage(30.0), true),
        (3, both(3, 30.0), false),
        (4, both(3, 90.0), true),
        (4, both(9, 30.0), true),
        (10, percentage(100.0), false),
        (1, both(0, 100.0), true),
    ] {
        let expected = if fails { ExecutionStatus::Failed } else { ExecutionStatus::Succeeded };
        assert_eq!(of_ten(failing, tolerated.clone()).await, expected, "{failing} of 10, {tolerated}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_map_run_whose_items_cannot_be_put_together_fails_by_an_event_of_its_own() {
    let mut definition = distributed(0);
    definition["States"]["M"]["ItemSelector"] = json!({"x.$": "$$.Map.Item.Value.x"});
    let list = vec![json!({"x": 1}), json!({"y": 1})];
    let execution = Bench::with(echoes, list, &[]).run(&definition, json!({"key": "k"})).await;
    assert_eq!(execution.error().unwrap().error, "States.Runtime");
    assert_eq!(
        events(&execution)[3..],
        ["MapRunStarted", "MapRunFailed", "MapStateFailed", "ExecutionFailed"]
    );
}
