//! The report as a job: find, start, status, collect, cancel.

use aws_sdk_ec2::Client as Ec2;
use errors::JobError;
use jiff::{SignedDuration, Timestamp};
use models::{
    BucketName, ErrorName, ItemName, KeyPrefix, Kind, OutcomeStatus, ReportId, RunId, TargetId, WaitingFor,
    keys,
};
use organizations::Organization;
use runtime::{
    Cancelled, Collected, Environment, Found, InvalidEnvironment, Job, PollSchedule, Progress, RunContext,
    Started, WouldStart,
};
use serde::Deserialize;
use serde_json::json;
use store::{Records, Store};

use crate::collection::Collection;
use crate::config::Config;
use crate::handle::Handle;
use crate::reports::{Cancel, DryRun, Order, Report, Reports, Start, Status};
use crate::request::Request;

/// The EC2 declarative policies report.
#[derive(Debug)]
pub struct DeclarativePoliciesReport {
    reports: Reports,
    config: Config,
}

impl Job for DeclarativePoliciesReport {
    const KIND: Kind = Kind::DeclarativePoliciesReport;
    const SCHEDULE: PollSchedule = PollSchedule::HOURS;
    /// How fast Describe shows a new report is not established.
    const VISIBLE_WITHIN: SignedDuration = SignedDuration::from_mins(15);
    const DEADLINE_HOURS: u32 = 24;

    type Request = Request;
    type Handle = Handle;

    fn new(environment: &Environment) -> Result<Self, InvalidEnvironment> {
        Ok(Self { reports: Reports::new(Ec2::new(&environment.aws)), config: Config::new(environment)? })
    }

    fn store(&self) -> &Store {
        &self.config.store
    }

    fn check(&self, request: &Request) -> Result<(), JobError> {
        let bucket = self.bucket(request);
        if bucket != self.config.store.bucket() && !self.config.report_buckets.contains(bucket) {
            return Err(JobError::new(
                ErrorName::InvalidRequest,
                format!("bucket {bucket} is not one that this stack may have reports delivered to"),
                "Leave s3Bucket out, or add the bucket's ARN to the stack's parameter ReportBucketArns.",
            ));
        }
        let below_raw = |prefix: &KeyPrefix| prefix.as_str() == "raw" || prefix.as_str().starts_with("raw/");
        match &request.s3_prefix {
            Some(prefix) if bucket == self.config.store.bucket() && !below_raw(prefix) => Err(JobError::new(
                ErrorName::InvalidRequest,
                format!("s3Prefix {prefix} is outside raw/, where the stack's bucket takes reports"),
                "Leave s3Prefix out, or let it begin with raw/.",
            )),
            _ => Ok(()),
        }
    }

    async fn resolve(&self, run: &RunId, request: &mut Request) -> Result<(), JobError> {
        if request.target_id.is_none() {
            request.target_id = Some(match &self.config.default_target {
                Some(target) => target.clone(),
                None => TargetId::Root(self.organization(run).await?.root().await?.id),
            });
        }
        Ok(())
    }

    fn item(request: &Request) -> Result<ItemName, JobError> {
        target(request)?.as_str().parse().map_err(JobError::defect)
    }

    async fn find(&self, run: RunContext<'_>, request: &Request) -> Result<Found<Handle>, JobError> {
        let reports = self.reports.list().await?;
        if let Some(ours) = self.own(&reports, run, request)? {
            return Ok(Found::Ours(self.handle(ours.id.clone(), run, request, true)?));
        }
        if let Some(found) = self.reusable(&reports, run, request).await? {
            return Ok(found);
        }
        Ok(match reports.iter().find(|report| report.status.may_run()) {
            Some(other) => Found::Busy(waiting_for(other)),
            None => Found::Free,
        })
    }

    async fn start(&self, run: RunContext<'_>, request: &Request) -> Result<Started<Handle>, JobError> {
        let prefix = self.prefix(run, request)?;
        match self.reports.start(self.order(run, request, &prefix)?).await? {
            Start::Started(id) => Ok(Started::Running(self.handle(id, run, request, false)?)),
            // The other one may be our own, from a call whose answer was lost.
            Start::AnotherRuns => match self.find(run, request).await? {
                Found::Ours(handle) => Ok(Started::Running(handle)),
                Found::Busy(other) => Ok(Started::Busy(other)),
                _ => Ok(Started::Busy(WaitingFor { id: None, target: None, since: None })),
            },
        }
    }

