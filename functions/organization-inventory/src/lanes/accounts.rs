//! The accounts.

use std::collections::HashSet;

use errors::JobError;
use models::{AccountId, OutcomeStatus};
use organizations::Organization;
use runtime::lanes::{Results, Turn};

use super::{InventoryLane, State};
use crate::entry::Entry;

pub(crate) async fn turn(
    organization: &Organization,
    lane: &mut InventoryLane<'_>,
) -> Result<Turn, JobError> {
    if list(organization, lane).await? {
        lane.finish(OutcomeStatus::Succeeded, None)?;
    }
    Ok(Turn::Again)
}

/// Reads pages of the list; `true` at its end.
async fn list(organization: &Organization, lane: &mut InventoryLane<'_>) -> Result<bool, JobError> {
    let mut token = match &lane.state {
        State::Accounts { token } => Some(token.clone()),
        _ => None,
    };
    let mut seen = HashSet::new();
    loop {
        if token.is_none() {
            lane.write(&Entry::AccountsBegin).await?;
        }
        let page = organization.accounts_page(token.clone()).await;
        let (accounts, next) = match page {
            // A token from an earlier invocation that AWS does not take any more.
            Err(error) if token.is_some() && error.aws().is_some_and(|aws| aws.is("InvalidInput")) => {
                tracing::warn!("the list of accounts begins again: {error}");
                token = None;
                lane.state = State::New;
                continue;
            }
            page => page?,
        };
        for account in accounts {
            lane.write(&Entry::Account(account)).await?;
        }
        let Some(next) = next else { return Ok(true) };
        if !seen.insert(next.clone()) {
            return Err(organizations::token_loop());
        }
        lane.state = State::Accounts { token: next.clone() };
        lane.checkpoint().await?;
        if !lane.has_time() {
            return Ok(false);
        }
        token = Some(next);
    }
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
