//! How a definition runs.

mod map;
mod nested;
mod retry;
mod task;

use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt, try_join_all};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::PAYLOAD_LIMIT;
use crate::definition::{
    Catcher, Choice, Common, Map, Parallel, ResultPath, State, StateMachine, Task, Text, Transition, Wait,
};
use crate::moment;
use crate::service::{Execution, StepFunctions, TaskError};
use crate::template::Data;
use retry::Retries;

/// Runs `definition` with the execution's input.
pub(crate) async fn run(
    service: &StepFunctions,
    execution: &Arc<Execution>,
    definition: &StateMachine,
) -> Result<Value, TaskError> {
    // The first state follows from nothing, as AWS has it, and not from the execution's start.
    let mut thread = Thread::default();
    Interpreter { service, execution }.flow(definition, execution.input.clone(), &mut thread).await
}

/// Details of an event that carries data: as text, with AWS's word on whether it was cut.
pub(crate) fn with_data(member: &str, data: &Value) -> Value {
    json!({member: data.to_string(), format!("{member}Details"): {"truncated": false}})
}

/// One line of control: a machine's own, a branch's, an item's.
#[derive(Debug, Clone, Default)]
struct Thread {
    /// The event the next one follows from.
    previous: u64,
    /// The item of a Map this line works on.
    item: Option<(usize, Value)>,
}

struct Interpreter<'a> {
    service: &'a StepFunctions,
    execution: &'a Arc<Execution>,
}

/// A state being run: what it was entered with.
struct Entered<'a> {
    name: &'a str,
    input: Value,
    at: Timestamp,
    retry_count: u32,
}

