//! From a batch to the accounts that are worked through: what is wrong with it, and who is there already.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use errors::JobError;
use models::{AccountId, ErrorName, RootId, keys};
use organizations::{CONTROL_TOWER, Organization, token_loop};
use runtime::RunContext;
use runtime::lanes::{LanePlan, Planned};
use serde::{Deserialize, Serialize};
use store::Store;
use tokio::time::Instant;

use crate::batch::Problems;
use crate::config::Config;
use crate::item::Item;
use crate::lane::IN_FLIGHT;
use crate::request::{Request, Source};
use crate::sheet;
use crate::wished::Wished;

/// How long all accounts are looked through: a plan lasts five minutes.
const LOOK: Duration = Duration::from_secs(150);
/// The only partition from which accounts in AWS GovCloud (US) are made.
const COMMERCIAL: &str = "aws";
/// The largest CSV: as many accounts as are accepted, with all of their tags.
const MOST_BYTES: u64 = 8 * 1024 * 1024;

/// What a run is planned from, for gathering.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Basis {
    /// The key of all items, lines of JSON.
    pub(crate) items: String,
    pub(crate) control_tower: bool,
}

pub(crate) async fn plan(
    config: &Config,
    run: RunContext<'_>,
    request: &Request,
) -> Result<Planned<Item>, JobError> {
    let batch = batch(&config.store, request).await?;
    let organization = config.reader.open(run.run_id).await?;
    let root = preflight(config, &organization, &batch).await?;
    let control_tower = organization.trusted_services().await?.contains(CONTROL_TOWER);
    if control_tower {
        tracing::warn!("Control Tower manages accounts of this organization: {}", warning());
    }
    let (existing, looked) = existing(&organization, &batch).await?;
    let mut items = Vec::with_capacity(batch.len());
    for wished in batch {
        items.push(Item {
            name: wished.item_name()?,
            digest: wished.digest()?,
            root: root.clone(),
            existing: existing.get(&wished.email.to_ascii_lowercase()).cloned(),
            looked,
            wished,
        });
    }
    let mut lines = Vec::new();
    for item in &items {
        serde_json::to_writer(&mut lines, item).map_err(JobError::defect)?;
        lines.push(b'\n');
    }
    let key = keys::plan(run.run_id, run.writer, "accounts.jsonl");
    config.store.put(&key, lines).await?;
    let basis = serde_json::to_value(Basis { items: key, control_tower }).map_err(JobError::defect)?;
    Ok(Planned::Based(lanes(items)?, basis))
}

/// What Control Tower does not know of an account that is made here.
pub(crate) fn warning() -> String {
    "Control Tower has trusted access: accounts made here are not enrolled in it, and have none of its controls. Enrol \
     them there, or make accounts with its Account Factory."
        .to_owned()
}

/// The batch, checked by itself.
async fn batch(store: &Store, request: &Request) -> Result<Vec<Wished>, JobError> {
    let key = match request.source()? {
        Source::Here(accounts) => return Ok(accounts.to_vec()),
        Source::Csv(key) => key,
    };
    let object = store
        .get_at_most(key, MOST_BYTES)
        .await?
        .ok_or_else(|| JobError::invalid(format!("there is no object {key} in bucket {}", store.bucket())))?;
    sheet::read(&object.bytes)
}

/// Whether all of the batch can be asked for, before anything is; answers the organization's root.
async fn preflight(
    config: &Config,
    organization: &Organization,
    batch: &[Wished],
) -> Result<RootId, JobError> {
    let described = organization.describe().await?;
    let writer = config.writer.account();
    if *writer != described.management_account {
        return Err(JobError::new(
            ErrorName::Denied,
            format!(
                "accounts would be asked for in account {writer}, and {} is the management account",
                described.management_account
            ),
            "AWS lets the management account alone create accounts: deploy infra/roles/management-roles.yaml to it, and give \
             the ARN of its write role to this stack as ManagementWriteRoleArn.",
        ));
    }
    let mut problems = Problems::default();
    let partition = described.arn.split(':').nth(1).unwrap_or_default();
    if partition != COMMERCIAL {
        for (number, _) in batch.iter().enumerate().filter(|(_, it)| it.gov_cloud) {
            problems.add(|| {
                format!("account {}: govCloud is only for the partition aws, this is {partition}", number + 1)
            });
        }
    }
    let root = organization.root().await?.id;
    let mut places: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (number, wished) in batch.iter().enumerate() {
        if let Some(parent) = &wished.parent {
            places.entry(parent).or_default().push(number + 1);
        }
    }
    for (place, accounts) in places {
        if !is_there(organization, &root, place).await? {
            let first = accounts.first().copied().unwrap_or_default();
            problems.add(|| {
                format!(
                    "account {first}: the organization has no {place}, wished for by {} accounts",
                    accounts.len()
                )
            });
        }
    }
    problems.into_result()?;
    Ok(root)
}

/// Whether the organization has this root or unit.
async fn is_there(organization: &Organization, root: &RootId, place: &str) -> Result<bool, JobError> {
    if place.starts_with("r-") {
        return Ok(place == root.as_str());
    }
    match organization.parent_of(place).await {
        Err(error) if error.aws().is_some_and(|aws| aws.is("ChildNotFound")) => Ok(false),
        parent => parent.map(|_| true),
    }
}

/// The accounts that have an address of the batch, by it; and whether there was time to look through all.
async fn existing(
    organization: &Organization,
    batch: &[Wished],
) -> Result<(BTreeMap<String, AccountId>, bool), JobError> {
    let wanted: BTreeSet<String> = batch.iter().map(|it| it.email.to_ascii_lowercase()).collect();
    let (mut found, mut seen, mut token) = (BTreeMap::new(), BTreeSet::new(), None);
    let begun = Instant::now();
    loop {
        let (accounts, next) = organization.accounts_page(token).await?;
        for account in accounts {
            let email = account.email.to_ascii_lowercase();
            if wanted.contains(&email) {
                found.insert(email, account.id);
            }
        }
        let Some(next) = next.filter(|next| !next.is_empty()) else { return Ok((found, true)) };
        if !seen.insert(next.clone()) {
            return Err(token_loop());
        }
        if begun.elapsed() > LOOK {
            tracing::info!("the organization is too large to be looked through by the plan: the lanes do");
            return Ok((found, false));
        }
        token = Some(next);
    }
}

/// As many lanes as AWS works on accounts at a time, with every so manieth account.
fn lanes(items: Vec<Item>) -> Result<Vec<LanePlan<Item>>, JobError> {
    let count = IN_FLIGHT.min(items.len());
    let mut lanes = Vec::with_capacity(count);
    for number in 1..=count {
        let name = format!("lane-{number}").parse().map_err(JobError::defect)?;
        lanes.push(LanePlan { name, items: Vec::new() });
    }
    for (number, item) in items.into_iter().enumerate() {
        if let Some(lane) = lanes.get_mut(number % count) {
            lane.items.push(item);
        }
    }
    Ok(lanes)
}
