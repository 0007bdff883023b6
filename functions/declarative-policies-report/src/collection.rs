//! Collecting a complete report: its object found, read, compared, and written as parts of the run.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use account_status::{
    AwsSummary, Evidence, Expected, Next, Pass, ReportError, ReportErrorKind, Subject, Summary, TABLE,
};
use errors::JobError;
use jiff::Timestamp;
use models::{AccountId, ErrorName, keys};
use organizations::{Account, AccountState, Organization};
use runtime::part_file::{Stored, local_storage};
use runtime::{Collected, Part, PublishedAs, RunContext};
use serde_json::json;
use store::{Entry, Store};

use crate::handle::Handle;
use crate::reports::Reports;

/// How often, and how long apart, the bucket is asked for an object that is not there yet.
const LISTINGS: u32 = 13;
const BETWEEN_LISTINGS: Duration = Duration::from_secs(10);

pub(crate) struct Collection<'a> {
    pub(crate) reports: &'a Reports,
    pub(crate) organization: &'a Organization,
    pub(crate) store: &'a Store,
    pub(crate) run: RunContext<'a>,
    pub(crate) handle: &'a Handle,
}

impl Collection<'_> {
    pub(crate) async fn collect(&self) -> Result<Collected, JobError> {
        let delivered = self.store.with_bucket(self.handle.bucket.clone());
        // At once: the accounts of a large organization take minutes to list.
        let (object, aws, accounts) = tokio::try_join!(
            self.object(&delivered),
            self.reports.summary(&self.handle.report_id),
            self.organization.accounts(&self.handle.target_id),
        )?;
        let expected = expected(accounts, &aws);

        let scratch = tempfile::tempdir().map_err(|error| local_storage(&error))?;
        let table = scratch.path().join("account_status.parquet");
        let evidence = self.read(&delivered, &object, &table, aws.ended).await?;
        let run_id = self.run.run_id;
        let summary = Summary::new(&evidence, run_id.as_str(), aws.ended, Some(&expected), Some(&aws));

        let name = |name: &str| keys::part(run_id, self.run.item, self.run.writer, name);
        let summary_key = name("summary.json");
        let text = serde_json::to_vec_pretty(&summary).map_err(JobError::defect)?;
        let key = name("account_status-0.parquet");
        let (_, etag) =
            tokio::try_join!(self.store.put(&summary_key, text), self.store.put_file(&key, &table))?;
        let bytes = std::fs::metadata(&table).map_err(|error| local_storage(&error))?.len();
        let table = Part::stored(PublishedAs::Table(TABLE), Stored { key, etag, bytes }, summary.rows);
        let gaps: serde_json::Map<_, _> =
            summary.coverage.gaps.iter().map(|(why, gap)| (why.clone(), json!(gap.count))).collect();
        tracing::info!(
            rows = summary.rows,
            expected_accounts = summary.coverage.expected_accounts,
            seen_accounts = summary.coverage.seen_accounts,
            complete = summary.coverage.is_complete(),
            layout_hash = summary.layout.hash,
            "read the report"
        );
        Ok(Collected {
            parts: vec![table],
            observed_at: aws.ended,
            result: json!({
                "reportId": self.handle.report_id,
                "targetId": self.handle.target_id,
                "raw": format!("s3://{}/{}", self.handle.bucket, object.key),
                "summary": summary_key,
                "observedAt": aws.ended,
                "manifest": keys::manifest(run_id),
                "layoutHash": summary.layout.hash,
                "rows": summary.rows,
                "expectedAccounts": summary.coverage.expected_accounts,
                "seenAccounts": summary.coverage.seen_accounts,
                "complete": summary.coverage.is_complete(),
                "gaps": gaps,
            }),
            coverage: summary.coverage,
        })
    }

    /// The report's one object. Its name ends with a time that no API returns, so it is looked for by
    /// what comes before.
    async fn object(&self, delivered: &Store) -> Result<Entry, JobError> {
        let Handle { prefix, target_id, report_id, .. } = self.handle;
        let beginning = format!("{prefix}/ec2_{target_id}_{report_id}_");
        for listing in 1..=LISTINGS {
            let mut found = delivered.list(&beginning).all(100).await?;
            found.retain(|entry| entry.key.ends_with(".csv"));
            match found.len() {
                0 if listing < LISTINGS => tokio::time::sleep(BETWEEN_LISTINGS).await,
                0 => break,
                1 => return Ok(found.remove(0)),
                several => {
                    let keys: Vec<_> = found.iter().take(5).map(|entry| entry.key.as_str()).collect();
                    return Err(JobError::new(
                        ErrorName::Incomplete,
                        format!("{several} objects could be report {report_id}: {}", keys.join(", ")),
                        "Move away what does not belong there, then resume the run with retry \"failed\".",
                    ));
                }
            }
        }
        Err(JobError::new(
            ErrorName::Incomplete,
            format!(
                "report {report_id} is complete, but no object begins with s3://{}/{beginning}",
                delivered.bucket()
            ),
            "Look for the object and for whoever may have removed it. Once it is there, resume the run with retry \"failed\"; else run again.",
        ))
    }

    /// Streams the object through as many passes as it needs, always the same version of it.
    async fn read(
        &self,
        delivered: &Store,
        object: &Entry,
        table: &Path,
        observed_at: Option<Timestamp>,
    ) -> Result<Evidence, JobError> {
        let subject = Subject {
            object: format!("s3://{}/{}", delivered.bucket(), object.key),
            run_id: self.run.run_id.to_string(),
            observed_at,
        };
        let changed = || {
            JobError::new(
                ErrorName::Transient,
                format!("s3://{}/{} changed or vanished while it was read", delivered.bucket(), object.key),
                "The step is repeated.",
            )
        };
        let mut version: Option<String> = None;
        let mut pass = Pass::new(subject, table);
        loop {
            let mut download = delivered.download(&object.key).await?.ok_or_else(changed)?;
            if version.as_ref().is_some_and(|version| version != download.etag()) {
                return Err(changed());
            }
            version = Some(download.etag().to_owned());
            while let Some(bytes) = download.next().await? {
                pass.feed(&bytes).map_err(refused)?;
            }
            match pass.finish().map_err(refused)? {
                Next::Done(evidence) => return Ok(*evidence),
                Next::Again(next) => pass = *next,
            }
        }
    }
}

