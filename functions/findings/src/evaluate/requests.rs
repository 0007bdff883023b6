//! Requests for accounts that failed or are stuck, as the inventory has them.

use std::path::Path;

use errors::JobError;
use jiff::{SignedDuration, Timestamp};
use runtime::tables::each_file;
use store::Store;
use table::Cell;
use table::reader::Reader;

use super::Findings;
use crate::covered::Coverage;
use crate::finding::{EntityType, Evidence as Pointer, Finding, FindingId, sql};
use crate::kinds::FindingKind;
use crate::sources::Evidence;

const TABLE: &str = "account_requests";

/// AWS takes minutes for an account; after so long a request counts as stuck.
const STUCK_AFTER: SignedDuration = SignedDuration::from_hours(24);

pub(crate) async fn evaluate(
    store: &Store,
    evidence: &Evidence,
    findings: &mut Findings<'_>,
    coverage: &mut Coverage,
) -> Result<(), JobError> {
    let Some(run) = evidence.run_id() else { return Ok(()) };
    let pointer = evidence.pointer();
    each_file(store, TABLE, run, |file| rows(file, &pointer, findings, coverage)).await
}

fn rows(
    file: &Path,
    pointer: &Pointer,
    findings: &mut Findings<'_>,
    coverage: &mut Coverage,
) -> Result<(), JobError> {
    const COLUMNS: [&str; 6] =
        ["request_id", "account_name", "state", "failure_reason", "requested_at", "account_id"];
    let mut failed = Ok(());
    let mut rows = Reader::open(file, &COLUMNS).map_err(JobError::defect)?;
    rows.each_row(|[id, name, state, reason, requested, account]| {
        let (Some(id), Some(state)) = (id.text(), state.text()) else { return };
        if failed.is_err() {
            return;
        }
        let of = |kind| {
            let mut finding = Finding::new(kind, EntityType::AccountRequest, id, None, pointer)
                .named(name.text())
                .where_rows(TABLE, format!("request_id = {}", sql(id)));
            finding.account_id = account.text().map(str::to_owned);
            finding
        };
        for kind in [FindingKind::AccountRequestFailed, FindingKind::AccountRequestStuck] {
            coverage.id(kind, FindingId::of(kind, id, None));
        }
        failed = match state {
            "FAILED" => {
                let reason = reason.text().unwrap_or("AWS gives no reason");
                let text = format!("AWS could not make the account: {reason}.");
                findings.push(of(FindingKind::AccountRequestFailed).saying(text).with("reason", reason))
            }
            "IN_PROGRESS" if is_stuck(requested, pointer.observed_at) => {
                let text = "The request has been in progress for more than a day.";
                findings.push(of(FindingKind::AccountRequestStuck).saying(text))
            }
            _ => Ok(()),
        };
    })
    .map_err(JobError::defect)?;
    failed
}

fn is_stuck(requested: Cell<'_>, observed: Option<Timestamp>) -> bool {
    let requested = requested.integer().and_then(|at| Timestamp::from_millisecond(at).ok());
    requested
        .zip(observed)
        .is_some_and(|(requested, observed)| observed.duration_since(requested) > STUCK_AFTER)
}
