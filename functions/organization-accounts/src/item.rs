//! One account of a batch, as the lanes work it through.

use models::{AccountId, ItemName, RootId};
use serde::{Deserialize, Serialize};

use crate::wished::Wished;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Item {
    pub(crate) name: ItemName,
    pub(crate) wished: Wished,
    /// Of everything that is wished: the tag by which the account is known again.
    pub(crate) digest: String,
    /// Where AWS puts new accounts.
    pub(crate) root: RootId,
    /// The account that has the address, as the plan saw it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) existing: Option<AccountId>,
    /// Whether the plan looked through all accounts for the address.
    pub(crate) looked: bool,
}
