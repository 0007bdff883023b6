//! Requests for new accounts.

use std::collections::BTreeSet;

use errors::JobError;
use models::{AccountRequestId, OutcomeStatus};
use organizations::Organization;
use runtime::lanes::Turn;

use super::{InventoryLane, State, pages};
use crate::entry::Entry;

/// What AWS calls a request that has not ended.
const IN_PROGRESS: &str = "IN_PROGRESS";

pub(crate) async fn turn(
    organization: &Organization,
    lane: &mut InventoryLane<'_>,
) -> Result<Turn, JobError> {
    if !matches!(lane.state, State::Each { .. }) {
        let page = |token| organization.account_requests_page(token);
        if !pages(lane, &Entry::RequestsBegin, page, Entry::Request).await? {
            return Ok(Turn::Again);
        }
        lane.state = State::Each { done: 0 };
        lane.commit().await?;
    }
    // What had not ended when its page was read may have by now. The last that is said counts.
    for request in unfinished(lane).await? {
        lane.write(&Entry::Request(organization.account_request(&request).await?)).await?;
    }
    lane.finish(OutcomeStatus::Succeeded, None)?;
    Ok(Turn::Again)
}

/// AWS works on at most five requests at a time, so these are few.
async fn unfinished(lane: &InventoryLane<'_>) -> Result<BTreeSet<AccountRequestId>, JobError> {
    let mut unfinished = BTreeSet::new();
    lane.so_far()?
        .all_entries(|entry| {
            match entry {
                Entry::RequestsBegin => unfinished.clear(),
                Entry::Request(request) if request.state == IN_PROGRESS => {
                    unfinished.insert(request.id);
                }
                _ => {}
            }
            Ok(())
        })
        .await?;
    Ok(unfinished)
}
