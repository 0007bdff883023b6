//! The access report as a kind whose runs have lanes.

use errors::JobError;
use models::{ItemName, Kind};
use runtime::lanes::{Lane, LanePlan, LaneStep, Lanes, Planned, Results, Turn};
use runtime::{Collected, Environment, Estimate, InvalidEnvironment, RunContext};
use serde_json::Value;
use store::Store;

use crate::config::Config;
use crate::entry::Entry;
use crate::iam::Reports;
use crate::item::Item;
use crate::lane::State;
use crate::request::Request;
use crate::{cursor, estimate, gather, lane, plan};

/// The access report over all of the organization.
#[derive(Debug)]
pub struct OrganizationsAccessReport {
    config: Config,
}

/// The item of the run's own record.
const WHOLE: &str = "organization";

impl Lanes for OrganizationsAccessReport {
    const KIND: Kind = Kind::OrganizationsAccessReport;
    /// 2,000 units and as many policies take half a day.
    const DEADLINE_HOURS: u32 = 72;

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

    /// AWS runs one report at a time for a management account.
    fn concurrency(&self) -> u32 {
        1
    }

    fn check(&self, request: &Request) -> Result<(), JobError> {
        request.check()
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
        _run: RunContext<'_>,
        request: &Request,
        lanes: &[LanePlan<Item>],
    ) -> Result<Option<Estimate>, JobError> {
        Ok(Some(estimate::estimate(request, lanes.iter().flat_map(|lane| &lane.items))))
    }

    async fn turn(&self, step: LaneStep, lane: &mut Lane<'_, Self>) -> Result<Turn, JobError> {
        let session = self.config.identity.config(&self.config.aws, lane.run_id()).await?;
        lane::turn(&Reports::new(&session), step, lane).await
    }

    fn after(ended: State) -> State {
        ended.after()
    }

    async fn gather(
        &self,
        run: RunContext<'_>,
        request: &Request,
        results: &Results<'_>,
    ) -> Result<Collected, JobError> {
        gather::gather(&self.config.store, run, request, results).await
    }

    /// The accounts have had their turns.
    async fn published(&self, result: &Value) -> Result<(), JobError> {
        match result["cursor"].as_str() {
            Some(key) => cursor::advance(&self.config.store, key).await,
            None => Ok(()),
        }
    }
}
