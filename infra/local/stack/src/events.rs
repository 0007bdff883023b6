//! EventBridge: rules on events, rates, and the scheduler.

use std::collections::BTreeMap;
use std::time::Duration;

use local_aws::Aws;
use local_aws::events::envelope;
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

/// Who is told when a rule matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A function, by its name: it is invoked with the event.
    Function(String),
    /// A topic: it is given a text made of the event.
    Topic { arn: String, text: Transformer },
}

/// EventBridge's input transformer, for texts: where in the event each variable is, and a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transformer {
    pub paths: BTreeMap<String, String>,
    pub template: String,
}

impl Transformer {
    /// The text that is made of an event. What is not there is left out, as AWS does.
    pub fn text(&self, event: &Value) -> String {
        let mut text = String::new();
        for part in parts(&self.template) {
            let path = match part {
                Part::Text(it) => {
                    text.push_str(it);
                    continue;
                }
                Part::Variable(name) => self.paths.get(name).map(String::as_str).unwrap_or_default(),
            };
            match path.trim_start_matches("$.").split('.').fold(event, |value, member| &value[member]) {
                Value::String(value) => text.push_str(value),
                Value::Null => {}
                other => text.push_str(&other.to_string()),
            }
        }
        text
    }

    /// A variable of the template that no path is given for.
    pub fn unknown(&self) -> Option<&str> {
        parts(&self.template).find_map(|part| match part {
            Part::Variable(name) if !self.paths.contains_key(name) => Some(name),
            _ => None,
        })
    }
}

/// A piece of a template.
enum Part<'a> {
    Text(&'a str),
    Variable(&'a str),
}

/// A template taken apart: `<name>` is a variable.
fn parts(template: &str) -> impl Iterator<Item = Part<'_>> {
    template.split('<').enumerate().flat_map(|(number, piece)| match piece.split_once('>') {
        Some((name, rest)) if number > 0 => [Part::Variable(name), Part::Text(rest)],
        _ => [Part::Text(piece), Part::Text("")],
    })
}

/// A rule on events.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    pub arn: String,
    pub target: Target,
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
                        rule.deliver(&aws, event).await;
                    }
                });
            }
            Trigger::Pattern(pattern) => {
                let (weak, rule, pattern) = (aws.downgrade(), rule.clone(), pattern.clone());
                let of_bus = (weak.clone(), rule.clone(), pattern.clone());
                aws.on_status_change(move |change: &StatusChange| {
                    let detail = status_change_detail(&change.execution, change.status);
                    let Some(aws) = weak.upgrade() else { return };
                    let event = event(&aws, "aws.states", "Step Functions Execution Status Change", &detail);
                    rule.deliver_if(&aws, &pattern, event);
                });
                let (weak, rule, pattern) = of_bus;
                aws.on_event(move |event: &Value| {
                    let Some(aws) = weak.upgrade() else { return };
                    rule.deliver_if(&aws, &pattern, event.clone());
                });
            }
        }
    }
}

impl Rule {
    fn deliver_if(&self, aws: &Aws, pattern: &Value, event: Value) {
        if matches(pattern, &event) {
            let (rule, aws) = (self.clone(), aws.clone());
            tokio::spawn(async move { rule.deliver(&aws, event).await });
        }
    }

    async fn deliver(&self, aws: &Aws, event: Value) {
        match &self.target {
            Target::Function(name) => aws.lambda().invoke_event(name, event).await,
            Target::Topic { arn, text } => {
                if !aws.publish_by_rule(&self.arn, arn, text.text(&event)) {
                    tracing::warn!(rule = self.arn, topic = arn, "the topic does not let the rule publish");
                }
            }
        }
    }
}

/// An event of AWS's own, as EventBridge delivers it.
pub fn event(aws: &Aws, source: &str, detail_type: &str, detail: &Value) -> Value {
    let here = (aws.account(), aws.region());
    envelope(here, aws.clock().now(), "22222222-0000-4000-8000-000000000000", (source, detail_type, detail))
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
    fn a_text_is_made_of_what_the_event_holds() {
        let paths = [("run", "$.detail.runId"), ("new", "$.detail.events.new"), ("none", "$.detail.none")];
        let paths = paths.map(|(name, path)| (name.to_owned(), path.to_owned())).into();
        let text = Transformer { paths, template: "\"<run>: <new> new<none>\"".to_owned() };
        let event = json!({"detail": {"runId": "r-1", "events": {"new": 3}}});
        assert_eq!(text.text(&event), "\"r-1: 3 new\"");
        assert_eq!(text.unknown(), None);
        // What a value holds is no variable.
        let event = json!({"detail": {"runId": "<new>", "events": {"new": 3}}});
        assert_eq!(text.text(&event), "\"<new>: 3 new\"");
        let other = Transformer { template: "<sumary>".to_owned(), ..text };
        assert_eq!(other.unknown(), Some("sumary"));
    }

    #[test]
    fn a_rate_is_read_and_other_expressions_are_refused() {
        assert_eq!(rate("rate(15 minutes)"), Ok(Duration::from_secs(900)));
        assert!(rate("cron(0 3 * * ? *)").is_err() && rate("rate(x minutes)").is_err());
    }
}