    async fn would_start(&self, run: RunContext<'_>, request: &Request) -> Result<WouldStart, JobError> {
        let prefix = self.prefix(run, request)?;
        let target = target(request)?;
        let bucket = self.bucket(request);
        let another_runs = match self.reports.dry_run(self.order(run, request, &prefix)?).await? {
            DryRun::Refused(error) => return Ok(WouldStart::no(error.to_string())),
            DryRun::AnotherRuns => true,
            DryRun::WouldStart => false,
        };
        Ok(match self.find(run, request).await? {
            Found::Busy(other) => WouldStart::no(format!(
                "Report {} of {} is running; a run would wait for it.",
                other.id.as_deref().unwrap_or("(id not known)"),
                other.target.as_deref().unwrap_or("a target not known"),
            )),
            Found::Reusable(handle) => {
                WouldStart::no(format!("Report {} is young enough to be used instead.", handle.report_id))
            }
            Found::Published(result) => {
                WouldStart::no(format!("A published result is young enough: {result}."))
            }
            Found::Ours(_) | Found::Free if another_runs => {
                WouldStart::no("Another report is running, AWS says; a run would wait for it.")
            }
            Found::Ours(_) | Found::Free => WouldStart::yes(format!(
                "AWS's dry run accepts a report of {target}, delivered to s3://{bucket}/{prefix}/: the \
                 permissions are there. Whether it also looks at trusted access, the target and the bucket's \
                 policy is not established."
            )),
        })
    }

    async fn status(&self, run: RunContext<'_>, handle: &mut Handle) -> Result<Progress, JobError> {
        let reports = self.reports.list().await?;
        let id = &handle.report_id;
        let Some(report) = reports.iter().find(|report| report.id == *id) else {
            if !handle.seen && run.now.duration_since(handle.since) < Self::VISIBLE_WITHIN {
                return Ok(Progress::Running);
            }
            return Err(JobError::new(
                ErrorName::Gone,
                format!("report {id} of {} is no longer listed by EC2", handle.target_id),
                "Run again. AWS documents neither how long reports stay listed nor why one would vanish.",
            ));
        };
        handle.seen = true;
        let ended = |how: &str, remedy: &'static str| {
            Err(JobError::new(
                ErrorName::JobFailed,
                format!("report {id} of {} {how}", handle.target_id),
                remedy,
            ))
        };
        match report.status {
            Status::Running | Status::Other(_) => Ok(Progress::Running),
            Status::Complete => Ok(Progress::Complete),
            Status::Cancelled => ended(
                "was cancelled by somebody else",
                "CloudTrail names who called CancelDeclarativePoliciesReport. Run again.",
            ),
            Status::Error => ended(
                "ended with status error, for which AWS gives no cause",
                "Check the bucket's policy and KMS key (the report is written with the caller's credentials), the \
                 service-linked role AWSServiceRoleForDeclarativePoliciesEC2Report, and trusted access for EC2; then \
                 run again.",
            ),
        }
    }

    async fn collect(
        &self,
        run: RunContext<'_>,
        _request: &Request,
        handle: &Handle,
    ) -> Result<Collected, JobError> {
        let collection = Collection {
            reports: &self.reports,
            organization: &self.organization(run.run_id).await?,
            store: &self.config.store,
            run,
            handle,
        };
        collection.collect().await
    }

    async fn cancel(
        &self,
        run: RunContext<'_>,
        request: &Request,
        handle: Option<&Handle>,
        attempted_at: Option<Timestamp>,
    ) -> Result<Cancelled, JobError> {
        let hidden_until = |since: Timestamp| run.now.duration_since(since) < Self::VISIBLE_WITHIN;
        let (id, since) = match handle {
            Some(handle) => (handle.report_id.clone(), handle.since),
            None => {
                let reports = self.reports.list().await?;
                match self.own(&reports, run, request)? {
                    Some(report) if report.status.may_run() => (report.id.clone(), run.now),
                    Some(_) => return Ok(Cancelled::Ended),
                    None if attempted_at.is_some_and(hidden_until) => return Ok(Cancelled::NotVisible),
                    None => return Ok(Cancelled::Ended),
                }
            }
        };
        Ok(match self.reports.cancel(&id).await? {
            Cancel::Cancelled | Cancel::HadEnded => Cancelled::Ended,
            Cancel::Unknown if hidden_until(since) => Cancelled::NotVisible,
            Cancel::Unknown => Cancelled::Ended,
        })
    }
}

// --- whose report it is --------------------------------------------------------------------------

impl DeclarativePoliciesReport {
    /// A reader of the organization for one run.
    async fn organization(&self, run: &RunId) -> Result<Organization, JobError> {
        self.config.reader.open(run).await
    }

