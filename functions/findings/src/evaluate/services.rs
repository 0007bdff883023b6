//! Service access: what policies leave open to units and nobody below them uses.
//!
//! A report of a unit counts every account below it, so *not used* of a unit is said of all of them, but
//! not of the management account. Of entities that are accounts the table says the same; as findings
//! they would be millions, so units speak for them, and of units the highest: what is not used in a unit
//! is not used in those within it, and is said once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use errors::JobError;
use models::{AccountId, Kind, keys};
use organizations::snapshot::Snapshot;
use runtime::tables::each_file;
use serde::{Deserialize, Serialize};
use store::Store;
use store::published::Published;
use table::Cell;
use table::reader::Reader;

use super::{Findings, ancestors};
use crate::covered::{Coverage, Covered};
use crate::finding::{EntityType, Finding, FindingId, sql};
use crate::kinds::FindingKind;
use crate::organization::Organization;
use crate::sources::Evidence;

const TABLE: &str = "service_access";
/// The tables that are read here.
pub(super) const READ: &[&str] = &[TABLE];
/// Why a row concludes nothing: the list may be longer than what is there.
const COUNTS_DIFFER: &str = "counts_differ";
/// Accounts that came after a report that are named.
const NEWCOMERS: usize = 50;

/// What a root or unit uses of what is open to it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct UnitServices {
    pub(crate) id: String,
    /// The root and the units that it lay in when the report was made.
    #[serde(default)]
    pub(crate) ancestors: Vec<String>,
    pub(crate) accounts_in_scope: i64,
    pub(crate) used: BTreeSet<String>,
    pub(crate) not_used: BTreeSet<String>,
    pub(crate) unknown: u64,
    /// Whether AWS says that there are more services than it has listed, or others.
    pub(crate) counts_differ: bool,
    pub(crate) tracking_days: i64,
    /// Accounts that lie below the unit now and did not when the report was made, the first of them; absent
    /// where nobody can say.
    pub(crate) newcomers: Option<Vec<String>>,
    /// How many they are beyond those.
    #[serde(default)]
    pub(crate) more_newcomers: u64,
}

/// What service access comes to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Services(pub(crate) Vec<UnitServices>);

pub(crate) async fn evaluate(
    store: &Store,
    evidence: &Evidence,
    organization: Option<&Organization>,
    findings: &mut Findings<'_>,
    coverage: &mut Coverage,
) -> Result<Services, JobError> {
    let Some(run) = evidence.run_id() else { return Ok(Services::default()) };
    let mut units: BTreeMap<String, UnitServices> = BTreeMap::new();
    each_file(store, TABLE, run, |file| rows(file, &mut units)).await?;
    let pointer = evidence.pointer();
    // Where every service that is listed is used, no row tells that there may be more.
    let may_differ = evidence.gaps().any(|(reason, _)| reason.contains(COUNTS_DIFFER));
    let mut covered = BTreeSet::new();
    for unit in units.values() {
        for service in &unit.not_used {
            match is_said_above(&units, unit, service) {
                true => findings.implied(id_of(&unit.id, service))?,
                false => findings.push(unused(unit, service, &pointer))?,
            }
        }
        if !may_differ && !unit.counts_differ {
            covered.insert(unit.id.clone());
        }
    }
    each_file(store, TABLE, run, |file| unknown(file, &units, findings)).await?;
    coverage.set(FindingKind::ServiceUnused, Covered::Places(covered));
    if let Some(organization) = organization {
        newcomers(store, evidence, organization, &mut units).await?;
    }
    Ok(Services(units.into_values().collect()))
}

/// Whether the same is said of a unit above: the same report counts there every account that it counts
/// here.
fn is_said_above(units: &BTreeMap<String, UnitServices>, unit: &UnitServices, service: &str) -> bool {
    let mut above = unit.ancestors.iter().filter_map(|id| units.get(id));
    above.any(|above| above.not_used.contains(service))
}

fn id_of(unit: &str, service: &str) -> FindingId {
    FindingId::of(FindingKind::ServiceUnused, unit, Some(service))
}

