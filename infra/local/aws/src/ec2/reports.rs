//! Reports: one at a time in an organization, from `running` to an end.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::csv::{self, CsvOptions};
use crate::iam::Principal;
use crate::organization::Organization;
use crate::s3::Storage;
use crate::settings::{ReportOutcome, Settings};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Running,
    Complete,
    Cancelled,
    Error,
}

impl Status {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Complete => "complete",
            Self::Cancelled => "cancelled",
            Self::Error => "error",
        }
    }
}

/// One report.
#[derive(Debug, Clone)]
pub struct Report {
    pub id: String,
    pub bucket: String,
    pub prefix: String,
    pub target: String,
    pub tags: Vec<(String, String)>,
    pub started: Timestamp,
    pub ended: Option<Timestamp>,
    pub status: Status,
    /// Who asked for it; the object is written in their name.
    pub caller: Arc<Principal>,
    /// What becomes of it.
    outcome: ReportOutcome,
    /// When it ends by itself.
    due: Timestamp,
    /// From when Describe shows it.
    visible: Timestamp,
    /// Until when Describe shows it.
    gone: Option<Timestamp>,
    /// When its object appears.
    delivery: Option<Timestamp>,
}

impl Report {
    pub(crate) fn is_visible(&self, now: Timestamp) -> bool {
        self.visible <= now && self.gone.is_none_or(|gone| now < gone)
    }
}

/// An order for a report, accepted.
#[derive(Debug, Clone)]
pub(crate) struct Accepted {
    pub(crate) bucket: String,
    pub(crate) prefix: String,
    pub(crate) target: String,
    pub(crate) tags: Vec<(String, String)>,
    pub(crate) caller: Arc<Principal>,
}

/// All reports of the organization.
#[derive(Debug, Default)]
pub struct Reports {
    all: Vec<Report>,
}

impl Reports {
    pub fn all(&self) -> &[Report] {
        &self.all
    }

    pub(crate) fn find(&self, id: &str) -> Option<&Report> {
        self.all.iter().find(|report| report.id == id)
    }

    pub(crate) fn running(&self) -> bool {
        self.all.iter().any(|report| report.status == Status::Running)
    }

    pub(crate) fn start(
        &mut self,
        accepted: Accepted,
        outcome: ReportOutcome,
        duration: SignedDuration,
        lag: SignedDuration,
        seed: u64,
        now: Timestamp,
    ) -> String {
        let due = match outcome {
            ReportOutcome::Never => Timestamp::MAX,
            ReportOutcome::Cancelled | ReportOutcome::Vanish => now + duration / 2,
            _ => now + duration,
        };
        let mut rng = fastrand::Rng::with_seed(seed ^ (self.all.len() as u64 + 1).wrapping_mul(0x9E37_79B9));
        let id = format!("p-{}", (0..10).map(|_| rng.digit(16)).collect::<String>());
        self.all.push(Report {
            id: id.clone(),
            bucket: accepted.bucket,
            prefix: accepted.prefix,
            target: accepted.target,
            tags: accepted.tags,
            started: now,
            ended: None,
            status: Status::Running,
            caller: accepted.caller,
            outcome,
            due,
            visible: now + lag,
            gone: None,
            delivery: None,
        });
        id
    }

    /// Lets no running report end by itself any more.
    pub(crate) fn hold(&mut self) {
        for report in self.all.iter_mut().filter(|report| report.status == Status::Running) {
            report.due = Timestamp::MAX;
        }
    }

    /// Ends a running report; `false` when it has ended before.
    pub(crate) fn cancel(&mut self, id: &str, now: Timestamp) -> bool {
        match self.all.iter_mut().find(|report| report.id == id && report.status == Status::Running) {
            Some(report) => {
                report.status = Status::Cancelled;
                report.ended = Some(now);
                true
            }
            None => false,
        }
    }

    /// Brings all reports to `now`: ends what is due and delivers what is complete.
    pub(crate) fn settle(
        &mut self,
        now: Timestamp,
        organization: &Organization,
        settings: &Settings,
        storage: &Storage,
    ) {
        let lag = SignedDuration::try_from(settings.delivery_lag).unwrap_or_default();
        for report in &mut self.all {
            if report.status == Status::Running && report.due <= now {
                let due = report.due;
                report.ended = Some(due);
                match report.outcome {
                    ReportOutcome::Error => report.status = Status::Error,
                    ReportOutcome::Cancelled => report.status = Status::Cancelled,
                    ReportOutcome::Vanish => {
                        report.status = Status::Cancelled;
                        report.gone = Some(due);
                    }
                    ReportOutcome::Never => {}
                    ReportOutcome::Complete | ReportOutcome::TwoObjects => {
                        report.status = Status::Complete;
                        report.delivery = Some(due + lag);
                    }
                    ReportOutcome::NoObject => report.status = Status::Complete,
                }
            }
            if report.delivery.is_some_and(|at| at <= now) {
                report.delivery = None;
                deliver(report, organization, settings, storage);
            }
        }
    }
}

/// Writes the report's object, as `[PREFIX/]ec2_TARGET_REPORT_YYYYMMDDTHHMMZ.csv`.
fn deliver(report: &Report, organization: &Organization, settings: &Settings, storage: &Storage) {
    let minute = report.ended.unwrap_or(report.started).strftime("%Y%m%dT%H%MZ").to_string();
    let folder = if report.prefix.is_empty() { String::new() } else { format!("{}/", report.prefix) };
    let key = format!("{folder}ec2_{}_{}_{minute}.csv", report.target, report.id);
    let options = CsvOptions { layout: settings.layout, unreadable: settings.unreadable };
    let mut keys = vec![key.clone()];
    if report.outcome == ReportOutcome::TwoObjects {
        keys.push(key.replace(&minute, "20000101T0000Z"));
    }
    for key in keys {
        let delivered = storage.deliver(&report.bucket, &key, |out| match &settings.report_csv {
            Some(path) => std::io::copy(&mut std::fs::File::open(path)?, out).map(drop),
            None => csv::write(out, organization, &report.target, options),
        });
        if let Err(error) = delivered {
            tracing::error!(key, ?error, "the report could not be delivered");
        }
    }
}