    fn bucket<'a>(&'a self, request: &'a Request) -> &'a BucketName {
        request.s3_bucket.as_ref().unwrap_or_else(|| self.config.store.bucket())
    }

    /// What this run's reports lie under, before the run's id.
    fn base(request: &Request) -> Result<KeyPrefix, JobError> {
        match &request.s3_prefix {
            Some(prefix) => Ok(prefix.clone()),
            None => format!("raw/{}", Self::KIND).parse().map_err(JobError::defect),
        }
    }

    /// The prefix that is this run's and attempt's alone: what ties a report to us even when the
    /// answer to its start was lost.
    fn prefix(&self, run: RunContext<'_>, request: &Request) -> Result<KeyPrefix, JobError> {
        let base = Self::base(request)?;
        let prefix = match run.attempt {
            1 => base.join(run.run_id.as_str()),
            attempt => {
                base.join(run.run_id.as_str()).and_then(|prefix| prefix.join(&format!("attempt-{attempt}")))
            }
        };
        prefix
            .ok_or_else(|| JobError::invalid(format!("s3Prefix {base} is too long: the run's id follows it")))
    }

    fn order<'a>(
        &'a self,
        run: RunContext<'a>,
        request: &'a Request,
        prefix: &'a KeyPrefix,
    ) -> Result<Order<'a>, JobError> {
        Ok(Order {
            target: target(request)?,
            bucket: self.bucket(request),
            prefix,
            tags: &request.tags,
            run: run.run_id.as_str(),
        })
    }

    fn handle(
        &self,
        report_id: ReportId,
        run: RunContext<'_>,
        request: &Request,
        seen: bool,
    ) -> Result<Handle, JobError> {
        Ok(Handle {
            report_id,
            target_id: target(request)?.clone(),
            bucket: self.bucket(request).clone(),
            prefix: self.prefix(run, request)?,
            since: run.now,
            seen,
        })
    }

    fn own<'a>(
        &self,
        reports: &'a [Report],
        run: RunContext<'_>,
        request: &Request,
    ) -> Result<Option<&'a Report>, JobError> {
        let prefix = self.prefix(run, request)?;
        let bucket = self.bucket(request);
        Ok(reports.iter().find(|report| report.bucket == bucket.as_str() && report.prefix == prefix.as_str()))
    }

    /// The newest finished report of ours of the same target that is young enough, if the request
    /// asks for one: its published result, or else the report, to be collected by this run.
    async fn reusable(
        &self,
        reports: &[Report],
        run: RunContext<'_>,
        request: &Request,
    ) -> Result<Option<Found<Handle>>, JobError> {
        let Some(max_age) = run.max_age else { return Ok(None) };
        let target = target(request)?;
        let mut finished: Vec<(&Report, RunId)> = reports
            .iter()
            .filter(|report| {
                report.status == Status::Complete
                    && report.target == target.as_str()
                    && report.ended.is_some_and(|ended| run.now.duration_since(ended) <= max_age)
            })
            .filter_map(|report| Some((report, self.run_of(report, request)?)))
            .collect();
        finished.sort_by_key(|(report, _)| std::cmp::Reverse(report.ended));
        for (report, run_id) in finished {
            let Some(record) = Records::new(&self.config.store).load(&run_id, run.item).await? else {
                continue;
            };
            let ours = record.value.handle().and_then(|handle| Handle::deserialize(handle).ok());
            let Some(handle) = ours.filter(|handle| handle.report_id == report.id) else { continue };
            return Ok(Some(match record.value.outcome() {
                Some(outcome) if outcome.status == OutcomeStatus::Succeeded => Found::Published(json!({
                    "reused": run_id,
                    "manifest": keys::manifest(&run_id),
                    "result": outcome.result,
                })),
                _ => Found::Reusable(handle),
            }));
        }
        Ok(None)
    }

    /// The run whose report this is, by where it was delivered.
    fn run_of(&self, report: &Report, request: &Request) -> Option<RunId> {
        let base = Self::base(request).ok()?;
        (report.bucket == self.bucket(request).as_str()).then_some(())?;
        report.prefix.strip_prefix(base.as_str())?.strip_prefix('/')?.split('/').next()?.parse().ok()
    }
}

fn target(request: &Request) -> Result<&TargetId, JobError> {
    request.target_id.as_ref().ok_or_else(|| JobError::defect("the request's target was not resolved"))
}

fn waiting_for(report: &Report) -> WaitingFor {
    WaitingFor { id: Some(report.id.to_string()), target: Some(report.target.clone()), since: report.started }
}
