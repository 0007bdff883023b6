//! The organization's policies: made, changed, attached and removed by plans whose effect is known before
//! they are applied, in waves, each proven before the next begins.
//!
//! * [`desired`]: which policies there shall be.
//! * [`plan`]: from what is read to the changes that are due; [`refusals`] what is refused unless it is
//!   forced, [`deny`] whom a policy denies something.
//! * [`effect`]: what the changes come to in every account, by classes of accounts; [`evidence`]: where
//!   accounts and Regions stand on it today.
//! * [`prove`]: whether AWS shows it, [`invalid`]: what it does not accept; [`tables`]: what is published.

mod config;
mod deny;
mod desired;
mod effect;
mod evidence;
mod invalid;
mod plan;
mod prove;
mod refusals;
mod tables;

use changes::{Access, Draft, Observer, Plan, Planned, Planner, Planning, Proof, Proving, StopOn};
use errors::JobError;
use models::{Coverage, Kind};
use runtime::{Environment, InvalidEnvironment, Part, RunContext};

use crate::config::Config;
use crate::refusals::Refusals;

pub use config::VARIABLES;
pub use desired::{Desired, WishedPolicy, WishedWave};
pub use tables::TABLES;

/// The kind, as its functions serve it.
pub type OrganizationPolicies = Planned<Policies>;

/// Plans and proves the policies of an organization.
#[derive(Debug)]
pub struct Policies {
    config: Config,
}

impl Planner for Policies {
    const KIND: Kind = Kind::OrganizationPolicies;
    const DEADLINE_HOURS: u32 = 24;

    type Desired = Desired;

    fn new(environment: &Environment) -> Result<Self, InvalidEnvironment> {
        Ok(Self { config: Config::new(environment)? })
    }

    fn check(&self, desired: &Desired) -> Result<(), JobError> {
        desired.check()
    }

    async fn draft(&self, planning: &mut Planning<'_>, desired: &Desired) -> Result<Draft, JobError> {
        let mut refusals = Refusals::new(&desired.force);
        let mut draft = plan::draft(&self.config, planning, desired, &mut refusals).await?;
        let newest = evidence::newest(planning, &draft).await?;
        evidence::on_the_root(&mut draft, &newest, &mut refusals);
        refusals.end()?;
        let effects = effect::complete(planning, &mut draft).await?;
        evidence::complete(planning, &mut draft, &effects, newest).await?;
        invalid::complete(planning, &mut draft).await?;
        Ok(draft)
    }

    async fn complete(&self, planning: &mut Planning<'_>, draft: &mut Draft) -> Result<(), JobError> {
        effect::complete(planning, draft).await?;
        invalid::complete(planning, draft).await
    }

    async fn prove(&self, proving: Proving<'_>, observer: &mut Observer) -> Result<Proof, JobError> {
        prove::prove(proving, observer).await
    }

    async fn stops(&self, proving: Proving<'_>, on: StopOn) -> Result<Option<String>, JobError> {
        prove::stops(proving, on).await
    }

    async fn tables(
        &self,
        access: &Access,
        run: RunContext<'_>,
        plan: &Plan,
    ) -> Result<(Vec<Part>, Coverage), JobError> {
        tables::write(&access.store, run, plan).await
    }
}
