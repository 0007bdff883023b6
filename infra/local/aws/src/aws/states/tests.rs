use std::time::Duration;

use local_states::ExecutionStatus;
use serde_json::json;

use super::*;
use crate::aws::testing::{ROLE, aws};
use crate::s3::Bucket;

const KEY: &str = "arn:aws:kms:eu-central-1:012345678901:key/k";

fn allowed(action: &str, resource: &str) -> Value {
    json!({"Effect": "Allow", "Action": action, "Resource": resource})
}

/// What two invocations answer, and how many processes did how much of them.
async fn two_invocations(fault: &str) -> (Vec<Result<Value, String>>, (usize, usize)) {
    let (aws, counted) = aws(Some(fault), allowed("lambda:InvokeFunction", "*"));
    let mut answers = Vec::new();
    for _ in 0..2 {
        let answer = aws.0.invoke(ROLE, "f", json!({})).await;
        answers.push(answer.map_err(|error| error.error));
    }
    let counts = *lock(&counted.0);
    (answers, counts)
}

#[tokio::test(start_paused = true)]
async fn a_function_that_crashes_before_it_runs_has_no_effect_and_one_that_crashes_after_has_one() {
    let exited = || Err("Runtime.ExitError".to_owned());
    let done = || Ok(json!("done"));
    let first = [exited(), done()].to_vec();
    assert_eq!(two_invocations("crash-before@lambda:Invoke").await, (first.clone(), (1, 1)));
    assert_eq!(two_invocations("crash-after@lambda:Invoke").await, (first, (2, 2)));
    let second = [done(), exited()].to_vec();
    assert_eq!(two_invocations("crash-before@lambda:Invoke#2").await, (second.clone(), (1, 1)));
    assert_eq!(two_invocations("crash-after@lambda:Invoke#2").await, (second, (1, 2)));
}

#[tokio::test(start_paused = true)]
async fn a_process_that_crashed_is_not_invoked_again() {
    let (aws, counted) = aws(Some("crash-before@lambda:Invoke#2"), allowed("lambda:InvokeFunction", "*"));
    for _ in 0..3 {
        let _ = aws.0.invoke(ROLE, "f", json!({})).await;
    }
    assert_eq!(*lock(&counted.0), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn an_execution_that_is_stopped_at_an_invocation_is_aborted_and_the_function_has_run() {
    for fault in ["stop-before@lambda:Invoke", "stop-after@lambda:Invoke"] {
        let (aws, counted) = aws(Some(fault), allowed("lambda:InvokeFunction", "*"));
        let source = json!({"StartAt": "Task", "States": {
            "Task": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke",
                "Parameters": {"FunctionName": "f", "Payload": {}}, "Next": "Done"},
            "Done": {"Type": "Succeed"},
        }});
        let machine = aws.states().create_machine("machine", ROLE, &source.to_string()).unwrap();
        let execution = aws.states().start(&machine.arn, None, json!({})).unwrap();
        assert_eq!(execution.finished().await, ExecutionStatus::Aborted, "{fault}");
        aws.clock().sleep(Duration::from_secs(1)).await;
        assert_eq!(lock(&counted.0).1, 1, "{fault}");
        let answered = execution.history().events().iter().any(|event| event.name == "TaskSucceeded");
        assert_eq!(answered, fault.starts_with("stop-after"));
        assert_eq!(aws.lambda().invocations()["f"], 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_in_a_bucket_with_a_kms_key_needs_the_permission_to_decrypt_it() {
    let read = allowed("s3:GetObject", "arn:aws:s3:::b/*");
    let decrypt = |key: &str| allowed("kms:Decrypt", key);
    for (may, kms_key, answer) in [
        (json!([read]), None, Ok(vec![json!(1), json!(2)])),
        (json!([read, decrypt(KEY)]), Some(KEY), Ok(vec![json!(1), json!(2)])),
        (json!([read]), Some(KEY), Err("kms:Decrypt")),
        (
            json!([read, decrypt("arn:aws:kms:eu-central-1:012345678901:key/other")]),
            Some(KEY),
            Err("kms:Decrypt"),
        ),
        (json!([decrypt(KEY)]), Some(KEY), Err("s3:GetObject")),
    ] {
        let (aws, _) = aws(None, may.clone());
        let bucket = Bucket { kms_key: kms_key.map(str::to_owned), ..Bucket::default() };
        aws.storage().create_bucket("b", bucket).unwrap();
        aws.storage().deliver("b", "list.json", |out| out.write_all(b"[1,2]")).unwrap();
        match (aws.0.read_list(ROLE, "b", "list.json").await, answer) {
            (Ok(list), Ok(expected)) => assert_eq!(list, expected),
            (Err(error), Err(missing)) => {
                assert_eq!(error.error, "S3.AccessDenied", "{may}");
                assert!(error.cause.contains(missing), "{may}: {}", error.cause);
            }
            (answer, _) => panic!("{may}: {answer:?}"),
        }
    }
}
