//! Who reads the organization, and how much of AWS's request rates he may use.

use std::str::FromStr;

use aws_types::SdkConfig;
use errors::JobError;
use models::{AccountId, RunId};
use runtime::environment::BUCKET_OWNER;
use runtime::identity::MANAGEMENT_READ_ROLE_ARN;
use runtime::{Environment, Identity, InvalidEnvironment, Variable};

use crate::Organization;

/// The part of AWS's request rates that may be used.
pub const ORGANIZATIONS_RATE_SHARE: Variable = Variable {
    name: "MUSTER_ORGANIZATIONS_RATE_SHARE",
    default: Some("0.5"),
    description: "Part of AWS's request rates of Organizations that Muster may use, 0.01 to 1.",
};

/// In whose name an organization is opened for a run.
#[derive(Debug, Clone)]
pub(crate) struct Opener {
    own: SdkConfig,
    identity: Identity,
    pub(crate) share: f64,
    pub(crate) account: AccountId,
}

impl Opener {
    /// Reads [`ORGANIZATIONS_RATE_SHARE`] and the stack's account.
    pub(crate) fn new(environment: &Environment, identity: Identity) -> Result<Self, InvalidEnvironment> {
        let RateShare(share) = environment.get(&ORGANIZATIONS_RATE_SHARE)?;
        let account = match identity.role() {
            None => environment.get(&BUCKET_OWNER)?,
            Some(role) => role.account(),
        };
        Ok(Self { own: environment.aws.clone(), identity, share, account })
    }

    /// What clients are built from.
    pub(crate) async fn config(&self, run: &RunId) -> Result<SdkConfig, JobError> {
        self.identity.config(&self.own, run).await
    }
}

/// Opens the organization for a run.
#[derive(Debug, Clone)]
pub struct Reader(Opener);

impl Reader {
    /// Reads [`ORGANIZATIONS_RATE_SHARE`], [`MANAGEMENT_READ_ROLE_ARN`] and the stack's account.
    pub fn new(environment: &Environment) -> Result<Self, InvalidEnvironment> {
        Opener::new(environment, Identity::reader(environment)?).map(Self)
    }

    /// The account in whose name the organization is read.
    pub fn account(&self) -> &AccountId {
        &self.0.account
    }

    /// The part of AWS's request rates that may be used.
    pub fn rate_share(&self) -> f64 {
        self.0.share
    }

    /// The organization, read in the run's name.
    pub async fn open(&self, run: &RunId) -> Result<Organization, JobError> {
        Ok(Organization::new(&self.0.config(run).await?, self.0.share))
    }
}

/// The variables that [`Reader::new`] reads, besides the bucket's owner.
pub const VARIABLES: [Variable; 2] = [ORGANIZATIONS_RATE_SHARE, MANAGEMENT_READ_ROLE_ARN];

/// A part of AWS's request rates.
#[derive(Debug)]
struct RateShare(f64);

impl FromStr for RateShare {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse() {
            Ok(share) if (0.01..=1.0).contains(&share) => Ok(Self(share)),
            _ => Err("is not a number from 0.01 to 1"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_more_than_nothing_and_at_most_all() {
        assert!(["0.01", "0.5", "1"].iter().all(|text| text.parse::<RateShare>().is_ok()));
        assert!(["0", "1.1", "NaN", "-1", "half"].iter().all(|text| text.parse::<RateShare>().is_err()));
    }
}
