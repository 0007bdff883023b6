//! What has changed since the last published run of the scope.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use errors::JobError;
use jiff::{SignedDuration, Timestamp};
use models::{ItemName, Kind};
use runtime::RunContext;
use runtime::tables::each_file;
use store::Store;
use store::published::{self, Published};
use table::Cell;
use table::reader::Reader;

use super::row::{FINDINGS, PRIOR, PriorRow};
use crate::covered::Coverage;
use crate::finding::{Finding, FindingId};

/// How old the last run may be to be compared with.
const OLDEST: SignedDuration = SignedDuration::from_hours(24 * 400);
/// How long a finding of which nothing is known any more is carried on.
const CARRIED: SignedDuration = SignedDuration::from_hours(24 * 90);

/// What became of a finding since the last run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Drift {
    New,
    Changed,
    Unchanged,
    /// It is not so any more, and the evidence would show it.
    Resolved,
    /// It was so, and nobody can say whether it still is.
    NotObserved,
}

impl Drift {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Changed => "changed",
            Self::Unchanged => "unchanged",
            Self::Resolved => "resolved",
            Self::NotObserved => "not_observed",
        }
    }

    /// As people read it.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::NotObserved => "not observed",
            other => other.as_str(),
        }
    }
}

/// How long a finding has been there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) drift: Drift,
    pub(crate) first_seen: Timestamp,
    /// When a run last saw it to be so.
    pub(crate) last_seen: Timestamp,
    /// Runs in a row that have seen it, this one too.
    pub(crate) runs: i64,
}

/// A finding of the last run that was so then, as far as it is needed to be found again.
#[derive(Debug)]
struct Prior {
    state: u64,
    first_seen: i64,
    runs: i64,
    is_here: bool,
}

/// What a run knows of findings that it has not found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known<'a> {
    pub(crate) coverage: &'a Coverage,
    /// Those about which nothing can be said although their place is covered.
    pub(crate) unknown: &'a HashSet<FindingId>,
    /// Those that are so, and that another finding says: neither resolved nor to be carried on.
    pub(crate) implied: &'a HashSet<FindingId>,
}

/// The findings of the last published run of a scope.
#[derive(Debug, Default)]
pub(crate) struct Last {
    pub(crate) published: Option<Published>,
    prior: HashMap<FindingId, Prior>,
}

impl Last {
    pub(crate) async fn load(store: &Store, run: RunContext<'_>) -> Result<Self, JobError> {
        let scope: &ItemName = run.item;
        let accept = |it: &Published| it.item == *scope && it.run_id != *run.run_id;
        let published = published::newest(store, Kind::Findings, run.now, OLDEST, accept).await?;
        let mut last = Self { published, prior: HashMap::new() };
        if let Some(published) = &last.published {
            let prior = &mut last.prior;
            each_file(store, FINDINGS.name, &published.run_id, |file| read(file, prior)).await?;
        }
        Ok(last)
    }

    /// How a finding of this run stands to the last one.
    pub(crate) fn compare(&mut self, finding: &Finding, now: Timestamp) -> Seen {
        let state = state(&finding.state());
        if let Some(prior) = self.prior.get_mut(&finding.id) {
            prior.is_here = true;
        }
        let prior = [finding.id].iter().chain(&finding.said_by).find_map(|id| self.prior.get(id));
        let Some(prior) = prior else {
            return Seen { drift: Drift::New, first_seen: now, last_seen: now, runs: 1 };
        };
        Seen {
            drift: if prior.state == state { Drift::Unchanged } else { Drift::Changed },
            first_seen: Timestamp::from_millisecond(prior.first_seen).unwrap_or(now),
            last_seen: now,
            runs: prior.runs + 1,
        }
    }

    /// Whether the last run had a finding of this id.
    pub(crate) fn has(&self, id: FindingId) -> bool {
        self.prior.contains_key(&id)
    }

    /// Hands over what this run did not find again: resolved where its evidence would show it, else not
    /// observed.
    pub(crate) async fn gone(
        &self,
        store: &Store,
        known: Known<'_>,
        now: Timestamp,
        mut take: impl FnMut(Drift, &PriorRow<'_>) -> Result<(), JobError>,
    ) -> Result<(), JobError> {
        let Some(published) = &self.published else { return Ok(()) };
        each_file(store, FINDINGS.name, &published.run_id, |file| {
            let mut failed = Ok(());
            let mut rows = Reader::open_with(file, &PRIOR).map_err(JobError::defect)?;
            rows.each_row(|cells| {
                let Some(row) = PriorRow::of(&cells) else { return };
                let is_gone = self.prior.get(&row.id).is_some_and(|prior| !prior.is_here);
                if !is_gone || known.implied.contains(&row.id) || failed.is_err() {
                    return;
                }
                let drift = match known.coverage.includes(row.sought(), known.unknown) {
                    true => Drift::Resolved,
                    false if now.duration_since(row.last_seen) > CARRIED => return,
                    false => Drift::NotObserved,
                };
                failed = take(drift, &row);
            })
            .map_err(JobError::defect)?;
            failed
        })
        .await
    }
}

/// The findings of a file that had not been resolved.
fn read(file: &Path, prior: &mut HashMap<FindingId, Prior>) -> Result<(), JobError> {
    let mut rows = Reader::open(file, &["finding_id", "status", "state", "first_seen_at", "runs"])
        .map_err(JobError::defect)?;
    rows.each_row(|[id, status, of, first_seen, runs]| {
        let Some(Ok(id)) = id.text().map(str::parse) else { return };
        if status == Cell::Text(Drift::Resolved.as_str()) {
            return;
        }
        let found = Prior {
            state: state(of.text().unwrap_or_default()),
            first_seen: first_seen.integer().unwrap_or(0),
            // A run that could not see it does not count.
            runs: runs.integer().unwrap_or(0),
            is_here: false,
        };
        prior.insert(id, found);
    })
    .map_err(JobError::defect)
}

/// A digest's digits as a number, which takes less memory.
fn state(digits: &str) -> u64 {
    u64::from_str_radix(digits, 16).unwrap_or(0)
}