/// A state that can fail, be retried and be caught.
#[derive(Clone, Copy)]
enum Work<'a> {
    Task(&'a Task),
    Parallel(&'a Parallel),
    Map(&'a Map),
}

impl<'a> Work<'a> {
    fn common(self) -> &'a Common {
        match self {
            Self::Task(Task { common, .. })
            | Self::Parallel(Parallel { common, .. })
            | Self::Map(Map { common, .. }) => common,
        }
    }
}

fn runtime_error(cause: impl Into<String>) -> TaskError {
    TaskError::new("States.Runtime", cause)
}

impl Interpreter<'_> {
    fn record(&self, thread: &mut Thread, name: &'static str, details: Value) -> Result<(), TaskError> {
        let now = self.service.clock().now();
        let pushed = self.execution.with_history(|history| history.push(now, thread.previous, name, details));
        match pushed {
            Ok(id) => {
                thread.previous = id;
                Ok(())
            }
            // AWS documents that the execution fails, and not under which name.
            Err(_) => {
                Err(runtime_error("The execution reached the maximum number of history events (25000)."))
            }
        }
    }

    /// Runs states from `StartAt` to an end.
    fn flow<'b>(
        &'b self,
        machine: &'b StateMachine,
        input: Value,
        thread: &'b mut Thread,
    ) -> BoxFuture<'b, Result<Value, TaskError>> {
        async move {
            let mut name = machine.start_at.as_str();
            let mut data = input;
            loop {
                let Some(state) = machine.states.get(name) else {
                    return Err(runtime_error(format!("There is no state {name:?}")));
                };
                self.service.clock().sleep(self.service.latency().transition).await;
                let entered = Entered { name, input: data, at: self.service.clock().now(), retry_count: 0 };
                let transition;
                (data, transition) = self.state(state, entered, thread).await?;
                match transition {
                    Some(next) => name = next,
                    None => return Ok(data),
                }
            }
        }
        .boxed()
    }

    /// Runs one state; answers its output and the next state's name.
    async fn state<'b>(
        &self,
        state: &'b State,
        entered: Entered<'b>,
        thread: &mut Thread,
    ) -> Result<(Value, Option<&'b str>), TaskError> {
        let (enter, exit) = event_names(state);
        let mut details = with_data("input", &entered.input);
        details["name"] = json!(entered.name);
        self.record(thread, enter, details)?;
        let name = entered.name;
        let (output, next) = match state {
            State::Task(task) => self.with_retries(Work::Task(task), entered, thread).await?,
            State::Parallel(parallel) => self.with_retries(Work::Parallel(parallel), entered, thread).await?,
            State::Map(map) => self.with_retries(Work::Map(map), entered, thread).await?,
            State::Wait(wait, transition) => {
                self.wait(wait, &entered, thread).await?;
                (entered.input, next_of(transition))
            }
            State::Choice(choice) => {
                let next = self.choose(choice, &entered, thread)?;
                (entered.input, Some(next))
            }
            State::Pass(pass) => {
                let context = self.context(&entered, thread);
                let filled = match &pass.parameters {
                    Some(template) => template
                        .fill(Data { input: &entered.input, context: &context })
                        .map_err(runtime_error)?,
                    None => entered.input.clone(),
                };
                let result = pass.result.clone().unwrap_or(filled);
                (place(&pass.result_path, entered.input, result)?, next_of(&pass.transition))
            }
            State::Succeed => (entered.input, None),
            State::Fail { error, cause } => {
                let context = self.context(&entered, thread);
                let data = Data { input: &entered.input, context: &context };
                return Err(TaskError {
                    error: text(error.as_ref(), data, 256)?,
                    cause: text(cause.as_ref(), data, 32_768)?,
                });
            }
        };
        let output = within_limit(output)?;
        let mut details = with_data("output", &output);
        details["name"] = json!(name);
        self.record(thread, exit, details)?;
        Ok((output, next))
    }

    /// Runs a state that may be retried, and caught.
    async fn with_retries<'b>(
        &self,
        work: Work<'b>,
        mut entered: Entered<'b>,
        thread: &mut Thread,
    ) -> Result<(Value, Option<&'b str>), TaskError> {
        let common = work.common();
        let mut retries = Retries::new(&common.retry);
        loop {
            let result = match work {
                Work::Task(task) => self.task(task, &entered, thread).await,
                Work::Parallel(parallel) => self.parallel(parallel, &entered, thread).await,
                Work::Map(map) => self.map(map, &entered, thread).await,
            };
            let error = match result.and_then(within_limit) {
                Ok(result) => {
                    return Ok((
                        place(&common.result_path, entered.input, result)?,
                        next_of(&common.transition),
                    ));
                }
                Err(error) => error,
            };
            if let Some(pause) = retries.after(&error, self.service) {
                self.service.clock().sleep(pause).await;
                entered.retry_count += 1;
                continue;
            }
            let catches = |catcher: &&Catcher| retry::matches(&catcher.errors, &error.error);
            return match common.catch.iter().find(catches) {
                Some(catcher) => {
                    Ok((place(&catcher.result_path, entered.input, error.to_value())?, Some(&catcher.next)))
                }
                None => Err(error),
            };
        }
    }

    async fn wait(&self, wait: &Wait, entered: &Entered<'_>, thread: &Thread) -> Result<(), TaskError> {
        let context = self.context(entered, thread);
        let data = Data { input: &entered.input, context: &context };
        let clock = self.service.clock();
        match wait {
            Wait::Seconds(seconds) => clock.sleep(std::time::Duration::from_secs(*seconds)).await,
            Wait::SecondsPath(path) => match data.at(path).map_err(runtime_error)?.as_u64() {
                Some(seconds) => clock.sleep(std::time::Duration::from_secs(seconds)).await,
                None => return Err(runtime_error(format!("{} is not a number of seconds", path.as_str()))),
            },
            Wait::Timestamp(moment) => clock.sleep_until(*moment).await,
            Wait::TimestampPath(path) => {
                let found = data.at(path).map_err(runtime_error)?;
                match found.as_str().and_then(moment::parse) {
                    Some(moment) => clock.sleep_until(moment).await,
                    None => {
                        return Err(runtime_error(format!(
                            "The TimestampPath parameter does not reference a valid ISO-8601 extended offset \
                             date-time format string: {} == {found}",
                            path.as_str()
                        )));
                    }
                }
            }
        }
        Ok(())
    }

    fn choose<'b>(
        &self,
        choice: &'b Choice,
        entered: &Entered<'_>,
        thread: &Thread,
    ) -> Result<&'b str, TaskError> {
        let context = self.context(entered, thread);
        let data = Data { input: &entered.input, context: &context };
        for rule in &choice.rules {
            if data.at(&rule.variable).map_err(runtime_error)? == &rule.equals {
                return Ok(&rule.next);
            }
        }
        choice.default.as_deref().ok_or_else(|| {
            TaskError::new(
                "States.NoChoiceMatched",
                format!("No rule of {:?} matched and it has no Default", entered.name),
            )
        })
    }

    async fn parallel(
        &self,
        parallel: &Parallel,
        entered: &Entered<'_>,
        thread: &mut Thread,
    ) -> Result<Value, TaskError> {
        let context = self.context(entered, thread);
        let input = match &parallel.parameters {
            Some(template) => {
                template.fill(Data { input: &entered.input, context: &context }).map_err(runtime_error)?
            }
            None => entered.input.clone(),
        };
        self.record(thread, "ParallelStateStarted", json!({}))?;
        let branches = parallel.branches.iter().map(|branch| {
            let (input, mut thread) = (input.clone(), thread.clone());
            async move { self.flow(branch, input, &mut thread).await }
        });
        match try_join_all(branches).await {
            Ok(results) => {
                self.record(thread, "ParallelStateSucceeded", json!({}))?;
                Ok(Value::Array(results))
            }
            Err(error) => {
                self.record(thread, "ParallelStateFailed", json!({}))?;
                Err(error)
            }
        }
    }

    /// The context object (`$$`).
    fn context(&self, entered: &Entered<'_>, thread: &Thread) -> Value {
        let execution = self.execution;
        let mut context = json!({
            "Execution": {
                "Id": execution.arn,
                "Input": execution.input,
                "Name": execution.name,
                "RoleArn": execution.machine.role,
                "StartTime": timestamp(execution.started),
                "RedriveCount": 0,
            },
            "State": {"EnteredTime": timestamp(entered.at), "Name": entered.name, "RetryCount": entered.retry_count},
            "StateMachine": {"Id": execution.machine.arn, "Name": execution.machine.name},
        });
        if let Some((index, value)) = &thread.item {
            context["Map"] = json!({"Item": {"Index": index, "Value": value}});
        }
        context
    }
}

