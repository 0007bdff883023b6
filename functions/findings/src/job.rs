//! The kind, as its functions serve it: evaluating is the job's status, publishing its collection.

use std::sync::Arc;

use errors::JobError;
use jiff::{SignedDuration, Timestamp};
use models::{ItemName, Kind, RunId};
use runtime::{
    Cancelled, Collected, Environment, Found, InvalidEnvironment, Job, Metrics, PollSchedule, Progress,
    RunContext, Started, WouldStart, metrics,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::Store;

use crate::config::Config;
use crate::request::Request;
use crate::sources::{SOURCES, Sources};
use crate::{evaluate, events, publish};

/// Findings over published evidence.
#[derive(Debug)]
pub struct Findings {
    config: Config,
    metrics: Arc<dyn Metrics>,
}

/// Percent of the accounts that the account status has read, for the alarm on it.
const COVERAGE: &str = "coverage_percent";

/// What a run knows of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Handle {
    /// The runs that come first, as the state machine takes them.
    refresh: Value,
    request: Request,
    /// When it was asked which evidence is too old. What is refreshed takes hours itself.
    asked_at: Timestamp,
    /// Where the evaluation lies, once it is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    evaluation: Option<String>,
}

impl Job for Findings {
    const KIND: Kind = Kind::Findings;
    const SCHEDULE: PollSchedule = PollSchedule::HOURS;
    /// Nothing is started at AWS, so it may be done again at once.
    const VISIBLE_WITHIN: SignedDuration = SignedDuration::ZERO;
    /// Longer than any run that comes first.
    const DEADLINE_HOURS: u32 = 48;

    type Request = Request;
    type Handle = Handle;

    fn new(environment: &Environment) -> Result<Self, InvalidEnvironment> {
        let metrics = Arc::clone(&environment.metrics);
        Config::new(environment).map(|config| Self { config, metrics })
    }

    fn store(&self) -> &Store {
        &self.config.store
    }

    fn refresh(&self, handle: &Handle) -> Option<Value> {
        Some(handle.refresh.clone())
    }

    fn check(&self, request: &Request) -> Result<(), JobError> {
        request.check()
    }

    async fn resolve(&self, _run: &RunId, request: &mut Request) -> Result<(), JobError> {
        if request.target_id.is_none() {
            request.target_id.clone_from(&self.config.default_target);
        }
        Ok(())
    }

    fn item(request: &Request) -> Result<ItemName, JobError> {
        request.scope()
    }

    async fn find(&self, _run: RunContext<'_>, _request: &Request) -> Result<Found<Handle>, JobError> {
        Ok(Found::Free)
    }

    async fn start(&self, run: RunContext<'_>, request: &Request) -> Result<Started<Handle>, JobError> {
        let sources = Sources::find(&self.config, run, request, run.now).await?;
        let refresh = sources.refresh(&self.config, request);
        let request = request.clone();
        Ok(Started::Running(Handle { refresh, request, asked_at: run.now, evaluation: None }))
    }

    async fn would_start(&self, run: RunContext<'_>, request: &Request) -> Result<WouldStart, JobError> {
        let sources = Sources::find(&self.config, run, request, run.now).await?;
        let refresh = sources.refresh(&self.config, request);
        let due = SOURCES.iter().filter(|source| refresh[source.member]["due"] == true);
        let due: Vec<&str> = due.map(|source| source.kind.as_str()).collect();
        Ok(WouldStart::yes(match due.as_slice() {
            [] => "All evidence is young enough, or is not to be refreshed.".to_owned(),
            due => format!("These would be run first: {}.", due.join(", ")),
        }))
    }

    /// Evaluates what is published by now, however the runs ended that came first.
    async fn status(&self, run: RunContext<'_>, handle: &mut Handle) -> Result<Progress, JobError> {
        handle.evaluation =
            Some(evaluate::evaluate(&self.config, run, &handle.request, handle.asked_at).await?);
        Ok(Progress::Complete)
    }

    async fn collect(
        &self,
        run: RunContext<'_>,
        _request: &Request,
        handle: &Handle,
    ) -> Result<Collected, JobError> {
        let key = handle.evaluation.as_ref();
        let key = key.ok_or_else(|| JobError::invalid("the run was not evaluated"))?;
        publish::publish(&self.config, run, key).await
    }

    async fn published(&self, result: &Value) -> Result<(), JobError> {
        let count = |member: &str| result[member].as_f64();
        // Of what nobody can say how much it is, nothing is covered.
        let percent = match (count("seenAccounts"), count("expectedAccounts")) {
            (Some(seen), Some(expected)) if expected > 0.0 => 100.0 * seen / expected,
            _ => 0.0,
        };
        self.metrics.emit(&metrics::figure(Kind::Findings.as_str(), COVERAGE, "Percent", percent));
        let text = |member: &str| result["events"][member].as_str();
        // A run of a version that wrote none has none to send; nor has one that is to tell nothing, or is
        // not any more.
        if let (Some(key), Some(etag), Some(_)) = (text("part"), text("etag"), self.config.event_severity) {
            events::send(&self.config.events, &self.config.store, key, etag).await?;
        }
        Ok(())
    }

    /// Nothing of it runs at AWS; the runs that came first end by themselves, at their deadlines.
    async fn cancel(
        &self,
        _run: RunContext<'_>,
        _request: &Request,
        _handle: Option<&Handle>,
        _attempted_at: Option<Timestamp>,
    ) -> Result<Cancelled, JobError> {
        Ok(Cancelled::Ended)
    }
}
