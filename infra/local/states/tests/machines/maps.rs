//! Map states, inline and distributed.

use std::time::Duration;

use local_states::{ExecutionStatus, TaskError};
use serde_json::{Value, json};

use crate::bench::{Bench, echoes, events, task};

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

fn distributed(tolerated: u64) -> Value {
    json!({"StartAt": "M", "States": {"M": {
        "Type": "Map",
        "ItemReader": {"Resource": "arn:aws:states:::s3:getObject", "ReaderConfig": {"InputType": "JSON"},
            "Parameters": {"Bucket": "b", "Key.$": "$.key"}},
        "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": "T", "States": {"T": task(json!({}))}},
        "ToleratedFailureCount": tolerated, "ResultPath": null, "End": true,
    }}})
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
    let children: Vec<_> = bench.service.executions().into_iter().filter(|it| it.arn.contains('/')).collect();
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
    let execution =
        Bench::with(echoes, list, &["states:StartExecution"]).run(&distributed(0), json!({"key": "k"})).await;
    assert_eq!(execution.error().unwrap().error, "States.Permissions");
}