/// A time as the context object has it, in milliseconds.
fn timestamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

fn next_of(transition: &Transition) -> Option<&str> {
    match transition {
        Transition::Next(name) => Some(name),
        Transition::End => None,
    }
}

/// Puts a result where `ResultPath` says.
fn place(at: &ResultPath, input: Value, result: Value) -> Result<Value, TaskError> {
    match at {
        ResultPath::Discard => Ok(input),
        ResultPath::At(path) => path.put(input, result).ok_or_else(|| {
            TaskError::new(
                "States.ResultPathMatchFailure",
                format!("{} cannot be put into the state's input", path.as_str()),
            )
        }),
    }
}

fn within_limit(value: Value) -> Result<Value, TaskError> {
    match value.to_string().len() {
        0..=PAYLOAD_LIMIT => Ok(value),
        bytes => Err(TaskError::new(
            "States.DataLimitExceeded",
            format!("The data has {bytes} bytes and exceeds the limit of {PAYLOAD_LIMIT}"),
        )),
    }
}

fn text(text: Option<&Text>, data: Data<'_>, limit: usize) -> Result<String, TaskError> {
    let found = match text {
        None => String::new(),
        Some(Text::Literal(text)) => text.clone(),
        Some(Text::Path(path)) => match data.at(path).map_err(runtime_error)? {
            Value::String(text) => text.clone(),
            _ => return Err(runtime_error(format!("{} is not a text", path.as_str()))),
        },
    };
    if found.chars().count() > limit {
        return Err(runtime_error(format!("a text of a Fail state has more than {limit} characters")));
    }
    Ok(found)
}

fn event_names(state: &State) -> (&'static str, &'static str) {
    match state {
        State::Task(_) => ("TaskStateEntered", "TaskStateExited"),
        State::Wait(..) => ("WaitStateEntered", "WaitStateExited"),
        State::Choice(_) => ("ChoiceStateEntered", "ChoiceStateExited"),
        State::Pass(_) => ("PassStateEntered", "PassStateExited"),
        State::Parallel(_) => ("ParallelStateEntered", "ParallelStateExited"),
        State::Map(_) => ("MapStateEntered", "MapStateExited"),
        State::Succeed => ("SucceedStateEntered", "SucceedStateExited"),
        State::Fail { .. } => ("FailStateEntered", "FailStateExited"),
    }
}
