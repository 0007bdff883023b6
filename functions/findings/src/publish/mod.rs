//! From an evaluation to what people read: exceptions are honoured, drift is told, and the table, the
//! files and the run's result are written.

mod drift;
mod files;
mod page;
mod result;
mod row;

use std::collections::{BTreeMap, HashSet};

use errors::JobError;
use models::{ErrorName, Kind, keys};
use runtime::tables::TableFile;
use runtime::{Collected, RunContext};
use serde_json::{Map, Value, json};
use store::Store;
use table::{Cell, Table};

use crate::config::Config;
use crate::covered::Covered;
use crate::evaluate::{Evaluation, Written};
use crate::events::{EVENTS, Events};
use crate::exceptions::{Exception, Exceptions, KEY};
use crate::finding::{EntityType, Evidence, Finding, FindingId};
use crate::kinds::{FindingKind, Severity};
use crate::proposals::propose;
pub(crate) use drift::Drift;
use drift::{Known, Last, Seen};
use files::Files;
pub(crate) use files::{whole, written};
use page::Shown;
use result::{Outcome, state, told_of};
pub(crate) use row::cell;
use row::{FINDINGS, Row};

/// What this kind publishes, besides what every kind does.
pub const TABLES: [Table; 1] = [FINDINGS];

/// Publishes an evaluation.
pub(crate) async fn publish(config: &Config, run: RunContext<'_>, key: &str) -> Result<Collected, JobError> {
    let store = &config.store;
    let evaluation = store.load::<Evaluation>(key).await?.map(|it| it.value);
    let mut evaluation = evaluation.ok_or_else(|| gone(key))?;
    let exceptions = Exceptions::load(store, run.now).await?;
    cover_exceptions(&mut evaluation, &exceptions);
    let mut last = Last::load(store, run).await?;
    let compared_with = last.published.as_ref().map(|it| it.run_id.clone());
    let head = json!({
        "schemaVersion": 1, "runId": run.run_id, "scope": run.item, "organizationId": evaluation.organization_id,
        "decidedAt": run.now, "comparedWith": compared_with,
    });
    let mut publishing = Publishing {
        run,
        table: TableFile::new(FINDINGS.name, FINDINGS.columns)?,
        files: Files::new(head.as_object().unwrap_or(&Map::new()))?,
        events: Events::new(config, run, evaluation.organization_id.as_deref())?,
        counts: Counts::default(),
        shown: Shown::default(),
    };
    publishing.found(store, &evaluation, &mut last, &exceptions).await?;
    publishing.gone(store, &evaluation, &last, &exceptions).await?;
    let Publishing { table, files, events, counts, shown, .. } = publishing;
    let mut parts = vec![table.finish(store, run).await?];
    parts.extend(files.finish(store, run).await?);
    let coverage = coverage(&evaluation);
    let (proposals, of_proposals) = propose(store, run, &evaluation, &exceptions, &config.protected).await?;
    parts.extend(of_proposals);
    let outcome = Outcome {
        run,
        evaluation: &evaluation,
        counts: &counts,
        compared_with: compared_with.as_ref(),
        coverage: &coverage,
        exceptions: exceptions.len(),
        proposals: &proposals,
    };
    let mut result = outcome.result();
    parts.push(whole(store, run, "report.html", page::page(&outcome, shown)?).await?);
    if let Some((of_events, told)) = events.finish(store, run, told_of(&result)).await? {
        result["events"] = json!({
            "document": keys::findings(run.run_id, EVENTS),
            "part": of_events.key,
            "etag": of_events.etag,
            "new": told.new,
            "resolved": told.resolved,
        });
        parts.push(of_events);
    }
    tracing::info!(findings = counts.open, complete = coverage.is_complete(), "published");
    Ok(Collected { parts, observed_at: Some(run.now), coverage, result })
}

fn gone(key: &str) -> JobError {
    JobError::new(ErrorName::Incomplete, format!("the run's evaluation, {key}, is gone"), "Begin a new run.")
}

/// What is published, as it goes by.
struct Publishing<'a> {
    run: RunContext<'a>,
    table: TableFile,
    files: Files,
    events: Events,
    counts: Counts,
    shown: Shown,
}

#[derive(Debug, Default)]
struct Counts {
    /// Findings that are so.
    open: u64,
    excepted: u64,
    severities: BTreeMap<Severity, u64>,
    /// By kind, how many there are and how many of these are new.
    kinds: BTreeMap<FindingKind, (u64, u64)>,
    drift: BTreeMap<Drift, u64>,
}

impl Counts {
    fn kinds(&self) -> Value {
        let kind = |(kind, (all, new)): (&FindingKind, &(u64, u64))| {
            let counted =
                json!({"title": kind.title(), "severity": kind.severity(), "findings": all, "new": new});
            (kind.as_str().to_owned(), counted)
        };
        Value::Object(self.kinds.iter().map(kind).collect())
    }

    fn of(&self, drift: Drift) -> u64 {
        self.drift.get(&drift).copied().unwrap_or(0)
    }

    fn gone(&mut self, drift: Drift) {
        *self.drift.entry(drift).or_default() += 1;
    }
}

