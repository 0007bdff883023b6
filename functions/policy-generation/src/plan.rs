//! From the newest inventory to the accounts to work on.

use errors::JobError;
use jiff::Timestamp;
use models::{AccountId, ItemName, Kind, RunId, TargetId};
use organizations::inventory;
use organizations::selection::{self, Candidate};
use organizations::snapshot::Snapshot;
use runtime::lanes::{LanePlan, Planned};
use runtime::{Prerequisite, RunContext};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::config::Config;
use crate::item::{Item, Work};
use crate::request::Request;

/// Ids of the request that the organization does not have, in the result.
const EXAMPLES: usize = 5;
/// Why the management account is left out unless it is asked for.
const MANAGEMENT: &str = "it is the management account, which a service-managed StackSet leaves out: deploy \
                          infra/roles/member-roles.yaml there and ask with managementAccount";

/// What a run is planned from, for gathering.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Basis {
    /// The run of the inventory.
    pub(crate) inventory: RunId,
    pub(crate) inventory_observed_at: Option<Timestamp>,
    pub(crate) snapshot: String,
    /// Accounts that are worked on.
    pub(crate) accounts: u64,
    pub(crate) management_account: ManagementAccount,
    /// Ids of the request that the organization does not have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) unmatched: Vec<String>,
}

/// Whether the management account is worked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ManagementAccount {
    Excluded,
    Included,
}

pub(crate) async fn plan(
    config: &Config,
    run: RunContext<'_>,
    request: &Request,
) -> Result<Planned<Item>, JobError> {
    request.check_times(run.now)?;
    let age = request.inventory_max_age();
    let newest = inventory::newest(&config.store, run.run_id, run.now, age, request.needs_tags());
    let Some(inventory) = newest.await? else {
        // Effective policies are of no use here.
        let request = json!({"effectivePolicies": "none"});
        return Ok(Planned::Needs(Prerequisite { kind: Kind::OrganizationInventory, request }));
    };
    let key = inventory.result["snapshot"].as_str().unwrap_or_default().to_owned();
    let snapshot = Snapshot::read(&config.store, &key).await?;
    let mut unmatched = selection::unmatched(&[&request.accounts, &request.exclude_accounts], &snapshot);
    let named = accounts_of(request);
    let elsewhere = named.iter().filter(|account| !snapshot.accounts.contains_key(account));
    unmatched.extend(elsewhere.map(ToString::to_string));
    if !unmatched.is_empty() {
        tracing::warn!(?unmatched, "the organization has no such entities");
        unmatched.truncate(EXAMPLES);
    }
    let mut lanes = Vec::new();
    let (mut accounts, mut management_account) = (0, ManagementAccount::Excluded);
    for id in snapshot.accounts.keys() {
        let because = left_out(request, &named, &snapshot, id);
        let is_management = *id == snapshot.organization.management_account;
        // Of those that are not asked for at all, nothing is to be said.
        if because == Some(None) {
            continue;
        }
        let excluded = because.flatten();
        if excluded.is_none() {
            accounts += 1;
            if is_management {
                management_account = ManagementAccount::Included;
            }
        }
        lanes.push(lane(id, excluded)?);
    }
    if accounts == 0 {
        return Err(JobError::invalid(format!(
            "of {} accounts, none is left by the request and the accounts' states",
            snapshot.accounts.len()
        )));
    }
    let basis = Basis {
        inventory_observed_at: inventory.observed_at(),
        inventory: inventory.run_id,
        snapshot: key,
        accounts,
        management_account,
        unmatched,
    };
    Ok(Planned::Based(lanes, serde_json::to_value(basis).map_err(JobError::defect)?))
}

/// The accounts of the principals that are asked for by name.
fn accounts_of(request: &Request) -> std::collections::BTreeSet<AccountId> {
    request.principals.iter().filter_map(|arn| arn.account()).collect()
}

/// Why an account is left out: `Some(None)` where it has none of the principals that are asked for.
fn left_out(
    request: &Request,
    named: &std::collections::BTreeSet<AccountId>,
    snapshot: &Snapshot,
    id: &AccountId,
) -> Option<Option<String>> {
    if !request.principals.is_empty() && !named.contains(id) {
        return Some(None);
    }
    let entity = TargetId::Account(id.clone());
    let account = snapshot.accounts.get(id);
    let path = account.and_then(|it| it.path.as_deref());
    let candidate = Candidate { entity: &entity, path, policy: None, account };
    if let Some(why) = selection::left_out(&request.accounts, &request.exclude_accounts, candidate) {
        return Some(Some(why));
    }
    let is_management = *id == snapshot.organization.management_account;
    (is_management && !request.management_account).then(|| Some(MANAGEMENT.to_owned()))
}

fn lane(account: &AccountId, excluded: Option<String>) -> Result<LanePlan<Item>, JobError> {
    let name = |text: &str| text.parse::<ItemName>().map_err(JobError::defect);
    let work = Work::Discover { account: account.clone(), excluded };
    let item = Item { name: name("discover")?, work };
    Ok(LanePlan { name: name(account.as_str())?, items: vec![item] })
}
