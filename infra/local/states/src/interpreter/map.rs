//! Map: the same states for every item, inline or in executions of their own.

use std::sync::Arc;

use futures_util::stream::{self, StreamExt};
use serde_json::{Value, json};

use super::{Entered, Interpreter, Thread, runtime_error};
use crate::definition::{Concurrency, Items, Map};
use crate::path::Path;
use crate::service::{Execution, ExecutionStatus, TaskError};
use crate::template::{Data, Template};

/// The most items that an inline Map works on at once.
const INLINE_CONCURRENCY: usize = 40;
/// The most children that a distributed Map runs at once.
const DISTRIBUTED_CONCURRENCY: usize = 10_000;

impl Interpreter<'_> {
    /// A Map's bound is read before it starts. A list in S3 is read by the Map Run, so its length is
    /// not known when the Map starts, and said to be 0. Both as LocalStack's interpreter has it
    /// (`state_map.py`), which refers to AWS's behaviour there.
    pub(super) async fn map(
        &self,
        map: &Map,
        entered: &Entered<'_>,
        thread: &mut Thread,
    ) -> Result<Value, TaskError> {
        let concurrency = self.concurrency(map, entered, thread)?;
        let items = match &map.items {
            Items::Path(path) => Some(self.items_at(path, entered, thread)?),
            Items::S3(_) => None,
        };
        let length = items.as_ref().map_or(0, Vec::len);
        self.record(thread, "MapStateStarted", json!({"length": length}))?;
        let result = if map.distributed {
            self.distributed(map, entered, thread, items, concurrency).await
        } else {
            self.inline(map, entered, thread, items.unwrap_or_default(), concurrency).await
        };
        let ended = if result.is_ok() { "MapStateSucceeded" } else { "MapStateFailed" };
        self.record(thread, ended, json!({}))?;
        result
    }

    /// How many items are worked on at once; 0 leaves it to AWS's own bound. The errors are those of
    /// LocalStack's interpreter (`max_concurrency.py`); AWS documents none.
    fn concurrency(&self, map: &Map, entered: &Entered<'_>, thread: &Thread) -> Result<usize, TaskError> {
        let most = if map.distributed { DISTRIBUTED_CONCURRENCY } else { INLINE_CONCURRENCY };
        let bound = match &map.concurrency {
            Concurrency::Fixed(bound) => *bound,
            Concurrency::Path(path) => {
                let context = self.context(entered, thread);
                let data = Data { input: &entered.input, context: &context };
                let found = data.at(path).map_err(runtime_error)?;
                match (found.as_u64(), found.as_i64()) {
                    (Some(bound), _) => bound,
                    (None, Some(negative)) => {
                        return Err(runtime_error(format!(
                            "Expected non-negative integer for MaxConcurrency, got '{negative}' instead."
                        )));
                    }
                    (None, None) => {
                        let text = found.as_str().map_or_else(|| found.to_string(), str::to_owned);
                        return Err(runtime_error(format!(
                            "The MaxConcurrencyPath field refers to value \"{text}\" which is not a valid \
                             integer: {}",
                            path.as_str()
                        )));
                    }
                }
            }
        };
        Ok(match usize::try_from(bound) {
            Ok(0) | Err(_) => most,
            Ok(bound) => bound.min(most),
        })
    }

    fn items_at(&self, path: &Path, entered: &Entered<'_>, thread: &Thread) -> Result<Vec<Value>, TaskError> {
        let context = self.context(entered, thread);
        let data = Data { input: &entered.input, context: &context };
        match data.at(path).map_err(runtime_error)? {
            Value::Array(items) => Ok(items.clone()),
            _ => Err(runtime_error(format!("{} is not a list", path.as_str()))),
        }
    }

    /// Reads the list in S3 with the machine's role. Whatever keeps it from being read, a missing
    /// `s3:GetObject` too, is `States.ItemReaderFailed`; how AWS words the cause is not established.
    async fn items_in_s3(
        &self,
        place: &Template,
        entered: &Entered<'_>,
        thread: &Thread,
    ) -> Result<Vec<Value>, TaskError> {
        let context = self.context(entered, thread);
        let data = Data { input: &entered.input, context: &context };
        let place = place.fill(data).map_err(runtime_error)?;
        let text = |member: &str| place[member].as_str().unwrap_or_default().to_owned();
        let role = &self.execution.machine.role;
        let read = self.service.services()?.read_list(role, &text("Bucket"), &text("Key")).await;
        read.map_err(|error| {
            TaskError::new("States.ItemReaderFailed", format!("{}: {}", error.error, error.cause))
        })
    }

    /// The input of one item's states.
    fn item_input(&self, map: &Map, entered: &Entered<'_>, thread: &Thread) -> Result<Value, TaskError> {
        match (&map.selector, &thread.item) {
            (Some(selector), _) => {
                let context = self.context(entered, thread);
                selector.fill(Data { input: &entered.input, context: &context }).map_err(runtime_error)
            }
            (None, item) => Ok(item.as_ref().map(|(_, value)| value.clone()).unwrap_or_default()),
        }
    }

    async fn inline(
        &self,
        map: &Map,
        entered: &Entered<'_>,
        thread: &Thread,
        items: Vec<Value>,
        concurrency: usize,
    ) -> Result<Value, TaskError> {
        let mut runs = stream::iter(items.into_iter().enumerate())
            .map(|(index, item)| {
                let mut thread = Thread { item: Some((index, item)), ..thread.clone() };
                async move {
                    let about = json!({"name": entered.name, "index": index});
                    let input = self.item_input(map, entered, &thread)?;
                    self.record(&mut thread, "MapIterationStarted", about.clone())?;
                    let result = self.flow(&map.processor, input, &mut thread).await;
                    let ended = if result.is_ok() { "MapIterationSucceeded" } else { "MapIterationFailed" };
                    self.record(&mut thread, ended, about)?;
                    result.map(|output| (index, output))
                }
            })
            .buffer_unordered(concurrency);
        let mut outputs = Vec::new();
        while let Some(result) = runs.next().await {
            outputs.push(result?);
        }
        Ok(in_order(outputs))
    }

    /// Every item in an execution of its own, with a history of its own.
    ///
    /// The role needs what AWS lists as the least for it: to start its own machine, and to describe
    /// and stop its executions, which AWS's policy names as `execution:NAME:*` (Developer Guide, "IAM
    /// policies for using Distributed Map states"). That pattern matches the parent and none of the
    /// children, whose ARNs are `execution:NAME/LABEL:…`, so the parent is what is asked about. By
    /// which error AWS refuses, and whether it refuses the start for lack of the other two, is not
    /// established: here it does, as `States.Permissions`.
    async fn distributed(
        &self,
        map: &Map,
        entered: &Entered<'_>,
        thread: &mut Thread,
        items: Option<Vec<Value>>,
        concurrency: usize,
    ) -> Result<Value, TaskError> {
        let machine = &self.execution.machine;
        let run_id = self.service.random_id();
        let prefix = machine.arn.replacen(":stateMachine:", ":mapRun:", 1);
        let map_run = format!("{prefix}/{}:{run_id}", label(map, entered));
        let services = self.service.services()?;
        services.authorize(&machine.role, "states:StartExecution", &machine.arn)?;
        for action in ["states:DescribeExecution", "states:StopExecution"] {
            services.authorize(&machine.role, action, &self.execution.arn)?;
        }
        self.record(thread, "MapRunStarted", json!({"mapRunArn": map_run}))?;
        let items = match (items, &map.items) {
            (None, Items::S3(place)) => self.items_in_s3(place, entered, thread).await,
            (items, _) => Ok(items.unwrap_or_default()),
        };
        let result = match items {
            Ok(items) => self.map_run(map, entered, &run_id, items, concurrency).await,
            Err(error) => Err(error),
        };
        match &result {
            Ok(_) => self.record(thread, "MapRunSucceeded", json!({}))?,
            Err(error) => self.record(thread, "MapRunFailed", error.details())?,
        }
        result
    }

    /// Runs the children, until all have ended or too many have failed; the rest is aborted then.
    async fn map_run(
        &self,
        map: &Map,
        entered: &Entered<'_>,
        run_id: &str,
        items: Vec<Value>,
        concurrency: usize,
    ) -> Result<Value, TaskError> {
        let total = items.len();
        let mut runs = stream::iter(items.into_iter().enumerate())
            .map(|(index, item)| async move {
                let child = self.child(map, entered, format!("{run_id}-{index}"), (index, item))?;
                self.service.run_flow(&child, &map.processor).await;
                Ok::<_, TaskError>((index, child))
            })
            .buffer_unordered(concurrency);
        let (mut outputs, mut failed) = (Vec::new(), 0_u64);
        while let Some(ended) = runs.next().await {
            let (index, child) = ended?;
            if child.status() == ExecutionStatus::Succeeded {
                outputs.push((index, child.output().unwrap_or_default()));
                continue;
            }
            failed += 1;
            outputs.push((index, child.error().map(|error| error.to_value()).unwrap_or_default()));
            if map.tolerated.is_exceeded(failed, total) {
                return Err(TaskError::new(
                    "States.ExceedToleratedFailureThreshold",
                    "The specified tolerated failure threshold was exceeded",
                ));
            }
        }
        Ok(in_order(outputs))
    }

    /// The execution of one item.
    fn child(
        &self,
        map: &Map,
        entered: &Entered<'_>,
        name: String,
        item: (usize, Value),
    ) -> Result<Arc<Execution>, TaskError> {
        let input = self.item_input(map, entered, &Thread { previous: 0, item: Some(item) })?;
        let machine = &self.execution.machine;
        let prefix = machine.arn.replacen(":stateMachine:", ":execution:", 1);
        let arn = format!("{prefix}/{}:{name}", label(map, entered));
        Ok(self.service.register(arn, name, Arc::clone(machine), input))
    }
}

/// What names the Map in the ARNs of its Map Run and of the children. Where none is given, AWS makes
/// one up.
fn label<'a>(map: &'a Map, entered: &Entered<'a>) -> &'a str {
    map.label.as_deref().unwrap_or(entered.name)
}

fn in_order(mut outputs: Vec<(usize, Value)>) -> Value {
    outputs.sort_by_key(|(index, _)| *index);
    Value::Array(outputs.into_iter().map(|(_, output)| output).collect())
}
