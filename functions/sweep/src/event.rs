//! EventBridge's event that an execution has ended without success.

use aws_lambda_events::eventbridge::EventBridgeEvent;
use jiff::Timestamp;
use runtime::lifecycle::Caught;
use serde::Deserialize;
use serde_json::{Value, json};

/// An execution that ended without success, as its event tells it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ended {
    pub(crate) execution: String,
    pub(crate) machine: String,
    pub(crate) started: Timestamp,
    /// The execution's input; absent when the event left it out.
    pub(crate) input: Option<Value>,
    pub(crate) caught: Caught,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    execution_arn: String,
    state_machine_arn: String,
    status: String,
    start_date: i64,
    #[serde(default)]
    input: Option<String>,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    cause: Option<String>,
}

impl Ended {
    /// What the event tells, if it is one of an execution that ended without success.
    pub(crate) fn read(event: &Value) -> Option<Self> {
        let event: EventBridgeEvent<Value> = serde_json::from_value(event.clone()).ok()?;
        if event.detail_type != "Step Functions Execution Status Change" {
            return None;
        }
        let detail: Detail = serde_json::from_value(event.detail).ok()?;
        let caught = caught(&detail.status, detail.error, detail.cause)?;
        Some(Self {
            execution: detail.execution_arn,
            machine: detail.state_machine_arn,
            started: Timestamp::from_millisecond(detail.start_date).ok()?,
            input: detail.input.and_then(|text| serde_json::from_str(&text).ok()),
            caught,
        })
    }

    /// The payload of the cancel step, as the execution's own first state would have built it.
    pub(crate) fn cancel_payload(&self) -> Option<Value> {
        Some(json!({
            "ticket": {"request": self.input.clone()?},
            "execution": {"id": self.execution, "startTime": self.started},
            "error": self.caught,
        }))
    }
}

/// When EventBridge sent the event: the sweep's clock.
pub(crate) fn time(event: &Value) -> Option<Timestamp> {
    event["time"].as_str()?.parse().ok()
}

/// Why the run is over, in the words of a Catch; `None` while it runs or when it succeeded.
pub(crate) fn caught(status: &str, error: Option<String>, cause: Option<String>) -> Option<Caught> {
    let cause = cause.unwrap_or_default();
    Some(match status {
        "ABORTED" => {
            let why = match cause.trim_end_matches('.') {
                "" => String::new(),
                why => format!(": {why}"),
            };
            Caught {
                error: "Stopped".to_owned(),
                cause: format!(
                    "The execution was stopped{why}. What it had started was cancelled. Resume the run with retry \"failed\", or start a new one."
                ),
            }
        }
        "TIMED_OUT" => Caught {
            error: "States.Timeout".to_owned(),
            cause: "The execution reached the state machine's own TimeoutSeconds, which is beyond every deadline.".to_owned(),
        },
        "FAILED" => Caught { error: error.unwrap_or_else(|| "Failed".to_owned()), cause },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(status: &str) -> Value {
        json!({
            "version": "0", "id": "1", "detail-type": "Step Functions Execution Status Change", "source": "aws.states",
            "account": "012345678901", "time": "2026-11-21T06:30:00Z", "region": "eu-central-1", "resources": ["arn:x"],
            "detail": {
                "executionArn": "arn:aws:states:eu-central-1:012345678901:execution:m:n",
                "stateMachineArn": "arn:aws:states:eu-central-1:012345678901:stateMachine:m",
                "name": "n", "status": status, "startDate": 1_795_242_600_123_i64, "stopDate": 1_795_242_601_000_i64,
                "input": "{\"targetId\":\"r-ab12\"}", "inputDetails": {"included": true},
                "output": null, "outputDetails": null, "error": "Enough", "cause": "by hand.",
            },
        })
    }

    #[test]
    fn an_aborted_execution_is_told_with_its_input_and_why() {
        let ended = Ended::read(&event("ABORTED")).unwrap();
        assert_eq!(ended.input, Some(json!({"targetId": "r-ab12"})));
        assert_eq!(ended.caught.error, "Stopped");
        assert!(ended.caught.cause.starts_with("The execution was stopped: by hand. What"));
        let payload = ended.cancel_payload().unwrap();
        assert_eq!(payload["execution"]["startTime"], "2026-11-21T06:30:00.123Z");
    }

    #[test]
    fn other_events_are_not_mistaken_for_one() {
        assert_eq!(Ended::read(&event("SUCCEEDED")), None);
        assert_eq!(Ended::read(&event("RUNNING")), None);
        assert_eq!(Ended::read(&json!({})), None);
        let scheduled = json!({"version": "0", "id": "1", "detail-type": "Scheduled Event", "source": "aws.events",
            "account": "0", "time": "2026-11-21T06:30:00Z", "region": "x", "resources": [], "detail": {}});
        assert_eq!(Ended::read(&scheduled), None);
    }
}
