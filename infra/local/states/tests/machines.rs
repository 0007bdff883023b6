//! Machines run to their end, on virtual time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt};
use jiff::Timestamp;
use local_clock::Clock;
use local_states::service::Latency;
use local_states::{Execution, ExecutionStatus, Services, StatusChange, StepFunctions, TaskError};
use serde_json::{Value, json};

type Handler = dyn Fn(&str, Value) -> (Duration, Result<Value, TaskError>) + Send + Sync;

/// The rest of AWS, as far as a machine sees it.
struct World {
    clock: Clock,
    handler: Box<Handler>,
    list: Vec<Value>,
    denied: BTreeSet<&'static str>,
    invoked: Arc<Mutex<Vec<(Timestamp, String, Value)>>>,
    changes: Mutex<Vec<ExecutionStatus>>,
}

impl Services for World {
    fn invoke(
        &self,
        _role: &str,
        function: &str,
        payload: Value,
    ) -> BoxFuture<'static, Result<Value, TaskError>> {
        self.invoked.lock().unwrap().push((self.clock.now(), function.to_owned(), payload.clone()));
        let (takes, result) = (self.handler)(function, payload);
        let clock = self.clock.clone();
        async move {
            clock.sleep(takes).await;
            result
        }
        .boxed()
    }

    fn read_list(
        &self,
        _role: &str,
        bucket: &str,
        key: &str,
    ) -> BoxFuture<'static, Result<Vec<Value>, TaskError>> {
        let result = match (bucket, key) {
            ("b", "k") => Ok(self.list.clone()),
            _ => Err(TaskError::new("S3.NoSuchKey", key)),
        };
        async move { result }.boxed()
    }

    fn authorize(&self, _role: &str, action: &str, _resource: &str) -> Result<(), TaskError> {
        match self.denied.contains(action) {
            true => Err(TaskError::new("States.Permissions", action)),
            false => Ok(()),
        }
    }

    fn status_changed(&self, change: StatusChange) {
        self.changes.lock().unwrap().push(change.status);
    }
}

struct Bench {
    service: StepFunctions,
    world: Arc<World>,
}

impl Bench {
    fn new(
        handler: impl Fn(&str, Value) -> (Duration, Result<Value, TaskError>) + Send + Sync + 'static,
    ) -> Self {
        Self::with(handler, Vec::new(), &[])
    }

    fn with(
        handler: impl Fn(&str, Value) -> (Duration, Result<Value, TaskError>) + Send + Sync + 'static,
        list: Vec<Value>,
        denied: &[&'static str],
    ) -> Self {
        let clock = Clock::virtual_time("2026-11-21T06:30:00Z".parse().unwrap());
        let latency = Latency { transition: Duration::ZERO, nested_completion: Duration::from_secs(1) };
        let service = StepFunctions::new(clock.clone(), "aws", "eu-central-1", "012345678901", 7, latency);
        let world = Arc::new(World {
            clock,
            handler: Box::new(handler),
            list,
            denied: denied.iter().copied().collect(),
            invoked: Arc::default(),
            changes: Mutex::default(),
        });
        let services: Arc<dyn Services> = world.clone();
        service.connect(Arc::downgrade(&services));
        Self { service, world }
    }

    fn deploy(&self, name: &str, definition: &Value) -> String {
        let role = "arn:aws:iam::012345678901:role/machine";
        self.service.create_machine(name, role, &definition.to_string()).unwrap().arn.clone()
    }

    async fn run(&self, definition: &Value, input: Value) -> Arc<Execution> {
        let machine = self.deploy("machine", definition);
        let execution = self.service.start(&machine, Some("execution"), input).unwrap();
        execution.finished().await;
        execution
    }
}

fn events(execution: &Execution) -> Vec<&'static str> {
    execution.history().events().iter().map(|event| event.name).collect()
}

fn task(more: Value) -> Value {
    let mut state = json!({
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": "f", "Payload.$": "$"},
        "End": true,
    });
    state.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    if state.get("Next").is_some() {
        state.as_object_mut().unwrap().remove("End");
    }
    state
}

fn fails(name: &'static str) -> impl Fn(&str, Value) -> (Duration, Result<Value, TaskError>) {
    move |_, _| (Duration::ZERO, Err(TaskError::new(name, "why")))
}

fn echoes(_: &str, payload: Value) -> (Duration, Result<Value, TaskError>) {
    (Duration::from_secs(1), Ok(payload))
}

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
