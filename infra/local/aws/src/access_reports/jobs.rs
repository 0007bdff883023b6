//! Jobs: one at a time for the management account, from the order to its end.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::content::Row;
use super::settings::{AccessReportOutcome, ReportReaders};
use crate::ids::uuid;
use crate::organization::mix;

/// An identical order within so many seconds is answered with the first one's job: observed.
const SAME_SECONDS: i64 = 60;

/// A job's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccessReportState {
    InProgress,
    Completed,
    /// With the code and the message of `ErrorDetails`.
    Failed {
        code: &'static str,
        message: &'static str,
    },
    /// Nobody knows it any more.
    Vanished,
}

/// One job.
#[derive(Debug, Clone)]
pub struct AccessReport {
    pub id: String,
    /// The ARN of the session or user that ordered it.
    pub caller: String,
    pub entity_path: String,
    pub policy: Option<String>,
    pub started: Timestamp,
    /// From then on the next can begin.
    pub ended: Option<Timestamp>,
    pub state: AccessReportState,
    /// What its caller signed with, of temporary credentials.
    session: Option<String>,
    /// What it comes to, and when.
    end: Option<(AccessReportState, Timestamp)>,
}

impl AccessReport {
    /// Whether this caller counts as the one who ordered it.
    fn is_of(&self, caller: &str, session: Option<&str>, readers: ReportReaders) -> bool {
        readers.are((&self.caller, self.session.as_deref()), (caller, session))
    }
}

/// An order for a report, accepted.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub(crate) caller: String,
    /// The access key of temporary credentials.
    pub(crate) session: Option<String>,
    pub(crate) entity_path: String,
    pub(crate) policy: Option<String>,
}

/// Another job is in progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Busy;

/// All jobs of the management account.
#[derive(Debug, Default)]
pub(crate) struct AccessReports {
    jobs: Vec<AccessReport>,
    /// The number of the job in progress.
    active: Option<usize>,
    /// The rows of the report that was read last: its pages are read one after another.
    rows: Option<(String, Arc<[Row]>)>,
}

impl AccessReports {
    pub(crate) fn all(&self) -> &[AccessReport] {
        &self.jobs
    }

    /// The job of an id, for those who may see it.
    pub(super) fn find(
        &self,
        id: &str,
        caller: &str,
        session: Option<&str>,
        readers: ReportReaders,
    ) -> Option<&AccessReport> {
        // The newest are asked for.
        let job = self.jobs.iter().rev().find(|job| job.id == id)?;
        (job.state != AccessReportState::Vanished && job.is_of(caller, session, readers)).then_some(job)
    }

    /// The id of the job of an identical order of a moment ago.
    pub(super) fn same(&self, order: &Order, readers: ReportReaders, now: Timestamp) -> Option<&str> {
        let since = now - SignedDuration::from_secs(SAME_SECONDS);
        let recent = self.jobs.iter().rev().take_while(|job| job.started > since);
        let mut same = recent.filter(|job| {
            job.state != AccessReportState::Vanished
                && job.is_of(&order.caller, order.session.as_deref(), readers)
                && (&job.entity_path, &job.policy) == (&order.entity_path, &order.policy)
        });
        same.next().map(|job| job.id.as_str())
    }

    pub(crate) fn is_busy(&self) -> bool {
        self.active.is_some()
    }

    /// Begins a job. `state` is what it comes to if nothing else is asked for.
    pub(crate) fn start(
        &mut self,
        order: Order,
        state: AccessReportState,
        outcome: AccessReportOutcome,
        duration: SignedDuration,
        seed: u64,
        now: Timestamp,
    ) -> Result<&str, Busy> {
        if self.is_busy() {
            return Err(Busy);
        }
        let end = match outcome {
            AccessReportOutcome::Complete => Some((state, now + duration)),
            AccessReportOutcome::Failed => Some((failed(), now + duration)),
            AccessReportOutcome::Never => None,
            AccessReportOutcome::Vanish => Some((AccessReportState::Vanished, now + duration / 2)),
            AccessReportOutcome::Slow(duration) => {
                let duration = SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
                Some((state, now.saturating_add(duration).unwrap_or(Timestamp::MAX)))
            }
        };
        let number = self.jobs.len();
        self.active = Some(number);
        self.jobs.push(AccessReport {
            id: uuid(seed ^ mix(number as u64).rotate_left(32)),
            caller: order.caller,
            entity_path: order.entity_path,
            policy: order.policy,
            started: now,
            ended: None,
            state: AccessReportState::InProgress,
            session: order.session,
            end,
        });
        Ok(self.jobs.last().map(|job| job.id.as_str()).unwrap_or_default())
    }

    /// Brings the job in progress to `now`.
    pub(crate) fn settle(&mut self, now: Timestamp) {
        let Some(job) = self.active.and_then(|number| self.jobs.get_mut(number)) else { return };
        if let Some((state, at)) = job.end.take_if(|(_, at)| *at <= now) {
            (job.state, job.ended) = (state, Some(at));
            self.active = None;
        }
    }

    /// The rows of a job, made once while its pages are read.
    pub(super) fn rows(&mut self, id: &str, make: impl FnOnce() -> Vec<Row>) -> Arc<[Row]> {
        match &self.rows {
            Some((of, rows)) if of == id => Arc::clone(rows),
            _ => {
                let rows: Arc<[Row]> = make().into();
                self.rows = Some((id.to_owned(), Arc::clone(&rows)));
                rows
            }
        }
    }
}

/// A failure that AWS documents nothing of.
pub(super) fn failed() -> AccessReportState {
    AccessReportState::Failed { code: "SERVICE_ERROR", message: "The report could not be generated." }
}

/// How long a report about so many services takes: observed are 2 s for three of them and 10 to 12 s
/// for all.
pub(super) fn duration(services: usize, seed: u64, number: usize) -> SignedDuration {
    let services = i64::try_from(services).unwrap_or(i64::MAX / 1_000_000);
    let more = i64::try_from(mix(seed ^ mix(number as u64)) % 90).unwrap_or(0);
    SignedDuration::from_micros((1_940_000 + services * 20_000) / 1_000 * (1_000 + more))
}
