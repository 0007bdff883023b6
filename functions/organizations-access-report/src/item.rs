//! One report.

use models::{ItemName, PolicyId, TargetId};
use serde::{Deserialize, Serialize};

use crate::entity::EntityPath;

/// One report to order: on an entity, or on a policy at an entity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Item {
    /// The entity's id, with the policy's after a dot.
    pub(crate) name: ItemName,
    pub(crate) entity_id: TargetId,
    /// Absent where nothing tells where the entity lies.
    pub(crate) entity_path: Option<EntityPath>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) policy_id: Option<PolicyId>,
    /// Whether the entity is the management account: no policy limits it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) management: bool,
    /// The accounts that the report is about, as the inventory knows them.
    pub(crate) accounts: u64,
    /// Why it is not ordered, if it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) excluded: Option<String>,
}

impl Item {
    /// Whether it is one of those that take turns over several runs.
    pub(crate) fn takes_turns(&self) -> bool {
        self.policy_id.is_none() && matches!(self.entity_id, TargetId::Account(_))
    }
}
