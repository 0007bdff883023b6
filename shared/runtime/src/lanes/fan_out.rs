//! A kind whose runs have lanes, as a job: planning is its start, gathering its collection.

use std::sync::Arc;

use errors::JobError;
use jiff::{SignedDuration, Timestamp};
use models::{
    ErrorName, ItemName, Kind, LaneList, LaneTicket, Outcome, OutcomeStatus, Plan, RunId, Ticket, keys,
};
use serde_json::{Map, Value, json};
use store::Store;
use store::published::{self, Published};

use super::results::Results;
use super::{Lanes, Planned, cancel, outcomes, plan, step};
use crate::environment::{Environment, InvalidEnvironment};
use crate::function::{Function, Invocation};
use crate::job::{Cancelled, Collected, Found, Job, Progress, RunContext, Started, WouldStart};
use crate::lifecycle;
use crate::schedule::PollSchedule;

/// The job that `L` is.
#[derive(Debug)]
pub struct FanOut<L>(pub L);

/// The function that gathers the runs of `L`: goes on with the lanes that are open, or collects what
/// all of them left. Given an error, it closes the run.
pub fn gather_function<L: Lanes>(environment: &Environment) -> Result<Function, InvalidEnvironment> {
    let job = Arc::new(FanOut::<L>::new(environment)?);
    lifecycle::gather_function(job, environment)
}

impl<L: Lanes> FanOut<L> {
    /// Goes on with the lanes that are open; `None` when all are closed.
    pub(crate) async fn go_on(
        &self,
        invocation: &Invocation,
        run: &Ticket,
        request: &L::Request,
        plan: Plan,
    ) -> Result<Option<Plan>, JobError> {
        let store = self.0.store();
        let standing = plan::standing(store, &run.run_id, &plan).await?;
        for lane in standing.stuck {
            let ticket = LaneTicket::begin(run.clone(), lane).map_err(JobError::invalid)?;
            step::give_up(&self.0, invocation, &ticket, request).await?;
        }
        if standing.open.is_empty() {
            return Ok(None);
        }
        plan::go_on(store, invocation, &run.run_id, plan, &standing.open).await.map(Some)
    }
}

impl<L: Lanes> Job for FanOut<L> {
    const KIND: Kind = L::KIND;
    const SCHEDULE: PollSchedule = PollSchedule::HOURS;
    /// Planning changes nothing, so it may be done again at once.
    const VISIBLE_WITHIN: SignedDuration = SignedDuration::ZERO;
    const DEADLINE_HOURS: u32 = L::DEADLINE_HOURS;

    type Request = L::Request;
    type Handle = Plan;

    fn new(environment: &Environment) -> Result<Self, InvalidEnvironment> {
        L::new(environment).map(Self)
    }

    fn store(&self) -> &Store {
        self.0.store()
    }

    fn lanes(&self, plan: &Plan) -> Option<LaneList> {
        Some(LaneList {
            bucket: self.0.store().bucket().clone(),
            key: plan.open.clone(),
            concurrency: plan.concurrency,
        })
    }

    fn has_items_to_retry(outcome: &Outcome, retry: &[OutcomeStatus]) -> bool {
        let counts = outcome.result.as_ref().map(|result| &result["items"]);
        let has = |status: &OutcomeStatus| counts.is_some_and(|it| it[status.as_str()].as_u64() > Some(0));
        outcome.status == OutcomeStatus::Succeeded && retry.iter().any(has)
    }

    fn resumed(plan: &mut Plan, retry: &[OutcomeStatus]) {
        plan.open.clone_from(&plan.all);
        if !retry.is_empty() {
            plan.again += 1;
            plan.retry = retry.to_vec();
        }
    }

    fn check(&self, request: &L::Request) -> Result<(), JobError> {
        self.0.check(request)
    }

    async fn resolve(&self, _run: &RunId, _request: &mut L::Request) -> Result<(), JobError> {
        Ok(())
    }

    fn item(request: &L::Request) -> Result<ItemName, JobError> {
        L::item(request)
    }

    async fn find(&self, run: RunContext<'_>, request: &L::Request) -> Result<Found<Plan>, JobError> {
        let Some(max_age) = run.max_age.filter(|_| L::REUSABLE) else { return Ok(Found::Free) };
        let request = L::shown(request)?;
        let same =
            |it: &Published| it.item == *run.item && it.is_complete() && it.result["request"] == request;
        Ok(match published::newest(self.0.store(), L::KIND, run.now, max_age, same).await? {
            Some(found) => Found::Published(json!({
                "reused": found.run_id,
                "manifest": keys::manifest(&found.run_id),
                "result": found.result,
            })),
            None => Found::Free,
        })
    }

