//! Runs with lanes: many items, worked through side by side.
//!
//! The run has the [lifecycle](crate::lifecycle) of every other: planning is its start, and
//! gathering its collection. Between them a Distributed Map works on the lanes.
//!
//! 1. [`Lanes`]: the trait that a kind implements: plan, turn, gather.
//! 2. [`plan`]: what planning writes, and how a run goes on until all of its lanes are closed.
//! 3. [`lane`]: a lane as a turn holds it: its items, its outcomes, what was read.
//! 4. [`step`]: one invocation for a lane: everything around the turn.
//! 5. [`results`]: what the lanes left, for gathering; [`outcomes`]: how each item ended, as a table.
//! 6. [`fan_out`]: such a kind as a [`Job`](crate::Job).
//!
//! However often a lane's execution dies, its record says how far it came, and the next goes on from
//! there. An item that fails is recorded with its error, and the lane goes on with the next.

mod added;
mod cancel;
mod fan_out;
mod items;
mod lane;
mod outcomes;
mod parts;
mod plan;
mod results;
mod step;

use std::future::Future;
use std::time::Duration;

use errors::JobError;
use jiff::SignedDuration;
use models::{ErrorName, ItemName, Kind, RunId};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use store::Store;

use crate::{Collected, Environment, Estimate, InvalidEnvironment, Prerequisite, RunContext};

pub use fan_out::{FanOut, gather_function};
pub use lane::Lane;
pub(crate) use outcomes::OUTCOMES;
pub use results::{Outcomes, Results};
pub use step::function;

/// The steps of a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LaneStep {
    Start,
    Status,
    Collect,
}

/// What a turn leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Go on at once, in another invocation.
    Again,
    /// Something is in the way: start again after so long.
    Wait(Duration),
    /// A job of ours runs: ask for its status after so long.
    Poll(Duration),
    /// It is complete: collect what it left.
    Collect,
}

/// A lane as it is planned.
#[derive(Debug)]
pub struct LanePlan<Item> {
    pub name: ItemName,
    pub items: Vec<Item>,
}

/// What came of planning.
#[derive(Debug)]
pub enum Planned<Item> {
    Lanes(Vec<LanePlan<Item>>),
    /// Lanes, and what they were planned from: see [`Results::basis`].
    Based(Vec<LanePlan<Item>>, Value),
    /// A run of another kind has to come first.
    Needs(Prerequisite),
}

/// One kind whose runs have lanes.
pub trait Lanes: Sized + Send + Sync + 'static {
    const KIND: Kind;
    /// How long a run may take when the request does not say. Items that have no outcome by then are
    /// overdue.
    const DEADLINE_HOURS: u32;
    /// Whether a lane may have something running in AWS that can be ended.
    const CANCELS: bool = false;
    /// Whether a published result that is young enough stands for a run.
    const REUSABLE: bool = true;

    type Request: Serialize + DeserializeOwned + std::fmt::Debug + Send + Sync;
    type Item: Serialize + DeserializeOwned + std::fmt::Debug + Send + Sync;
    /// What is remembered of the present item between invocations.
    type State: Serialize + DeserializeOwned + Default + Send + Sync;
    /// What is read, a line of a part.
    type Entry: Serialize + DeserializeOwned + Send + Sync;

    /// Reads the configuration and builds the clients. Calls nothing.
    fn new(environment: &Environment) -> Result<Self, InvalidEnvironment>;

    fn store(&self) -> &Store;

    /// How many lanes are worked on side by side.
    fn concurrency(&self) -> u32;

    /// The checks of a request that depend on the configuration.
    fn check(&self, request: &Self::Request) -> Result<(), JobError>;

    /// The request as the result repeats it, a few hundred bytes: all of it, unless that may be more, or
    /// is not for everybody who sees a result.
    fn shown(request: &Self::Request) -> Result<Value, JobError> {
        serde_json::to_value(request).map_err(JobError::defect)
    }

    /// The item of the run's own record: what all of it is about.
    fn item(request: &Self::Request) -> Result<ItemName, JobError>;

    /// The name of an item of a lane, of its own within the lane.
    fn name(item: &Self::Item) -> &ItemName;

    /// What is to be done. Changes nothing.
    fn plan(
        &self,
        run: RunContext<'_>,
        request: &Self::Request,
    ) -> impl Future<Output = Result<Planned<Self::Item>, JobError>> + Send;

    /// What working on these lanes would take, where that can be told. Changes nothing.
    fn estimate(
        &self,
        run: RunContext<'_>,
        request: &Self::Request,
        lanes: &[LanePlan<Self::Item>],
    ) -> impl Future<Output = Result<Option<Estimate>, JobError>> + Send;

    /// Works on a lane, until its time is up or all of its items have an outcome. An error is the
    /// present item's; one that may pass by itself repeats the step.
    fn turn(
        &self,
        step: LaneStep,
        lane: &mut Lane<'_, Self>,
    ) -> impl Future<Output = Result<Turn, JobError>> + Send;

    /// What is remembered when the present item has ended: of the lane itself, if anything.
    fn after(_ended: Self::State) -> Self::State {
        Self::State::default()
    }

    /// Whether an error of one item is one of all the lane's items.
    fn ends_lane(error: ErrorName) -> bool {
        matches!(error, ErrorName::Denied | ErrorName::NotEnabled | ErrorName::QuotaSpent)
    }

    /// Ends what a lane has running in AWS, as its state tells: its run is over, or its deadline passed.
    fn cancel(
        &self,
        _run: &RunId,
        _lane: &ItemName,
        _state: Self::State,
    ) -> impl Future<Output = Result<(), JobError>> + Send {
        async { Ok(()) }
    }

    /// Turns what the lanes left into parts of tables.
    fn gather(
        &self,
        run: RunContext<'_>,
        request: &Self::Request,
        results: &Results<'_>,
    ) -> impl Future<Output = Result<Collected, JobError>> + Send;

    /// See [`Job::published`](crate::Job::published).
    fn published(&self, _result: &Value) -> impl Future<Output = Result<(), JobError>> + Send {
        async { Ok(()) }
    }
}

/// How long before the end of an invocation a turn begins nothing new: a call that is throttled is
/// repeated for up to two minutes.
const MARGIN: Duration = Duration::from_secs(130);
/// How long a turn goes on where nothing ends the invocation.
const UNBOUNDED: Duration = Duration::from_secs(14 * 60);
/// How much reading may be lost when an invocation dies.
const CHECKPOINT: Duration = Duration::from_secs(5 * 60);
/// How much is kept in memory before it is written as a part.
const PART_BYTES: usize = 8 * 1024 * 1024;
/// The longest wait of a lane: its deadline is kept to the minute.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(1);
