//! The organization, its root and its units; and where accounts lie that do not tell it themselves.

use std::collections::BTreeSet;

use errors::JobError;
use futures_util::future::try_join_all;
use models::{AccountId, OutcomeStatus};
use organizations::{Account, Organization};
use runtime::lanes::{Results, Turn};

use super::{ACCOUNTS, InventoryLane, State, gap, is_gone, needed, wait};
use crate::entry::Entry;

pub(crate) const STRUCTURE: &str = "structure";
pub(crate) const ACCOUNT_PARENTS: &str = "account-parents";

/// Units that were removed while they were read.
const UNIT_GONE: &str = "a unit was removed while the organization was read";
/// Accounts that were in no list of a unit's children.
const NOWHERE: &str = "an account could not be found in the tree";

/// Calls side by side: so that their pace, and not their latency, decides how long it takes.
const SIDE_BY_SIDE: usize = 4;

pub(crate) async fn turn(
    organization: &Organization,
    lane: &mut InventoryLane<'_>,
) -> Result<Turn, JobError> {
    while let Some(item) = lane.item() {
        match item.name.as_str() {
            STRUCTURE => {
                if !units(organization, lane).await? {
                    break;
                }
                lane.finish(OutcomeStatus::Succeeded, None)?;
            }
            ACCOUNT_PARENTS => {
                let Some(results) = needed(lane, &[ACCOUNTS]).await? else {
                    return Ok(wait(lane));
                };
                let accounts = without_path(&results).await?;
                if accounts.is_empty() {
                    lane.finish(OutcomeStatus::Skipped, None)?;
                } else if parents(organization, lane, &accounts).await? {
                    lane.finish(OutcomeStatus::Succeeded, None)?;
                } else {
                    break;
                }
            }
            other => return Err(JobError::defect(format!("there is no item {other} in this lane"))),
        }
        // What comes next reads it.
        lane.commit().await?;
    }
    Ok(Turn::Again)
}

/// Reads the tree from its root down; `true` when no unit is left.
async fn units(organization: &Organization, lane: &mut InventoryLane<'_>) -> Result<bool, JobError> {
    let mut open = match std::mem::take(&mut lane.state) {
        State::Units { open } => open,
        _ => {
            lane.write(&Entry::Organization(organization.describe().await?)).await?;
            let root = organization.root().await?;
            let open = vec![root.id.to_string()];
            lane.write(&Entry::Root(root)).await?;
            open
        }
    };
    while !open.is_empty() {
        let parents = open.split_off(open.len().saturating_sub(SIDE_BY_SIDE));
        let read = parents.iter().map(|parent| async move {
            match organization.units_of(parent).await {
                Ok(units) => Ok(Some(units)),
                Err(error) if is_gone(&error) => Ok(None),
                Err(error) => Err(error),
            }
        });
        // What is not read to its end is read again from the last commit on.
        let read = try_join_all(read).await?;
        for (parent, units) in parents.iter().zip(read) {
            let Some(units) = units else {
                gap(lane, UNIT_GONE, parent).await?;
                continue;
            };
            for unit in units {
                open.push(unit.id.to_string());
                lane.write(&Entry::Unit(unit)).await?;
            }
        }
        lane.state = State::Units { open: open.clone() };
        lane.checkpoint().await?;
        if !lane.has_time() && !open.is_empty() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The accounts that do not tell where they lie.
async fn without_path(results: &Results<'_>) -> Result<BTreeSet<AccountId>, JobError> {
    let mut accounts = BTreeSet::new();
    results
        .all_entries(|entry| {
            match entry {
                Entry::AccountsBegin => accounts.clear(),
                Entry::Account(Account { id, path: None, .. }) => drop(accounts.insert(id)),
                _ => {}
            }
            Ok(())
        })
        .await?;
    Ok(accounts)
}

/// Looks in every unit for the accounts; those that are in none are asked for their parent. `true`
/// when all have been looked for.
async fn parents(
    organization: &Organization,
    lane: &mut InventoryLane<'_>,
    accounts: &BTreeSet<AccountId>,
) -> Result<bool, JobError> {
    let (mut places, mut found) = (Vec::new(), BTreeSet::new());
    let own = lane.so_far()?;
    own.all_entries(|entry| {
        match entry {
            Entry::Root(root) => places.push(root.id.to_string()),
            Entry::Unit(unit) => places.push(unit.id.to_string()),
            Entry::Parent { account, .. } => drop(found.insert(account)),
            _ => {}
        }
        Ok(())
    })
    .await?;
    let mut done = match lane.state {
        State::Each { done } => done,
        _ => 0,
    };
    while let Some(place) = places.get(done) {
        match organization.accounts_in(place).await {
            Ok(children) => {
                for account in children.into_iter().filter(|account| accounts.contains(account)) {
                    found.insert(account.clone());
                    lane.write(&Entry::Parent { account, parent: place.clone() }).await?;
                }
            }
            Err(error) if is_gone(&error) => gap(lane, UNIT_GONE, place).await?,
            Err(error) => return Err(error),
        }
        done += 1;
        lane.state = State::Each { done };
        lane.checkpoint().await?;
        if !lane.has_time() {
            return Ok(false);
        }
    }
    // They were moved while the units were read.
    for account in accounts.difference(&found) {
        match organization.parent_of(account.as_str()).await {
            Ok(parent) => lane.write(&Entry::Parent { account: account.clone(), parent }).await?,
            Err(error) if is_gone(&error) => gap(lane, NOWHERE, account.as_str()).await?,
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}
