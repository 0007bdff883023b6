//! Jobs: many at once, each from its order to its end.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::accessed::Row;
use super::settings::AccessedOutcome;
use crate::access_reports::ReportReaders;
use crate::ids::uuid;
use crate::organization::mix;

/// How deep a report goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Granularity {
    #[default]
    Service,
    Action,
}

impl Granularity {
    pub(super) const NAMES: [(&'static str, Self); 2] =
        [("SERVICE_LEVEL", Self::Service), ("ACTION_LEVEL", Self::Action)];

    pub(super) fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, it)| *it == self).map_or("", |(name, _)| name)
    }
}

/// An order for a report, accepted.
#[derive(Debug, Clone)]
pub(super) struct Order {
    /// The ARN of the session or user that ordered it.
    pub(super) caller: String,
    /// The access key of temporary credentials.
    pub(super) session: Option<String>,
    /// What the report is about.
    pub(super) arn: String,
    pub(super) granularity: Granularity,
}

/// One job.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) id: String,
    pub(super) order: Order,
    pub(super) started: Timestamp,
    outcome: AccessedOutcome,
    /// When it ends, if it does.
    ends: Option<Timestamp>,
}

/// A job's state at a moment, for who may see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    InProgress,
    Completed { at: Timestamp },
    Failed { at: Timestamp, code: &'static str, message: &'static str },
}

impl Job {
    /// `None` once nobody knows the job any more.
    pub(super) fn state(&self, now: Timestamp) -> Option<State> {
        let Some(at) = self.ends.filter(|at| *at <= now) else { return Some(State::InProgress) };
        match self.outcome {
            AccessedOutcome::Vanish => None,
            AccessedOutcome::Failed { code, message } => Some(State::Failed { at, code, message }),
            _ => Some(State::Completed { at }),
        }
    }
}

/// All jobs of all accounts.
#[derive(Debug, Default)]
pub(crate) struct AccessedJobs {
    jobs: HashMap<String, Job>,
    /// The rows of the report that was read last: its pages are read one after another.
    rows: Option<(String, Arc<[Row]>)>,
}

impl AccessedJobs {
    pub(super) fn start(
        &mut self,
        order: Order,
        outcome: AccessedOutcome,
        duration: SignedDuration,
        seed: u64,
        now: Timestamp,
    ) -> String {
        let number = self.jobs.len() as u64;
        let id = uuid(seed ^ mix(number).rotate_left(29));
        let drawn = i32::try_from(mix(seed ^ mix(number)) % 1_000).unwrap_or(0);
        let usual = duration / 2 + duration / 1_000 * drawn;
        let takes = match outcome {
            AccessedOutcome::Never => None,
            AccessedOutcome::Vanish => Some(usual / 2),
            AccessedOutcome::Slow(duration) => {
                Some(SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX))
            }
            AccessedOutcome::Complete | AccessedOutcome::Failed { .. } => Some(usual),
        };
        let ends = takes.map(|takes| now.saturating_add(takes).unwrap_or(Timestamp::MAX));
        self.jobs.insert(id.clone(), Job { id: id.clone(), order, started: now, outcome, ends });
        id
    }

    /// The job of an id, for who ordered it.
    pub(super) fn find(
        &self,
        id: &str,
        caller: &str,
        session: Option<&str>,
        readers: ReportReaders,
    ) -> Option<&Job> {
        let job = self.jobs.get(id)?;
        let owner = (job.order.caller.as_str(), job.order.session.as_deref());
        readers.are(owner, (caller, session)).then_some(job)
    }

    /// The rows of a job, if they were those that were read last.
    pub(super) fn read(&self, id: &str) -> Option<Arc<[Row]>> {
        self.rows.as_ref().filter(|(of, _)| of == id).map(|(_, rows)| Arc::clone(rows))
    }

    /// Keeps the rows of a job while its pages are read.
    pub(super) fn keep(&mut self, id: &str, rows: Vec<Row>) -> Arc<[Row]> {
        let rows: Arc<[Row]> = rows.into();
        self.rows = Some((id.to_owned(), Arc::clone(&rows)));
        rows
    }
}
