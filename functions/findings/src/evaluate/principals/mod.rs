//! Roles and users: which show no activity, have services that they do not use, or a generated policy that
//! is not whole.

mod earlier;
mod policies;

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
use crate::finding::{EntityType, Evidence as Pointer, Finding, FindingId, brief, sql};
use crate::kinds::FindingKind;
use crate::sources::Evidence;
use earlier::Earlier;
use policies::Policy;

const TABLE: &str = "generated_policies";
const ACCESS: &str = "principal_access";
const OUTCOMES: &str = "item_outcomes";
/// The tables that are read here.
pub(super) const READ: &[&str] = &[TABLE, ACCESS, OUTCOMES];
/// The item of an account's lane that reads which principals there are.
const DISCOVER: &str = "discover";
/// The error of an account that a request, or its state, leaves out.
const EXCLUDED: &str = "Excluded";
/// Services that are counted by themselves.
const SERVICES: usize = 1_000;

/// What the principals come to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Principals {
    pub(crate) principals: u64,
    /// By what came of them.
    pub(crate) statuses: BTreeMap<String, u64>,
    /// With services that they do not use.
    pub(crate) with_unused_services: u64,
    /// Of whom access was not read.
    pub(crate) access_unknown: u64,
    /// By service, how many principals may use it and do not.
    pub(crate) unused: BTreeMap<String, u64>,
    pub(crate) accounts_read: u64,
    /// With a generated policy that is complete and valid, and the first of them.
    pub(crate) proposable: u64,
    pub(crate) proposals: Vec<LeastPrivilege>,
}

/// A generated policy that is whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct LeastPrivilege {
    pub(crate) principal: String,
    pub(crate) account_id: String,
    /// Where its documents lie, and the policies that it has.
    pub(crate) documents: String,
    pub(crate) current: String,
    /// Of its policies, how many have parts to be filled in.
    pub(crate) with_placeholders: i64,
    /// What has to be known of it, a list as JSON.
    pub(crate) caveats: String,
}

/// The kinds of finding that are made here.
const KINDS: [FindingKind; 5] = [
    FindingKind::PrincipalWithoutActivity,
    FindingKind::PrincipalUnusedServices,
    FindingKind::GeneratedPolicyIncomplete,
    FindingKind::GeneratedPolicyInvalid,
    FindingKind::PolicyNotGenerated,
];

pub(crate) async fn evaluate(
    store: &Store,
    evidence: &Evidence,
    findings: &mut Findings<'_>,
    coverage: &mut Coverage,
) -> Result<Principals, JobError> {
    let mut principals = Principals::default();
    let Some(run) = evidence.run_id() else { return Ok(principals) };
    let pointer = evidence.pointer();
    let mut earlier = Earlier::default();
    each_file(store, TABLE, run, |file| rows(file, &pointer, &mut principals, &mut earlier, findings))
        .await?;
    earlier.evaluate(store, &pointer, &mut principals, findings).await?;
    each_file(store, ACCESS, run, |file| access(file, &mut principals)).await?;
    let mut read = BTreeSet::new();
    each_file(store, OUTCOMES, run, |file| accounts(file, &pointer, &mut read, findings, coverage)).await?;
    principals.accounts_read = read.len() as u64;
    for kind in KINDS {
        coverage.set(kind, Covered::Places(read.clone()));
    }
    Ok(principals)
}

/// One row of what came of a principal.
struct Row<'a> {
    arn: &'a str,
    account: &'a str,
    status: &'a str,
    pointer: &'a Pointer,
}

impl Row<'_> {
    fn finding(&self, kind: FindingKind) -> Finding {
        let mut finding = Finding::new(kind, EntityType::Principal, self.arn, None, self.pointer)
            .where_rows(TABLE, format!("principal_arn = {}", sql(self.arn)));
        finding.account_id = Some(self.account.to_owned());
        finding
    }

    fn unknown(&self, kind: FindingKind, findings: &mut Findings<'_>) -> Result<(), JobError> {
        findings.unknown(FindingId::of(kind, self.arn, None))
    }
}

fn rows(
    file: &Path,
    pointer: &Pointer,
    principals: &mut Principals,
    earlier: &mut Earlier,
    findings: &mut Findings<'_>,
) -> Result<(), JobError> {
    let [a, b, c, d, e, f, g, h] = policies::COLUMNS;
    let names = [
        "account_id",
        "principal_arn",
        "principal_id",
        "status",
        "valid_policy_run_id",
        "unused_services",
        "granted_services",
        "unknown_services",
        "no_activity_since",
        "last_activity_at",
        "window_start_at",
        a,
        b,
        c,
        d,
        e,
        f,
        g,
        h,
    ];
    let mut failed = Ok(());
    let mut rows = Reader::open(file, &names).map_err(JobError::defect)?;
    rows.each_row(|cells| {
        let [account, arn, id, status, valid, unused, granted, unknown, since, last, window, policy @ ..] =
            cells;
        let (Some(account), Some(arn), Some(status)) = (account.text(), arn.text(), status.text()) else {
            return;
        };
        if failed.is_err() {
            return;
        }
        principals.principals += 1;
        *principals.statuses.entry(status.to_owned()).or_default() += 1;
        let row = Row { arn, account, status, pointer };
        let policy = Policy::of(policy);
        policy.propose(&row, principals);
        let is_earlier = status == "valid_policy_exists" && earlier.note(valid.text(), arn, id.text());
        failed = activity(&row, since, [last, window], findings)
            .and_then(|()| services(&row, [unused, granted, unknown], principals, findings))
            .and_then(|()| if is_earlier { Ok(()) } else { policy.judge(&row, findings) });
    })
    .map_err(JobError::defect)?;
    failed
}

