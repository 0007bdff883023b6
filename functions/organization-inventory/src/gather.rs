//! From what the lanes left to tables, a snapshot, and how much of it there is.

use std::collections::BTreeMap;

use errors::JobError;
use jiff::Timestamp;
use models::{AccountId, Coverage, ErrorName, ItemName, OutcomeStatus, keys};
use organizations::snapshot::{AttachedPolicy, Line, PlacedAccount, PlacedUnit};
use organizations::{Account, AccountRequest, AccountState, Description, Root, Unit};
use runtime::lanes::{Outcomes, Results};
use runtime::{Collected, RunContext};
use serde_json::json;
use store::Store;

use crate::entry::Entry;
use crate::lanes::{ACCOUNTS, STRUCTURE};
use crate::policies::{Policies, ReadPolicy};
use crate::request::Request;
use crate::tables;
use crate::tree::Tree;

/// Accounts of which nothing tells where they lie.
const NO_PLACE: &str = "nothing tells where an account lies";

/// What was read, without the effective policies: those are streamed.
pub(crate) struct Inventory {
    pub(crate) organization: Description,
    pub(crate) root: Root,
    pub(crate) units: Vec<Unit>,
    pub(crate) accounts: BTreeMap<AccountId, Account>,
    /// Of the accounts whose tags were read.
    pub(crate) tags: BTreeMap<AccountId, BTreeMap<String, String>>,
    pub(crate) parents: BTreeMap<AccountId, String>,
    pub(crate) policies: Vec<ReadPolicy>,
    pub(crate) requests: Vec<AccountRequest>,
    pub(crate) tree: Tree,
}

type ByLane = BTreeMap<ItemName, Outcomes>;

pub(crate) async fn gather(
    store: &Store,
    run: RunContext<'_>,
    request: &Request,
    results: &Results<'_>,
) -> Result<Collected, JobError> {
    let mut coverage = Coverage::default();
    let outcomes = results.outcomes().await?;
    let inventory = read(results, &outcomes, &mut coverage).await?;
    count(&inventory, &outcomes, &mut coverage);
    let mut parts = tables::structure(store, run, &inventory).await?;
    parts.extend(tables::effective(store, run, results, &mut coverage).await?);
    let snapshot = keys::part(run.run_id, run.item, run.writer, "snapshot.jsonl");
    store.put(&snapshot, lines(&inventory)?).await?;
    let observed_at = outcomes.values().flat_map(Outcomes::iter).map(|outcome| outcome.at).min();
    let gaps: serde_json::Map<_, _> =
        coverage.gaps.iter().map(|(why, gap)| (why.clone(), json!(gap.count))).collect();
    tracing::info!(
        accounts = inventory.accounts.len(),
        units = inventory.units.len(),
        policies = inventory.policies.len(),
        complete = coverage.is_complete(),
        "gathered"
    );
    Ok(Collected {
        parts,
        observed_at,
        result: json!({
            "organizationId": inventory.organization.id,
            "featureSet": inventory.organization.feature_set,
            "managementAccountId": inventory.organization.management_account,
            "snapshot": snapshot,
            "tags": request.tags,
            "accounts": inventory.accounts.len(),
            "organizationalUnits": inventory.units.len(),
            "policies": inventory.policies.len(),
            "accountRequests": inventory.requests.len(),
            "expectedAccounts": coverage.expected_accounts,
            "seenAccounts": coverage.seen_accounts,
            "gaps": gaps,
        }),
        coverage,
    })
}

