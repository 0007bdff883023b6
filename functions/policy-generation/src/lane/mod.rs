//! A lane: one account, from its principals to their policies, one generation at a time.
//!
//! * [`discover`]: which principals there are, and what they have at present.
//! * [`access`]: what AWS says is granted to each, and when it was used.
//! * [`generate`]: the orders, one after the other, within the account's quotas; [`collect`]: what a
//!   generation left.

mod access;
mod collect;
mod current;
mod discover;
mod generate;

use std::time::Duration;

use aws_types::SdkConfig;
use errors::JobError;
use jiff::Timestamp;
use models::{AccountId, ErrorName, Failure, ItemName, OutcomeStatus, RunId};
use runtime::PollSchedule;
use runtime::lanes::{Lane, LaneStep, Lanes, Turn};
use serde::{Deserialize, Serialize};

use crate::analyzer::{Analyzer, is_not_found};
use crate::config::Config;
use crate::cursor;
use crate::iam::Iam;
use crate::item::Work;
use crate::kind::PolicyGeneration;
use crate::order::Order;
use crate::preflight;
use crate::window::Window;

/// What is remembered between invocations.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct State {
    /// The present item's job of service-last-accessed data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    access: Option<AccessJob>,
    /// The present item's generation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    generation: Option<Generation>,
    /// Generations of other items whose end, or whose beginning, was not seen: still ours, and theirs if
    /// they are done again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unseen: Vec<Generation>,
    /// How often the present item's job could not be found any more.
    #[serde(default)]
    lost: u32,
    /// How often AWS said that a generation is in the way, and none was.
    #[serde(default)]
    refused: u32,
    /// Whether more than what fits has been asked for once in this run.
    #[serde(default)]
    probed: bool,
    /// Whether generations are known to work here, or in another account.
    #[serde(default)]
    passed: bool,
}

/// An order of service-last-accessed data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AccessJob {
    item: ItemName,
    id: String,
    ordered: Timestamp,
}

/// A generation: recorded before AWS is called, so that the record is the proof that it is ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Generation {
    item: ItemName,
    /// Counts the orders for the item in this run.
    attempt: u32,
    /// The resume that it was ordered in.
    again: u32,
    order: Order,
    /// What it reads, where Muster has chosen it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    window: Option<Window>,
    ordered: Timestamp,
    /// The id of its job, once AWS has answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    job: Option<String>,
}

impl State {
    /// What is left of it for the next item, or when the run is resumed: a generation of an item that has
    /// no outcome is still ours.
    pub(crate) fn after(self) -> Self {
        Self { lost: 0, refused: 0, ..self }
    }

    /// The present item is left after an answer of AWS's, and what it has running stays ours.
    fn put_aside(&mut self) {
        self.access = None;
        self.generation.take_if(|it| it.job.is_none());
        self.put_aside_unanswered();
    }

    /// The same where an order may have been taken without our having seen the answer.
    fn put_aside_unanswered(&mut self) {
        let Some(generation) = self.generation.take() else { return };
        self.unseen.retain(|it| it.item != generation.item);
        self.unseen.push(generation);
    }

    /// The generation of an item that was put aside.
    fn take_up(&mut self, item: &ItemName) -> Option<Generation> {
        let index = self.unseen.iter().position(|it| it.item == *item)?;
        Some(self.unseen.remove(index))
    }

    /// Generations that may still run.
    fn running(&self) -> impl Iterator<Item = &Generation> {
        self.generation.iter().chain(&self.unseen)
    }
}

/// What comes after an item, or after a look at its job.
enum Next {
    /// The item has its outcome.
    Ended,
    Turn(Turn),
}

type AccountLane<'a> = Lane<'a, PolicyGeneration>;

struct Working<'a, 'l> {
    config: &'a Config,
    account: AccountId,
    iam: Iam,
    analyzer: Analyzer,
    lane: &'a mut AccountLane<'l>,
}

/// One turn: an invocation.
pub(crate) async fn turn(
    config: &Config,
    step: LaneStep,
    lane: &mut AccountLane<'_>,
) -> Result<Turn, JobError> {
    forget(lane);
    if let Some(Work::Discover { excluded: Some(why), .. }) = lane.item().map(|item| &item.work) {
        let failure = Failure::new("Excluded", why);
        lane.finish(OutcomeStatus::Skipped, Some(failure))?;
        return Ok(Turn::Again);
    }
    let account: AccountId = lane.name().parse().map_err(JobError::defect)?;
    let session = match config.session(&account, lane.run_id()).await {
        Ok(session) => session,
        Err(error) => return no_role(config, lane, error).await,
    };
    one(config, step, account, &session, lane).await
}

async fn one(
    config: &Config,
    step: LaneStep,
    account: AccountId,
    session: &SdkConfig,
    lane: &mut AccountLane<'_>,
) -> Result<Turn, JobError> {
    let mut working = Working {
        config,
        account,
        iam: Iam::new(session),
        analyzer: Analyzer::new(session, &config.region),
        lane,
    };
    match step {
        LaneStep::Start => working.go_on().await,
        LaneStep::Status => working.ask().await,
        LaneStep::Collect => working.collect().await,
    }
}

