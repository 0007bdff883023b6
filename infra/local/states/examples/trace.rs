//! Runs a definition with canned answers of its functions, for comparison with other interpreters:
//!
//! ```text
//! cargo run -p local-states --example trace -- DEFINITION SCENARIOS
//! ```
//!
//! Prints for each scenario the states entered and the functions invoked with what they were passed,
//! those of a Map's items apart; all invocations; the events; and the end. Time is virtual. A list of
//! lanes in S3 is what stands beside its key in the answer that names it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::error::Error;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::{BoxFuture, FutureExt};
use local_clock::Clock;
use local_states::service::Latency;
use local_states::{Execution, ExecutionStatus, Services, StatusChange, StepFunctions, TaskError};
use serde_json::{Map, Value, json};

/// The functions, with the answers that are left.
struct Canned {
    answers: Mutex<BTreeMap<String, VecDeque<Value>>>,
    /// What each invocation was passed, in their order.
    passed: Mutex<Vec<Value>>,
    /// The lists in S3, by their keys.
    lists: BTreeMap<String, Vec<Value>>,
}

impl Canned {
    fn answer(&self, function: &str, payload: &Value) -> Result<Value, TaskError> {
        let mut passed = payload.clone();
        // Of this very execution, so not comparable, except that they are told.
        if let Some(execution) = passed["execution"].as_object() {
            passed["execution"] = execution.keys().cloned().collect();
        }
        if passed["enteredAt"].is_string() {
            passed["enteredAt"] = json!("string");
        }
        let step = json!({"invoke": function, "passed": passed});
        self.passed.lock().unwrap_or_else(PoisonError::into_inner).push(step);
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(answer) = answers.get_mut(function).and_then(VecDeque::pop_front) else {
            return Err(TaskError::new("NoAnswerLeft", function));
        };
        match answer["error"].as_str() {
            Some(error) => Err(TaskError::new(error, answer["cause"].as_str().unwrap_or_default())),
            None => Ok(answer),
        }
    }
}

impl Services for Canned {
    fn invoke(
        &self,
        _: &str,
        function: &str,
        payload: Value,
    ) -> BoxFuture<'static, Result<Value, TaskError>> {
        let answer = self.answer(function, &payload);
        async move { answer }.boxed()
    }

    fn read_list(&self, _: &str, _: &str, key: &str) -> BoxFuture<'static, Result<Vec<Value>, TaskError>> {
        let read = self.lists.get(key).cloned().ok_or_else(|| TaskError::new("S3.NoSuchKey", key));
        async move { read }.boxed()
    }

    fn authorize(&self, _: &str, _: &str, _: &str) -> Result<(), TaskError> {
        Ok(())
    }

    fn status_changed(&self, _: StatusChange) {}
}

async fn trace(definition: &str, scenario: &Value) -> Result<Value, Box<dyn Error>> {
    let clock = Clock::virtual_time("2026-11-21T06:30:00Z".parse()?);
    let states = StepFunctions::new(clock, "aws", "eu-central-1", "012345678901", 1, Latency::default());
    let answers: BTreeMap<String, VecDeque<Value>> = serde_json::from_value(scenario["answers"].clone())?;
    let lists = answers.values().flatten().filter_map(|answer| {
        let lanes = &answer["lanes"];
        Some((lanes["key"].as_str()?.to_owned(), lanes["items"].as_array()?.clone()))
    });
    let canned =
        Arc::new(Canned { lists: lists.collect(), answers: Mutex::new(answers), passed: Mutex::default() });
    let services: Arc<dyn Services> = Arc::<Canned>::clone(&canned);
    states.connect(Arc::downgrade(&services));
    let machine = states.create_machine("job", "arn:aws:iam::012345678901:role/r", definition)?;
    let execution = states.start(&machine.arn, None, scenario["input"].clone())?;
    let status = execution.finished().await;
    let invoked = canned.passed.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let [outer, inner] = steps(&execution, &inner_states(definition)?, invoked.clone())?;
    let history = execution.history();
    let events: Vec<_> = history.events().iter().map(|event| event.name).collect();
    let end = end(&execution, status);
    Ok(json!({"steps": outer, "inner": inner, "invoked": invoked, "events": events, "end": end}))
}

/// The names of the states that Maps run for their items.
fn inner_states(definition: &str) -> Result<BTreeSet<String>, serde_json::Error> {
    let definition: Value = serde_json::from_str(definition)?;
    let states = definition["States"].as_object().into_iter().flat_map(Map::values);
    let processors = states.filter_map(|state| state["ItemProcessor"]["States"].as_object());
    Ok(processors.flat_map(Map::keys).cloned().collect())
}

/// The states entered and the functions invoked, as the history has them: the machine's own, and those
/// of a Map's items.
fn steps(
    execution: &Execution,
    inner: &BTreeSet<String>,
    mut invoked: Vec<Value>,
) -> Result<[Vec<Value>; 2], serde_json::Error> {
    let (mut own, mut of_items) = (Vec::new(), Vec::new());
    let mut in_item = false;
    for event in execution.history().events() {
        if event.name.ends_with("StateEntered") {
            in_item = event.details["name"].as_str().is_some_and(|name| inner.contains(name));
        }
        let line = if in_item { &mut of_items } else { &mut own };
        if event.name.ends_with("StateEntered") {
            line.push(json!({"enter": event.details["name"]}));
        } else if event.name == "TaskScheduled" {
            let parameters: Value =
                serde_json::from_str(event.details["parameters"].as_str().unwrap_or_default())?;
            let first = invoked.iter().position(|it| it["invoke"] == parameters["FunctionName"]);
            line.extend(first.map(|index| invoked.remove(index)));
        }
    }
    Ok([own, of_items])
}

fn end(execution: &Execution, status: ExecutionStatus) -> Value {
    match execution.error() {
        Some(error) => json!({"status": status.as_str(), "error": error.error, "cause": error.cause}),
        None => json!({"status": status.as_str(), "output": execution.output()}),
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(definition), Some(scenarios)) = (arguments.next(), arguments.next()) else {
        return Err("usage: trace DEFINITION SCENARIOS".into());
    };
    let definition = std::fs::read_to_string(definition)?;
    let scenarios: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(scenarios)?)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    let mut traces = Map::new();
    for scenario in &scenarios {
        let name = scenario["name"].as_str().ok_or("a scenario has no name")?;
        traces.insert(name.to_owned(), runtime.block_on(trace(&definition, scenario))?);
    }
    writeln!(std::io::stdout().lock(), "{:#}", Value::Object(traces))?;
    Ok(())
}
