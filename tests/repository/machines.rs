//! The state machines: what they name exists, and every Task is made to last.

use std::collections::BTreeSet;

use local_stack::template::{Resolved, Resource};
use models::ErrorName;
use muster_tests::root;
use serde_json::Value;

use crate::stacks::variants;

/// Errors that are AWS's: of Step Functions, of its Lambda integration, and of Lambda itself when a
/// function's process ends or is ended.
const AWS_ERRORS: [&str; 9] = [
    "States.ALL",
    "States.Timeout",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
    "Sandbox.Timedout",
    "Runtime.ExitError",
];

/// What a Task needs beyond its function's Timeout, so that the function's own end comes first.
const MARGIN: u64 = 30;

fn definitions() -> Vec<(String, String)> {
    std::fs::read_dir(root().join("infra/statemachines"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with(".asl.json"))
        .map(|path| (path.display().to_string(), std::fs::read_to_string(path).unwrap()))
        .collect()
}

/// The names in `${…}`.
fn placeholders(definition: &str) -> BTreeSet<&str> {
    definition.split("${").skip(1).filter_map(|rest| Some(rest.split_once('}')?.0)).collect()
}

/// Every `ErrorEquals` of a definition.
fn caught(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                if name == "ErrorEquals" {
                    names.extend(value.as_array().unwrap().iter().map(|it| it.as_str().unwrap().to_owned()));
                }
                caught(value, names);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| caught(value, names)),
        _ => {}
    }
}

fn machines(resolved: &Resolved) -> impl Iterator<Item = (&String, &Resource)> {
    resolved.resources.iter().filter(|(_, it)| it.kind == "AWS::Serverless::StateMachine")
}

#[test]
fn every_substitution_is_used_and_every_placeholder_is_supplied() {
    for resolved in variants("muster") {
        assert_eq!(machines(&resolved).count(), 1);
        for (name, machine) in machines(&resolved) {
            let file = machine.properties["DefinitionUri"].as_str().unwrap();
            let definition = std::fs::read_to_string(root().join(file)).unwrap();
            let given = machine.properties["DefinitionSubstitutions"].as_object().unwrap();
            let given: BTreeSet<&str> = given.keys().map(String::as_str).collect();
            assert_eq!(given, placeholders(&definition), "{name}, {file}");
        }
    }
}

#[test]
fn every_definition_is_used() {
    let resolved = &variants("muster")[0];
    let used: BTreeSet<_> = machines(resolved)
        .map(|(_, it)| root().join(it.properties["DefinitionUri"].as_str().unwrap()).display().to_string())
        .collect();
    assert_eq!(used, definitions().into_iter().map(|(path, _)| path).collect());
}

#[test]
fn every_error_that_a_machine_catches_or_retries_exists() {
    let known: BTreeSet<&str> = ErrorName::ALL.iter().map(|name| name.as_str()).chain(AWS_ERRORS).collect();
    let mut all = BTreeSet::new();
    for (path, definition) in definitions() {
        let mut names = BTreeSet::new();
        caught(&serde_json::from_str(&definition).unwrap(), &mut names);
        let unknown: Vec<_> = names.iter().filter(|name| !known.contains(name.as_str())).collect();
        assert!(!names.is_empty() && unknown.is_empty(), "{path}: {unknown:?}");
        all.extend(names);
    }
    let unused: Vec<_> = AWS_ERRORS.iter().filter(|name| !all.contains(**name)).collect();
    assert!(unused.is_empty(), "no machine names {unused:?}");
}

#[test]
fn every_task_has_a_function_retries_a_catch_and_more_time_than_its_function() {
    for resolved in variants("muster") {
        for (name, machine) in machines(&resolved) {
            let source = local_stack::deploy::definition(name, &machine.properties, &root()).unwrap();
            let definition: Value = serde_json::from_str(&source).unwrap();
            let states = definition["States"].as_object().unwrap();
            let tasks: Vec<_> = states.iter().filter(|(_, state)| state["Type"] == "Task").collect();
            assert_eq!(tasks.len(), 4);
            for (state, task) in tasks {
                let arn = task["Parameters"]["FunctionName"].as_str();
                let function = resolved
                    .resources
                    .values()
                    .find(|it| it.kind == "AWS::Serverless::Function" && it.arn.as_deref() == arn)
                    .unwrap_or_else(|| panic!("{state}: there is no function {arn:?}"));
                let timeout = function.properties["Timeout"].as_u64().unwrap();
                let seconds = task["TimeoutSeconds"].as_u64().unwrap();
                assert!(seconds >= timeout + MARGIN, "{state}: {seconds} s for a function of {timeout} s");
                for list in ["Retry", "Catch"] {
                    let rules = task[list].as_array().unwrap_or_else(|| panic!("{state} has no {list}"));
                    assert!(!rules.is_empty(), "{state}: {list}");
                }
                let catches = task["Catch"].as_array().unwrap();
                assert_eq!(catches.last().unwrap()["ErrorEquals"][0], "States.ALL", "{state}");
            }
        }
    }
}
