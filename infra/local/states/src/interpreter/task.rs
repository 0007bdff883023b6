//! Tasks: a function's invocation, or a nested execution.

use serde_json::{Value, json};

use super::{Entered, Interpreter, Thread, runtime_error, with_data, within_limit};
use crate::definition::{Resource, Task};
use crate::service::TaskError;
use crate::template::Data;

impl Interpreter<'_> {
    pub(super) async fn task(
        &self,
        task: &Task,
        entered: &Entered<'_>,
        thread: &mut Thread,
    ) -> Result<Value, TaskError> {
        let context = self.context(entered, thread);
        let data = Data { input: &entered.input, context: &context };
        let parameters = within_limit(task.parameters.fill(data).map_err(runtime_error)?)?;
        let (resource_type, resource) = match task.resource {
            Resource::LambdaInvoke => ("lambda", "invoke"),
            Resource::StartExecutionSync => ("states", "startExecution.sync:2"),
        };
        let mut scheduled = json!({
            "resourceType": resource_type,
            "resource": resource,
            "region": region(&self.execution.arn),
            "parameters": parameters.to_string(),
        });
        if let Some(timeout) = task.timeout {
            scheduled["timeoutInSeconds"] = json!(timeout.as_secs());
        }
        let about = json!({"resourceType": resource_type, "resource": resource});
        self.record(thread, "TaskScheduled", scheduled)?;
        self.record(thread, "TaskStarted", about.clone())?;

        let limit = async {
            match task.timeout {
                Some(timeout) => self.service.clock().sleep(timeout).await,
                None => std::future::pending().await,
            }
        };
        let called = async {
            match task.resource {
                Resource::LambdaInvoke => self.invoke(&parameters).await,
                Resource::StartExecutionSync => self.nested(&parameters, thread, &about).await,
            }
        };
        let (result, timed_out) = tokio::select! {
            result = called => (result, false),
            () = limit => (Err(TaskError::new("States.Timeout", "")), true),
        };
        let mut details = about;
        match &result {
            Ok(output) => {
                merge(&mut details, with_data("output", output));
                self.record(thread, "TaskSucceeded", details)?;
            }
            Err(error) => {
                merge(&mut details, error.details());
                self.record(thread, if timed_out { "TaskTimedOut" } else { "TaskFailed" }, details)?;
            }
        }
        result
    }

    /// `lambda:invoke`. The function runs on when the task times out or the execution is stopped:
    /// nothing can call it back.
    async fn invoke(&self, parameters: &Value) -> Result<Value, TaskError> {
        let function = parameters["FunctionName"].as_str().unwrap_or_default();
        let payload = parameters.get("Payload").cloned().unwrap_or_else(|| json!({}));
        let role = &self.execution.machine.role;
        let result = self.service.services()?.invoke(role, function, payload).await?;
        let request_id = self.service.random_id();
        Ok(json!({
            "ExecutedVersion": "$LATEST",
            "Payload": result,
            "SdkHttpMetadata": {"HttpStatusCode": 200},
            "SdkResponseMetadata": {"RequestId": request_id},
            "StatusCode": 200,
        }))
    }
}

fn region(arn: &str) -> &str {
    arn.split(':').nth(3).unwrap_or_default()
}

pub(super) fn merge(into: &mut Value, members: Value) {
    if let (Some(into), Value::Object(members)) = (into.as_object_mut(), members) {
        into.extend(members);
    }
}
