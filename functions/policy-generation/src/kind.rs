//! Policy generation as a kind whose runs have lanes.

use errors::JobError;
use models::{ItemName, Kind, RunId};
use runtime::lanes::{Lane, LanePlan, LaneStep, Lanes, Planned, Results, Turn};
use runtime::{Collected, Environment, Estimate, InvalidEnvironment, RunContext};
use store::Store;

use crate::config::Config;
use crate::entry::Entry;
use crate::item::Item;
use crate::lane::State;
use crate::request::Request;
use crate::{estimate, gather, lane, plan};

/// Policy generation over all of the organization.
#[derive(Debug)]
pub struct PolicyGeneration {
    config: Config,
}

/// The item of a run's own record: of all principals, or of some. A run of some leaves the newest of all
/// as it was.
pub(crate) const ITEMS: [&str; 2] = ["organization", "some-principals"];

impl Lanes for PolicyGeneration {
    const KIND: Kind = Kind::PolicyGeneration;
    /// A day's generations of an account take some hours, and accounts take turns.
    const DEADLINE_HOURS: u32 = 72;
    const CANCELS: bool = true;

    type Request = Request;
    type Item = Item;
    type State = State;
    type Entry = Entry;

    fn new(environment: &Environment) -> Result<Self, InvalidEnvironment> {
        Ok(Self { config: Config::new(environment)? })
    }

    fn store(&self) -> &Store {
        &self.config.store
    }

    fn concurrency(&self) -> u32 {
        self.config.concurrency
    }

    fn check(&self, request: &Request) -> Result<(), JobError> {
        request.check(self.config.partition())
    }

    fn item(request: &Request) -> Result<ItemName, JobError> {
        let [all, some] = ITEMS;
        if request.is_of_all() { all } else { some }.parse().map_err(JobError::defect)
    }

    fn name(item: &Item) -> &ItemName {
        &item.name
    }

    async fn plan(&self, run: RunContext<'_>, request: &Request) -> Result<Planned<Item>, JobError> {
        plan::plan(&self.config, run, request).await
    }

    async fn estimate(
        &self,
        run: RunContext<'_>,
        request: &Request,
        lanes: &[LanePlan<Item>],
    ) -> Result<Option<Estimate>, JobError> {
        estimate::estimate(&self.config, run, request, lanes).await
    }

    async fn turn(&self, step: LaneStep, lane: &mut Lane<'_, Self>) -> Result<Turn, JobError> {
        lane::turn(&self.config, step, lane).await
    }

    fn after(ended: State) -> State {
        ended.after()
    }

    async fn cancel(&self, run: &RunId, lane: &ItemName, state: State) -> Result<(), JobError> {
        lane::cancel(&self.config, run, lane, &state).await
    }

    async fn gather(
        &self,
        run: RunContext<'_>,
        request: &Request,
        results: &Results<'_>,
    ) -> Result<Collected, JobError> {
        gather::gather(&self.config.store, run, request, results).await
    }
}
