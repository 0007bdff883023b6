//! Metrics in CloudWatch's embedded metric format: one JSON line on standard output, from which
//! CloudWatch Logs makes metrics. The only dimensions are the kind and the error's name, together and the
//! name alone, so that the number of metrics does not grow with accounts or runs.

use std::fmt;
use std::io::Write;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

/// The namespace of all of Muster's metrics.
pub const NAMESPACE: &str = "Muster";

/// Where metric lines go.
pub trait Metrics: Send + Sync + fmt::Debug {
    fn emit(&self, line: &Value);
}

/// Standard output, which Lambda sends to CloudWatch Logs.
#[derive(Debug)]
pub struct StandardOutput;

impl Metrics for StandardOutput {
    fn emit(&self, line: &Value) {
        let mut text = line.to_string();
        text.push('\n');
        // A metric that cannot be written must not fail the work it measures.
        let _ = std::io::stdout().lock().write_all(text.as_bytes());
    }
}

/// Nowhere, for programs whose standard output is for people.
#[derive(Debug)]
pub struct Discard;

impl Metrics for Discard {
    fn emit(&self, _line: &Value) {}
}

/// One invocation of a step: its duration, and whether and by which name it failed.
pub(crate) fn invocation(kind: &str, step: &str, error: Option<&str>, took: Duration) -> Value {
    let mut line = document(vec![json!({"Dimensions": [["Kind"]], "Metrics": [
        {"Name": "Duration", "Unit": "Milliseconds"},
        {"Name": "Failures", "Unit": "Count"},
    ]})]);
    if error.is_some() {
        directives(
            &mut line,
            json!({"Dimensions": [["Kind", "Error"], ["Error"]], "Metrics": [{"Name": "Errors", "Unit": "Count"}]}),
        );
    }
    merge(
        &mut line,
        json!({
            "Kind": kind,
            "Step": step,
            "Duration": took.as_secs_f64() * 1_000.0,
            "Failures": u8::from(error.is_some()),
        }),
    );
    if let Some(error) = error {
        merge(&mut line, json!({"Error": error, "Errors": 1}));
    }
    line
}

/// A figure of a kind, such as the number of open items that a sweep leaves.
pub fn figure(kind: &str, name: &str, unit: &str, value: f64) -> Value {
    let mut line =
        document(vec![json!({"Dimensions": [["Kind"]], "Metrics": [{"Name": name, "Unit": unit}]})]);
    merge(&mut line, json!({"Kind": kind, name: value}));
    line
}

fn document(mut metrics: Vec<Value>) -> Value {
    for directive in &mut metrics {
        directive["Namespace"] = json!(NAMESPACE);
    }
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_millis();
    json!({"_aws": {"Timestamp": u64::try_from(now).unwrap_or(u64::MAX), "CloudWatchMetrics": metrics}})
}

fn directives(line: &mut Value, mut directive: Value) {
    directive["Namespace"] = json!(NAMESPACE);
    if let Some(list) = line["_aws"]["CloudWatchMetrics"].as_array_mut() {
        list.push(directive);
    }
}

fn merge(line: &mut Value, members: Value) {
    if let (Some(line), Value::Object(members)) = (line.as_object_mut(), members) {
        line.extend(members);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_errors_name_and_the_kind_are_the_only_dimensions() {
        let line = invocation("sweep", "sweep", Some("Denied"), Duration::from_millis(5));
        let directives = line["_aws"]["CloudWatchMetrics"].as_array().unwrap();
        let dimensions: Vec<_> = directives.iter().map(|it| it["Dimensions"][0].clone()).collect();
        assert_eq!(dimensions, [json!(["Kind"]), json!(["Kind", "Error"])]);
        assert_eq!(
            directives[1]["Dimensions"][1],
            json!(["Error"]),
            "an alarm on one error watches every kind"
        );
        assert!(directives.iter().all(|it| it["Namespace"] == "Muster"));
        assert_eq!(
            (&line["Errors"], &line["Failures"], &line["Duration"]),
            (&json!(1), &json!(1), &json!(5.0))
        );
    }

    #[test]
    fn a_success_counts_no_failure_and_names_no_error() {
        let line = invocation("sweep", "sweep", None, Duration::ZERO);
        assert_eq!(line["Failures"], 0);
        assert_eq!(line.get("Error"), None);
    }
}
