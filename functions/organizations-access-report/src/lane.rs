//! The lane: one report after the other, for AWS runs one at a time for a management account.
//!
//! Reports take seconds, so whoever orders one asks every second until it is there, reads it and orders
//! the next, as long as the invocation lasts. One that takes longer is polled by the state machine, and
//! collected when it is complete.
//!
//! AWS lets only the principal who ordered a report read it, and of temporary credentials only the same
//! session. Every step takes on the same role under the same session name. Whether IAM compares that name
//! or the token itself is not established. If it turns out to be the token (a job of ours is not known to
//! a later invocation), the rest of the run orders and reads each report in one invocation.

use std::time::Duration;

use errors::JobError;
use jiff::{SignedDuration, Timestamp};
use models::{ErrorName, Failure, ItemName, OutcomeStatus};
use runtime::PollSchedule;
use runtime::lanes::{Lane, LaneStep, Lanes, Turn};
use serde::{Deserialize, Serialize};

use crate::entity::EntityPath;
use crate::entry::Entry;
use crate::iam::{Ordered, Reports, Standing};
use crate::item::Item;
use crate::kind::OrganizationsAccessReport;

/// How often a report is asked for while it is lingered for.
const EVERY: Duration = Duration::from_secs(1);
/// How long one is lingered for before the state machine polls.
const LINGER: Duration = Duration::from_secs(25);
/// How long before its end an invocation gives up a report that only itself can read: what was read is
/// still to be stored.
const TO_STORE: Duration = Duration::from_secs(45);
/// Errors in a row that may pass by themselves, while a report is lingered for.
const PATIENCE: u32 = 5;
/// How often an item's job may be lost.
const MOST_LOST: u32 = 1;
/// How long AWS answers the same order with the same job, even if nobody can read it: 60 s were observed.
const SAME_JOB: SignedDuration = SignedDuration::from_secs(65);
/// Somebody else's report lasts about as long as one of ours.
const BUSY: PollSchedule =
    PollSchedule { first: Duration::from_secs(2), growth: 0.25, longest: Duration::from_secs(60) };
/// For a report that takes longer than they were observed to.
const SLOW: PollSchedule =
    PollSchedule { first: Duration::from_secs(5), growth: 0.15, longest: Duration::from_secs(300) };
/// How long before the deadline no account is begun any more.
const BEFORE_DEADLINE: SignedDuration = SignedDuration::from_mins(2);

/// What is remembered between invocations.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct State {
    /// Whether reports are ordered and read in one invocation.
    #[serde(default)]
    single: bool,
    /// Milliseconds that the lane has been at work or waiting since the run was begun or resumed.
    #[serde(default)]
    spent: u64,
    /// The resume that it counts from.
    #[serde(default)]
    again: u32,
    /// The job of an item that had no outcome when it was ordered. Kept when a run is resumed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    job: Option<Job>,
    /// How often the present item's job could not be read any more.
    #[serde(default)]
    lost: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Job {
    item: ItemName,
    id: String,
    ordered: Timestamp,
}

impl State {
    /// What is left of it for the next item.
    pub(crate) fn after(self) -> Self {
        Self { lost: 0, ..self }
    }
}

type AccessLane<'a> = Lane<'a, OrganizationsAccessReport>;

/// One turn: an invocation.
pub(crate) async fn turn(
    reports: &Reports,
    step: LaneStep,
    lane: &mut AccessLane<'_>,
) -> Result<Turn, JobError> {
    if lane.state.again != lane.again() {
        lane.state.spent = 0;
        lane.state.again = lane.again();
    }
    // A step that was made for an item that has ended since.
    let present = lane.item().map(|item| item.name.clone());
    lane.state.job.take_if(|job| Some(&job.item) != present.as_ref());
    // A job that is there was ordered by an earlier invocation, with other credentials.
    let mut working = Working { reports, lane, own: false };
    let turn = match step {
        LaneStep::Start => working.go_on().await,
        LaneStep::Status => working.ask().await,
        LaneStep::Collect => working.collect().await,
    };
    let waits = match turn {
        Ok(Turn::Wait(after) | Turn::Poll(after)) => after,
        _ => Duration::ZERO,
    };
    lane.state.spent = millis(lane.state.spent, lane.elapsed() + waits);
    if turn.as_ref().is_err_and(|error| !ErrorName::TRANSIENT.contains(&error.name())) {
        lane.state.job = None;
    }
    turn
}

fn millis(spent: u64, more: Duration) -> u64 {
    spent.saturating_add(u64::try_from(more.as_millis()).unwrap_or(u64::MAX))
}

