//! The run's result: what its execution puts out, what the command line shows, and what is told of it.

use std::collections::BTreeMap;

use models::{Coverage, RunId, keys};
use runtime::RunContext;
use serde_json::{Value, json};

use super::Counts;
use super::drift::Drift;
use crate::evaluate::Evaluation;
use crate::kinds::Severity;
use crate::proposals::Proposal;
use crate::sources::Evidence as Source;

/// What a run came to.
#[derive(Debug)]
pub(super) struct Outcome<'a> {
    pub(super) run: RunContext<'a>,
    pub(super) evaluation: &'a Evaluation,
    pub(super) counts: &'a Counts,
    pub(super) compared_with: Option<&'a RunId>,
    pub(super) coverage: &'a Coverage,
    pub(super) exceptions: usize,
    pub(super) proposals: &'a [Proposal],
}

impl Outcome<'_> {
    pub(super) fn result(&self) -> Value {
        let Outcome { run, evaluation, counts, coverage, .. } = self;
        let withheld = self.proposals.iter().filter(|it| it.is_withheld).count();
        json!({
            "scope": run.item,
            "manifest": keys::manifest(run.run_id),
            "findingsCsv": keys::findings(run.run_id, "findings.csv"),
            "findingsJson": keys::findings(run.run_id, "findings.json"),
            "report": keys::findings(run.run_id, "report.html"),
            "proposals": {
                "made": self.proposals.len() - withheld,
                "withheld": withheld,
                "index": keys::findings(run.run_id, "proposals.json"),
            },
            "organizationId": evaluation.organization_id,
            "accounts": evaluation.accounts,
            "observedAt": run.now,
            "findings": counts.open,
            "severities": by_word(&counts.severities, Severity::as_str),
            "kinds": counts.kinds(),
            "drift": by_word(&counts.drift, Drift::as_str),
            "comparedWith": self.compared_with,
            "excepted": counts.excepted,
            "exceptions": self.exceptions,
            "sources": evaluation.sources.0.iter().map(source).collect::<Vec<_>>(),
            "expectedAccounts": coverage.expected_accounts,
            "seenAccounts": coverage.seen_accounts,
            "complete": coverage.is_complete(),
            "summary": summary(self),
        })
    }
}

/// What of it the event of the run says, besides what all events say.
const TOLD: [&str; 14] = [
    "accounts",
    "comparedWith",
    "complete",
    "drift",
    "excepted",
    "expectedAccounts",
    "findings",
    "findingsCsv",
    "findingsJson",
    "report",
    "seenAccounts",
    "severities",
    "sources",
    "summary",
];

pub(super) fn told_of(result: &Value) -> Value {
    let told = TOLD.iter().map(|name| ((*name).to_owned(), result[name].clone()));
    Value::Object(told.collect())
}

/// The run in a line, for messages: nothing in it is anybody's text.
fn summary(outcome: &Outcome<'_>) -> String {
    let Outcome { run, counts, .. } = outcome;
    let of_severity =
        counts.severities.iter().map(|(severity, count)| format!("{count} {}", severity.as_str()));
    let of_severity = of_severity.collect::<Vec<_>>().join(", ");
    let drift = match outcome.compared_with {
        None => "There is no earlier run of this scope to compare with.".to_owned(),
        Some(last) => format!(
            "Since {last}: {} new, {} changed, {} resolved, {} not observed any more.",
            counts.of(Drift::New),
            counts.of(Drift::Changed),
            counts.of(Drift::Resolved),
            counts.of(Drift::NotObserved)
        ),
    };
    let coverage = match outcome.coverage.is_complete() {
        true => "The evidence is complete.",
        false => "The evidence is INCOMPLETE: what is missing is unknown, and nothing is concluded of it.",
    };
    let of_severity = if of_severity.is_empty() { of_severity } else { format!(" ({of_severity})") };
    let excepted = match counts.excepted {
        0 => String::new(),
        excepted => format!("; {excepted} excepted"),
    };
    format!("{} findings of {}{of_severity}{excepted}. {drift} {coverage}", counts.open, run.item)
}

fn by_word<K: Copy>(counts: &BTreeMap<K, u64>, word: fn(K) -> &'static str) -> BTreeMap<&'static str, u64> {
    counts.iter().map(|(key, count)| (word(*key), *count)).collect()
}

/// The word for what there is of a source.
pub(super) fn state(source: &Source) -> &'static str {
    match (&source.published, source.is_off) {
        (None, true) => "off",
        (None, false) => "missing",
        (Some(_), _) if source.is_too_old => "too old",
        (Some(_), _) if !source.is_complete() => "incomplete",
        (Some(_), _) => "complete",
    }
}

fn source(source: &Source) -> Value {
    json!({
        "kind": source.kind,
        "state": state(source),
        "runId": source.run_id(),
        "observedAt": source.observed_at(),
    })
}
