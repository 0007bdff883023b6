//! New accounts as a kind whose runs have lanes.

use errors::JobError;
use models::{ErrorName, ItemName, Kind};
use runtime::lanes::{Lane, LanePlan, LaneStep, Lanes, Planned, Results, Turn};
use runtime::{Collected, Environment, Estimate, InvalidEnvironment, RunContext};
use serde_json::Value;
use store::Store;

use crate::config::Config;
use crate::entry::Entry;
use crate::item::Item;
use crate::lane::{self, IN_FLIGHT};
use crate::request::Request;
use crate::state::State;
use crate::{estimate, gather, plan};

/// New accounts of the organization.
#[derive(Debug)]
pub struct OrganizationAccounts {
    config: Config,
}

/// The item of the run's own record.
const WHOLE: &str = "accounts";

impl Lanes for OrganizationAccounts {
    const KIND: Kind = Kind::OrganizationAccounts;
    /// A thousand accounts take most of it.
    const DEADLINE_HOURS: u32 = 24;
    /// What is there is found each time; what a batch in S3 says may have changed.
    const REUSABLE: bool = false;

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

    /// AWS works on so many accounts at a time, and each lane on one.
    fn concurrency(&self) -> u32 {
        u32::try_from(IN_FLIGHT).unwrap_or(1)
    }

    fn check(&self, request: &Request) -> Result<(), JobError> {
        request.check()
    }

    fn shown(request: &Request) -> Result<Value, JobError> {
        request.shown()
    }

    fn item(_request: &Request) -> Result<ItemName, JobError> {
        WHOLE.parse().map_err(JobError::defect)
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
        _request: &Request,
        lanes: &[LanePlan<Item>],
    ) -> Result<Option<Estimate>, JobError> {
        let organization = self.config.reader.open(run.run_id).await?;
        estimate::estimate(&organization, self.config.spacing(), lanes).await.map(Some)
    }

    async fn turn(&self, step: LaneStep, lane: &mut Lane<'_, Self>) -> Result<Turn, JobError> {
        lane::turn(&self.config, step, lane).await
    }

    /// What is remembered names its account, and a run that is resumed may turn to it again.
    fn after(ended: State) -> State {
        ended
    }

    /// One account that is refused stops no other.
    fn ends_lane(_error: ErrorName) -> bool {
        false
    }

    async fn gather(
        &self,
        run: RunContext<'_>,
        _request: &Request,
        results: &Results<'_>,
    ) -> Result<Collected, JobError> {
        gather::gather(&self.config.store, run, results).await
    }
}
