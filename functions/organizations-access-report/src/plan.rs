//! From the newest inventory to the reports to order.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use errors::JobError;
use jiff::Timestamp;
use models::{ErrorName, ItemName, Kind, PolicyId, RunId, TargetId};
use organizations::inventory;
use organizations::selection::{self, Candidate};
use organizations::snapshot::{PlacedAccount, Snapshot};
use runtime::lanes::{LanePlan, Planned};
use runtime::{Prerequisite, RunContext};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::config::Config;
use crate::cursor::Cursor;
use crate::entity::EntityPath;
use crate::item::Item;
use crate::request::{Request, Target};

/// The one lane's name: AWS runs one report at a time for this account.
pub(crate) const LANE: &str = "management-account";
const SCP: &str = "SERVICE_CONTROL_POLICY";
/// What an inventory says when it could not list all policies.
const POLICIES_UNREAD: &str = "policies could not be read";
/// Examples of a gap, and of ids that the organization does not have.
const EXAMPLES: usize = 5;

/// What a run is planned from, for gathering.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Basis {
    /// The run of the inventory.
    pub(crate) inventory: RunId,
    pub(crate) inventory_observed_at: Option<Timestamp>,
    pub(crate) snapshot: String,
    /// What could not be planned: reason, count and examples.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) gaps: BTreeMap<String, (u64, Vec<String>)>,
    /// Ids of the request that the organization does not have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) unmatched: Vec<String>,
}

pub(crate) async fn plan(
    config: &Config,
    run: RunContext<'_>,
    request: &Request,
) -> Result<Planned<Item>, JobError> {
    let age = request.inventory_max_age();
    let newest = inventory::newest(&config.store, run.run_id, run.now, age, request.needs_tags());
    let Some(inventory) = newest.await? else {
        let request = json!({});
        return Ok(Planned::Needs(Prerequisite { kind: Kind::OrganizationInventory, request }));
    };
    let key = inventory.result["snapshot"].as_str().unwrap_or_default().to_owned();
    let snapshot = Snapshot::read(&config.store, &key).await?;
    preflight(config, &snapshot)?;
    let cursor = match request.asks_for(Target::Accounts) {
        true => Cursor::read(&config.store).await?,
        false => Cursor::default(),
    };
    let mut unmatched = selection::unmatched(&[&request.include, &request.exclude], &snapshot);
    if !unmatched.is_empty() {
        tracing::warn!(?unmatched, "the organization has no such entities or policies");
        unmatched.truncate(EXAMPLES);
    }
    let mut planning =
        Planning { request, snapshot: &snapshot, sizes: sizes(&snapshot), gaps: BTreeMap::new() };
    let items = planning.items(&cursor)?;
    if request.asks_for(Target::Policies)
        && let Some(count) = inventory.result["gaps"][POLICIES_UNREAD].as_u64()
    {
        let gap = "the inventory could not list all policies";
        planning.gaps.insert(gap.to_owned(), (count, vec![inventory.run_id.to_string()]));
    }
    if items.iter().all(|item| item.excluded.is_some()) && planning.gaps.is_empty() {
        return Err(JobError::invalid(format!(
            "of {} possible reports, none is left by include, exclude and the accounts' states",
            items.len()
        )));
    }
    let basis = Basis {
        inventory_observed_at: inventory.observed_at(),
        inventory: inventory.run_id,
        snapshot: key,
        gaps: planning.gaps,
        unmatched,
    };
    let lane = LanePlan { name: name(LANE)?, items };
    Ok(Planned::Based(vec![lane], serde_json::to_value(basis).map_err(JobError::defect)?))
}

/// What AWS requires of every report, said before the first is ordered.
fn preflight(config: &Config, snapshot: &Snapshot) -> Result<(), JobError> {
    let organization = &snapshot.organization;
    if organization.feature_set != "ALL" {
        return Err(JobError::new(
            ErrorName::NotEnabled,
            format!("the organization has the feature set {}, not ALL", organization.feature_set),
            "Enable all features in the management account: without them there are no service control policies. Then \
             run again with inventoryMaxAgeHours 0.",
        ));
    }
    let scp = snapshot.root.policy_types.iter().find(|it| it.name == SCP);
    if !scp.is_some_and(organizations::PolicyType::is_enabled) {
        return Err(JobError::new(
            ErrorName::NotEnabled,
            format!(
                "service control policies are {} on the root {}",
                scp.map_or("off", |it| it.status.as_str()),
                snapshot.root.id
            ),
            "Enable it with a run of organization-setup (policyTypes: {\"SERVICE_CONTROL_POLICY\": \"enabled\"}), or in the \
             console. Then run again with inventoryMaxAgeHours 0.",
        ));
    }
    let caller = config.caller();
    if caller != organization.management_account {
        return Err(JobError::new(
            ErrorName::Denied,
            format!(
                "reports would be ordered in account {caller}, and {} is the management account",
                organization.management_account
            ),
            "AWS gives the report to the management account alone: deploy infra/roles/management-roles.yaml to it, and \
             give the ARN of its access-report role to this stack as AccessReportRoleArn.",
        ));
    }
    Ok(())
}

