//! State machines and their executions.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use local_clock::Clock;
use serde_json::{Value, json};

use crate::PAYLOAD_LIMIT;
use crate::definition::StateMachine;
use crate::execution::{Ending, Running, lock};
pub use crate::execution::{Execution, ExecutionStatus};
use crate::history::History;
use crate::interpreter;
use crate::name::is_name;

/// What a task, or a state, ended with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskError {
    pub error: String,
    pub cause: String,
}

impl TaskError {
    pub fn new(error: impl Into<String>, cause: impl Into<String>) -> Self {
        Self { error: error.into(), cause: cause.into() }
    }

    /// As the API shows it: what was not said is left out.
    pub(crate) fn details(&self) -> Value {
        let said = [("error", &self.error), ("cause", &self.cause)].into_iter();
        said.filter(|(_, text)| !text.is_empty()).map(|(name, text)| (name.to_owned(), json!(text))).collect()
    }

    /// As a Catch hands it on.
    pub(crate) fn to_value(&self) -> Value {
        json!({"Error": self.error, "Cause": self.cause})
    }
}

/// What executions need of the rest of AWS. Every call is made with the machine's role.
pub trait Services: Send + Sync {
    /// Invokes a function; the answer is its result.
    fn invoke(
        &self,
        role: &str,
        function: &str,
        payload: Value,
    ) -> BoxFuture<'static, Result<Value, TaskError>>;

    /// Reads a JSON list from S3.
    fn read_list(
        &self,
        role: &str,
        bucket: &str,
        key: &str,
    ) -> BoxFuture<'static, Result<Vec<Value>, TaskError>>;

    /// Whether the role allows the action.
    fn authorize(&self, role: &str, action: &str, resource: &str) -> Result<(), TaskError>;

    /// An execution has begun or ended.
    fn status_changed(&self, change: StatusChange);
}

/// What goes to EventBridge when an execution begins or ends.
#[derive(Debug, Clone)]
pub struct StatusChange {
    pub execution: Arc<Execution>,
    pub status: ExecutionStatus,
}

/// A state machine under its ARN.
#[derive(Debug)]
pub struct Deployed {
    pub arn: String,
    pub name: String,
    pub role: String,
    pub definition: StateMachine,
    /// As it was given.
    pub source: String,
    pub created: Timestamp,
}

/// Why an operation is refused, with AWS's error name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Refused {
    pub code: &'static str,
    pub message: String,
}

impl Refused {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// How long things take.
#[derive(Debug, Clone, Copy)]
pub struct Latency {
    pub transition: Duration,
    /// Until a parent sees that a nested execution has ended.
    pub nested_completion: Duration,
}

impl Default for Latency {
    fn default() -> Self {
        Self { transition: Duration::from_millis(60), nested_completion: Duration::from_secs(1) }
    }
}

/// The Step Functions of one account and Region.
#[derive(Clone)]
pub struct StepFunctions(Arc<Inner>);

struct Inner {
    clock: Clock,
    /// `arn:aws:states:eu-central-1:012345678901`
    arn: String,
    latency: Latency,
    services: OnceLock<Weak<dyn Services>>,
    machines: Mutex<BTreeMap<String, Arc<Deployed>>>,
    executions: Mutex<BTreeMap<String, Arc<Execution>>>,
    /// The ARNs in the order of their start.
    order: Mutex<Vec<String>>,
    without_details: AtomicBool,
    random: Mutex<fastrand::Rng>,
}

impl fmt::Debug for StepFunctions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StepFunctions").field("arn", &self.0.arn).finish_non_exhaustive()
    }
}

impl StepFunctions {
    pub fn new(
        clock: Clock,
        partition: &str,
        region: &str,
        account: &str,
        seed: u64,
        latency: Latency,
    ) -> Self {
        Self(Arc::new(Inner {
            clock,
            arn: format!("arn:{partition}:states:{region}:{account}"),
            latency,
            services: OnceLock::new(),
            machines: Mutex::default(),
            executions: Mutex::default(),
            order: Mutex::default(),
            without_details: AtomicBool::new(false),
            random: Mutex::new(fastrand::Rng::with_seed(seed)),
        }))
    }

    /// Keeps no details in the histories of executions that begin from now on: thousands of them do
    /// not fit into memory.
    pub fn without_details(&self) {
        self.0.without_details.store(true, Ordering::Relaxed);
    }

    /// Connects the rest of AWS; the first call counts.
    pub fn connect(&self, services: Weak<dyn Services>) {
        let _ = self.0.services.set(services);
    }

    pub(crate) fn services(&self) -> Result<Arc<dyn Services>, TaskError> {
        self.0
            .services
            .get()
            .and_then(Weak::upgrade)
            .ok_or_else(|| TaskError::new("States.Runtime", "No services are connected"))
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.0.clock
    }

    pub(crate) fn latency(&self) -> Latency {
        self.0.latency
    }

    /// A number in `[0, 1)`, the same sequence for the same seed.
    pub(crate) fn random(&self) -> f64 {
        lock(&self.0.random).f64()
    }

    pub(crate) fn random_id(&self) -> String {
        let mut random = lock(&self.0.random);
        let mut hex = |digits: usize| -> String { (0..digits).map(|_| random.digit(16)).collect() };
        format!("{}-{}-{}-{}-{}", hex(8), hex(4), hex(4), hex(4), hex(12))
    }

