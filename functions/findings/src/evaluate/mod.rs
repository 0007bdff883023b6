//! From published evidence to findings: each table is streamed, what is found goes into files, and what
//! is kept is counts.
//!
//! Beside each finding stands what the evidence covers, so that publishing can tell a finding that is
//! resolved from one about which nothing is known any more.

mod policies;
mod principals;
mod requests;
mod services;
mod status;
mod written;

use std::collections::{BTreeMap, BTreeSet};

use errors::JobError;
use jiff::Timestamp;
use models::{AccountId, Kind, keys};
use runtime::RunContext;
use serde::{Deserialize, Serialize};
use store::Store;

use crate::config::Config;
use crate::covered::{Coverage, Covered, Members};
use crate::finding::{EntityType, Finding};
use crate::kinds::FindingKind;
use crate::organization::Organization;
use crate::proposals::Place;
use crate::request::Request;
use crate::sources::{Evidence, Source, Sources};

pub(crate) use principals::{LeastPrivilege, Principals};
pub(crate) use services::{Services, UnitServices};
pub(crate) use status::{Attributes, Deviation, Readiness, Unit};
use written::{Findings, Finished};
pub(crate) use written::{OfSeverity, Written};

/// What an evaluation has come to, as it lies in S3.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Evaluation {
    pub(crate) schema_version: u32,
    pub(crate) sources: Sources,
    pub(crate) organization_id: Option<String>,
    /// Accounts in use, where there is an inventory.
    pub(crate) accounts: Option<u64>,
    /// The root and the units.
    pub(crate) places: BTreeMap<String, Place>,
    pub(crate) coverage: Coverage,
    /// The gravest first.
    pub(crate) findings: Vec<OfSeverity>,
    /// Ids of findings about which nothing can be said although their place is covered.
    pub(crate) unknown: Written,
    /// Ids of findings that are so and that others say; an evaluation of the version before has none.
    #[serde(default)]
    pub(crate) implied: Option<Written>,
    pub(crate) attributes: Attributes,
    pub(crate) services: Services,
    pub(crate) principals: Principals,
}

impl Evaluation {
    pub(crate) const VERSION: u32 = 1;
}

/// Evaluates the evidence that there is now; answers where the evaluation lies.
pub(crate) async fn evaluate(
    config: &Config,
    run: RunContext<'_>,
    request: &Request,
    asked_at: Timestamp,
) -> Result<String, JobError> {
    let store = &config.store;
    let mut sources = Sources::find(config, run, request, asked_at).await?;
    without_what_is_gone(store, &mut sources).await?;
    let of = |kind| sources.of(kind).ok_or_else(|| JobError::defect("a source is missing"));
    let inventory = of(Kind::OrganizationInventory)?;
    let organization = Organization::read(store, inventory, &request.owner_tag).await?;
    let organization = organization.as_ref();
    let mut findings = Findings::new(organization)?;
    let mut coverage = Coverage::default();
    if let (Some(organization), Some(observed_at)) =
        (organization.filter(|_| inventory.is_complete()), inventory.observed_at())
    {
        let accounts = organization.snapshot.accounts.keys().cloned().collect();
        coverage.members = Some(Members { accounts, observed_at });
    }
    let report = of(Kind::DeclarativePoliciesReport)?;
    let attributes = status::evaluate(store, report, organization, &mut findings, &mut coverage).await?;
    let access = of(Kind::OrganizationsAccessReport)?;
    let services = services::evaluate(store, access, organization, &mut findings, &mut coverage).await?;
    let generation = of(Kind::PolicyGeneration)?;
    let principals = principals::evaluate(store, generation, &mut findings, &mut coverage).await?;
    policies::evaluate(store, inventory, organization, &mut findings, &mut coverage).await?;
    requests::evaluate(store, inventory, &mut findings, &mut coverage).await?;
    for evidence in &sources.0 {
        about(evidence, &mut findings)?;
    }
    for kind in [FindingKind::EvidenceMissing, FindingKind::EvidenceIncomplete, FindingKind::EvidenceTooOld] {
        coverage.set(kind, Covered::Everything);
    }
    let Finished { findings, unknown, implied } = findings.finish(store, run).await?;
    let evaluation = Evaluation {
        schema_version: Evaluation::VERSION,
        organization_id: organization.map(|it| it.snapshot.organization.id.to_string()),
        accounts: organization.map(|it| it.in_use().count() as u64),
        places: organization.map(places).unwrap_or_default(),
        sources,
        coverage,
        findings,
        unknown,
        implied: Some(implied),
        attributes,
        services,
        principals,
    };
    let key = keys::part(run.run_id, run.item, run.writer, "evaluation.json");
    store.put(&key, serde_json::to_vec(&evaluation).map_err(JobError::defect)?).await?;
    Ok(key)
}