/// The members at or below each root and unit, the management account not among them: reports leave it
/// out.
fn sizes(snapshot: &Snapshot) -> BTreeMap<&str, u64> {
    let mut sizes = BTreeMap::new();
    for account in snapshot.accounts.values() {
        if account.account.id == snapshot.organization.management_account {
            continue;
        }
        for part in account.path.iter().flat_map(|path| path.split('/')).filter(|part| !part.is_empty()) {
            *sizes.entry(part).or_default() += 1;
        }
    }
    sizes
}

struct Planning<'a> {
    request: &'a Request,
    snapshot: &'a Snapshot,
    sizes: BTreeMap<&'a str, u64>,
    gaps: BTreeMap<String, (u64, Vec<String>)>,
}

impl<'a> Planning<'a> {
    /// Every possible report: the root, the units from above, the policies, then accounts by their turns.
    fn items(&mut self, cursor: &Cursor) -> Result<Vec<Item>, JobError> {
        let snapshot = self.snapshot;
        let mut items = Vec::new();
        if self.request.asks_for(Target::Root) {
            items.extend(self.item(&TargetId::Root(snapshot.root.id.clone()), None));
        }
        if self.request.asks_for(Target::OrganizationalUnits) {
            let mut units: Vec<_> = snapshot.units.values().collect();
            units.sort_by_key(|unit| &unit.path);
            for unit in units {
                items.extend(self.item(&TargetId::OrganizationalUnit(unit.unit.id.clone()), None));
            }
        }
        if self.request.asks_for(Target::Policies) {
            for policy in snapshot.policies.values().filter(|it| it.policy.kind == SCP) {
                if policy.policy.aws_managed && !self.request.aws_managed_policies {
                    continue;
                }
                match &policy.targets {
                    None => {
                        self.gap("where a policy is attached could not be read", policy.policy.id.as_str())
                    }
                    Some(targets) => {
                        for target in targets {
                            items.extend(self.item(target, Some(&policy.policy.id)));
                        }
                    }
                }
            }
        }
        if self.request.asks_for(Target::Accounts) {
            let mut accounts: Vec<_> = snapshot.accounts.keys().collect();
            // Those without a report first: nothing is less than something.
            accounts.sort_by_key(|account| cursor.turn(account));
            for account in accounts {
                items.extend(self.item(&TargetId::Account(account.clone()), None));
            }
        }
        // What is left out is said at once, however long the rest takes.
        items.sort_by_key(|item| Reverse(item.excluded.is_some()));
        Ok(items)
    }

    fn item(&mut self, entity: &TargetId, policy: Option<&PolicyId>) -> Option<Item> {
        let name = match policy {
            None => entity.to_string(),
            Some(policy) => format!("{entity}.{policy}"),
        };
        let Ok(name) = name.parse::<ItemName>() else {
            self.gap("the ids of an entity and a policy are too long together", &name);
            return None;
        };
        let account = self.account(entity);
        let path = self.path(entity).and_then(|path| EntityPath::of(&path).ok());
        let candidate = Candidate { entity, path: path.as_ref().map(EntityPath::as_str), policy, account };
        let excluded = selection::left_out(&self.request.include, &self.request.exclude, candidate);
        let accounts = match entity {
            TargetId::Account(_) => 1,
            other => self.sizes.get(other.as_str()).copied().unwrap_or(0),
        };
        Some(Item {
            name,
            entity_id: entity.clone(),
            entity_path: path,
            policy_id: policy.cloned(),
            management: matches!(entity, TargetId::Account(id) if *id == self.snapshot.organization.management_account),
            accounts,
            excluded,
        })
    }

    fn account(&self, entity: &TargetId) -> Option<&'a PlacedAccount> {
        match entity {
            TargetId::Account(id) => self.snapshot.accounts.get(id),
            _ => None,
        }
    }

    fn path(&self, entity: &TargetId) -> Option<String> {
        let snapshot = self.snapshot;
        match entity {
            TargetId::Root(root) => Some(format!("{}/{root}/", snapshot.organization.id)),
            TargetId::OrganizationalUnit(id) => snapshot.units.get(id).map(|unit| unit.path.clone()),
            TargetId::Account(id) => snapshot.accounts.get(id).and_then(|account| account.path.clone()),
        }
    }

    fn gap(&mut self, reason: &str, example: &str) {
        let (count, examples) = self.gaps.entry(reason.to_owned()).or_default();
        *count += 1;
        if examples.len() < EXAMPLES {
            examples.push(example.to_owned());
        }
    }
}

fn name(text: &str) -> Result<ItemName, JobError> {
    text.parse().map_err(JobError::defect)
}
