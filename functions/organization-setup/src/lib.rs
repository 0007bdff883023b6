//! The organization's set-up: policy types on or off, services that it trusts, delegated administrators,
//! its resource policy; and the organization itself, where the account is in none.
//!
//! * [`desired`]: how it shall be.
//! * [`plan`]: from what is read to the changes that are due, and what is refused.

mod desired;
mod plan;

use changes::{Draft, Planned, Planner, Planning};
use errors::JobError;
use models::Kind;
use runtime::{Environment, InvalidEnvironment};

pub use changes::{TABLES, VARIABLES};
pub use desired::{Desired, FeatureSet, OnOff, ResourcePolicy};

/// The kind, as its functions serve it.
pub type OrganizationSetup = Planned<Setup>;

/// Plans the set-up of an organization.
#[derive(Debug)]
pub struct Setup;

impl Planner for Setup {
    const KIND: Kind = Kind::OrganizationSetup;
    /// An organization that is being set up takes up to an hour.
    const DEADLINE_HOURS: u32 = 4;

    type Desired = Desired;

    fn new(_environment: &Environment) -> Result<Self, InvalidEnvironment> {
        Ok(Self)
    }

    fn check(&self, desired: &Desired) -> Result<(), JobError> {
        desired.check()
    }

    async fn draft(&self, planning: &mut Planning<'_>, desired: &Desired) -> Result<Draft, JobError> {
        plan::draft(planning, desired).await
    }
}
