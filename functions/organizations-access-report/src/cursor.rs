//! Whose turn it is: accounts are reported on by turns, over several runs.
//!
//! A run that is published adds when it ordered the report of each account. The next begins with those
//! that have none, and then with the oldest. An order counts even if nothing came of it: otherwise an
//! account whose report always fails would come first every time.

use std::collections::BTreeMap;

use errors::JobError;
use models::{AccountId, Kind, keys};
use serde::{Deserialize, Serialize};
use store::Store;

const KIND: Kind = Kind::OrganizationsAccessReport;

/// When each account's report was last ordered, in seconds since the epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Cursor {
    schema_version: u32,
    accounts: BTreeMap<AccountId, i64>,
}

/// What a run adds: the accounts there are, and when it ordered the report of those that it came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Turns {
    pub(crate) accounts: BTreeMap<AccountId, Option<i64>>,
}

impl Default for Cursor {
    fn default() -> Self {
        Self { schema_version: 1, accounts: BTreeMap::new() }
    }
}

impl Cursor {
    pub(crate) async fn read(store: &Store) -> Result<Self, JobError> {
        Ok(store.load(&keys::cursor(KIND)).await?.map(|it| it.value).unwrap_or_default())
    }

    /// Smaller is earlier: those without a report first.
    pub(crate) fn turn(&self, account: &AccountId) -> Option<i64> {
        self.accounts.get(account).copied()
    }

    /// With what a run has done. Doing it twice changes nothing, and neither does the order of runs.
    /// Accounts that the run did not see are no longer there.
    fn after(&self, turns: &Turns) -> Self {
        let accounts = turns.accounts.iter().filter_map(|(account, ordered)| {
            // An `Option` that is there is the larger one.
            Some((account.clone(), (*ordered).max(self.turn(account))?))
        });
        Self { schema_version: self.schema_version, accounts: accounts.collect() }
    }
}

/// Adds what a published run left under `key`.
pub(crate) async fn advance(store: &Store, key: &str) -> Result<(), JobError> {
    let turns = store.load::<Turns>(key).await?;
    let turns = turns.ok_or_else(|| JobError::defect(format!("{key} is not there any more")))?.value;
    store.update(&keys::cursor(KIND), |cursor: &mut Cursor| *cursor = cursor.after(&turns)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(of: &[(&str, Option<i64>)]) -> Turns {
        Turns { accounts: of.iter().map(|(id, at)| (id.parse().unwrap(), *at)).collect() }
    }

    const A: &str = "000000000001";
    const B: &str = "000000000002";

    #[test]
    fn the_newest_order_of_each_account_counts_in_whatever_order_runs_are_added_and_however_often() {
        let (one, two) = (turns(&[(A, Some(5)), (B, None)]), turns(&[(A, Some(3)), (B, Some(4))]));
        let cursor = Cursor::default().after(&one).after(&two);
        assert_eq!(cursor, Cursor::default().after(&two).after(&one));
        assert_eq!(cursor, cursor.after(&one).after(&two));
        assert_eq!((cursor.turn(&A.parse().unwrap()), cursor.turn(&B.parse().unwrap())), (Some(5), Some(4)));
    }

    #[test]
    fn an_account_that_left_is_forgotten_and_50_000_are_less_than_two_megabytes() {
        let cursor = Cursor::default().after(&turns(&[(A, Some(1)), (B, Some(1))]));
        assert_eq!(cursor.after(&turns(&[(B, None)])).turn(&A.parse().unwrap()), None);
        let ids: Vec<String> = (0..50_000).map(|number| format!("{number:012}")).collect();
        let all: Vec<_> = ids.iter().map(|id| (id.as_str(), Some(1_795_000_000))).collect();
        assert!(serde_json::to_vec(&Cursor::default().after(&turns(&all))).unwrap().len() < 2_000_000);
    }
}