/// Hands every row of a root or unit to `take`: the unit, the service, the conclusion and why it is none,
/// then where the unit lies, its accounts and the tracking period.
fn each_row(
    file: &Path,
    mut take: impl FnMut(&str, &str, Option<&str>, Option<&str>, [Cell<'_>; 3]),
) -> Result<(), JobError> {
    const COLUMNS: [&str; 9] = [
        "entity_id",
        "entity_type",
        "policy_id",
        "service_namespace",
        "conclusion",
        "unknown_because",
        "entity_path",
        "accounts_in_scope",
        "tracking_period_at_least_days",
    ];
    let mut rows = Reader::open(file, &COLUMNS).map_err(JobError::defect)?;
    rows.each_row(|[entity, entity_type, policy, service, conclusion, because, path, accounts, days]| {
        let is_unit = matches!(entity_type.text(), Some("root" | "organizational_unit"));
        // What one policy leaves open is asked of that policy, and is no more than the unit's own.
        if let (true, Cell::Null, Some(entity), Some(service)) =
            (is_unit, policy, entity.text(), service.text())
        {
            take(entity, service, conclusion.text(), because.text(), [path, accounts, days]);
        }
    })
    .map_err(JobError::defect)
}

fn rows(file: &Path, units: &mut BTreeMap<String, UnitServices>) -> Result<(), JobError> {
    each_row(file, |entity, service, conclusion, because, [path, accounts, days]| {
        let unit = units.entry(entity.to_owned()).or_insert_with(|| UnitServices {
            id: entity.to_owned(),
            ancestors: ancestors(path.text().unwrap_or_default(), entity),
            accounts_in_scope: accounts.integer().unwrap_or(0),
            tracking_days: days.integer().unwrap_or(0),
            ..UnitServices::default()
        });
        match conclusion {
            // A service that is listed twice is used if either says so.
            Some("used") => {
                unit.not_used.remove(service);
                unit.used.insert(service.to_owned());
            }
            Some("not_used") if unit.used.contains(service) => {}
            Some("not_used") => drop(unit.not_used.insert(service.to_owned())),
            _ => {
                unit.unknown += 1;
                unit.counts_differ |= because == Some(COUNTS_DIFFER);
            }
        }
    })
}

/// Notes the services of which nobody can say whether they are used.
fn unknown(
    file: &Path,
    units: &BTreeMap<String, UnitServices>,
    findings: &mut Findings<'_>,
) -> Result<(), JobError> {
    let mut failed = Ok(());
    each_row(file, |entity, service, conclusion, _, _| {
        let is_told = units
            .get(entity)
            .is_some_and(|unit| unit.used.contains(service) || unit.not_used.contains(service));
        if failed.is_ok() && !is_told && !matches!(conclusion, Some("used" | "not_used")) {
            failed = findings.unknown(id_of(entity, service));
        }
    })?;
    failed
}

fn unused(unit: &UnitServices, service: &str, pointer: &crate::finding::Evidence) -> Finding {
    let kind = FindingKind::ServiceUnused;
    let mut finding = Finding::new(kind, EntityType::of_target(&unit.id), &unit.id, Some(service), pointer);
    finding.said_by = unit.ancestors.iter().map(|above| id_of(above, service)).collect();
    finding
        .saying(format!(
            "Policies allow {service} to {} accounts, and none has used it for {} days.",
            unit.accounts_in_scope, unit.tracking_days
        ))
        .where_rows(
            TABLE,
            format!(
                "entity_id = {} AND service_namespace = {} AND policy_id IS NULL",
                sql(&unit.id),
                sql(service)
            ),
        )
        .with("service", service)
}

/// Which accounts lie below the units now that the report has not counted there: what they use, nobody has
/// asked.
async fn newcomers(
    store: &Store,
    evidence: &Evidence,
    organization: &Organization,
    units: &mut BTreeMap<String, UnitServices>,
) -> Result<(), JobError> {
    let Some(basis) = evidence.result("/inventory/runId").as_str() else { return Ok(()) };
    let key = format!("{}{basis}.json", keys::published(Kind::OrganizationInventory));
    let Some(published) = store.load::<Published>(&key).await? else { return Ok(()) };
    let Some(snapshot) = published.value.result["snapshot"].as_str() else { return Ok(()) };
    if !super::is_there(store, snapshot).await? {
        return Ok(());
    }
    let before = Snapshot::read(store, snapshot).await?;
    let management = &organization.snapshot.organization.management_account;
    for (id, accounts, all_are_placed) in organization.units() {
        let Some(unit) = units.get_mut(&id) else { continue };
        let was_below = |account: &AccountId| {
            let path = before.accounts.get(account).and_then(|it| it.path.as_ref());
            path.is_some_and(|path| path.split('/').any(|segment| segment == id))
        };
        if all_are_placed {
            let mut new = accounts.into_iter().filter(|it| *it != management && !was_below(it));
            unit.newcomers = Some(new.by_ref().take(NEWCOMERS).map(ToString::to_string).collect());
            unit.more_newcomers = new.count() as u64;
        }
    }
    Ok(())
}
