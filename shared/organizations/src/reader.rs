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

/// Opens the organization for a run.
#[derive(Debug, Clone)]
pub struct Reader {
    own: SdkConfig,
    identity: Identity,
    share: f64,
    account: AccountId,
}

impl Reader {
    /// Reads [`ORGANIZATIONS_RATE_SHARE`], [`MANAGEMENT_READ_ROLE_ARN`] and the stack's account.
    pub fn new(environment: &Environment) -> Result<Self, InvalidEnvironment> {
        let share: RateShare = environment.get(&ORGANIZATIONS_RATE_SHARE)?;
        let identity = Identity::reader(environment)?;
        let account = match identity.role() {
            None => environment.get(&BUCKET_OWNER)?,
            Some(role) => role.account(),
        };
        Ok(Self { own: environment.aws.clone(), identity, share: share.0, account })
    }

    /// The account in whose name the organization is read.
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// The part of AWS's request rates that may be used.
    pub fn rate_share(&self) -> f64 {
        self.share
    }

    /// The organization, read in the run's name.
    pub async fn open(&self, run: &RunId) -> Result<Organization, JobError> {
        let config = self.identity.config(&self.own, run).await?;
        Ok(Organization::new(&config, self.share))
    }
}

/// The variables that [`Reader::new`] reads, besides the bucket's owner.
pub const VARIABLES: [Variable; 2] = [ORGANIZATIONS_RATE_SHARE, MANAGEMENT_READ_ROLE_ARN];

/// A part of AWS's request rates.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RateShare(pub(crate) f64);

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
