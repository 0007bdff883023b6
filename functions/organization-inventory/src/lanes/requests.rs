//! Requests for new accounts.

use errors::JobError;
use models::OutcomeStatus;
use organizations::Organization;
use runtime::lanes::Turn;

use super::InventoryLane;
use crate::entry::Entry;

/// What AWS calls a request that has not ended.
const IN_PROGRESS: &str = "IN_PROGRESS";

pub(crate) async fn turn(
    organization: &Organization,
    lane: &mut InventoryLane<'_>,
) -> Result<Turn, JobError> {
    let mut requests = organization.account_requests().await?;
    // What had not ended when its page was read may have by now.
    for request in requests.iter_mut().filter(|request| request.state == IN_PROGRESS) {
        *request = organization.account_request(&request.id).await?;
    }
    for request in requests {
        lane.write(&Entry::Request(request)).await?;
    }
    lane.finish(OutcomeStatus::Succeeded, None)?;
    Ok(Turn::Again)
}