/// The root and the units, as proposals need them.
fn places(organization: &Organization) -> BTreeMap<String, Place> {
    let snapshot = &organization.snapshot;
    let place = |(id, ..): (String, BTreeSet<&AccountId>, bool)| {
        let path = id.parse().ok().and_then(|id| snapshot.units.get(&id)).map(|unit| unit.path.as_str());
        let ancestors = ancestors(path.unwrap_or_default(), &id);
        let name = organization.name_of(&id).unwrap_or_default().to_owned();
        (id, Place { name, ancestors })
    };
    organization.units().into_iter().map(place).collect()
}

/// The root and the units that one lies in, by its path from the organization to itself.
fn ancestors(path: &str, unit: &str) -> Vec<String> {
    // The first segment is the organization itself.
    let segments = path.split('/').skip(1);
    segments.filter(|it| !it.is_empty() && *it != unit).map(str::to_owned).collect()
}

/// Whether an object is there: what was published may have been removed since.
async fn is_there(store: &Store, key: &str) -> Result<bool, JobError> {
    let mut listing = store.list(key);
    while let Some(page) = listing.next_page().await? {
        if page.iter().any(|entry| entry.key == key) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Takes a run whose objects are not all there for one that was never published.
async fn without_what_is_gone(store: &Store, sources: &mut Sources) -> Result<(), JobError> {
    for evidence in &mut sources.0 {
        let Some(run) = evidence.run_id().cloned() else { continue };
        let tables: &[&str] = match evidence.kind {
            Kind::OrganizationInventory => policies::READ,
            Kind::DeclarativePoliciesReport => &[account_status::TABLE],
            Kind::OrganizationsAccessReport => services::READ,
            Kind::PolicyGeneration => principals::READ,
            _ => &[],
        };
        let mut needed: Vec<String> = tables.iter().map(|table| keys::table(table, &run, 0)).collect();
        needed.extend(evidence.result("/snapshot").as_str().map(str::to_owned));
        for key in needed {
            if !is_there(store, &key).await? {
                tracing::warn!(%run, key, "published, and gone");
                evidence.published = None;
                break;
            }
        }
    }
    Ok(())
}

/// What is to be said of the evidence itself.
fn about(evidence: &Evidence, findings: &mut Findings<'_>) -> Result<(), JobError> {
    let Some(source) = Source::of(evidence.kind) else { return Ok(()) };
    let of = |kind| {
        Finding::new(kind, EntityType::Source, evidence.kind.as_str(), None, &evidence.pointer())
            .named(Some(source.title))
            .where_rows("runs", format!("kind = '{}'", evidence.kind))
    };
    let Some(published) = &evidence.published else {
        // What is not part of the stack is not missed.
        return match evidence.is_off {
            true => Ok(()),
            false => findings.push(of(FindingKind::EvidenceMissing).saying(format!(
                "No run of {} has been published: nothing is known of what it would tell.",
                evidence.kind
            ))),
        };
    };
    if evidence.is_too_old {
        let at = evidence.observed_at().map(|at| at.strftime("%Y-%m-%d %H:%M UTC").to_string());
        findings.push(of(FindingKind::EvidenceTooOld).saying(format!(
            "The newest evidence is of {}, older than {} hours.",
            at.unwrap_or_default(),
            evidence.max_age_hours
        )))?;
    }
    if !evidence.is_complete() {
        let gaps: serde_json::Map<_, _> =
            evidence.gaps().map(|(reason, count)| (reason.to_owned(), count.into())).collect();
        let text = format!("Run {} is published and incomplete: {}.", published.run_id, evidence.missing());
        findings.push(of(FindingKind::EvidenceIncomplete).saying(text).with("gaps", gaps))?;
    }
    Ok(())
}
