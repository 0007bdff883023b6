//! The accounts.

use errors::JobError;
use models::{AccountId, OutcomeStatus};
use organizations::Organization;
use runtime::lanes::{Results, Turn};

use super::{InventoryLane, pages};
use crate::entry::Entry;

pub(crate) async fn turn(
    organization: &Organization,
    lane: &mut InventoryLane<'_>,
) -> Result<Turn, JobError> {
    let page = |token| organization.accounts_page(token);
    if pages(lane, &Entry::AccountsBegin, page, Entry::Account).await? {
        lane.finish(OutcomeStatus::Succeeded, None)?;
    }
    Ok(Turn::Again)
}

/// The accounts in the order of their list.
pub(super) async fn listed(results: &Results<'_>) -> Result<Vec<AccountId>, JobError> {
    let mut accounts = Vec::new();
    results
        .all_entries(|entry| {
            match entry {
                Entry::AccountsBegin => accounts.clear(),
                Entry::Account(account) => accounts.push(account.id),
                _ => {}
            }
            Ok(())
        })
        .await?;
    Ok(accounts)
}
