//! The state machines: what they name exists, and every Task is made to last.

use std::collections::{BTreeMap, BTreeSet};

use local_stack::template::{Resolved, Resource};
use models::ErrorName;
use muster_tests::root;
use serde_json::Value;

use crate::stacks::{kinds, variants};

/// Errors that are AWS's: of Step Functions, of its Lambda integration, and of Lambda itself when a
/// function's process ends or is ended.
const AWS_ERRORS: [&str; 11] = [
    "States.ALL",
    "States.DataLimitExceeded",
    "States.ItemReaderFailed",
    "States.Timeout",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
    "Sandbox.Timedout",
    "Runtime.ExitError",
];

/// The integrations that are used: the patterns end so.
const INVOKE: &str = ":states:::lambda:invoke";
const START_EXECUTION: &str = ":states:::states:startExecution.sync:2";

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

/// Every Task of a definition by its name, those inside of Maps and branches too.
fn tasks<'a>(states: &'a Value, tasks: &mut Vec<(&'a str, &'a Value)>) {
    for (name, state) in states.as_object().unwrap() {
        match state["Type"].as_str() {
            Some("Task") => tasks.push((name, state)),
            Some("Map") => self::tasks(&state["ItemProcessor"]["States"], tasks),
            Some("Parallel") => {
                for branch in state["Branches"].as_array().unwrap() {
                    self::tasks(&branch["States"], tasks);
                }
            }
            _ => {}
        }
    }
}

fn machines(resolved: &Resolved) -> impl Iterator<Item = (&String, &Resource)> {
    resolved.resources.iter().filter(|(_, it)| it.kind == "AWS::Serverless::StateMachine")
}

#[test]
fn every_substitution_is_used_and_every_placeholder_is_supplied() {
    for resolved in variants("muster") {
        assert_eq!(machines(&resolved).count(), kinds(&resolved).len(), "each kind has one");
        for (name, machine) in machines(&resolved) {
            let file = machine.properties["DefinitionUri"].as_str().unwrap();
            let definition = std::fs::read_to_string(root().join(file)).unwrap();
            let given = machine.properties["DefinitionSubstitutions"].as_object().unwrap();
            let names: BTreeSet<&str> = given.keys().map(String::as_str).collect();
            assert_eq!(names, placeholders(&definition), "{name}, {file}");
            for (placeholder, value) in given {
                assert!(value.as_str().is_some_and(|value| !value.is_empty()), "{name}: {placeholder}");
            }
        }
    }
}

/// The sweep closes whatever any machine leaves, so it is told of all of them, each with its kind.
#[test]
fn the_sweep_knows_every_machine_and_how_its_runs_are_closed() {
    for resolved in variants("muster") {
        let variables = &resolved.resources["Sweep"].properties["Environment"]["Variables"];
        let by_kind = |name: &str| -> BTreeMap<String, String> {
            let pairs = variables[name].as_str().unwrap().split(',');
            pairs
                .map(|pair| pair.split_once('=').unwrap())
                .map(|(kind, arn)| (kind.into(), arn.into()))
                .collect()
        };
        let known = by_kind("MUSTER_STATE_MACHINES");
        let deployed: BTreeSet<_> = machines(&resolved).map(|(_, it)| it.reference.clone()).collect();
        assert_eq!(known.values().cloned().collect::<BTreeSet<_>>(), deployed);
        let kinds: BTreeSet<String> = kinds(&resolved).iter().map(ToString::to_string).collect();
        assert_eq!(known.keys().cloned().collect::<BTreeSet<_>>(), kinds);
        for (kind, machine) in &known {
            assert!(machine.ends_with(&format!("-{kind}")), "{kind}: {machine}");
        }
        let closing = by_kind("MUSTER_CANCEL_FUNCTIONS");
        assert_eq!(closing.keys().collect::<Vec<_>>(), known.keys().collect::<Vec<_>>());
    }
}

#[test]
fn every_definition_is_used() {
    let resolved = &variants("muster")[1];
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
fn every_task_is_caught_and_has_a_function_with_retries_and_less_time_or_a_machine_of_this_stack() {
    for resolved in variants("muster") {
        let mut lanes = 0;
        for (name, machine) in machines(&resolved) {
            let source = local_stack::deploy::definition(name, &machine.properties, &root()).unwrap();
            let definition: Value = serde_json::from_str(&source).unwrap();
            let mut all = Vec::new();
            tasks(&definition["States"], &mut all);
            assert!(all.len() >= 4, "{name}: {all:?}");
            for (state, task) in all {
                let resource = task["Resource"].as_str().unwrap();
                if resource.ends_with(INVOKE) {
                    has_a_function(&resolved, state, task);
                } else {
                    assert!(resource.ends_with(START_EXECUTION), "{name}, {state}: {resource}");
                    let parameters = &task["Parameters"];
                    match parameters["StateMachineArn"].as_str() {
                        Some(other) => {
                            let known = machines(&resolved).any(|(_, it)| it.reference == other);
                            assert!(known, "{name}, {state}: there is no machine {other}");
                        }
                        // The ticket names it, from what its function is told of the stack's machines.
                        None => {
                            let from = parameters["StateMachineArn.$"].as_str().unwrap();
                            assert!(from.starts_with("$.Payload.refresh."), "{name}, {state}: {from}");
                        }
                    }
                }
                let catches = task["Catch"].as_array().unwrap_or_else(|| panic!("{name}, {state}: no Catch"));
                assert_eq!(catches.last().unwrap()["ErrorEquals"][0], "States.ALL", "{name}, {state}");
                lanes += usize::from(state.starts_with("Lane"));
            }
        }
        assert!(lanes >= 4, "the Tasks of lanes are looked at: {lanes}");
    }
}

/// A Task that invokes has a function of this stack, which ends before it, and is tried again.
fn has_a_function(resolved: &Resolved, state: &str, task: &Value) {
    let arn = task["Parameters"]["FunctionName"].as_str();
    let function = resolved
        .resources
        .values()
        .find(|it| it.kind == "AWS::Serverless::Function" && it.arn.as_deref() == arn)
        .unwrap_or_else(|| panic!("{state}: there is no function {arn:?}"));
    let timeout = function.properties["Timeout"].as_u64().unwrap();
    let seconds = task["TimeoutSeconds"].as_u64().unwrap();
    assert!(seconds >= timeout + MARGIN, "{state}: {seconds} s for a function of {timeout} s");
    let retries = task["Retry"].as_array().unwrap_or_else(|| panic!("{state} has no Retry"));
    assert!(!retries.is_empty(), "{state}");
}

/// Step Functions ends an execution after as long as its definition says; a run's deadline is at most a
/// week.
#[test]
fn every_machine_has_more_time_than_a_run() {
    for (path, definition) in definitions() {
        let definition: Value = serde_json::from_str(&definition).unwrap();
        let seconds = definition["TimeoutSeconds"].as_u64();
        assert!(seconds > Some(168 * 3_600), "{path}: {seconds:?}");
    }
}
