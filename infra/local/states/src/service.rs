//! State machines and their executions.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use local_clock::Clock;
use serde_json::{Value, json};
use tokio::sync::{Notify, watch};

use crate::definition::StateMachine;
use crate::history::History;
use crate::interpreter;
use crate::{EVENT_LIMIT, PAYLOAD_LIMIT};

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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExecutionStatus {
    Running,
    Succeeded,
    Failed,
    TimedOut,
    Aborted,
}

impl ExecutionStatus {
    pub const ALL: [Self; 5] = [Self::Running, Self::Succeeded, Self::Failed, Self::TimedOut, Self::Aborted];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::TimedOut => "TIMED_OUT",
            Self::Aborted => "ABORTED",
        }
    }
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

/// How an execution ended.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct End {
    pub(crate) at: Option<Timestamp>,
    pub(crate) output: Option<Value>,
    pub(crate) error: Option<TaskError>,
}

/// One execution, running or ended.
pub struct Execution {
    pub arn: String,
    pub name: String,
    pub machine: Arc<Deployed>,
    pub input: Value,
    pub started: Timestamp,
    status: watch::Sender<ExecutionStatus>,
    end: Mutex<End>,
    history: Mutex<History>,
    stop: Notify,
    stopped: Mutex<Option<TaskError>>,
}

impl fmt::Debug for Execution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Execution")
            .field("arn", &self.arn)
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Execution {
    pub fn status(&self) -> ExecutionStatus {
        *self.status.borrow()
    }

    pub fn output(&self) -> Option<Value> {
        lock(&self.end).output.clone()
    }

    pub fn error(&self) -> Option<TaskError> {
        lock(&self.end).error.clone()
    }

    pub fn ended(&self) -> Option<Timestamp> {
        lock(&self.end).at
    }

    /// The events so far.
    pub fn history(&self) -> History {
        lock(&self.history).clone()
    }

    pub(crate) fn with_history<T>(&self, read: impl FnOnce(&mut History) -> T) -> T {
        read(&mut lock(&self.history))
    }

    /// Waits until it has ended.
    pub async fn finished(&self) -> ExecutionStatus {
        let mut status = self.status.subscribe();
        match status.wait_for(|status| *status != ExecutionStatus::Running).await {
            Ok(status) => *status,
            Err(_) => self.status(),
        }
    }
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
            random: Mutex::new(fastrand::Rng::with_seed(seed)),
        }))
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
        let execution = Arc::new(Execution {
            arn: arn.clone(),
            name,
            machine,
            input,
            started: self.0.clock.now(),
            status: watch::Sender::new(ExecutionStatus::Running),
            end: Mutex::default(),
            history: Mutex::default(),
            stop: Notify::new(),
            stopped: Mutex::default(),
        });
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
        if execution.status() == ExecutionStatus::Running {
            *lock(&execution.stopped) =
                Some(TaskError::new(error.unwrap_or_default(), cause.unwrap_or_default()));
            execution.stop.notify_one();
        }
        Ok(self.0.clock.now())
    }

    /// Runs an execution of a machine to its end.
    async fn run(&self, execution: &Arc<Execution>) {
        let machine = Arc::clone(&execution.machine);
        self.run_flow(execution, &machine.definition).await;
        self.changed(execution, execution.status());
    }

    /// Runs `definition` as the execution, to its end, whatever that is.
    pub(crate) async fn run_flow(&self, execution: &Arc<Execution>, definition: &StateMachine) {
        let timeout = async {
            match definition.timeout {
                Some(timeout) => self.0.clock.sleep(timeout).await,
                None => std::future::pending().await,
            }
        };
        let (name, status, end) = tokio::select! {
            biased;
            () = execution.stop.notified() => {
                let error = lock(&execution.stopped).take();
                ("ExecutionAborted", ExecutionStatus::Aborted, End { error, ..End::default() })
            }
            result = interpreter::run(self, execution, definition) => match result {
                Ok(output) => ("ExecutionSucceeded", ExecutionStatus::Succeeded, End { output: Some(output), ..End::default() }),
                Err(error) => ("ExecutionFailed", ExecutionStatus::Failed, End { error: Some(error), ..End::default() }),
            },
            () = timeout => {
                let error = Some(TaskError::new("States.Timeout", ""));
                ("ExecutionTimedOut", ExecutionStatus::TimedOut, End { error, ..End::default() })
            }
        };
        let details = match &end {
            End { output: Some(output), .. } => interpreter::with_data("output", output),
            End { error: Some(error), .. } => error.details(),
            _ => json!({}),
        };
        let now = self.0.clock.now();
        execution.with_history(|history| {
            let last = history.last_id().min(EVENT_LIMIT as u64);
            let _ = history.push(now, last, name, details);
        });
        *lock(&execution.end) = End { at: Some(now), ..end };
        execution.status.send_replace(status);
    }

    fn changed(&self, execution: &Arc<Execution>, status: ExecutionStatus) {
        if let Ok(services) = self.services() {
            services.status_changed(StatusChange { execution: Arc::clone(execution), status });
        }
    }
}

/// Names of machines and executions: 1 to 80 characters, none of those that AWS forbids.
fn check_name(name: &str) -> Result<(), Refused> {
    let forbidden =
        |it: char| it.is_whitespace() || it.is_control() || "<>{}[]?*\"#%\\^|~`$&,;:/".contains(it);
    if (1..=80).contains(&name.chars().count()) && !name.chars().any(forbidden) {
        Ok(())
    } else {
        Err(Refused::new("InvalidName", format!("Invalid Name: '{name}'")))
    }
}
