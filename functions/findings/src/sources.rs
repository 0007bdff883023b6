//! The published evidence that findings are made from: of each kind the newest of the scope.

use errors::JobError;
use jiff::{SignedDuration, Timestamp};
use models::{Kind, RunId, TargetId};
use runtime::RunContext;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use store::published::{self, Published};

use crate::config::Config;
use crate::request::Request;

/// A kind of job whose evidence findings are made from.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) kind: Kind,
    /// Its member in tickets, for the state machine.
    pub(crate) member: &'static str,
    pub(crate) title: &'static str,
    /// Hours after which its evidence is too old, unless the request says: some less than a day or a week,
    /// so that a run at the same hour reads again what the one before it has read.
    max_age_hours: i64,
    /// Hours that a refresh may take; then the last published evidence is used.
    deadline_hours: u32,
}

pub(crate) const SOURCES: [Source; 4] = [
    Source {
        kind: Kind::OrganizationInventory,
        member: "inventory",
        title: "Organization inventory",
        max_age_hours: 20,
        deadline_hours: 4,
    },
    Source {
        kind: Kind::DeclarativePoliciesReport,
        member: "report",
        title: "Account status",
        max_age_hours: 24 * 7 - 4,
        deadline_hours: 12,
    },
    Source {
        kind: Kind::OrganizationsAccessReport,
        member: "accessReport",
        title: "Service access",
        max_age_hours: 24 * 7 - 4,
        deadline_hours: 12,
    },
    Source {
        kind: Kind::PolicyGeneration,
        member: "policyGeneration",
        title: "Policy generation",
        max_age_hours: 24 * 7 - 4,
        deadline_hours: 24,
    },
];

/// How old evidence may be to be used at all, said to be too old.
const OLDEST: SignedDuration = SignedDuration::from_hours(24 * 400);

impl Source {
    pub(crate) fn of(kind: Kind) -> Option<&'static Self> {
        SOURCES.iter().find(|source| source.kind == kind)
    }

    pub(crate) fn max_age(&self, run: RunContext<'_>) -> SignedDuration {
        run.max_age.unwrap_or(SignedDuration::from_hours(self.max_age_hours))
    }
}

/// What is published of a kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Evidence {
    pub(crate) kind: Kind,
    /// The newest published run of the scope; absent where there is none.
    pub(crate) published: Option<Published>,
    pub(crate) max_age_hours: i64,
    pub(crate) is_too_old: bool,
    /// Whether this stack has no such kind.
    pub(crate) is_off: bool,
}

impl Evidence {
    pub(crate) fn run_id(&self) -> Option<&RunId> {
        self.published.as_ref().map(|it| &it.run_id)
    }

    pub(crate) fn observed_at(&self) -> Option<Timestamp> {
        self.published.as_ref().and_then(Published::observed_at)
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.published.as_ref().is_some_and(Published::is_complete)
    }

    /// What the run has told as its result.
    pub(crate) fn result(&self, pointer: &str) -> &Value {
        let result = self.published.as_ref().map(|it| &it.result);
        result.and_then(|result| result.pointer(pointer)).unwrap_or(&Value::Null)
    }

    /// Why something is unknown, each with how often.
    pub(crate) fn gaps(&self) -> impl Iterator<Item = (&str, u64)> {
        let gaps = self.result("/gaps").as_object().into_iter().flatten();
        gaps.map(|(reason, count)| (reason.as_str(), count.as_u64().unwrap_or(0)))
    }

    /// Why not everything is known, in a sentence; empty where nothing is missing.
    pub(crate) fn missing(&self) -> String {
        if self.is_complete() {
            return String::new();
        }
        let gaps: Vec<_> = self.gaps().map(|(reason, count)| format!("{count} x {reason}")).collect();
        match (self.published.is_some(), gaps.is_empty()) {
            (false, _) => "nothing is published".to_owned(),
            (true, true) => "the run is not complete".to_owned(),
            (true, false) => format!("the run is not complete: {}", gaps.join("; ")),
        }
    }

