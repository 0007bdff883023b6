//! A simulated organization: its tree, its accounts, and how every account and Region is set up.
//!
//! Settings are not stored: they are computed from the seed for each account, Region and attribute,
//! so that 50,000 accounts in 34 Regions take no memory.

mod api;
mod generate;
mod settings;

pub use api::call;
pub use generate::{Shape, generate};
pub use settings::{ATTRIBUTES, Attribute, setting};

use jiff::Timestamp;

/// An organization.
#[derive(Debug, Clone)]
pub struct Organization {
    pub id: String,
    pub root: String,
    pub management_account: String,
    /// Delegated administrators, by service principal.
    pub delegated: Vec<(String, String)>,
    /// Service principals that have trusted access.
    pub trusted: Vec<String>,
    pub units: Vec<Unit>,
    pub accounts: Vec<Account>,
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

    pub fn is_administrator(&self, account: &str, service: &str) -> bool {
        account == self.management_account
            || self.delegated.iter().any(|(it, principal)| it == account && principal == service)
    }
}
