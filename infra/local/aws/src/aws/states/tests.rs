use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use jiff::Timestamp;
use local_clock::Clock;
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
