//! Policies that an earlier run has generated and that still count: what is so of them stands in that run's
//! table. A run generates none again while one counts.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use errors::JobError;
use jiff::Timestamp;
use models::{RunId, keys};
use runtime::tables::each_file;
use store::Store;
use table::reader::Reader;

use super::policies::{COLUMNS, Policy};
use super::{Findings, Pointer, Principals, Row, TABLE};
use crate::evaluate::is_there;
use crate::finding::FindingId;
use crate::kinds::FindingKind::{self, GeneratedPolicyIncomplete, GeneratedPolicyInvalid};

/// What is unknown of a policy until its row is found.
type Open = [FindingId; 2];

/// By run, the principals whose policy it has generated.
#[derive(Debug, Default)]
pub(super) struct Earlier(BTreeMap<RunId, HashMap<FindingId, Open>>);

/// A principal, and not another that was made anew under the same name.
fn key(arn: &str, id: &str) -> FindingId {
    FindingId::of(GeneratedPolicyIncomplete, arn, Some(id))
}

impl Earlier {
    /// Notes that a run has generated the policy of a principal; whether that run can be looked for.
    pub(super) fn note(&mut self, run: Option<&str>, arn: &str, id: Option<&str>) -> bool {
        let (Some(Ok(run)), Some(id)) = (run.map(str::parse::<RunId>), id) else { return false };
        let open = |kind: FindingKind| FindingId::of(kind, arn, None);
        let open = [open(GeneratedPolicyIncomplete), open(GeneratedPolicyInvalid)];
        self.0.entry(run).or_default().insert(key(arn, id), open);
        true
    }

    /// Looks up what the runs have said. What is not found stays unknown.
    pub(super) async fn evaluate(
        self,
        store: &Store,
        newest: &Pointer,
        principals: &mut Principals,
        findings: &mut Findings<'_>,
    ) -> Result<(), JobError> {
        for (run, mut sought) in self.0 {
            if is_there(store, &keys::table(TABLE, &run, 0)).await? {
                let pointer = Pointer { run_id: Some(run.clone()), observed_at: None, ..newest.clone() };
                each_file(store, TABLE, &run, |file| rows(file, &pointer, &mut sought, principals, findings))
                    .await?;
            }
            for id in sought.into_values().flatten() {
                findings.unknown(id)?;
            }
        }
        Ok(())
    }
}

fn rows(
    file: &Path,
    pointer: &Pointer,
    sought: &mut HashMap<FindingId, Open>,
    principals: &mut Principals,
    findings: &mut Findings<'_>,
) -> Result<(), JobError> {
    let [a, b, c, d, e, f, g, h] = COLUMNS;
    let names =
        ["account_id", "principal_arn", "principal_id", "status", "observed_at", a, b, c, d, e, f, g, h];
    let mut failed = Ok(());
    let mut reader = Reader::open(file, &names).map_err(JobError::defect)?;
    reader
        .each_row(|[account, arn, id, status, observed, policy @ ..]| {
            let (Some(account), Some(arn), Some(id), Some(status @ "generated")) =
                (account.text(), arn.text(), id.text(), status.text())
            else {
                return;
            };
            if failed.is_err() || sought.remove(&key(arn, id)).is_none() {
                return;
            }
            let observed_at = observed.integer().and_then(|at| Timestamp::from_millisecond(at).ok());
            let pointer = Pointer { observed_at, ..pointer.clone() };
            let row = Row { arn, account, status, pointer: &pointer };
            let policy = Policy::of(policy);
            policy.propose(&row, principals);
            failed = policy.judge(&row, findings);
        })
        .map_err(JobError::defect)?;
    failed
}
