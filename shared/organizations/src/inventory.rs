//! The newest inventory, for whoever plans from it.

use errors::JobError;
use jiff::{SignedDuration, Timestamp};
use models::{Kind, RunId};
use store::Store;
use store::published::{self, Published};

/// The newest inventory that is at most `max_age` old, or was made since `run` began: the run may have
/// asked for it. Its result names its [`snapshot`](crate::snapshot).
pub async fn newest(
    store: &Store,
    run: &RunId,
    now: Timestamp,
    max_age: SignedDuration,
    needs_tags: bool,
) -> Result<Option<Published>, JobError> {
    let since = begun(run).map_or(SignedDuration::ZERO, |begun| now.duration_since(begun));
    let accept =
        |it: &Published| it.result["snapshot"].is_string() && (!needs_tags || it.result["tags"] == true);
    published::newest(store, Kind::OrganizationInventory, now, max_age.max(since), accept).await
}

/// When a run began, as its id tells.
fn begun(run: &RunId) -> Option<Timestamp> {
    run.as_str().split_once('-')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_tells_when_it_began() {
        let begun = begun(&"20261121T063000Z-9f86d081".parse().unwrap());
        assert_eq!(begun, Some("2026-11-21T06:30:00Z".parse().unwrap()));
    }
}
