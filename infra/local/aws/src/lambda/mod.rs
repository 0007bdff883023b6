//! Lambda: functions, their sandboxes, and what becomes of an invocation.
//!
//! An invocation belongs to nobody once it has begun: it runs on when its caller gives up, as on AWS.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use local_clock::Clock;
use serde_json::{Value, json};
use tokio::sync::{Notify, oneshot};

use crate::iam::{Credentials, Gate, PolicyDocument, Principal};

/// A function as it is deployed.
#[derive(Debug, Clone)]
pub struct FunctionConfig {
    pub name: String,
    pub arn: String,
    pub account: String,
    pub role: String,
    pub policy: Arc<PolicyDocument>,
    pub environment: BTreeMap<String, String>,
    pub timeout: Duration,
    pub memory_mib: u64,
    /// The binary's name.
    pub binary: String,
}

/// An error that a function answered, or that Lambda gives in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionError {
    pub error_type: String,
    pub error_message: String,
}

impl FunctionError {
    pub fn new(error_type: impl Into<String>, error_message: impl Into<String>) -> Self {
        Self { error_type: error_type.into(), error_message: error_message.into() }
    }

    pub fn to_value(&self) -> Value {
        json!({"errorType": self.error_type, "errorMessage": self.error_message})
    }
}

/// One invocation.
#[derive(Debug, Clone)]
pub struct Request {
    pub id: String,
    pub payload: Value,
    pub timeout: Duration,
}

/// A running instance of a function. Dropping it ends its process.
pub trait Sandbox: Send + Sync {
    fn invoke(&self, request: Request) -> BoxFuture<'_, Result<Value, FunctionError>>;
}

/// What runs functions: in this process, or as processes of their own.
pub trait Runner: Send + Sync {
    fn start<'a>(
        &'a self,
        function: &'a FunctionConfig,
        credentials: Credentials,
    ) -> BoxFuture<'a, Result<Box<dyn Sandbox>, FunctionError>>;
}

/// Why an invocation was not begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InvokeError {
    NotFound,
    Function(FunctionError),
}

/// How long it takes until a function's code runs.
#[derive(Debug, Clone, Copy)]
pub struct Latency {
    pub cold: Duration,
    pub warm: Duration,
}

impl Default for Latency {
    fn default() -> Self {
        Self { cold: Duration::from_millis(150), warm: Duration::from_millis(30) }
    }
}

struct Idle {
    id: u64,
    sandbox: Box<dyn Sandbox>,
}

/// How often an invocation is made. Lambda and those who call it promise at least once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Delivery {
    #[default]
    Once,
    /// Again when the first has ended; the second answer counts.
    Twice,
    /// Again while the first still works, as when an answer is given up and the call repeated; the
    /// second answer counts.
    TwiceAtOnce,
}

#[derive(Default)]
struct State {
    functions: BTreeMap<String, Arc<FunctionConfig>>,
    idle: BTreeMap<String, Vec<Idle>>,
    /// How to end the sandboxes that work at the moment.
    crashes: BTreeMap<u64, Arc<Notify>>,
    next: u64,
    delivery: Delivery,
    invocations: BTreeMap<String, u64>,
}

/// The Lambda of one account and Region.
#[derive(Clone)]
pub struct Lambda(Arc<Inner>);

struct Inner {
    clock: Clock,
    gate: Arc<Gate>,
    runner: Arc<dyn Runner>,
    latency: Latency,
    state: Mutex<State>,
}

impl fmt::Debug for Lambda {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lambda").field("functions", &self.lock().functions.keys()).finish_non_exhaustive()
    }
}