/// What comes after an item, or after a look at its job.
enum Next {
    /// The item has its outcome.
    Ended,
    Turn(Turn),
}

struct Working<'a, 'l> {
    reports: &'a Reports,
    lane: &'a mut AccessLane<'l>,
    /// Whether the present job was ordered by this invocation.
    own: bool,
}

impl Working<'_, '_> {
    /// Item after item, while there is time.
    async fn go_on(&mut self) -> Result<Turn, JobError> {
        while let Some(item) = self.lane.item().cloned() {
            if let Some(why) = &item.excluded {
                self.lane.finish(OutcomeStatus::Skipped, Some(Failure::new("Excluded", why)))?;
                continue;
            }
            if item.takes_turns() && self.lane.state.job.is_none() && self.is_spent() {
                let text =
                    "The run's maxHours, or its deadline, left no time for it: the next run begins with it.";
                self.lane.finish(OutcomeStatus::CarriedOver, Some(Failure::new("CarriedOver", text)))?;
                continue;
            }
            self.lane.checkpoint().await?;
            // Whatever began last ends before the invocation does.
            if self.lane.now() >= self.lane.deadline() || !self.lane.has_time() {
                return Ok(Turn::Again);
            }
            let next = self.one(&item).await;
            if let Next::Turn(turn) = self.ended(next)? {
                return Ok(turn);
            }
        }
        Ok(Turn::Again)
    }

    /// An item's error is its outcome, and the lane goes on with the next; unless it is every item's, or
    /// may pass by itself.
    fn ended(&mut self, next: Result<Next, JobError>) -> Result<Next, JobError> {
        let error = match next {
            Ok(next) => return Ok(next),
            Err(error) => error,
        };
        let name = error.name();
        if ErrorName::TRANSIENT.contains(&name) || OrganizationsAccessReport::ends_lane(name) {
            return Err(error);
        }
        tracing::warn!(item = self.lane.item().map(|it| it.name.as_str()), error = name.as_str(), "{error}");
        let failure = Failure::new(name.as_str(), &error.to_string());
        self.lane.state.job = None;
        self.lane.finish(OutcomeStatus::Failed, Some(failure))?;
        Ok(Next::Ended)
    }

    /// Whether the hours for accounts have passed, or the deadline is near.
    fn is_spent(&self) -> bool {
        let lane = &self.lane;
        let budget = lane.request().budget().as_millis();
        i128::from(millis(lane.state.spent, lane.elapsed())) >= budget
            || lane.deadline().duration_since(lane.now()) <= BEFORE_DEADLINE
    }

    /// Orders the item's report, unless that was done, and stays until it is there.
    async fn one(&mut self, item: &Item) -> Result<Next, JobError> {
        let path = path(item)?;
        if self.lane.state.job.is_none() {
            let ordered = self.lane.now();
            match self.reports.order(path, item.policy_id.as_ref()).await? {
                Ordered::Job(id) => {
                    self.own = true;
                    self.lane.state.job = Some(Job { item: item.name.clone(), id, ordered });
                    self.lane.write(&Entry::Ordered { item: item.name.clone(), at: ordered }).await?;
                }
                Ordered::Busy => return Ok(Next::Turn(Turn::Wait(self.wait(&BUSY, self.lane.since())))),
            }
        }
        self.linger(item, path).await
    }

    async fn linger(&mut self, item: &Item, path: &EntityPath) -> Result<Next, JobError> {
        let begun = self.lane.elapsed();
        let mut failures = 0;
        loop {
            tokio::time::sleep(EVERY).await;
            match self.look(item, path).await {
                Ok(Some(next)) => return Ok(next),
                Ok(None) => failures = 0,
                // Another invocation could not read the report any more, so this one is patient.
                Err(error) if ErrorName::TRANSIENT.contains(&error.name()) && failures < PATIENCE => {
                    tracing::warn!("the report is asked for again: {error}");
                    failures += 1;
                    tokio::time::sleep(EVERY * 2_u32.pow(failures)).await;
                }
                Err(error) => return Err(error),
            }
            match self.lane.state.single {
                true if self.lane.time_left() <= TO_STORE => {
                    return self.lost("took longer than an invocation");
                }
                true => {}
                false if self.lane.elapsed() - begun >= LINGER => {
                    let since = self.ordered();
                    return Ok(Next::Turn(Turn::Poll(self.wait(&SLOW, since))));
                }
                false => {}
            }
        }
    }

