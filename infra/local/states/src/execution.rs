//! One execution: what it was started with, how far it is, and how it ended.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use local_clock::Clock;
use serde_json::{Value, json};
use tokio::sync::{Notify, watch};

use crate::EVENT_LIMIT;
use crate::history::History;
use crate::interpreter;
use crate::service::{Deployed, TaskError};

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

/// How an execution ends.
#[derive(Debug)]
pub(crate) enum Ending {
    Succeeded(Value),
    Failed(TaskError),
    TimedOut,
    Aborted(TaskError),
}

impl Ending {
    const fn status(&self) -> ExecutionStatus {
        match self {
            Self::Succeeded(_) => ExecutionStatus::Succeeded,
            Self::Failed(_) => ExecutionStatus::Failed,
            Self::TimedOut => ExecutionStatus::TimedOut,
            Self::Aborted(_) => ExecutionStatus::Aborted,
        }
    }

    const fn event(&self) -> &'static str {
        match self {
            Self::Succeeded(_) => "ExecutionSucceeded",
            Self::Failed(_) => "ExecutionFailed",
            Self::TimedOut => "ExecutionTimedOut",
            Self::Aborted(_) => "ExecutionAborted",
        }
    }

    fn details(&self) -> Value {
        match self {
            Self::Succeeded(output) => interpreter::with_data("output", output),
            Self::Failed(error) | Self::Aborted(error) => error.details(),
            Self::TimedOut => timeout().details(),
        }
    }
}

fn timeout() -> TaskError {
    TaskError::new("States.Timeout", "")
}

/// What is known of an end.
#[derive(Debug, Default)]
struct End {
    at: Option<Timestamp>,
    output: Option<Value>,
    error: Option<TaskError>,
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
    /// What was said when it was stopped.
    said: Mutex<Option<TaskError>>,
}

impl fmt::Debug for Execution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Execution")
            .field("arn", &self.arn)
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Execution {
    pub(crate) fn new(
        arn: String,
        name: String,
        machine: Arc<Deployed>,
        input: Value,
        started: Timestamp,
        mut history: History,
    ) -> Self {
        let mut details = interpreter::with_data("input", &input);
        details["roleArn"] = json!(machine.role);
        // Before anything runs: a stop may come first, and its event is never the only one.
        let _ = history.push(started, 0, "ExecutionStarted", details);
        Self {
            arn,
            name,
            machine,
            input,
            started,
            status: watch::Sender::new(ExecutionStatus::Running),
            end: Mutex::default(),
            history: Mutex::new(history),
            stop: Notify::new(),
            said: Mutex::default(),
        }
    }

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

    /// Asks for its end; one that has ended stays as it is.
    pub(crate) fn stop(&self, said: TaskError) {
        if self.status() == ExecutionStatus::Running {
            *lock(&self.said) = Some(said);
            self.stop.notify_one();
        }
    }

    /// Waits until its end is asked for.
    pub(crate) async fn stopped(&self) {
        self.stop.notified().await;
    }

    /// Ends it: the last event, the time and the status. The first end counts.
    fn end(&self, at: Timestamp, ending: Ending) {
        let mut end = lock(&self.end);
        if end.at.is_some() {
            return;
        }
        self.with_history(|history| {
            let last = history.last_id().min(EVENT_LIMIT as u64);
            let _ = history.push(at, last, ending.event(), ending.details());
        });
        let status = ending.status();
        let (output, error) = match ending {
            Ending::Succeeded(output) => (Some(output), None),
            Ending::Failed(error) | Ending::Aborted(error) => (None, Some(error)),
            Ending::TimedOut => (None, Some(timeout())),
        };
        *end = End { at: Some(at), output, error };
        drop(end);
        self.status.send_replace(status);
    }
}

/// An execution that is being run. It is aborted when that is given up before its end: when it was
/// stopped, and when it runs within another one, as the children of a distributed Map do, and that one
/// ends first.
pub(crate) struct Running<'a> {
    pub(crate) clock: &'a Clock,
    pub(crate) execution: &'a Execution,
}

impl Running<'_> {
    pub(crate) fn end(self, ending: Ending) {
        self.execution.end(self.clock.now(), ending);
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let said = lock(&self.execution.said).take().unwrap_or_else(|| TaskError::new("", ""));
        self.execution.end(self.clock.now(), Ending::Aborted(said));
    }
}