fn activity(
    row: &Row<'_>,
    since: Cell<'_>,
    [last, window]: [Cell<'_>; 2],
    findings: &mut Findings<'_>,
) -> Result<(), JobError> {
    let kind = FindingKind::PrincipalWithoutActivity;
    match row.status {
        "no_activity" => {
            let since = since.integer().and_then(|at| jiff::Timestamp::from_millisecond(at).ok());
            let since = since.map(|at| format!(" since {}", at.strftime("%Y-%m-%d"))).unwrap_or_default();
            findings.push(row.finding(kind).saying(format!("No activity shows{since}.")))
        }
        // Activity shows in the window. That a policy was generated does not say so: of nothing, an empty
        // one is; and activity before the window is none within it.
        _ if last.integer().zip(window.integer()).is_some_and(|(last, window)| last >= window) => Ok(()),
        _ => row.unknown(kind, findings),
    }
}

fn services(
    row: &Row<'_>,
    counts: [Cell<'_>; 3],
    principals: &mut Principals,
    findings: &mut Findings<'_>,
) -> Result<(), JobError> {
    let kind = FindingKind::PrincipalUnusedServices;
    let [unused, granted, unknown] = counts.map(Cell::integer);
    match unused {
        Some(unused @ 1..) => {
            principals.with_unused_services += 1;
            let granted = granted.unwrap_or(unused);
            let finding = row
                .finding(kind)
                .saying(format!("Its policies allow {granted} services, and {unused} of them show no use."))
                .where_rows(ACCESS, format!("principal_arn = {} AND conclusion = 'not_used'", sql(row.arn)))
                .with("unusedServices", unused)
                .with("grantedServices", granted);
            findings.push(finding)
        }
        // A service of which nothing is known may be unused.
        Some(0) if unknown == Some(0) => Ok(()),
        Some(_) => row.unknown(kind, findings),
        None => {
            principals.access_unknown += 1;
            row.unknown(kind, findings)
        }
    }
}

/// Counts by service how many principals may use it and do not.
fn access(file: &Path, principals: &mut Principals) -> Result<(), JobError> {
    const COLUMNS: [&str; 3] = ["service_namespace", "action_name", "conclusion"];
    let mut rows = Reader::open(file, &COLUMNS).map_err(JobError::defect)?;
    rows.each_row(|[service, action, conclusion]| {
        let (Some(service), Cell::Null, Some("not_used")) = (service.text(), action, conclusion.text())
        else {
            return;
        };
        let has_room = principals.unused.len() < SERVICES;
        match principals.unused.get_mut(service) {
            Some(count) => *count += 1,
            None if has_room => drop(principals.unused.insert(service.to_owned(), 1)),
            None => {}
        }
    })
    .map_err(JobError::defect)
}

/// What became of reading each account: whether it could be, and the findings of those that could not.
fn accounts(
    file: &Path,
    pointer: &Pointer,
    read: &mut BTreeSet<String>,
    findings: &mut Findings<'_>,
    coverage: &mut Coverage,
) -> Result<(), JobError> {
    const COLUMNS: [&str; 5] = ["lane", "item", "status", "error", "cause"];
    let source = Kind::PolicyGeneration.as_str();
    let mut failed = Ok(());
    let mut rows = Reader::open(file, &COLUMNS).map_err(JobError::defect)?;
    rows.each_row(|[account, item, status, error, cause]| {
        let (Some(account), Some(DISCOVER), Some(status)) = (account.text(), item.text(), status.text())
        else {
            return;
        };
        let kind = FindingKind::AccountUnreadable;
        match (status, error.text()) {
            ("succeeded", _) => drop(read.insert(account.to_owned())),
            // It was not to be read: that is somebody's choice.
            ("skipped", Some(EXCLUDED) | None) => return,
            (_, Some(error)) if failed.is_ok() => {
                let cause = cause.text().unwrap_or_default();
                let text = format!("Its roles and users could not be read: {error}. {}", brief(cause));
                let mut finding = Finding::new(kind, EntityType::Account, account, Some(source), pointer)
                    .saying(text.trim_end())
                    .where_rows(OUTCOMES, format!("lane = {} AND item = '{DISCOVER}'", sql(account)))
                    .with("error", error);
                finding.account_id = Some(account.to_owned());
                failed = findings.push(finding);
            }
            _ => return,
        }
        coverage.id(kind, FindingId::of(kind, account, Some(source)));
    })
    .map_err(JobError::defect)?;
    failed
}
