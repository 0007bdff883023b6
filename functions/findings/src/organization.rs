//! The organization as the inventory found it, for whoever asks about accounts and units.

use std::collections::{BTreeMap, BTreeSet};

use errors::JobError;
use models::{AccountId, TargetId};
use organizations::AccountState;
use organizations::snapshot::{PlacedAccount, Snapshot};
use serde_json::Value;
use store::Store;

use crate::sources::Evidence;

/// The organization, and how much of it is known.
#[derive(Debug)]
pub(crate) struct Organization {
    pub(crate) snapshot: Snapshot,
    /// By account, who answers for it.
    owners: BTreeMap<AccountId, String>,
}

impl Organization {
    /// Reads what an inventory left; `None` where there is none.
    pub(crate) async fn read(
        store: &Store,
        inventory: &Evidence,
        owner_tag: &str,
    ) -> Result<Option<Self>, JobError> {
        let Value::String(key) = inventory.result("/snapshot") else { return Ok(None) };
        let snapshot = Snapshot::read(store, key).await?;
        let owner_tag = owner_tag.to_lowercase();
        let owner = |account: &PlacedAccount| {
            let tags = account.tags.iter().flatten();
            let mut owners = tags.filter(|(key, _)| key.to_lowercase() == owner_tag);
            owners.next().map(|(_, owner)| owner.clone()).filter(|owner| !owner.trim().is_empty())
        };
        let owners = snapshot.accounts.iter().filter_map(|(id, account)| Some((id.clone(), owner(account)?)));
        Ok(Some(Self { owners: owners.collect(), snapshot }))
    }

    pub(crate) fn account(&self, id: &str) -> Option<&PlacedAccount> {
        self.snapshot.accounts.get(&id.parse().ok()?)
    }

    pub(crate) fn owner(&self, account: &str) -> Option<&str> {
        self.owners.get(&account.parse().ok()?).map(String::as_str)
    }

    /// The name of a root, a unit or an account.
    pub(crate) fn name_of(&self, target: &str) -> Option<&str> {
        match target.parse().ok()? {
            TargetId::Root(_) => Some(&self.snapshot.root.name),
            TargetId::OrganizationalUnit(id) => self.snapshot.units.get(&id).map(|it| it.unit.name.as_str()),
            TargetId::Account(id) => self.snapshot.accounts.get(&id).map(|it| it.account.name.as_str()),
        }
    }

    /// Accounts that evidence should speak of: all but those that AWS says are not in use.
    pub(crate) fn in_use(&self) -> impl Iterator<Item = (&AccountId, &PlacedAccount)> {
        let is_in_use =
            |(_, it): &(&AccountId, &PlacedAccount)| !matches!(it.account.state, AccountState::NotActive(_));
        self.snapshot.accounts.iter().filter(is_in_use)
    }

    /// Whether an account lies at or below a target; `None` where nothing tells where it lies.
    pub(crate) fn is_below(&self, account: &PlacedAccount, target: &str) -> Option<bool> {
        if target == account.account.id.as_str() || target == self.snapshot.root.id.as_str() {
            return Some(true);
        }
        account.path.as_ref().map(|path| path.split('/').any(|segment| segment == target))
    }

    /// The root and every unit, each with the accounts in use that lie below it, and whether nothing else
    /// may: an account of which nobody knows where it lies may lie anywhere.
    pub(crate) fn units(&self) -> Vec<(String, BTreeSet<&AccountId>, bool)> {
        let mut below: BTreeMap<&str, BTreeSet<&AccountId>> = BTreeMap::new();
        let root = self.snapshot.root.id.as_str();
        below.insert(root, BTreeSet::new());
        for unit in self.snapshot.units.keys() {
            below.insert(unit.as_str(), BTreeSet::new());
        }
        let mut all_are_placed = true;
        for (id, account) in self.in_use() {
            below.entry(root).or_default().insert(id);
            all_are_placed &= account.path.is_some();
            for segment in account.path.iter().flat_map(|path| path.split('/')) {
                if let Some(accounts) = below.get_mut(segment) {
                    accounts.insert(id);
                }
            }
        }
        let all = below.into_iter();
        all.map(|(unit, accounts)| (unit.to_owned(), accounts, all_are_placed || unit == root)).collect()
    }
}
