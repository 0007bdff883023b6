use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use jiff::Timestamp;
use local_clock::Clock;
use local_states::ExecutionStatus;
use local_states::service::Latency as StatesLatency;
use serde_json::json;

use super::*;
use crate::aws::{Aws, Options};
use crate::iam::{Credentials, PolicyDocument, Role};
use crate::lambda::{FunctionConfig, Latency, Request, Runner, Sandbox};
use crate::organization::{Shape, generate};
use crate::s3::Bucket;
use crate::settings::Settings;

const ROLE: &str = "arn:aws:iam::012345678901:role/machine";
const KEY: &str = "arn:aws:kms:eu-central-1:012345678901:key/k";

/// Answers every invocation, and keeps count of processes and of what they did.
#[derive(Clone, Default)]
struct Counted(Arc<Mutex<(usize, usize)>>);

impl Runner for Counted {
    fn start<'a>(
        &'a self,
        _: &'a FunctionConfig,
        _: Credentials,
    ) -> BoxFuture<'a, Result<Box<dyn Sandbox>, FunctionError>> {
        lock(&self.0).0 += 1;
        let sandbox: Box<dyn Sandbox> = Box::new(self.clone());
        async { Ok(sandbox) }.boxed()
    }
}

impl Sandbox for Counted {
    fn invoke(&self, _: Request) -> BoxFuture<'_, Result<Value, FunctionError>> {
        lock(&self.0).1 += 1;
        async { Ok(json!("done")) }.boxed()
    }
}

fn policy(statements: Value) -> Arc<PolicyDocument> {
    PolicyDocument::parse(&json!({"Statement": statements})).unwrap().into()
}

/// An AWS with one function, and a role that may do so much.
fn aws(fault: Option<&str>, may: Value) -> (Aws, Counted) {
    let counted = Counted::default();
    let aws = Aws::new(Options {
        clock: Clock::virtual_time(Timestamp::UNIX_EPOCH),
        partition: "aws".into(),
        region: "eu-central-1".into(),
        account: "012345678901".into(),
        organization: generate(&Shape { accounts: 1, ..Shape::default() }, Timestamp::UNIX_EPOCH),
        settings: Settings::default(),
        faults: fault.map(|fault| fault.parse().unwrap()).into_iter().collect(),
        folder: None,
        runner: Arc::new(counted.clone()),
        states_latency: StatesLatency::default(),
        lambda_latency: Latency::default(),
    });
    aws.put_role(ROLE, Role { policy: policy(may), ..Role::default() });
    aws.lambda().deploy(FunctionConfig {
        name: "f".into(),
        arn: "arn:aws:lambda:eu-central-1:012345678901:function:f".into(),
        account: "012345678901".into(),
        role: "arn:aws:iam::012345678901:role/f".into(),
        policy: Arc::default(),
        environment: BTreeMap::new(),
        timeout: Duration::from_secs(3),
        memory_mib: 128,
        binary: "f".into(),
    });
    (aws, counted)
}

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