impl Lambda {
    pub fn new(clock: Clock, gate: Arc<Gate>, runner: Arc<dyn Runner>, latency: Latency) -> Self {
        Self(Arc::new(Inner { clock, gate, runner, latency, state: Mutex::default() }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Deploys a function; what runs of an earlier deployment is not invoked any more.
    pub fn deploy(&self, function: FunctionConfig) {
        let mut state = self.lock();
        let ended = state.idle.remove(&function.name);
        state.functions.insert(function.name.clone(), Arc::new(function));
        drop(state);
        drop(ended);
    }

    /// How often every invocation is made from now on.
    pub fn deliver(&self, delivery: Delivery) {
        self.lock().delivery = delivery;
    }

    /// How often each function was invoked.
    pub fn invocations(&self) -> BTreeMap<String, u64> {
        self.lock().invocations.clone()
    }

    /// The function of a name, an ARN, or `account:function:name`, each with or without a qualifier.
    pub fn function(&self, name: &str) -> Option<Arc<FunctionConfig>> {
        let state = self.lock();
        let named = |it: &&Arc<FunctionConfig>| {
            let partial = format!("{}:function:{}", it.account, it.name);
            [&it.name, &it.arn, &partial].into_iter().any(|own| {
                name.strip_prefix(own.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
            })
        };
        state.functions.get(name).or_else(|| state.functions.values().find(named)).cloned()
    }

    pub fn functions(&self) -> Vec<Arc<FunctionConfig>> {
        self.lock().functions.values().cloned().collect()
    }

    /// The account's quotas, with AWS's defaults, and what is used of them.
    pub(crate) fn account_settings(&self) -> Value {
        json!({
            "AccountLimit": {
                "TotalCodeSize": 80_530_636_800_u64,
                "CodeSizeUnzipped": 262_144_000,
                "CodeSizeZipped": 52_428_800,
                "ConcurrentExecutions": 1_000,
                "UnreservedConcurrentExecutions": 1_000,
            },
            "AccountUsage": {"TotalCodeSize": 0, "FunctionCount": self.lock().functions.len()},
        })
    }

    /// Ends the process of a sandbox that works at the moment.
    pub(crate) fn crash(&self, sandbox: u64) {
        if let Some(crash) = self.lock().crashes.get(&sandbox) {
            crash.notify_one();
        }
    }

    /// Ends the process that would take the function's next invocation.
    pub(crate) fn end_idle(&self, function: &str) {
        // Dropped when the lock is free again: ending a process may take its time.
        let ended = self.lock().idle.get_mut(function).and_then(Vec::pop);
        drop(ended);
    }

    /// Invokes a function and waits for its answer. The invocation goes on when the wait is given up.
    pub async fn invoke(&self, name: &str, payload: Value) -> Result<Value, InvokeError> {
        let function = self.function(name).ok_or(InvokeError::NotFound)?;
        let delivery = {
            let mut state = self.lock();
            *state.invocations.entry(function.name.clone()).or_default() += 1;
            state.delivery
        };
        let (answered, answer) = oneshot::channel();
        let lambda = self.clone();
        tokio::spawn(async move {
            let first = lambda.run(&function, payload.clone());
            let result = match delivery {
                Delivery::Once => first.await,
                Delivery::Twice => {
                    let _ = first.await;
                    lambda.run(&function, payload).await
                }
                Delivery::TwiceAtOnce => tokio::join!(first, lambda.run(&function, payload)).1,
            };
            let _ = answered.send(result);
        });
        match answer.await {
            Ok(result) => result.map_err(InvokeError::Function),
            Err(_) => Err(InvokeError::Function(FunctionError::new(
                "Lambda.ServiceException",
                "the invocation was lost",
            ))),
        }
    }

    /// Invokes a function as an event: an error is retried after one and after two minutes.
    pub async fn invoke_event(&self, name: &str, payload: Value) {
        for pause in [Some(60), Some(120), None] {
            match (self.invoke(name, payload.clone()).await, pause) {
                (Ok(_), _) | (Err(InvokeError::NotFound), _) | (Err(_), None) => return,
                (Err(InvokeError::Function(_)), Some(seconds)) => {
                    self.0.clock.sleep(Duration::from_secs(seconds)).await;
                }
            }
        }
    }

    async fn run(&self, function: &Arc<FunctionConfig>, payload: Value) -> Result<Value, FunctionError> {
        let idle = self.lock().idle.get_mut(&function.name).and_then(Vec::pop);
        let request_id = self.request_id();
        let crash = Arc::new(Notify::new());
        let idle = match idle {
            Some(idle) => {
                self.0.clock.sleep(self.0.latency.warm).await;
                idle
            }
            None => {
                self.0.clock.sleep(self.0.latency.cold).await;
                self.cold_start(function).await?
            }
        };
        self.lock().crashes.insert(idle.id, Arc::clone(&crash));
        let busy = self.0.clock.busy();
        let request = Request { id: request_id.clone(), payload, timeout: function.timeout };
        let (result, survives) = tokio::select! {
            biased;
            () = crash.notified() => (
                Err(FunctionError::new("Runtime.ExitError", format!("RequestId: {request_id} Error: Runtime exited with error: signal: killed"))),
                false,
            ),
            result = idle.sandbox.invoke(request) => {
                let survives = !matches!(&result, Err(error) if error.error_type == "Runtime.ExitError");
                (result, survives)
            }
            () = self.timeout(function.timeout) => (
                Err(FunctionError::new("Sandbox.Timedout", format!("RequestId: {request_id} Error: Task timed out after {:.2} seconds", function.timeout.as_secs_f64()))),
                false,
            ),
        };
        drop(busy);
        let mut state = self.lock();
        state.crashes.remove(&idle.id);
        if survives {
            state.idle.entry(function.name.clone()).or_default().push(idle);
        }
        result
    }

    /// A function's own time is its process's: a stepped clock does not pass while it works.
    async fn timeout(&self, timeout: Duration) {
        self.0.clock.sleep(timeout).await;
    }

    async fn cold_start(&self, function: &FunctionConfig) -> Result<Idle, FunctionError> {
        let id = {
            let mut state = self.lock();
            state.next += 1;
            state.next
        };
        let role_name = function.role.rsplit('/').next().unwrap_or_default();
        let credentials = self.0.gate.identities.issue(Principal {
            account: function.account.clone(),
            arn: format!("arn:aws:sts::{}:assumed-role/{role_name}/{}", function.account, function.name),
            policy: Some(Arc::clone(&function.policy)),
            role: Some(function.role.clone()),
            sandbox: Some(id),
            function: Some(function.name.clone()),
        });
        let sandbox = self.0.runner.start(function, credentials).await?;
        Ok(Idle { id, sandbox })
    }

    fn request_id(&self) -> String {
        let mut state = self.lock();
        state.next += 1;
        format!("00000000-0000-4000-8000-{:012}", state.next)
    }
}

/// Runs nothing.
#[cfg(test)]
#[derive(Debug)]
pub(crate) struct Nothing;

#[cfg(test)]
impl Runner for Nothing {
    fn start<'a>(
        &'a self,
        _: &'a FunctionConfig,
        _: Credentials,
    ) -> BoxFuture<'a, Result<Box<dyn Sandbox>, FunctionError>> {
        Box::pin(async { Err(FunctionError::new("Runtime.Unknown", "nothing runs here")) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_found_by_each_of_its_names_and_by_no_part_of_one() {
        let clock = Clock::virtual_time(jiff::Timestamp::UNIX_EPOCH);
        let lambda = Lambda::new(clock, Arc::default(), Arc::new(Nothing), Latency::default());
        let arn = "arn:aws:lambda:eu-central-1:012345678901:function:start";
        lambda.deploy(FunctionConfig {
            name: "start".into(),
            arn: arn.into(),
            account: "012345678901".into(),
            role: "arn:aws:iam::012345678901:role/start".into(),
            policy: Arc::default(),
            environment: BTreeMap::new(),
            timeout: Duration::from_secs(3),
            memory_mib: 128,
            binary: "start".into(),
        });
        for name in ["start", arn, "012345678901:function:start"] {
            assert!(lambda.function(name).is_some(), "{name}");
            assert!(lambda.function(&format!("{name}:$LATEST")).is_some(), "{name}:$LATEST");
            assert!(lambda.function(&format!("{name}er")).is_none(), "{name}er");
        }
        assert!(lambda.function("012345678901:function").is_none());
    }
}