async fn read(
    results: &Results<'_>,
    outcomes: &ByLane,
    coverage: &mut Coverage,
) -> Result<Inventory, JobError> {
    // Without these there is no inventory, and nothing could be planned from it.
    for (lane, item) in [(ACCOUNTS, ACCOUNTS), (STRUCTURE, STRUCTURE)] {
        let lane: ItemName = lane.parse().map_err(JobError::defect)?;
        let outcome = outcomes.get(&lane).and_then(|outcomes| outcomes.get(item));
        if outcome.is_none_or(|outcome| outcome.status != OutcomeStatus::Succeeded) {
            let why = outcome.and_then(|it| it.failure.as_ref()).map(ToString::to_string).unwrap_or_default();
            return Err(JobError::new(
                ErrorName::Incomplete,
                format!("the organization's {item} could not be read: {why}"),
                "Once that is mended, resume the run with retry \"failed\".",
            ));
        }
    }
    let (mut organization, mut root) = (None, None);
    let (mut units, mut accounts, mut tags) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    let (mut parents, mut policies, mut requests) = (BTreeMap::new(), Policies::default(), BTreeMap::new());
    results
        .all_entries(|entry| {
            match entry {
                Entry::Organization(it) => organization = Some(it),
                Entry::Root(it) => root = Some(it),
                Entry::Unit(it) => drop(units.insert(it.id.clone(), it)),
                Entry::AccountsBegin => accounts.clear(),
                Entry::Account(it) => drop(accounts.insert(it.id.clone(), it)),
                Entry::Tags { account, tags: of } => drop(tags.insert(account, of)),
                Entry::Parent { account, parent } => drop(parents.insert(account, parent)),
                Entry::Request(it) => drop(requests.insert(it.id.clone(), it)),
                Entry::RequestsBegin => requests.clear(),
                Entry::Gap { reason, example } => coverage.gap(&reason, || example),
                other => policies.take(other),
            }
            Ok(())
        })
        .await?;
    let (Some(organization), Some(root)) = (organization, root) else {
        return Err(JobError::defect("the structure was read without an organization or a root"));
    };
    let units: Vec<Unit> = units.into_values().collect();
    Ok(Inventory {
        tree: Tree::new(&organization, &root, &units),
        organization,
        root,
        units,
        accounts,
        tags,
        parents,
        policies: policies.into_values().collect(),
        requests: requests.into_values().collect(),
    })
}

/// Counts what is known and what is not.
fn count(inventory: &Inventory, outcomes: &ByLane, coverage: &mut Coverage) {
    let accounts = inventory.accounts.len() as u64;
    coverage.expected_accounts = Some(accounts);
    coverage.seen_accounts = accounts;
    for account in inventory.accounts.values() {
        if inventory.tree.way_to_account(account, &inventory.parents).is_none() {
            coverage.gap(NO_PLACE, || account.id.to_string());
        }
        if account.state == AccountState::Unknown {
            coverage.gap("AWS does not tell the state of an account", || account.id.to_string());
        }
    }
    for policy in &inventory.policies {
        if let Err(error) = &policy.content {
            coverage.gap("the content of a policy could not be read", || {
                format!("{}: {error}", policy.policy.id)
            });
        }
        if let Err(error) = &policy.targets {
            coverage.gap("the targets of a policy could not be read", || {
                format!("{}: {error}", policy.policy.id)
            });
        }
    }
    for (lane, outcomes) in outcomes {
        for outcome in outcomes.missing() {
            let reason = format!("{lane} could not be read");
            let why = outcome.failure.as_ref().map(ToString::to_string).unwrap_or_default();
            coverage.gap(&reason, || format!("{}: {why}", outcome.item));
        }
    }
}

/// The snapshot that other kinds plan from.
fn lines(inventory: &Inventory) -> Result<Vec<u8>, JobError> {
    let mut text = Vec::new();
    let mut line = |line: &Line| -> Result<(), JobError> {
        serde_json::to_writer(&mut text, line).map_err(JobError::defect)?;
        text.push(b'\n');
        Ok(())
    };
    line(&Line::Organization(inventory.organization.clone()))?;
    line(&Line::Root(inventory.root.clone()))?;
    for unit in &inventory.units {
        if let Some(path) = inventory.tree.path_of(unit.id.as_str()) {
            line(&Line::Unit(PlacedUnit { unit: unit.clone(), path }))?;
        }
    }
    for account in inventory.accounts.values() {
        line(&Line::Account(PlacedAccount {
            path: inventory.tree.path_of_account(account, &inventory.parents),
            tags: inventory.tags.get(&account.id).cloned(),
            account: account.clone(),
        }))?;
    }
    for policy in &inventory.policies {
        line(&Line::Policy(AttachedPolicy {
            policy: policy.policy.clone(),
            targets: policy.targets.as_ref().ok().cloned(),
        }))?;
    }
    Ok(text)
}

/// Milliseconds since the epoch.
pub(crate) fn millis(at: Option<Timestamp>) -> Option<i64> {
    at.map(|at| at.as_millisecond())
}
