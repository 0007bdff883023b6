//! Whose buckets the functions read and write.

use std::collections::BTreeSet;
use std::time::Duration;

use local_aws::Settings;
use local_aws::aws::Call;
use local_stack::LocalStack;
use local_states::ExecutionStatus;
use models::OutcomeStatus;
use muster_tests::{Scenario, on_virtual_time, records, stack};
use serde_json::{Map, Value, json};

const MINUTE: Duration = Duration::from_secs(60);

/// Too large for a ticket, so that every step reads it from the bucket.
fn large_request() -> Value {
    let tags: Map<String, Value> =
        (0..49).map(|number| (format!("{number}-{}", "k".repeat(100)), json!("v".repeat(256)))).collect();
    json!({"tags": tags})
}

async fn succeeds(stack: &LocalStack, request: Value) {
    let execution = stack.start_report(request).unwrap();
    assert_eq!(execution.finished().await, ExecutionStatus::Succeeded, "{:?}", execution.error());
}

/// A run that succeeds, one that is stopped and swept, and that one resumed.
async fn runs(stack: &LocalStack) {
    succeeds(stack, large_request()).await;
    let stopped = stack.start_report(large_request()).unwrap();
    tokio::time::sleep(MINUTE).await;
    stack.aws.states().stop(&stopped.arn, None, None).unwrap();
    tokio::time::sleep(45 * MINUTE).await;
    let records = records(stack);
    let record = records.iter().find(|it| it.execution.as_deref() == Some(&*stopped.arn)).unwrap();
    assert_eq!(record.outcome().unwrap().status, OutcomeStatus::Failed);
    succeeds(stack, json!({"resume": record.run_id, "retry": ["failed"]})).await;
}

/// A bucket's name can be somebody else's by now: S3 itself is to refuse it.
#[test]
fn every_call_to_s3_names_the_account_that_must_own_the_bucket() {
    let settings = Settings { report_duration: Duration::from_secs(150), ..Settings::default() };
    let calls = on_virtual_time(async {
        let stack = stack(&Scenario { settings, ..Scenario::default() });
        runs(&stack).await;
        stack.aws.calls()
    });
    let to_s3: Vec<&Call> = calls.iter().filter(|call| call.action.starts_with("s3:")).collect();
    let without: Vec<_> = to_s3.iter().filter(|call| !call.names_owner).collect();
    assert!(without.is_empty(), "{without:#?}");

    let operations: BTreeSet<&str> = to_s3.iter().map(|call| call.action.as_str()).collect();
    let every = ["s3:CopyObject", "s3:DeleteObject", "s3:GetObject", "s3:ListObjectsV2", "s3:PutObject"];
    assert_eq!(operations, every.into(), "all that the functions call");
    let functions: BTreeSet<&str> = to_s3.iter().map(|call| call.function.as_str()).collect();
    let every = ["Cancel", "Parse", "Start", "Status"].map(|step| format!("muster-Report{step}"));
    let every = every.iter().map(String::as_str).chain(["muster-Sweep"]);
    assert_eq!(functions, every.collect(), "every function");
}
