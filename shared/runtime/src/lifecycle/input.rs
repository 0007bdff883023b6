//! What a state machine passes to a step.

use errors::JobError;
use jiff::Timestamp;
use models::{Failure, Outcome, OutcomeStatus, Ticket};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The payload of every step.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StepInput {
    /// What the step before answered, or `{"request": …}` to begin a run.
    pub ticket: Value,
    /// The execution this is a step of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution: Option<Execution>,
    /// When the state was entered: the clock of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entered_at: Option<Timestamp>,
    /// What was caught, for the cancel step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Caught>,
}

impl StepInput {
    pub(crate) fn read(event: Value) -> Result<Self, JobError> {
        serde_json::from_value(event).map_err(|error| {
            JobError::invalid(format!("the event is not a step's input ({{\"ticket\": …}}): {error}"))
        })
    }

    /// The ticket that another step answered. One of the previous version may not name its execution.
    pub(crate) fn ticket(&self) -> Result<Ticket, JobError> {
        let mut ticket = Ticket::from_value(self.ticket.clone()).map_err(JobError::invalid)?;
        if ticket.execution.is_none() {
            ticket.execution = self.execution.as_ref().map(|execution| execution.id.clone());
        }
        Ok(ticket)
    }

    /// Whether the runs that come first are over, however they ended.
    pub(crate) fn is_refreshed(&self) -> bool {
        self.ticket["next"] == "refresh"
    }

    /// The request, when this is the first step of a run.
    pub(crate) fn new_request(&self) -> Option<&Value> {
        self.ticket.as_object().filter(|ticket| ticket.len() == 1)?.get("request")
    }
}

/// The execution that a step belongs to, from the context object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Execution {
    /// Its ARN.
    pub id: String,
    pub start_time: Timestamp,
}

impl Execution {
    /// The state machine, from the execution's ARN; executions of one machine share it.
    pub(crate) fn machine(&self) -> &str {
        self.id.rsplit_once(':').map_or(&self.id, |(machine, _)| machine)
    }
}

/// An error as a state machine's `Catch` has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Caught {
    pub error: String,
    #[serde(default)]
    pub cause: String,
}

impl Caught {
    /// What Step Functions and Lambda leave unsaid about errors of their own.
    fn explanation(&self) -> Option<&'static str> {
        Some(match self.error.as_str() {
            "States.Timeout" => {
                "The step took longer than its TimeoutSeconds. Look at the function's log; raise its Timeout if it was still working."
            }
            "Sandbox.Timedout" => {
                "The function reached its Timeout. Look at its log; raise Timeout or MemorySize if it was still working."
            }
            "Runtime.ExitError" => {
                "The function's process ended, most likely for lack of memory. Look at its log; raise MemorySize."
            }
            "States.DataLimitExceeded" => "A payload exceeded 256 KiB.",
            "States.Permissions" | "Lambda.AccessDeniedException" => {
                "The state machine's role may not invoke the function. Deploy the stack again."
            }
            "Lambda.ResourceNotFoundException" => "The function does not exist. Deploy the stack again.",
            _ => return None,
        })
    }

    /// As it is recorded. Lambda's causes are JSON with the function's own text inside, and those of
    /// nested executions are JSON that describes the execution.
    pub(crate) fn to_failure(&self) -> Failure {
        let inner: Option<Value> = serde_json::from_str(&self.cause).ok();
        let text = |name: &str| inner.as_ref().and_then(|cause| cause[name].as_str());
        let nested = text("ExecutionArn").map(|execution| {
            let status = text("Status").unwrap_or("FAILED");
            let error = text("Error").map(|error| format!(" with {error}")).unwrap_or_default();
            let cause = text("Cause").map(|cause| format!(": {cause}")).unwrap_or_default();
            format!("The run that had to come first, {execution}, ended as {status}{error}{cause}")
        });
        let message = nested.as_deref().or_else(|| text("errorMessage")).unwrap_or(&self.cause);
        let cause = match self.explanation() {
            Some(explanation) if message.is_empty() => explanation.to_owned(),
            Some(explanation) => format!("{} {explanation}", message.trim_end()),
            None => message.to_owned(),
        };
        Failure::new(&self.error, &cause)
    }

    pub(crate) fn outcome(&self, at: Timestamp) -> Outcome {
        let status = match self.error.as_str() {
            "Overdue" => OutcomeStatus::Overdue,
            "QuotaSpent" => OutcomeStatus::CarriedOver,
            _ => OutcomeStatus::Failed,
        };
        Outcome { status, at, failure: Some(self.to_failure()), result: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_functions_own_text_is_taken_out_of_lambdas_cause() {
        let cause = json!({"errorType": "Denied", "errorMessage": "ec2:X answered no."}).to_string();
        let failure = Caught { error: "Denied".into(), cause }.to_failure();
        assert_eq!((failure.error.as_str(), failure.cause.as_str()), ("Denied", "ec2:X answered no."));
    }

    #[test]
    fn a_nested_executions_own_error_is_taken_out_of_its_description() {
        let arn = "arn:aws:states:eu-central-1:012345678901:execution:muster-organization-inventory:n";
        let described = |more: Value| {
            let mut cause = json!({"ExecutionArn": arn, "Input": {}, "Status": "FAILED", "StopDate": 1});
            cause.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            Caught { error: "States.TaskFailed".into(), cause: cause.to_string() }.to_failure().cause
        };
        assert_eq!(
            described(json!({"Error": "Denied", "Cause": "organizations:ListRoots answered no."})),
            format!(
                "The run that had to come first, {arn}, ended as FAILED with Denied: organizations:ListRoots \
                 answered no."
            )
        );
        let aborted = described(json!({"Status": "ABORTED"}));
        assert_eq!(aborted, format!("The run that had to come first, {arn}, ended as ABORTED"));
    }

    #[test]
    fn an_error_of_the_platform_is_explained() {
        let caught = Caught { error: "States.Timeout".into(), cause: String::new() };
        assert!(caught.to_failure().cause.contains("TimeoutSeconds"));
        let caught =
            Caught { error: "Runtime.ExitError".into(), cause: "RequestId: 1 Error: exit status 137".into() };
        assert!(
            caught
                .to_failure()
                .cause
                .starts_with("RequestId: 1 Error: exit status 137 The function's process")
        );
    }

    #[test]
    fn a_step_input_with_an_unknown_member_is_refused() {
        assert!(StepInput::read(json!({"ticket": {}, "tickets": {}})).is_err());
        assert!(StepInput::read(json!({"targetId": "r-ab12"})).is_err());
    }

    #[test]
    fn only_a_ticket_that_is_nothing_but_a_request_begins_a_run() {
        let begins =
            |ticket: Value| StepInput::read(json!({"ticket": ticket})).unwrap().new_request().is_some();
        assert!(begins(json!({"request": {}})));
        assert!(!begins(json!({"request": {}, "schemaVersion": 1})));
        assert!(!begins(json!({})));
    }
}
