//! A Step Functions with a made-up rest of AWS, on virtual time.

use std::collections::{BTreeMap, BTreeSet};
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
pub(crate) struct World {
    clock: Clock,
    handler: Box<Handler>,
    /// By bucket and key.
    lists: Mutex<BTreeMap<(String, String), Vec<Value>>>,
    denied: BTreeSet<&'static str>,
    /// Actions and resources that the machine's role was asked for.
    pub(crate) asked: Mutex<Vec<(String, String)>>,
    pub(crate) invoked: Arc<Mutex<Vec<(Timestamp, String, Value)>>>,
    pub(crate) changes: Mutex<Vec<ExecutionStatus>>,
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
        let found = self.lists.lock().unwrap().get(&(bucket.to_owned(), key.to_owned())).cloned();
        let result = found.ok_or_else(|| TaskError::new("S3.NoSuchKey", key));
        async move { result }.boxed()
    }

    fn authorize(&self, _role: &str, action: &str, resource: &str) -> Result<(), TaskError> {
        self.asked.lock().unwrap().push((action.to_owned(), resource.to_owned()));
        match self.denied.contains(action) {
            true => Err(TaskError::new("States.Permissions", action)),
            false => Ok(()),
        }
    }

    fn status_changed(&self, change: StatusChange) {
        self.changes.lock().unwrap().push(change.status);
    }
}

pub(crate) struct Bench {
    pub(crate) service: StepFunctions,
    pub(crate) world: Arc<World>,
}

impl Bench {
    pub(crate) fn new(
        handler: impl Fn(&str, Value) -> (Duration, Result<Value, TaskError>) + Send + Sync + 'static,
    ) -> Self {
        Self::with(handler, Vec::new(), &[])
    }

    pub(crate) fn with(
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
            lists: Mutex::new(BTreeMap::from([(("b".to_owned(), "k".to_owned()), list)])),
            asked: Mutex::default(),
            denied: denied.iter().copied().collect(),
            invoked: Arc::default(),
            changes: Mutex::default(),
        });
        let services: Arc<dyn Services> = world.clone();
        service.connect(Arc::downgrade(&services));
        Self { service, world }
    }

    /// Puts a list at a key of the bucket `b`; the one that the bench was made with is at `k`.
    pub(crate) fn put_list(&self, key: &str, list: Vec<Value>) {
        self.world.lists.lock().unwrap().insert(("b".to_owned(), key.to_owned()), list);
    }

    /// The executions of a distributed Map's items.
    pub(crate) fn children(&self) -> Vec<Arc<Execution>> {
        self.service.executions().into_iter().filter(|it| it.arn.contains('/')).collect()
    }

    pub(crate) fn deploy(&self, name: &str, definition: &Value) -> String {
        let role = "arn:aws:iam::012345678901:role/machine";
        self.service.create_machine(name, role, &definition.to_string()).unwrap().arn.clone()
    }

    pub(crate) async fn run(&self, definition: &Value, input: Value) -> Arc<Execution> {
        let machine = self.deploy("machine", definition);
        let execution = self.service.start(&machine, Some("execution"), input).unwrap();
        execution.finished().await;
        execution
    }
}

pub(crate) fn events(execution: &Execution) -> Vec<&'static str> {
    execution.history().events().iter().map(|event| event.name).collect()
}

pub(crate) fn task(more: Value) -> Value {
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

pub(crate) fn fails(name: &'static str) -> impl Fn(&str, Value) -> (Duration, Result<Value, TaskError>) {
    move |_, _| (Duration::ZERO, Err(TaskError::new(name, "why")))
}

pub(crate) fn echoes(_: &str, payload: Value) -> (Duration, Result<Value, TaskError>) {
    (Duration::from_secs(1), Ok(payload))
}

/// How an execution ends; one that never does fails the test instead of holding it up.
pub(crate) async fn ends(execution: &Execution) -> ExecutionStatus {
    let day = Duration::from_secs(86_400);
    tokio::time::timeout(day, execution.finished()).await.expect("the execution never ends")
}

/// How long an execution took, in seconds.
pub(crate) fn took(execution: &Execution) -> i64 {
    execution.ended().unwrap().duration_since(execution.started).as_secs()
}
