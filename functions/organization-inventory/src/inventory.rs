//! The inventory as a kind whose runs have lanes.

use errors::JobError;
use models::{ItemName, Kind};
use organizations::Organization;
use runtime::lanes::{Lane, LanePlan, LaneStep, Lanes, Planned, Results, Turn};
use runtime::{Collected, Environment, Estimate, InvalidEnvironment, RunContext};
use serde::{Deserialize, Serialize};
use store::Store;

use crate::config::Config;
use crate::entry::Entry;
use crate::estimate::estimate;
use crate::gather::gather;
use crate::lanes::{self, ACCOUNTS, EFFECTIVE, POLICIES, REQUESTS, STRUCTURE, TAGS};
use crate::request::{EffectivePolicies, Request};

/// The inventory of the organization.
#[derive(Debug)]
pub struct OrganizationInventory {
    pub(crate) config: Config,
}

/// One thing to read, by its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Item {
    pub(crate) name: ItemName,
}

/// The item of the run's own record, of an inventory of all accounts.
const WHOLE: &str = "organization";
/// And of one of the effective policies of some.
const SOME: &str = "some-accounts";

impl Lanes for OrganizationInventory {
    const KIND: Kind = Kind::OrganizationInventory;
    const DEADLINE_HOURS: u32 = 24;

    type Request = Request;
    type Item = Item;
    type State = lanes::State;
    type Entry = Entry;

    fn new(environment: &Environment) -> Result<Self, InvalidEnvironment> {
        Ok(Self { config: Config::new(environment)? })
    }

    fn store(&self) -> &Store {
        &self.config.store
    }

    /// All at once: each has operations of its own.
    fn concurrency(&self) -> u32 {
        6
    }

    fn check(&self, request: &Request) -> Result<(), JobError> {
        request.check()
    }

    fn item(request: &Request) -> Result<ItemName, JobError> {
        let name = if request.targets.is_empty() { WHOLE } else { SOME };
        name.parse().map_err(JobError::defect)
    }

    fn name(item: &Item) -> &ItemName {
        &item.name
    }

    async fn plan(&self, run: RunContext<'_>, request: &Request) -> Result<Planned<Item>, JobError> {
        let organization = self.config.reader.open(run.run_id).await?;
        let root = organization.root().await?;
        let types = lanes::policies::types(&root);
        let mut planned = vec![
            lane(ACCOUNTS, &[ACCOUNTS])?,
            lane(STRUCTURE, &[lanes::structure::STRUCTURE, lanes::structure::ACCOUNT_PARENTS])?,
            lane(POLICIES, &types)?,
            lane(REQUESTS, &[REQUESTS])?,
        ];
        if request.tags {
            planned.push(lane(TAGS, &[TAGS])?);
        }
        let effective = lanes::effective::types(&root);
        if request.effective_policies != EffectivePolicies::None && !effective.is_empty() {
            planned.push(lane(EFFECTIVE, &effective)?);
        }
        Ok(Planned::Lanes(planned))
    }

    async fn estimate(
        &self,
        run: RunContext<'_>,
        request: &Request,
        lanes: &[LanePlan<Item>],
    ) -> Result<Option<Estimate>, JobError> {
        estimate(&self.config.store, self.config.reader.rate_share(), run, request, lanes).await
    }

    async fn turn(&self, _step: LaneStep, lane: &mut Lane<'_, Self>) -> Result<Turn, JobError> {
        let organization: Organization = self.config.reader.open(lane.run_id()).await?;
        match lane.name() {
            ACCOUNTS => lanes::accounts::turn(&organization, lane).await,
            TAGS => lanes::tags::turn(&organization, lane).await,
            STRUCTURE => lanes::structure::turn(&organization, lane).await,
            POLICIES => lanes::policies::turn(&organization, lane).await,
            REQUESTS => lanes::requests::turn(&organization, lane).await,
            EFFECTIVE => lanes::effective::turn(&organization, self.config.reader.account(), lane).await,
            other => Err(JobError::defect(format!("there is no lane {other}"))),
        }
    }

    async fn gather(
        &self,
        run: RunContext<'_>,
        request: &Request,
        results: &Results<'_>,
    ) -> Result<Collected, JobError> {
        gather(&self.config.store, run, request, results).await
    }
}

fn lane<T: AsRef<str>>(name: &str, items: &[T]) -> Result<LanePlan<Item>, JobError> {
    let parse = |text: &str| text.parse::<ItemName>().map_err(JobError::defect);
    let items = items.iter().map(|item| Ok(Item { name: parse(item.as_ref())? }));
    Ok(LanePlan { name: parse(name)?, items: items.collect::<Result<_, JobError>>()? })
}
