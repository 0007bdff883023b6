//! Runs of findings: over what is published, and what they refresh first.

mod doubts;
mod drift;
mod events;
mod exceptions;
mod faults;
mod refresh;
mod truth;

use std::collections::{BTreeMap, BTreeSet};

use local_stack::LocalStack;
use local_states::ExecutionStatus;
use muster_tests::Scenario;
use serde_json::{Value, json};

/// A stack without policy generation, which takes longer than all others together.
pub(crate) fn without_principals() -> Scenario {
    let absent = ["AccessRoleArn", "MemberRoleArn", "TrailArn"];
    let parameters = absent.map(|name| (name.to_owned(), String::new())).into();
    Scenario { accounts: 12, parameters, ..Scenario::default() }
}

/// What a run has published.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) result: Value,
    pub(crate) findings: Vec<Value>,
}

impl Found {
    /// The findings of a kind.
    pub(crate) fn of(&self, kind: &str) -> Vec<&Value> {
        self.findings.iter().filter(|finding| finding["kind"] == kind).collect()
    }

    /// What became of each finding since the last run, by its id.
    pub(crate) fn drift(&self) -> BTreeMap<&str, &str> {
        self.findings.iter().map(|it| (text(it, "finding_id"), text(it, "status"))).collect()
    }

    /// The kinds of those that have this status.
    pub(crate) fn kinds_with(&self, status: &str) -> BTreeSet<&str> {
        let with = self.findings.iter().filter(|it| it["status"] == status);
        with.map(|it| it["kind"].as_str().unwrap()).collect()
    }
}

/// A member that is a text.
pub(crate) fn text<'a>(finding: &'a Value, member: &str) -> &'a str {
    finding[member].as_str().unwrap_or_else(|| panic!("{member}: {finding}"))
}

/// Runs a request to its end.
pub(crate) async fn find(stack: &LocalStack, request: Value) -> Found {
    let execution = stack.start_findings(request).unwrap();
    assert_eq!(execution.finished().await, ExecutionStatus::Succeeded, "{:?}", execution.error());
    let result = execution.output().unwrap()["result"].clone();
    let read = |member: &str| {
        let key = result[member].as_str().unwrap();
        stack.aws.storage().read(stack.bucket(), key).unwrap()
    };
    let document: Value = serde_json::from_slice(&read("findingsJson")).unwrap();
    let findings = document["findings"].as_array().unwrap().clone();
    let ids: BTreeSet<_> = findings.iter().map(|it| it["finding_id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), findings.len(), "each finding is there once");
    assert!(read("findingsCsv").iter().filter(|byte| **byte == b'\n').count() > findings.len());
    Found { result, findings }
}

/// Everything of a run but policy generation, refreshed.
pub(crate) async fn all(stack: &LocalStack) -> Found {
    find(stack, json!({})).await
}

/// The state of a source, as a run tells it.
pub(crate) fn source<'a>(found: &'a Found, kind: &str) -> &'a str {
    let sources = found.result["sources"].as_array().unwrap();
    sources.iter().find(|it| it["kind"] == kind).unwrap()["state"].as_str().unwrap()
}
