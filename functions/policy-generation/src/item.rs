//! What a lane, an account, has to do.
//!
//! The plan knows the accounts only. Discovering an account adds an item for the access of each of its
//! principals, and one that orders them; ordering adds those to generate a policy for.

use models::{AccountId, ItemName};
use serde::{Deserialize, Serialize};

use crate::principal::Principal;
use crate::window::Active;

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Item {
    pub(crate) name: ItemName,
    pub(crate) work: Work,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Work {
    /// Which principals the account has.
    Discover {
        account: AccountId,
        /// Why it is not asked, if it is not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        excluded: Option<String>,
    },
    /// What AWS says is granted to the principal, and when it was used.
    Access { principal: Principal },
    /// Which of them a policy is generated for, and in what order.
    Order,
    /// A policy for the principal.
    Generate { principal: Principal, active: Active },
}
