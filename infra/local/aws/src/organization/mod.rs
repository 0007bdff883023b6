//! A simulated organization: its tree, its accounts, and how every account and Region is set up.
//!
//! Settings are not stored: they are computed from the seed for each account, Region and attribute,
//! so that 50,000 accounts in 34 Regions take no memory.

mod api;
mod arns;
mod creation;
mod documents;
mod effective;
mod founding;
mod generate;
mod guardrails;
pub(crate) mod policies;
mod policy_types;
mod publication;
mod quotas;
mod requests;
mod resource_policy;
mod services;
mod settings;
mod switches;
mod tags;

pub(crate) use api::{Organizations, call};
pub use creation::AccountCreation;
pub use generate::{Shape, generate};
pub use policies::{Policy, PolicyType, TYPES};
pub use requests::{AccountRequest, FAILURES};
pub use settings::{ATTRIBUTES, Attribute, setting};
pub(crate) use settings::{mix, mix_text};
pub use switches::{BillingRefusal, OrganizationSettings, PendingType, TooManyInProgress, WrongSource};

use std::time::Duration;

use creation::Creations;
use jiff::{SignedDuration, Timestamp};
use policy_types::TypeChanges;
use publication::Publication;
use resource_policy::ResourcePolicy;
use services::Dates;
use tags::Tags;

/// An organization.
#[derive(Debug, Clone)]
pub struct Organization {
    pub id: String,
    pub root: String,
    pub management_account: String,
    /// Whether all features are on, or only consolidated billing.
    pub all_features: bool,
    /// Delegated administrators, by service principal.
    pub delegated: Vec<(String, String)>,
    /// Service principals that have trusted access.
    pub trusted: Vec<String>,
    pub units: Vec<Unit>,
    pub accounts: Vec<Account>,
    /// The policy types of the root that are on, or on their way to it or from it.
    pub policy_types: Vec<PolicyType>,
    pub policies: Vec<Policy>,
    pub requests: Vec<AccountRequest>,
    pub regions: Vec<String>,
    pub seed: u64,
    /// Without it there is the management account alone, and the rest is what its organization will be.
    pub exists: bool,
    /// When `CreateOrganization` made it.
    pub(crate) founded: Option<Timestamp>,
    pub(crate) tags: Tags,
    pub(crate) resource_policy: Option<ResourcePolicy>,
    pub(crate) dates: Dates,
    pub(crate) publication: Publication,
    pub(crate) type_changes: TypeChanges,
    pub(crate) creations: Creations,
    /// When the last write was.
    pub(crate) last_write: Option<Timestamp>,
    /// How many ids have been made, for each to be another.
    pub(crate) made: u64,
}

/// An organizational unit.
#[derive(Debug, Clone)]
pub struct Unit {
    pub id: String,
    pub name: String,
    pub parent: String,
    /// From the organization to the unit itself, with a slash at the end.
    pub path: String,
}

/// A member, or the management account.
#[derive(Debug, Clone)]
pub struct Account {
    pub id: String,
    pub name: String,
    pub email: String,
    pub state: &'static str,
    pub parent: String,
    pub path: String,
    pub joined: Timestamp,
    /// Why the status report cannot read it, if it cannot.
    pub unreadable: Option<&'static str>,
}

impl Account {
    /// Tells the account from all others, and from itself in another organization.
    pub(crate) fn key(&self, organization: &Organization) -> u64 {
        mix(mix_text(organization.seed, &self.id))
    }
}

impl Organization {
    /// The accounts at or below a root, unit or account; `None` when there is no such target.
    pub fn below(&self, target: &str) -> Option<Vec<&Account>> {
        if target == self.root {
            return Some(self.accounts.iter().collect());
        }
        if self.units.iter().any(|unit| unit.id == target) {
            let segment = format!("/{target}/");
            return Some(self.accounts.iter().filter(|account| account.path.contains(&segment)).collect());
        }
        let account = self.accounts.iter().find(|account| account.id == target)?;
        Some(vec![account])
    }

    /// What a target is, and its name.
    pub(crate) fn target(&self, id: &str) -> (&'static str, &str) {
        // By the form of its id, for a long list of targets asks for each.
        if id.starts_with("ou-") {
            let unit = self.units.iter().find(|unit| unit.id == id);
            return ("ORGANIZATIONAL_UNIT", unit.map_or("", |unit| &unit.name));
        }
        match self.accounts.iter().find(|account| account.id == id) {
            Some(account) => ("ACCOUNT", &account.name),
            None => ("ROOT", "Root"),
        }
    }

    pub(crate) fn account(&self, id: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| account.id == id)
    }

    /// Whether there is such a root or unit.
    pub(crate) fn is_parent(&self, id: &str) -> bool {
        id == self.root || self.units.iter().any(|unit| unit.id == id)
    }

    /// Whether there is such a root, unit or account.
    pub(crate) fn is_target(&self, id: &str) -> bool {
        self.is_parent(id) || self.account(id).is_some()
    }

    /// Ends what is due.
    pub(crate) fn settle(&mut self, now: Timestamp, settings: &OrganizationSettings) {
        self.settle_types(now, span(settings.policy_type_settling));
        self.settle_creations(now, settings);
        self.publication.settle(now, span(settings.effective_policy_lag));
    }

    /// The part of a new id behind its prefix: so many digits of this base.
    pub(crate) fn new_id(&mut self, length: usize, base: u32) -> String {
        self.made += 1;
        let mut random = fastrand::Rng::with_seed(mix(self.seed ^ mix(self.made)));
        (0..length).map(|_| random.digit(base)).collect()
    }

    pub fn is_administrator(&self, account: &str, service: &str) -> bool {
        self.exists
            && (account == self.management_account
                || self.delegated.iter().any(|(it, principal)| it == account && principal == service))
    }
}

/// A switch's duration, as times are reckoned with.
fn span(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}
