//! The newest published run of a kind.
//!
//! Publication leaves a small document under `published/<kind>/`, named by the run: its id begins
//! with its time, so the newest are found by listing the days that count.

use errors::JobError;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use models::{ItemName, Kind, RunId, keys};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::objects::Store;

/// A published run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Published {
    pub schema_version: u32,
    pub kind: Kind,
    pub run_id: RunId,
    pub item: ItemName,
    /// As the run's record has it.
    pub result: Value,
}

impl Published {
    pub const VERSION: u32 = 1;

    /// When what the evidence says was so, as far as the result tells.
    pub fn observed_at(&self) -> Option<Timestamp> {
        self.result["observedAt"].as_str()?.parse().ok()
    }

    /// Whether nothing of the evidence is missing.
    pub fn is_complete(&self) -> bool {
        self.result["complete"] == Value::Bool(true)
    }
}

/// The newest run of the kind whose evidence is at most so old and that is accepted.
pub async fn newest(
    store: &Store,
    kind: Kind,
    now: Timestamp,
    max_age: SignedDuration,
    accept: impl Fn(&Published) -> bool,
) -> Result<Option<Published>, JobError> {
    let oldest = now.checked_sub(max_age).map_err(JobError::defect)?;
    // A run may have begun long before what it read was so.
    let from = oldest.checked_sub(SignedDuration::from_hours(24 * 8)).map_err(JobError::defect)?;
    let prefix = keys::published(kind);
    let day = from.to_zoned(TimeZone::UTC).strftime("%Y%m%d");
    let mut listing = store.list(&prefix).after(format!("{prefix}{day}"));
    let mut found = Vec::new();
    while let Some(page) = listing.next_page().await? {
        found.extend(page.into_iter().map(|entry| entry.key));
    }
    for key in found.iter().rev() {
        let Some(published) = store.load::<Published>(key).await? else { continue };
        let published = published.value;
        let young = published.observed_at().is_some_and(|at| at >= oldest);
        if young && accept(&published) {
            return Ok(Some(published));
        }
    }
    Ok(None)
}