    /// Asks where the job stands; `None` while it is in progress.
    async fn look(&mut self, item: &Item, path: &EntityPath) -> Result<Option<Next>, JobError> {
        let Some(job) = self.lane.state.job.clone() else { return Ok(Some(Next::Turn(Turn::Again))) };
        Ok(match self.reports.standing(&job.id).await? {
            Standing::InProgress => None,
            Standing::Complete(whole) => {
                let report = whole.of(item, path, &job.id, self.lane.now());
                self.lane.write(&Entry::Report(report)).await?;
                self.lane.state.job = None;
                self.lane.finish(OutcomeStatus::Succeeded, None)?;
                Some(Next::Ended)
            }
            Standing::Failed(error) => return Err(error),
            Standing::Unknown => Some(self.unknown(item).await?),
        })
    }

    /// The status step: asks once.
    async fn ask(&mut self) -> Result<Turn, JobError> {
        let (Some(item), Some(job)) = (self.lane.item().cloned(), self.lane.state.job.clone()) else {
            return Ok(Turn::Again);
        };
        let next = match self.reports.standing(&job.id).await {
            Ok(Standing::InProgress) => Ok(Next::Turn(Turn::Poll(self.wait(&SLOW, job.ordered)))),
            Ok(Standing::Complete(_)) => Ok(Next::Turn(Turn::Collect)),
            Ok(Standing::Failed(error)) | Err(error) => Err(error),
            Ok(Standing::Unknown) => self.unknown(&item).await,
        };
        self.turn_of(next)
    }

    /// The collect step: reads the whole report.
    async fn collect(&mut self) -> Result<Turn, JobError> {
        let Some(item) = self.lane.item().cloned() else { return Ok(Turn::Again) };
        let next = match self.look(&item, path(&item)?).await {
            Ok(None) => {
                let since = self.ordered();
                Ok(Next::Turn(Turn::Poll(self.wait(&SLOW, since))))
            }
            Ok(Some(next)) => Ok(next),
            Err(error) => Err(error),
        };
        self.turn_of(next)
    }

    fn turn_of(&mut self, next: Result<Next, JobError>) -> Result<Turn, JobError> {
        match self.ended(next)? {
            Next::Ended => Ok(Turn::Again),
            Next::Turn(turn) => Ok(turn),
        }
    }

    /// AWS does not know a job of ours. If another invocation ordered it, that tells that credentials
    /// count and not the session's name.
    async fn unknown(&mut self, item: &Item) -> Result<Next, JobError> {
        if self.own || self.lane.state.single {
            return self.lost("is not known to AWS any more");
        }
        tracing::warn!("a report of ours is not known to another invocation: from now on one does it all");
        self.lane.state.single = true;
        let at = self.lane.now();
        self.lane.write(&Entry::SingleInvocation { item: item.name.clone(), at }).await?;
        Ok(self.again())
    }

    /// A job that nobody can read: its report is ordered once more, and then given up.
    fn lost(&mut self, what: &str) -> Result<Next, JobError> {
        if self.lane.state.lost >= MOST_LOST {
            return Err(JobError::new(
                ErrorName::Gone,
                format!("its report, ordered {} times, {what}", self.lane.state.lost + 1),
                "Resume the run with retry \"failed\". A report that takes longer than 14 minutes cannot be read where \
                 AWS lets only the very credentials read it that ordered it.",
            ));
        }
        self.lane.state.lost += 1;
        Ok(self.again())
    }

    /// Orders the present item's report once more: when AWS makes a new job of it, in an invocation that
    /// has all of its time.
    fn again(&mut self) -> Next {
        let ordered = self.ordered();
        self.lane.state.job = None;
        let left = SAME_JOB.saturating_sub(self.lane.now().duration_since(ordered));
        Next::Turn(match Duration::try_from(left) {
            Ok(left) if !left.is_zero() => Turn::Wait(left),
            _ => Turn::Again,
        })
    }

    fn ordered(&self) -> Timestamp {
        self.lane.state.job.as_ref().map_or(self.lane.now(), |job| job.ordered)
    }

    fn wait(&self, schedule: &PollSchedule, since: Timestamp) -> Duration {
        let elapsed = Duration::try_from(self.lane.now().duration_since(since)).unwrap_or_default();
        Duration::from_secs(schedule.wait(elapsed, self.lane.run_id().as_str(), self.lane.waits()))
    }
}

fn path(item: &Item) -> Result<&EntityPath, JobError> {
    item.entity_path.as_ref().ok_or_else(|| {
        JobError::new(
            ErrorName::Incomplete,
            format!(
                "nothing tells where {} lies in the organization, and a report takes its path",
                item.entity_id
            ),
            "Look at the inventory's gaps, and run again with a newer one.",
        )
    })
}