    async fn start(&self, run: RunContext<'_>, request: &L::Request) -> Result<Started<Plan>, JobError> {
        let (lanes, basis) = match self.0.plan(run, request).await? {
            Planned::Lanes(lanes) => (lanes, Value::Null),
            Planned::Based(lanes, basis) => (lanes, basis),
            Planned::Needs(needed) => return Ok(Started::Needs(needed)),
        };
        let plan = plan::write(self.0.store(), run, lanes, self.0.concurrency()).await?;
        let plan = Plan { basis, ..plan };
        tracing::info!(lanes = plan.lanes, items = plan.items, "planned");
        Ok(Started::Running(plan))
    }

    async fn would_start(&self, run: RunContext<'_>, request: &L::Request) -> Result<WouldStart, JobError> {
        if let Found::Published(result) = self.find(run, request).await? {
            return Ok(WouldStart::no(format!("A published result is young enough: {result}.")));
        }
        let lanes = match self.0.plan(run, request).await? {
            Planned::Lanes(lanes) | Planned::Based(lanes, _) => lanes,
            Planned::Needs(needed) => {
                return Ok(WouldStart::yes(format!(
                    "A run of {} would come first, and tell what there is to do.",
                    needed.kind
                )));
            }
        };
        let items: usize = lanes.iter().map(|lane| lane.items.len()).sum();
        let estimate = self.0.estimate(run, request, &lanes).await?;
        let lanes = if lanes.len() == 1 { "1 lane".to_owned() } else { format!("{} lanes", lanes.len()) };
        let why = format!("{items} items in {lanes} would be worked through.");
        Ok(WouldStart { starts: true, why, estimate })
    }

    /// Where the lanes stand is the gather step's to see; a run that is resumed goes on with them.
    async fn status(&self, _run: RunContext<'_>, _plan: &mut Plan) -> Result<Progress, JobError> {
        Ok(Progress::Running)
    }

    async fn collect(
        &self,
        run: RunContext<'_>,
        request: &L::Request,
        plan: &Plan,
    ) -> Result<Collected, JobError> {
        let store = self.0.store();
        let lanes = plan::all(store, plan).await?;
        let records = plan::records(store, run.run_id, &lanes).await?;
        let records = records.into_iter().map(|(name, record)| (name, record.value)).collect();
        let results = Results::new(store, run.run_id, records, plan.basis.clone())?;
        let (outcomes, counts) = outcomes::write(&results, run, L::KIND).await?;
        let (expected, ended) = (plan.items + results.added(), counts.values().sum::<u64>());
        if ended != expected {
            return Err(JobError::new(
                ErrorName::Incomplete,
                format!("{expected} items were planned, {ended} have an outcome"),
                "Resume the run: the others are done then.",
            ));
        }
        let mut collected = self.0.gather(run, request, &results).await?;
        collected.parts.push(outcomes);
        let counts: Map<String, Value> =
            counts.into_iter().map(|(status, count)| (status.as_str().into(), json!(count))).collect();
        if let Some(result) = collected.result.as_object_mut() {
            result.insert("items".into(), Value::Object(counts));
            result.insert("lanes".into(), json!(plan.lanes));
            result.insert("manifest".into(), json!(keys::manifest(run.run_id)));
            result.insert("observedAt".into(), json!(collected.observed_at));
            result.insert("complete".into(), json!(collected.coverage.is_complete()));
            result.insert("request".into(), L::shown(request)?);
        }
        Ok(collected)
    }

    async fn published(&self, result: &Value) -> Result<(), JobError> {
        self.0.published(result).await
    }

    /// The lanes end by themselves: each asks for its run's record first. What one of them has running
    /// in AWS is ended here; while an invocation may still be at work on a lane, somebody looks again.
    async fn cancel(
        &self,
        run: RunContext<'_>,
        _request: &L::Request,
        plan: Option<&Plan>,
        _attempted_at: Option<Timestamp>,
    ) -> Result<Cancelled, JobError> {
        match plan {
            Some(plan) if L::CANCELS => cancel::lanes(&self.0, run, plan).await,
            _ => Ok(Cancelled::Ended),
        }
    }
}
