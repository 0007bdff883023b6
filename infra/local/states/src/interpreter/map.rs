//! Map: the same states for every item, inline or in executions of their own.

use std::sync::Arc;

use futures_util::stream::{self, StreamExt};
use serde_json::{Value, json};

use super::{Entered, Interpreter, Thread, runtime_error};
use crate::definition::{Items, Map};
use crate::service::{Execution, ExecutionStatus, TaskError};
use crate::template::Data;

/// The most items that an inline Map works on at once.
const INLINE_CONCURRENCY: usize = 40;
/// The most children that a distributed Map runs at once.
const DISTRIBUTED_CONCURRENCY: usize = 10_000;

impl Interpreter<'_> {
    pub(super) async fn map(
        &self,
        map: &Map,
        entered: &Entered<'_>,
        thread: &mut Thread,
    ) -> Result<Value, TaskError> {
        let items = self.items(map, entered, thread).await?;
        self.record(thread, "MapStateStarted", json!({"length": items.len()}))?;
        let result = if map.distributed {
            self.distributed(map, entered, thread, items).await
        } else {
            self.inline(map, entered, thread, items).await
        };
        let ended = if result.is_ok() { "MapStateSucceeded" } else { "MapStateFailed" };
        self.record(thread, ended, json!({}))?;
        result
    }

    async fn items(
        &self,
        map: &Map,
        entered: &Entered<'_>,
        thread: &Thread,
    ) -> Result<Vec<Value>, TaskError> {
        let context = self.context(entered, thread);
        let data = Data { input: &entered.input, context: &context };
        match &map.items {
            Items::Path(path) => match data.at(path).map_err(runtime_error)? {
                Value::Array(items) => Ok(items.clone()),
                _ => Err(runtime_error(format!("{} is not a list", path.as_str()))),
            },
            Items::S3(template) => {
                let place = template.fill(data).map_err(runtime_error)?;
                let (bucket, key) =
                    (place["Bucket"].as_str().unwrap_or_default(), place["Key"].as_str().unwrap_or_default());
                let role = &self.execution.machine.role;
                let read = self.service.services()?.read_list(role, bucket, key).await;
                read.map_err(|error| {
                    TaskError::new("States.ItemReaderFailed", format!("{}: {}", error.error, error.cause))
                })
            }
        }
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
    ) -> Result<Value, TaskError> {
        let concurrency = concurrency(map, INLINE_CONCURRENCY);
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
    async fn distributed(
        &self,
        map: &Map,
        entered: &Entered<'_>,
        thread: &mut Thread,
        items: Vec<Value>,
    ) -> Result<Value, TaskError> {
        let machine = &self.execution.machine;
        let run_id = self.service.random_id();
        let prefix = machine.arn.replacen(":stateMachine:", ":mapRun:", 1);
        let map_run = format!("{prefix}/{}:{run_id}", entered.name);
        let services = self.service.services()?;
        services.authorize(&machine.role, "states:StartExecution", &machine.arn)?;
        self.record(thread, "MapRunStarted", json!({"mapRunArn": map_run}))?;
        let result = self.map_run(map, entered, &run_id, items).await;
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
    ) -> Result<Value, TaskError> {
        let concurrency = concurrency(map, DISTRIBUTED_CONCURRENCY);
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
        let arn = format!("{prefix}/{}:{name}", entered.name);
        Ok(self.service.register(arn, name, Arc::clone(machine), input))
    }
}

/// How many items are worked on at once; 0 leaves it to AWS's own bound.
fn concurrency(map: &Map, most: usize) -> usize {
    match usize::try_from(map.concurrency) {
        Ok(0) | Err(_) => most,
        Ok(bound) => bound.min(most),
    }
}

fn in_order(mut outputs: Vec<(usize, Value)>) -> Value {
    outputs.sort_by_key(|(index, _)| *index);
    Value::Array(outputs.into_iter().map(|(_, output)| output).collect())
}
