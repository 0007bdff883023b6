//! `startExecution.sync:2`: an execution that another one starts and waits for.

use std::sync::Arc;

use serde_json::{Value, json};

use super::task::merge;
use super::{Interpreter, Thread, with_data};
use crate::service::{Execution, ExecutionStatus, Refused, StepFunctions, TaskError};

/// A nested execution that is waited for. Whoever stops waiting before its end (a stop, a timeout, a
/// sibling's failure) has it stopped, as far as the machine's role allows it: AWS does no more either.
struct Awaited<'a> {
    service: &'a StepFunctions,
    role: &'a str,
    execution: Arc<Execution>,
}

impl Drop for Awaited<'_> {
    fn drop(&mut self) {
        let arn = &self.execution.arn;
        let allowed = || {
            let services = self.service.services()?;
            services.authorize(self.role, "states:StopExecution", arn)
        };
        if self.execution.status() == ExecutionStatus::Running && allowed().is_ok() {
            let _ = self.service.stop(arn, None, None);
        }
    }
}

impl Interpreter<'_> {
    /// Starts an execution and waits for its end.
    pub(super) async fn nested(
        &self,
        parameters: &Value,
        thread: &mut Thread,
        about: &Value,
    ) -> Result<Value, TaskError> {
        let awaited = self.start_nested(parameters)?;
        let execution = &awaited.execution;
        let mut submitted = about.clone();
        merge(&mut submitted, with_data("output", &json!({"ExecutionArn": execution.arn})));
        self.record(thread, "TaskSubmitted", submitted)?;
        let status = execution.finished().await;
        self.service.clock().sleep(self.service.latency().nested_completion).await;
        let role = &self.execution.machine.role;
        self.service.services()?.authorize(role, "states:DescribeExecution", &execution.arn)?;
        let mut described = describe(execution, status);
        if status == ExecutionStatus::Succeeded {
            described["Output"] = execution.output().unwrap_or_default();
            return Ok(described);
        }
        if let Some(error) = execution.error() {
            merge(&mut described, json!({"Error": error.error, "Cause": error.cause}));
        }
        Err(TaskError::new("States.TaskFailed", described.to_string()))
    }

    fn start_nested(&self, parameters: &Value) -> Result<Awaited<'_>, TaskError> {
        let refused =
            |error: Refused| TaskError::new(format!("StepFunctions.{}Exception", error.code), error.message);
        let machine = parameters["StateMachineArn"].as_str().unwrap_or_default();
        let role = &self.execution.machine.role;
        let services = self.service.services()?;
        services.authorize(role, "states:StartExecution", machine)?;
        let rule = self.completion_rule();
        for action in ["events:PutTargets", "events:PutRule", "events:DescribeRule"] {
            services.authorize(role, action, &rule)?;
        }
        let input = parameters.get("Input").cloned().unwrap_or_else(|| json!({}));
        let execution = self.service.start(machine, parameters["Name"].as_str(), input).map_err(refused)?;
        Ok(Awaited { service: self.service, role, execution })
    }

    /// The rule by which Step Functions learns that a nested execution has ended.
    fn completion_rule(&self) -> String {
        let account = self.execution.arn.splitn(6, ':').take(5).collect::<Vec<_>>().join(":");
        let account = account.replacen(":states:", ":events:", 1);
        format!("{account}:rule/StepFunctionsGetEventsForStepFunctionsExecutionRule")
    }
}

/// An ended execution as the task's result, or its error's cause, has it.
fn describe(execution: &Execution, status: ExecutionStatus) -> Value {
    json!({
        "ExecutionArn": execution.arn,
        "Input": execution.input,
        "Name": execution.name,
        "StartDate": execution.started.as_millisecond(),
        "StateMachineArn": execution.machine.arn,
        "Status": status.as_str(),
        "StopDate": execution.ended().map(|at| at.as_millisecond()),
    })
}
