//! The API's answers and refusals, in AWS's words.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Duration;

use local_clock::Clock;
use local_states::service::Latency;
use local_states::{StepFunctions, api};
use serde_json::{Value, json};

const ROLE: &str = "arn:aws:iam::012345678901:role/machine";

fn service() -> StepFunctions {
    let clock = Clock::virtual_time("2026-11-21T06:30:00Z".parse().unwrap());
    let latency = Latency { transition: Duration::ZERO, nested_completion: Duration::ZERO };
    StepFunctions::new(clock, "aws", "eu-central-1", "012345678901", 7, latency)
}

fn definition() -> String {
    json!({"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 60, "End": true}}}).to_string()
}

fn code(service: &StepFunctions, operation: &str, body: Value) -> String {
    api::call(service, operation, &body).unwrap_err().code.to_string()
}

#[test]
fn what_is_no_arn_is_refused_as_such_and_not_as_missing() {
    let service = service();
    for operation in ["DescribeExecution", "StopExecution", "GetExecutionHistory"] {
        for arn in ["machine", "arn:aws:states", "arn:aws:states:eu-central-1:012345678901:"] {
            assert_eq!(code(&service, operation, json!({"executionArn": arn})), "InvalidArn", "{operation}");
        }
        assert_eq!(code(&service, operation, json!({})), "ValidationException");
    }
    for operation in ["DescribeStateMachine", "StartExecution", "ListExecutions"] {
        assert_eq!(code(&service, operation, json!({"stateMachineArn": "machine"})), "InvalidArn");
    }
    let machine = json!({"name": "m", "definition": definition(), "roleArn": "role"});
    assert_eq!(code(&service, "CreateStateMachine", machine), "InvalidArn");
}

#[test]
fn a_type_a_filter_and_a_page_size_that_aws_would_not_take_are_refused() {
    let service = service();
    let machine = json!({"name": "m", "definition": definition(), "roleArn": ROLE, "type": "EXPRESS"});
    assert_eq!(code(&service, "CreateStateMachine", machine), "StateMachineTypeNotSupported");
    let machine = service.create_machine("m", ROLE, &definition()).unwrap().arn.clone();
    let list = |name: &str, value: Value| {
        code(&service, "ListExecutions", json!({"stateMachineArn": machine, name: value}))
    };
    assert_eq!(list("statusFilter", json!("DONE")), "ValidationException");
    assert_eq!(list("maxResults", json!(1_001)), "ValidationException");
    assert_eq!(list("maxResults", json!(-1)), "ValidationException");
}

#[tokio::test(start_paused = true)]
async fn an_execution_that_is_stopped_without_a_word_shows_neither_error_nor_cause() {
    let service = service();
    let machine = service.create_machine("m", ROLE, &definition()).unwrap().arn.clone();
    for (word, said) in [(None, 0), (Some("Nobody waits.".to_owned()), 1)] {
        let execution = service.start(&machine, None, json!({})).unwrap();
        service.stop(&execution.arn, None, word).unwrap();
        execution.finished().await;
        let arn = json!({"executionArn": execution.arn});
        let described = api::call(&service, "DescribeExecution", &arn).unwrap();
        assert_eq!(described["status"], "ABORTED");
        let details = execution.history().events().last().unwrap().details.clone();
        let detail = api::status_change_detail(&execution, execution.status());
        for shown in [&described, &details, &detail] {
            let count = ["error", "cause"].iter().filter(|name| !shown[**name].is_null()).count();
            assert_eq!(count, said, "{shown}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_api_pages_histories_and_lists_the_newest_execution_first() {
    let service = service();
    let passes = json!({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}}).to_string();
    let machine = service.create_machine("machine", ROLE, &passes).unwrap().arn.clone();
    let call = |operation: &str, body: Value| local_states::api::call(&service, operation, &body);
    for name in ["one", "two"] {
        let started =
            call("StartExecution", json!({"stateMachineArn": machine, "name": name, "input": "{\"a\":1}"}))
                .unwrap();
        service.execution(started["executionArn"].as_str().unwrap()).unwrap().finished().await;
    }
    let listed = call("ListExecutions", json!({"stateMachineArn": machine, "maxResults": 1})).unwrap();
    assert_eq!(listed["executions"][0]["name"], "two");
    let listed = call(
        "ListExecutions",
        json!({"stateMachineArn": machine, "maxResults": 1, "nextToken": listed["nextToken"]}),
    )
    .unwrap();
    assert_eq!((&listed["executions"][0]["name"], listed.get("nextToken")), (&json!("one"), None));
    let arn = "arn:aws:states:eu-central-1:012345678901:execution:machine:one";
    let history = call(
        "GetExecutionHistory",
        json!({"executionArn": arn, "reverseOrder": true, "includeExecutionData": false}),
    )
    .unwrap();
    let first = &history["events"][0];
    assert_eq!((&first["type"], &first["id"]), (&json!("ExecutionSucceeded"), &json!(4)));
    assert_eq!(first["executionSucceededEventDetails"].get("output"), None);
    let described = call("DescribeExecution", json!({"executionArn": arn})).unwrap();
    assert_eq!((&described["status"], &described["output"]), (&json!("SUCCEEDED"), &json!("{\"a\":1}")));
    assert_eq!(
        call("DescribeExecution", json!({"executionArn": format!("{arn}-none")})).unwrap_err().code,
        "ExecutionDoesNotExist"
    );
    assert_eq!(
        call("StartExecution", json!({"stateMachineArn": machine, "input": "{"})).unwrap_err().code,
        "InvalidExecutionInput"
    );
}
