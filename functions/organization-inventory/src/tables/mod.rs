//! What is published. Columns are only ever added.
//!
//! | table | one row for each |
//! |---|---|
//! | `accounts` | account |
//! | `organization_units` | unit |
//! | `roots` | root, with the organization's own facts |
//! | `policy_types` | policy type that AWS lists on the root, pending ones too |
//! | `policies` | policy, AWS's own too |
//! | `policy_attachments` | policy and the root, unit or account that it is attached to |
//! | `account_requests` | request for an account |
//! | `effective_policies` | account and type that is enabled |
//! | `effective_policy_errors` | reason why AWS does not accept what a type comes to in an account |

mod accounts;
mod effective;
mod policies;
mod structure;

use errors::JobError;
use runtime::{Part, RunContext};
use store::Store;
use table::Table;

pub(crate) use effective::effective;

use crate::gather::Inventory;

/// Those that an inventory is published in.
pub const TABLES: [Table; 9] = [
    accounts::ACCOUNTS,
    accounts::REQUESTS,
    structure::UNITS,
    structure::ROOTS,
    structure::POLICY_TYPES,
    policies::POLICIES,
    policies::ATTACHMENTS,
    effective::POLICIES,
    effective::ERRORS,
];

/// Every table but those of effective policies.
pub(crate) async fn structure(
    store: &Store,
    run: RunContext<'_>,
    inventory: &Inventory,
) -> Result<Vec<Part>, JobError> {
    Ok(vec![
        accounts::accounts(store, run, inventory).await?,
        accounts::requests(store, run, inventory).await?,
        structure::units(store, run, inventory).await?,
        structure::roots(store, run, inventory).await?,
        structure::policy_types(store, run, inventory).await?,
        policies::policies(store, run, inventory).await?,
        policies::attachments(store, run, inventory).await?,
    ])
}
