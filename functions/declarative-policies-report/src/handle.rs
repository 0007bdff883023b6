//! What is known of a report that was started.

use jiff::Timestamp;
use models::{BucketName, KeyPrefix, ReportId, TargetId};
use serde::{Deserialize, Serialize};

/// What the report's steps hand on to each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Handle {
    pub report_id: ReportId,
    pub target_id: TargetId,
    pub bucket: BucketName,
    /// What AWS was told the key begins with.
    pub prefix: KeyPrefix,
    pub since: Timestamp,
    /// Whether Describe has shown it: what was seen and is no longer there is gone.
    #[serde(default)]
    pub seen: bool,
}