/// The accounts that the report should speak of. Those that are not active, and those that joined
/// after it was begun, are listed apart.
fn expected(accounts: BTreeMap<AccountId, Account>, aws: &AwsSummary) -> Expected {
    let mut expected = Expected::default();
    for (id, account) in accounts {
        let why = match (account.state, account.joined, aws.started) {
            (AccountState::NotActive(state), ..) => Some(state),
            (_, Some(joined), Some(started)) if joined > started => Some("JOINED_LATER".to_owned()),
            _ => None,
        };
        match why {
            Some(why) => expected.excluded.entry(why).or_default().push(id),
            None => {
                expected.accounts.insert(id);
            }
        }
    }
    expected
}

/// What a CSV that is refused means for the run.
fn refused(error: ReportError) -> JobError {
    let (name, remedy) = match &error.kind {
        ReportErrorKind::Io(_) => {
            (ErrorName::Transient, "The step is repeated. If it persists, raise EphemeralStorage.")
        }
        ReportErrorKind::Empty
        | ReportErrorKind::CutOff { .. }
        | ReportErrorKind::UnclosedQuote
        | ReportErrorKind::StrayQuote => (
            ErrorName::Incomplete,
            "The raw object is kept and nothing is published. If it is as AWS delivered it, run the report again.",
        ),
        _ => (
            ErrorName::UnrecognisedLayout,
            "The raw object is kept and nothing is published. AWS documents no layout: report the header (it holds \
             no account data) so that the reader can learn it, then resume the run with retry \"failed\".",
        ),
    };
    JobError::new(name, error.to_string(), remedy)
}
