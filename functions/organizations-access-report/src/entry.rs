//! What the lane leaves.

use jiff::Timestamp;
use models::{ItemName, PolicyId, TargetId};
use serde::{Deserialize, Serialize};

use crate::entity::EntityPath;
use crate::item::Item;

/// One thing that the lane leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Entry {
    /// A report was ordered.
    Ordered {
        item: ItemName,
        at: Timestamp,
    },
    /// From this item on, each report is ordered and read in one invocation.
    SingleInvocation {
        item: ItemName,
        at: Timestamp,
    },
    Report(Report),
}

/// A report, read whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    pub(crate) item: ItemName,
    pub(crate) entity_id: TargetId,
    pub(crate) entity_path: EntityPath,
    pub(crate) policy_id: Option<PolicyId>,
    pub(crate) management: bool,
    /// The accounts that it is about, as the inventory knows them.
    pub(crate) accounts: u64,
    pub(crate) job_id: String,
    /// When the report was complete.
    pub(crate) completed: Timestamp,
    /// AWS's own counts.
    pub(crate) accessible: Option<i64>,
    pub(crate) not_accessed: Option<i64>,
    pub(crate) services: Vec<Service>,
}

/// A service that is open to the entity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Service {
    pub(crate) namespace: String,
    pub(crate) name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) last: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) region: Option<String>,
    /// The path of the account that used it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) entity: Option<String>,
    /// How many accounts used it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) accounts: Option<i64>,
}

/// A report as AWS answers it, before it is said whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Whole {
    pub(crate) completed: Option<Timestamp>,
    pub(crate) accessible: Option<i64>,
    pub(crate) not_accessed: Option<i64>,
    pub(crate) services: Vec<Service>,
}

impl Whole {
    pub(crate) fn of(self, item: &Item, path: &EntityPath, job_id: &str, now: Timestamp) -> Report {
        Report {
            item: item.name.clone(),
            entity_id: item.entity_id.clone(),
            entity_path: path.clone(),
            policy_id: item.policy_id.clone(),
            management: item.management,
            accounts: item.accounts,
            job_id: job_id.to_owned(),
            completed: self.completed.unwrap_or(now),
            accessible: self.accessible,
            not_accessed: self.not_accessed,
            services: self.services,
        }
    }
}
