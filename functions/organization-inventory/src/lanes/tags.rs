//! The tags of every account.

use errors::JobError;
use models::{AccountId, OutcomeStatus};
use organizations::Organization;
use runtime::lanes::Turn;

use super::accounts::listed;
use super::{ACCOUNTS, InventoryLane, State, gap, is_gone, needed, wait};
use crate::entry::Entry;

/// Accounts whose tags could not be read.
const UNREADABLE: &str = "the tags of an account could not be read";

pub(crate) async fn turn(
    organization: &Organization,
    lane: &mut InventoryLane<'_>,
) -> Result<Turn, JobError> {
    let Some(results) = needed(lane, &[ACCOUNTS]).await? else { return Ok(wait(lane)) };
    let accounts = listed(&results).await?;
    if tags(organization, lane, &accounts).await? {
        lane.finish(OutcomeStatus::Succeeded, None)?;
    }
    Ok(Turn::Again)
}

/// Asks for the tags of each account; `true` after the last.
async fn tags(
    organization: &Organization,
    lane: &mut InventoryLane<'_>,
    accounts: &[AccountId],
) -> Result<bool, JobError> {
    let mut done = match lane.state {
        State::Each { done } => done,
        _ => 0,
    };
    while let Some(account) = accounts.get(done) {
        match organization.tags_of(account).await {
            Ok(tags) => lane.write(&Entry::Tags { account: account.clone(), tags }).await?,
            // It has left the organization since it was listed.
            Err(error) if is_gone(&error) => gap(lane, UNREADABLE, account.as_str()).await?,
            // One denial is all accounts'.
            Err(error) => return Err(error),
        }
        done += 1;
        lane.state = State::Each { done };
        lane.checkpoint().await?;
        if !lane.has_time() {
            return Ok(false);
        }
    }
    Ok(true)
}