    /// As findings point to it.
    pub(crate) fn pointer(&self) -> crate::finding::Evidence {
        crate::finding::Evidence {
            kind: Some(self.kind),
            run_id: self.run_id().cloned(),
            table: String::new(),
            filter: String::new(),
            observed_at: self.observed_at(),
            missing: self.missing(),
        }
    }
}

/// The evidence of every kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Sources(pub(crate) Vec<Evidence>);

impl Sources {
    /// Looks for the newest published run of each kind that is of the scope.
    /// What is too old was so at `asked_at`.
    pub(crate) async fn find(
        config: &Config,
        run: RunContext<'_>,
        request: &Request,
        asked_at: Timestamp,
    ) -> Result<Self, JobError> {
        let mut sources = Vec::new();
        for source in &SOURCES {
            let accept = |it: &Published| is_of_scope(it, request.target_id.as_ref());
            let is_off = !config.refreshed.contains_key(&source.kind);
            let published = match is_off {
                true => None,
                false => published::newest(&config.store, source.kind, run.now, OLDEST, accept).await?,
            };
            let observed_at = published.as_ref().and_then(Published::observed_at);
            let max_age = source.max_age(run);
            sources.push(Evidence {
                kind: source.kind,
                is_too_old: observed_at.is_some_and(|at| asked_at.duration_since(at) > max_age),
                max_age_hours: max_age.as_hours(),
                is_off,
                published,
            });
        }
        Ok(Self(sources))
    }

    pub(crate) fn of(&self, kind: Kind) -> Option<&Evidence> {
        self.0.iter().find(|evidence| evidence.kind == kind)
    }

    /// What the state machine runs first: for each kind whether it is due, and how.
    pub(crate) fn refresh(&self, config: &Config, request: &Request) -> Value {
        let mut members = Map::new();
        for evidence in &self.0 {
            let Some(source) = Source::of(evidence.kind) else { continue };
            let machine = config.refreshed.get(&evidence.kind);
            let is_young = evidence.published.is_some() && !evidence.is_too_old;
            let due = !is_young && request.refresh.includes(evidence.kind);
            // A run that is resumed finds what has been published meanwhile, and makes it no second time.
            let mut child =
                json!({"deadlineHours": source.deadline_hours, "maxAgeHours": evidence.max_age_hours});
            if let (Kind::DeclarativePoliciesReport, Some(target)) = (evidence.kind, &request.target_id) {
                child["targetId"] = json!(target);
            }
            let member = match machine.filter(|_| due) {
                Some(machine) => json!({"due": true, "machine": machine, "request": child}),
                None => json!({"due": false}),
            };
            members.insert(source.member.to_owned(), member);
        }
        Value::Object(members)
    }
}

/// Whether a run is about the scope: a report about its target, everything else about all.
fn is_of_scope(published: &Published, target: Option<&TargetId>) -> bool {
    match (published.kind, target) {
        (Kind::DeclarativePoliciesReport, Some(target)) => published.item.as_str() == target.as_str(),
        (Kind::DeclarativePoliciesReport, None) => published.item.as_str().starts_with("r-"),
        // Runs for some accounts or principals are items of their own.
        _ => published.item.as_str() == "organization" && !is_narrowed(published),
    }
}

/// Whether a run of the organization was asked to leave something out that findings are made of.
fn is_narrowed(published: &Published) -> bool {
    let request = &published.result["request"];
    match published.kind {
        Kind::OrganizationInventory => {
            published.result["tags"] == false || request["effectivePolicies"] == "none"
        }
        Kind::OrganizationsAccessReport => {
            let has = |target: &str| {
                let targets = request["targets"].as_array();
                targets.is_none_or(|targets| targets.iter().any(|it| it == target))
            };
            !request["include"].is_null()
                || !request["exclude"].is_null()
                || !has("root")
                || !has("organizationalUnits")
        }
        _ => false,
    }
}
