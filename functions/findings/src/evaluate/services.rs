//! Service access: what policies leave open to units and nobody below them uses.
//!
//! A report of a unit counts every account below it, so *not used* of a unit is said of all of them, but
//! not of the management account. Of entities that are accounts the table says the same; as findings
//! they would be millions, so units speak for them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use errors::JobError;
use models::Kind;
use runtime::tables::each_file;
use serde::{Deserialize, Serialize};
use store::Store;
use table::Cell;
use table::reader::Reader;

use super::Findings;
use crate::covered::{Coverage, Covered};
use crate::finding::{EntityType, Finding, FindingId, sql};
use crate::kinds::FindingKind;
use crate::sources::Evidence;

const TABLE: &str = "service_access";

/// What a root or unit uses of what is open to it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct UnitServices {
    pub(crate) id: String,
    pub(crate) accounts_in_scope: i64,
    pub(crate) used: u64,
    pub(crate) not_used: BTreeSet<String>,
    pub(crate) unknown: u64,
    pub(crate) tracking_days: i64,
}

/// What service access comes to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Services(pub(crate) Vec<UnitServices>);

pub(crate) async fn evaluate(
    store: &Store,
    evidence: &Evidence,
    findings: &mut Findings<'_>,
    coverage: &mut Coverage,
) -> Result<Services, JobError> {
    let Some(run) = evidence.run_id() else { return Ok(Services::default()) };
    let mut units: BTreeMap<String, UnitServices> = BTreeMap::new();
    each_file(store, TABLE, run, |file| rows(file, evidence, &mut units, findings)).await?;
    coverage.set(FindingKind::ServiceUnused, Covered::Places(units.keys().cloned().collect()));
    Ok(Services(units.into_values().collect()))
}

fn rows(
    file: &Path,
    evidence: &Evidence,
    units: &mut BTreeMap<String, UnitServices>,
    findings: &mut Findings<'_>,
) -> Result<(), JobError> {
    const COLUMNS: [&str; 7] = [
        "entity_id",
        "entity_type",
        "policy_id",
        "service_namespace",
        "accounts_in_scope",
        "tracking_period_at_least_days",
        "conclusion",
    ];
    let pointer = evidence.pointer();
    let mut failed = Ok(());
    let mut rows = Reader::open(file, &COLUMNS).map_err(JobError::defect)?;
    rows.each_row(|[entity, entity_type, policy, service, accounts, days, conclusion]| {
        let is_unit = matches!(entity_type.text(), Some("root" | "organizational_unit"));
        // What one policy leaves open is asked of that policy, and is no more than the unit's own.
        if !is_unit || policy != Cell::Null || failed.is_err() {
            return;
        }
        let (Some(entity), Some(service)) = (entity.text(), service.text()) else { return };
        let unit = units.entry(entity.to_owned()).or_insert_with(|| UnitServices {
            id: entity.to_owned(),
            accounts_in_scope: accounts.integer().unwrap_or(0),
            tracking_days: days.integer().unwrap_or(0),
            ..UnitServices::default()
        });
        match conclusion.text() {
            Some("used") => unit.used += 1,
            Some("not_used") => {
                unit.not_used.insert(service.to_owned());
                failed = findings.push(unused(unit, entity, service, &pointer));
            }
            _ => {
                unit.unknown += 1;
                failed = findings.unknown(FindingId::of(FindingKind::ServiceUnused, entity, Some(service)));
            }
        }
    })
    .map_err(JobError::defect)?;
    failed
}

fn unused(unit: &UnitServices, entity: &str, service: &str, pointer: &crate::finding::Evidence) -> Finding {
    debug_assert_eq!(pointer.kind, Some(Kind::OrganizationsAccessReport));
    Finding::new(FindingKind::ServiceUnused, EntityType::of_target(entity), entity, Some(service), pointer)
        .saying(format!(
            "Policies allow {service} to {} accounts, and none has used it for {} days.",
            unit.accounts_in_scope, unit.tracking_days
        ))
        .where_rows(
            TABLE,
            format!(
                "entity_id = {} AND service_namespace = {} AND policy_id IS NULL",
                sql(entity),
                sql(service)
            ),
        )
        .with("service", service)
}
