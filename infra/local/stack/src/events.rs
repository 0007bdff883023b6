//! EventBridge: rules on events, rates, and the scheduler.

use std::time::Duration;

use local_aws::Aws;
use local_states::StatusChange;
use local_states::api::status_change_detail;
use serde_json::{Value, json};

use crate::template::InvalidTemplate;

/// What a function is invoked by.
#[derive(Debug, Clone, PartialEq)]
pub enum Trigger {
    /// Events that match a pattern.
    Pattern(Value),
    Rate(Duration),
}

/// A rule that invokes a function.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    pub function: String,
    pub trigger: Trigger,
}

/// A schedule of EventBridge Scheduler that starts executions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    pub name: String,
    pub enabled: bool,
    pub machine: String,
    pub role: String,
    /// With `<aws.scheduler.scheduled-time>` where the time goes.
    pub input: String,
}

impl Schedule {
    /// The input of the execution that is due at this time.
    pub fn input_at(&self, due: jiff::Timestamp) -> String {
        self.input.replace("<aws.scheduler.scheduled-time>", &due.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
    }
}

/// Reads `rate(15 minutes)`. Other expressions are the scheduler's business and are not simulated.
pub fn rate(expression: &str) -> Result<Duration, InvalidTemplate> {
    let invalid =
        || InvalidTemplate::new("Schedule", format!("the expression {expression:?} is not supported"));
    let inner =
        expression.strip_prefix("rate(").and_then(|rest| rest.strip_suffix(')')).ok_or_else(invalid)?;
    let (number, unit) = inner.split_once(' ').ok_or_else(invalid)?;
    let number: u64 = number.parse().map_err(|_| invalid())?;
    let seconds = match unit {
        "minute" | "minutes" => 60,
        "hour" | "hours" => 3_600,
        "day" | "days" => 86_400,
        _ => return Err(invalid()),
    };
    Ok(Duration::from_secs(number * seconds))
}

/// Begins to deliver events to the rules' functions.
pub(crate) fn begin(aws: &Aws, rules: &[Rule]) {
    for rule in rules {
        match &rule.trigger {
            Trigger::Rate(every) => {
                let (aws, rule, every) = (aws.clone(), rule.clone(), *every);
                tokio::spawn(async move {
                    loop {
                        aws.clock().sleep(every).await;
                        let event = event(&aws, "aws.events", "Scheduled Event", &json!({}));
                        aws.lambda().invoke_event(&rule.function, event).await;
                    }
                });
            }
            Trigger::Pattern(pattern) => {
                let (weak, rule, pattern) = (aws.downgrade(), rule.clone(), pattern.clone());
                aws.on_status_change(move |change: &StatusChange| {
                    let detail = status_change_detail(&change.execution, change.status);
                    let Some(aws) = weak.upgrade() else { return };
                    let event = event(&aws, "aws.states", "Step Functions Execution Status Change", &detail);
                    if matches(&pattern, &event) {
                        let function = rule.function.clone();
                        tokio::spawn(async move { aws.lambda().invoke_event(&function, event).await });
                    }
                });
            }
        }
    }
}

/// An event as EventBridge delivers it.
pub fn event(aws: &Aws, source: &str, detail_type: &str, detail: &Value) -> Value {
    json!({
        "version": "0",
        "id": "22222222-0000-4000-8000-000000000000",
        "detail-type": detail_type,
        "source": source,
        "account": aws.account(),
        "time": aws.clock().now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "region": aws.region(),
        "resources": [],
        "detail": detail,
    })
}

/// Whether an event matches a pattern of exact values.
fn matches(pattern: &Value, event: &Value) -> bool {
    match pattern {
        Value::Object(members) => members.iter().all(|(name, pattern)| matches(pattern, &event[name])),
        Value::Array(values) => values.contains(event),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_by_exact_values_at_every_place() {
        let pattern = json!({"source": ["aws.states"], "detail": {"status": ["FAILED", "ABORTED"]}});
        assert!(matches(
            &pattern,
            &json!({"source": "aws.states", "detail": {"status": "ABORTED", "more": 1}})
        ));
        assert!(!matches(&pattern, &json!({"source": "aws.states", "detail": {"status": "SUCCEEDED"}})));
        assert!(!matches(&pattern, &json!({"source": "aws.s3", "detail": {"status": "FAILED"}})));
    }

    #[test]
    fn a_rate_is_read_and_other_expressions_are_refused() {
        assert_eq!(rate("rate(15 minutes)"), Ok(Duration::from_secs(900)));
        assert!(rate("cron(0 3 * * ? *)").is_err() && rate("rate(x minutes)").is_err());
    }
}
