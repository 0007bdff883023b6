//! What the tests of this module begin with.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use local_clock::Clock;
use local_states::service::Latency as StatesLatency;
use serde_json::{Value, json};

use super::{Aws, Options, lock};
use crate::iam::{Credentials, PolicyDocument, Role};
use crate::lambda::{FunctionConfig, FunctionError, Latency, Request, Runner, Sandbox};
use crate::organization::{Shape, generate};
use crate::settings::Settings;

/// A state machine's.
pub(super) const ROLE: &str = "arn:aws:iam::012345678901:role/machine";

/// Answers every invocation, and keeps count of processes and of what they did.
#[derive(Clone, Default)]
pub(super) struct Counted(pub(super) Arc<Mutex<(usize, usize)>>);

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
pub(super) fn aws(fault: Option<&str>, may: Value) -> (Aws, Counted) {
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