impl Publishing<'_> {
    /// What is so, the gravest first.
    async fn found(
        &mut self,
        store: &Store,
        evaluation: &Evaluation,
        last: &mut Last,
        exceptions: &Exceptions,
    ) -> Result<(), JobError> {
        let now = self.run.now;
        let own = own_findings(exceptions, self.run);
        for of_severity in &evaluation.findings {
            for finding in own.iter().filter(|it| it.severity == of_severity.severity) {
                self.finding(finding, last.compare(finding, now), exceptions)?;
            }
            let Written { key, etag, .. } = &of_severity.findings;
            let mut lines = store.lines(key, Some(etag)).await?;
            while let Some(finding) = lines.next::<Finding>().await? {
                let seen = last.compare(&finding, now);
                self.finding(&finding, seen, exceptions)?;
            }
        }
        Ok(())
    }

    /// What was so in the last run, and is not found again.
    async fn gone(
        &mut self,
        store: &Store,
        evaluation: &Evaluation,
        last: &Last,
        exceptions: &Exceptions,
    ) -> Result<(), JobError> {
        let run = self.run;
        let unknown = of_last(store, &evaluation.unknown, last).await?;
        let implied = match &evaluation.implied {
            Some(implied) => of_last(store, implied, last).await?,
            None => HashSet::new(),
        };
        let known = Known { coverage: &evaluation.coverage, unknown: &unknown, implied: &implied };
        last.gone(store, known, run.now, |drift, row| {
            self.counts.gone(drift);
            self.shown.gone(drift, row);
            let exception = exceptions.of(&row.finding(&nowhere()));
            let expires = exception.map(|it| it.expires.to_string()).unwrap_or_default();
            let exception = exception.map(|it| (it, expires.as_str()));
            self.push(&row.carried(run.run_id.as_str(), drift, run.now, exception))
        })
        .await
    }

    fn finding(&mut self, finding: &Finding, seen: Seen, exceptions: &Exceptions) -> Result<(), JobError> {
        let exception = exceptions.of(finding);
        let counts = &mut self.counts;
        counts.open += 1;
        counts.excepted += u64::from(exception.is_some());
        *counts.drift.entry(seen.drift).or_default() += 1;
        let (all, new) = counts.kinds.entry(finding.kind).or_default();
        *all += 1;
        *new += u64::from(seen.drift == Drift::New);
        if exception.is_none() {
            *counts.severities.entry(finding.severity).or_default() += 1;
        }
        let row = Row { finding, seen, exception };
        self.shown.finding(&row);
        row.cells(self.run.run_id.as_str(), self.run.now, |cells| self.push(cells))
    }

    fn push(&mut self, cells: &[Cell<'_>]) -> Result<(), JobError> {
        self.table.push(cells)?;
        self.events.row(cells)?;
        self.files.push(cells)
    }
}

/// What is known of the exceptions of the last run.
fn cover_exceptions(evaluation: &mut Evaluation, exceptions: &Exceptions) {
    let coverage = &mut evaluation.coverage;
    coverage.set(FindingKind::ExceptionsUnreadable, Covered::Everything);
    let expired = if exceptions.unreadable.is_none() { Covered::Everything } else { Covered::Nothing };
    coverage.set(FindingKind::ExceptionExpired, expired);
}

/// Evidence that is only of Muster's own.
pub(crate) fn nowhere() -> Evidence {
    Evidence {
        kind: None,
        run_id: None,
        table: String::new(),
        filter: String::new(),
        observed_at: None,
        missing: String::new(),
    }
}

/// What is to be said of the exceptions themselves.
fn own_findings(exceptions: &Exceptions, run: RunContext<'_>) -> Vec<Finding> {
    let evidence = Evidence { filter: KEY.to_owned(), observed_at: Some(run.now), ..nowhere() };
    let of = |kind, entity: &str| Finding::new(kind, EntityType::Exception, entity, None, &evidence);
    let unreadable = exceptions.unreadable.iter().map(|why| {
        of(FindingKind::ExceptionsUnreadable, KEY)
            .saying(format!("No exception is honoured: {why}."))
            .with("why", why.as_str())
    });
    // One that was renewed, or that is there twice, has expired once.
    let expired: BTreeMap<String, &Exception> = exceptions
        .expired
        .iter()
        .map(|it| (it.about(), it))
        .filter(|(about, _)| !exceptions.has(about))
        .collect();
    let expired = expired.into_iter().map(|(about, it)| {
        let text = format!("The exception of {about} ended on {}; {} answers for it.", it.expires, it.owner);
        let mut finding =
            of(FindingKind::ExceptionExpired, &about).saying(text).with("expires", it.expires.to_string());
        finding.owner = Some(it.owner.clone());
        finding
    });
    unreadable.chain(expired).collect()
}

/// Of the ids that were written, those that the last run had.
async fn of_last(store: &Store, written: &Written, last: &Last) -> Result<HashSet<FindingId>, JobError> {
    let mut of_last = HashSet::new();
    let mut lines = store.lines(&written.key, Some(&written.etag)).await?;
    while let Some(id) = lines.next::<FindingId>().await? {
        if last.has(id) {
            of_last.insert(id);
        }
    }
    Ok(of_last)
}

/// How much of the evidence is there: of a run of findings, its sources.
fn coverage(evaluation: &Evaluation) -> models::Coverage {
    let sources = &evaluation.sources;
    let report = sources.of(Kind::DeclarativePoliciesReport);
    let seen = report.and_then(|it| it.result("/seenAccounts").as_u64()).unwrap_or(0);
    let mut coverage = models::Coverage {
        expected_accounts: report
            .and_then(|it| it.result("/expectedAccounts").as_u64())
            .or(evaluation.accounts),
        seen_accounts: seen,
        ..models::Coverage::default()
    };
    for source in &sources.0 {
        match state(source) {
            "complete" | "off" => {}
            state => coverage.gap(&format!("{} is {state}", source.kind), || source.missing()),
        }
    }
    coverage
}