/// Cancels the generations that a lane has running, and no other: its record is the proof that they are
/// ours.
pub(crate) async fn cancel(
    config: &Config,
    run: &RunId,
    lane: &ItemName,
    state: &State,
) -> Result<(), JobError> {
    let mut running = state.running().peekable();
    if running.peek().is_none() {
        return Ok(());
    }
    let account = lane.as_str().parse().map_err(JobError::defect)?;
    let session = config.session(&account, run).await?;
    let analyzer = Analyzer::new(&session, &config.region);
    for generation in running {
        let job = match &generation.job {
            Some(job) => Some(job.clone()),
            None => analyzer.in_progress(&generation.order).await?,
        };
        if let Some(job) = job {
            analyzer.cancel(&job).await?;
        }
    }
    Ok(())
}

/// A step that was made for an item that has ended since.
fn forget(lane: &mut AccountLane<'_>) {
    let present = lane.item().map(|item| item.name.clone());
    lane.state.access.take_if(|job| Some(&job.item) != present.as_ref());
    if lane.state.generation.as_ref().is_some_and(|job| Some(&job.item) != present.as_ref()) {
        lane.state.put_aside_unanswered();
    }
}

/// An account that cannot be worked in at all is left out, with the reason; the others go on.
async fn no_role(config: &Config, lane: &mut AccountLane<'_>, error: JobError) -> Result<Turn, JobError> {
    let is_first = matches!(lane.item().map(|item| &item.work), Some(Work::Discover { .. }));
    if error.name() != ErrorName::Denied || !is_first {
        tell(config, lane, &error).await?;
        return Err(error);
    }
    tracing::warn!(account = lane.name(), "{error}");
    let failure = Failure::new(error.name().as_str(), &error.to_string());
    lane.finish(OutcomeStatus::Skipped, Some(failure))?;
    Ok(Turn::Again)
}

fn preflight<'a>(config: &'a Config, lane: &AccountLane<'a>) -> preflight::Lane<'a> {
    preflight::Lane {
        store: &config.store,
        run: lane.run_id(),
        name: lane.lane_name(),
        again: lane.again(),
        now: lane.now(),
    }
}

/// Tells the other accounts of an error of a generation: of what all of them may have alike, or its own.
async fn tell(config: &Config, lane: &AccountLane<'_>, error: &JobError) -> Result<(), JobError> {
    let is_generation = matches!(lane.item().map(|item| &item.work), Some(Work::Generate { .. }));
    if lane.state.passed || !is_generation || ErrorName::TRANSIENT.contains(&error.name()) {
        return Ok(());
    }
    let preflight = preflight(config, lane);
    let is_nobodys_own =
        matches!(error.name(), ErrorName::Denied | ErrorName::NotEnabled | ErrorName::InvalidRequest)
            || is_not_found(error);
    match is_nobodys_own {
        true => {
            let failure = Failure::new(error.name().as_str(), &error.to_string());
            preflight.failed(&failure, lane.state.generation.is_some()).await
        }
        false => preflight.left().await,
    }
}

impl Working<'_, '_> {
    /// Item after item, while there is time.
    async fn go_on(&mut self) -> Result<Turn, JobError> {
        while let Some(item) = self.lane.item().cloned() {
            self.lane.checkpoint().await?;
            if self.lane.now() >= self.lane.deadline() || !self.lane.has_time() {
                return Ok(Turn::Again);
            }
            let next = match &item.work {
                Work::Discover { .. } => self.discover().await,
                Work::Access { principal } => self.access(principal).await,
                Work::Order => self.order().await,
                Work::Generate { principal, active } => self.generate(principal, active).await,
            };
            if let Next::Turn(turn) = self.ended(next).await? {
                return Ok(turn);
            }
        }
        Ok(Turn::Again)
    }

    /// An item's error is its outcome, and the lane goes on with the next; unless it is every item's, or
    /// may pass by itself.
    async fn ended(&mut self, next: Result<Next, JobError>) -> Result<Next, JobError> {
        let error = match next {
            Ok(next) => return Ok(next),
            Err(error) => error,
        };
        let name = error.name();
        if ErrorName::TRANSIENT.contains(&name) {
            return Err(error);
        }
        tell(self.config, self.lane, &error).await?;
        self.tried().await?;
        self.lane.state.put_aside();
        if PolicyGeneration::ends_lane(name) {
            return Err(error);
        }
        tracing::warn!(item = self.lane.item().map(|it| it.name.as_str()), error = name.as_str(), "{error}");
        let failure = Failure::new(name.as_str(), &error.to_string());
        self.lane.finish(OutcomeStatus::Failed, Some(failure))?;
        Ok(Next::Ended)
    }

    /// Remembers that an order for the present item has ended: others come first the next time.
    async fn tried(&self) -> Result<(), JobError> {
        let (Some(Work::Generate { principal, .. }), Some(_)) =
            (self.lane.item().map(|item| &item.work), &self.lane.state.generation)
        else {
            return Ok(());
        };
        let now = self.lane.now();
        cursor::update(&self.config.store, &self.account, |it| it.tried(&principal.id, now)).await
    }

    fn wait(&self, schedule: &PollSchedule, since: Timestamp) -> Duration {
        let elapsed = Duration::try_from(self.lane.now().duration_since(since)).unwrap_or_default();
        Duration::from_secs(schedule.wait(elapsed, self.lane.name(), self.lane.waits()))
    }

    fn preflight(&self) -> preflight::Lane<'_> {
        preflight(self.config, self.lane)
    }
}