    pub fn create_machine(&self, name: &str, role: &str, source: &str) -> Result<Arc<Deployed>, Refused> {
        check_name(name)?;
        if source.len() > 1_048_576 {
            return Err(Refused::new("InvalidDefinition", "The definition exceeds 1 MB"));
        }
        let definition = serde_json::from_str(source)
            .map_err(|error| {
                Refused::new("InvalidDefinition", format!("Invalid State Machine Definition: {error}"))
            })
            .and_then(|value: Value| {
                StateMachine::parse(&value).map_err(|error| {
                    Refused::new("InvalidDefinition", format!("Invalid State Machine Definition: {error}"))
                })
            })?;
        let arn = format!("{}:stateMachine:{name}", self.0.arn);
        let mut machines = lock(&self.0.machines);
        if let Some(there) = machines.get(&arn) {
            return if there.source == source && there.role == role {
                Ok(Arc::clone(there))
            } else {
                Err(Refused::new(
                    "StateMachineAlreadyExists",
                    format!("State Machine Already Exists: '{arn}'"),
                ))
            };
        }
        let deployed = Arc::new(Deployed {
            arn: arn.clone(),
            name: name.to_owned(),
            role: role.to_owned(),
            definition,
            source: source.to_owned(),
            created: self.0.clock.now(),
        });
        machines.insert(arn, Arc::clone(&deployed));
        Ok(deployed)
    }

    pub fn machine(&self, arn: &str) -> Result<Arc<Deployed>, Refused> {
        lock(&self.0.machines).get(arn).cloned().ok_or_else(|| {
            Refused::new("StateMachineDoesNotExist", format!("State Machine Does Not Exist: '{arn}'"))
        })
    }

    pub fn machines(&self) -> Vec<Arc<Deployed>> {
        lock(&self.0.machines).values().cloned().collect()
    }

    pub fn execution(&self, arn: &str) -> Result<Arc<Execution>, Refused> {
        lock(&self.0.executions).get(arn).cloned().ok_or_else(|| {
            Refused::new("ExecutionDoesNotExist", format!("Execution Does Not Exist: '{arn}'"))
        })
    }

    /// The executions in the order of their start.
    pub fn executions(&self) -> Vec<Arc<Execution>> {
        let executions = lock(&self.0.executions);
        lock(&self.0.order).iter().filter_map(|arn| executions.get(arn).cloned()).collect()
    }

    /// Starts an execution. The same name and input while it runs is the same execution.
    pub fn start(&self, machine: &str, name: Option<&str>, input: Value) -> Result<Arc<Execution>, Refused> {
        let machine = self.machine(machine)?;
        let name = match name {
            Some(name) => {
                check_name(name)?;
                name.to_owned()
            }
            None => self.random_id(),
        };
        if input.to_string().len() > PAYLOAD_LIMIT {
            return Err(Refused::new("InvalidExecutionInput", "The input exceeds 262144 bytes"));
        }
        let arn = format!("{}:execution:{}:{name}", self.0.arn, machine.name);
        if let Some(there) = lock(&self.0.executions).get(&arn) {
            return if there.status() == ExecutionStatus::Running && there.input == input {
                Ok(Arc::clone(there))
            } else {
                Err(Refused::new("ExecutionAlreadyExists", format!("Execution Already Exists: '{arn}'")))
            };
        }
        let execution = self.register(arn, name, machine, input);
        self.changed(&execution, ExecutionStatus::Running);
        let (service, running) = (self.clone(), Arc::clone(&execution));
        tokio::spawn(async move { service.run(&running).await });
        Ok(execution)
    }

    pub(crate) fn register(
        &self,
        arn: String,
        name: String,
        machine: Arc<Deployed>,
        input: Value,
    ) -> Arc<Execution> {
        let history = match self.0.without_details.load(Ordering::Relaxed) {
            true => History::without_details(),
            false => History::default(),
        };
        let started = self.0.clock.now();
        let execution = Arc::new(Execution::new(arn.clone(), name, machine, input, started, history));
        lock(&self.0.executions).insert(arn.clone(), Arc::clone(&execution));
        lock(&self.0.order).push(arn);
        execution
    }

    /// Stops an execution: it ends at once, and no Catch runs. One that has ended stays as it is.
    pub fn stop(
        &self,
        arn: &str,
        error: Option<String>,
        cause: Option<String>,
    ) -> Result<Timestamp, Refused> {
        let execution = self.execution(arn)?;
        execution.stop(TaskError::new(error.unwrap_or_default(), cause.unwrap_or_default()));
        Ok(self.0.clock.now())
    }

    /// Runs an execution of a machine to its end.
    async fn run(&self, execution: &Arc<Execution>) {
        let machine = Arc::clone(&execution.machine);
        self.run_flow(execution, &machine.definition).await;
        self.changed(execution, execution.status());
    }

    /// Runs `definition` as the execution, to its end, whatever that is. Giving up before, by a stop
    /// or by dropping this, aborts the execution.
    pub(crate) async fn run_flow(&self, execution: &Arc<Execution>, definition: &StateMachine) {
        let timeout = async {
            match definition.timeout {
                Some(timeout) => self.0.clock.sleep(timeout).await,
                None => std::future::pending().await,
            }
        };
        let running = Running { clock: &self.0.clock, execution };
        let ending = tokio::select! {
            biased;
            () = execution.stopped() => return,
            result = interpreter::run(self, execution, definition) => match result {
                Ok(output) => Ending::Succeeded(output),
                Err(error) => Ending::Failed(error),
            },
            () = timeout => Ending::TimedOut,
        };
        running.end(ending);
    }

    fn changed(&self, execution: &Arc<Execution>, status: ExecutionStatus) {
        if let Ok(services) = self.services() {
            services.status_changed(StatusChange { execution: Arc::clone(execution), status });
        }
    }
}

fn check_name(name: &str) -> Result<(), Refused> {
    if is_name(name, 80) {
        Ok(())
    } else {
        Err(Refused::new("InvalidName", format!("Invalid Name: '{name}'")))
    }
}
