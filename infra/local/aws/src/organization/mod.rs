//! A simulated organization: its tree, its accounts, and how every account and Region is set up.
//!
//! Settings are not stored: they are computed from the seed for each account, Region and attribute,
//! so that 50,000 accounts in 34 Regions take no memory.

mod api;
mod effective;
mod generate;
mod guardrails;
pub(crate) mod policies;
mod requests;
mod settings;

pub use api::call;
pub use generate::{Shape, generate};
pub use policies::{Policy, PolicyType, TYPES};
pub use requests::AccountRequest;
pub use settings::{ATTRIBUTES, Attribute, setting};
pub(crate) use settings::{mix, mix_text};

use jiff::Timestamp;

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

    /// The tags of a root, unit, account or policy: those of an account tell its team and stage, and
    /// policies of AWS's have none.
    pub(crate) fn tags(&self, id: &str) -> Vec<(&'static str, String)> {
        if self.policy(id).is_some_and(|policy| policy.aws_managed) {
            return Vec::new();
        }
        match self.accounts.iter().find(|account| account.id == id) {
            Some(account) => {
                let mut parts = account.name.split('-');
                let (team, stage) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
                [("team", team), ("stage", stage)]
                    .into_iter()
                    .filter(|(_, value)| !value.is_empty())
                    .map(|(key, value)| (key, value.to_owned()))
                    .collect()
            }
            None => vec![("owner", "platform".to_owned())],
        }
    }

    pub fn is_administrator(&self, account: &str, service: &str) -> bool {
        account == self.management_account
            || self.delegated.iter().any(|(it, principal)| it == account && principal == service)
    }
}
