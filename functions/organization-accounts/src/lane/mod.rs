//! A lane: one account after the other, from one stage to the next.
//!
//! * [`find`]: whether the account, or a request for it, is there already, and whose it is.
//! * [`ask`]: asking for it, at its turn and under the writer's lease.
//! * [`follow`]: what becomes of a request.
//! * [`settle`]: moving the account to its place, and waiting until it is active.

mod ask;
mod find;
mod follow;
mod settle;

use std::time::Duration;

use errors::JobError;
use jiff::SignedDuration;
use models::{ErrorName, Failure, OutcomeStatus};
use organizations::Organization;
use runtime::PollSchedule;
use runtime::lanes::{Lane, LaneStep, Turn};
use store::Lease;

use crate::config::Config;
use crate::entry::Entry;
use crate::item::Item;
use crate::kind::OrganizationAccounts;
use crate::reasons::Reason;
use crate::state::Stage;

pub(crate) use ask::IN_FLIGHT;

/// How long AWS may not show yet what was made a moment ago.
const SHOWS_WITHIN: SignedDuration = SignedDuration::from_mins(10);
/// How often it is looked for meanwhile.
const BETWEEN_LOOKS: Duration = Duration::from_secs(20);
/// How long one account is waited for before the lane goes on without it: those behind it would wait as well.
const MOST_WAIT: SignedDuration = SignedDuration::from_hours(2);
/// A request takes minutes, and so does an account to become active.
const MINUTES: PollSchedule =
    PollSchedule { first: Duration::from_secs(15), growth: 0.1, longest: Duration::from_secs(120) };

pub(crate) type AccountLane<'a> = Lane<'a, OrganizationAccounts>;

/// One turn: an invocation.
pub(crate) async fn turn(
    config: &Config,
    step: LaneStep,
    lane: &mut AccountLane<'_>,
) -> Result<Turn, JobError> {
    let organization = config.reader.open(lane.run_id()).await?;
    let mut working = Working { config, organization, lane };
    loop {
        let Some(item) = working.lane.item().cloned() else { return Ok(Turn::Again) };
        working.lane.state.turn_to(&item.name);
        // Whatever began last ends before the invocation does.
        if working.lane.now() >= working.lane.deadline() || !working.lane.has_time() {
            return Ok(Turn::Again);
        }
        let next = match step {
            LaneStep::Start => working.step(&item).await,
            LaneStep::Status | LaneStep::Collect => working.look(&item).await,
        };
        match next {
            Ok(Next::On) if step == LaneStep::Start => {}
            Ok(Next::On) => return Ok(Turn::Again),
            Ok(Next::Turn(turn)) => return Ok(turn),
            Err(error) if ErrorName::TRANSIENT.contains(&error.name()) => return Err(error),
            Err(error) => working.refuse(&item, &error, None).await?,
        }
    }
}

/// What comes after a step.
enum Next {
    /// The next stage, or the next account.
    On,
    Turn(Turn),
}

struct Working<'w, 'l> {
    config: &'w Config,
    organization: Organization,
    lane: &'w mut AccountLane<'l>,
}

impl Working<'_, '_> {
    /// The start step: whatever is next.
    async fn step(&mut self, item: &Item) -> Result<Next, JobError> {
        match self.lane.state.progress.stage.clone() {
            Stage::Begin => self.begin(item).await,
            Stage::Asked { at } => self.find_lost(item, at).await,
            Stage::Requested { request, whose } => self.follow(item, &request, whose).await,
            Stage::Search { because, token, round } => self.search(item, because, token, round).await,
            Stage::Has { account } => self.tell_whose(item, account).await,
            Stage::Place { account } => self.place(item, account).await,
            Stage::Activate { account } => self.activate(item, account).await,
        }
    }

    /// The status step: where the request, or the account, stands. It may do no more.
    async fn look(&mut self, item: &Item) -> Result<Next, JobError> {
        match self.lane.state.progress.stage.clone() {
            Stage::Requested { request, whose } => self.follow(item, &request, whose).await,
            Stage::Activate { account } => self.activate(item, account).await,
            _ => Ok(Next::On),
        }
    }

    fn go(&mut self, stage: Stage) -> Next {
        let now = self.lane.now();
        self.lane.state.progress.turn(stage, now);
        Next::On
    }

    /// How long the present stage has lasted.
    fn lasted(&self) -> SignedDuration {
        let now = self.lane.now();
        now.duration_since(self.lane.state.progress.since.unwrap_or(now))
    }

    /// The wait until a request, or an account, is asked about again.
    fn poll(&self) -> Next {
        let lasted = Duration::try_from(self.lasted()).unwrap_or_default();
        let salt = format!("{}{}", self.lane.run_id(), self.lane.name());
        let seconds = MINUTES.wait(lasted, &salt, self.lane.waits());
        Next::Turn(Turn::Poll(Duration::from_secs(seconds)))
    }

    /// A wait, unless the account has been waited for too long: then the lane goes on with the next.
    async fn wait_or_leave(&mut self, item: &Item, what: &str, wait: Next) -> Result<Next, JobError> {
        if self.lasted() < MOST_WAIT {
            return Ok(wait);
        }
        tracing::warn!(item = item.name.as_str(), "{what}, and the next account is turned to");
        let failure = Failure::new(
            ErrorName::Overdue.as_str(),
            &format!(
                "{what} for {} hours. Ask AWS Support, or resume the run with retry \"overdue\": it is then looked for again.",
                MOST_WAIT.as_hours()
            ),
        );
        self.end(item, OutcomeStatus::Overdue, Some(failure)).await?;
        Ok(Next::On)
    }

    /// Makes sure of the lease before a call; where it is lost, nothing was written: it is asked for again.
    async fn keep(&self, lease: &mut Lease<'_>) -> Result<Option<Turn>, JobError> {
        match lease.keep(self.lane.now()).await {
            Ok(()) => Ok(None),
            Err(error) if error.name() == ErrorName::Outdated => {
                tracing::warn!("the lease was lost before anything was written: {error}");
                Ok(Some(Turn::Wait(ask::FOR_THE_LEASE)))
            }
            Err(error) => Err(error),
        }
    }

    /// Writes what is known of the account by now: should the lane not come to its end, this is what is
    /// published.
    async fn note(&mut self, item: &Item) -> Result<(), JobError> {
        let known = self.lane.state.progress.known.clone();
        self.lane.write(&Entry { item: item.name.clone(), known }).await
    }

    /// Turns to the next account.
    async fn end(
        &mut self,
        item: &Item,
        status: OutcomeStatus,
        failure: Option<Failure>,
    ) -> Result<(), JobError> {
        self.note(item).await?;
        self.lane.state.forget();
        self.lane.finish(status, failure)
    }

    /// The account is as it was wished for.
    async fn done(&mut self, item: &Item) -> Result<Next, JobError> {
        self.end(item, OutcomeStatus::Succeeded, None).await?;
        tracing::info!(item = item.name.as_str(), "the account is there");
        Ok(Next::On)
    }

    /// There is no such account, or not as it was wished for; the lane goes on with the next.
    async fn refuse(
        &mut self,
        item: &Item,
        error: &JobError,
        because: Option<(&str, Reason)>,
    ) -> Result<(), JobError> {
        let name = error.name().as_str();
        let word = because.map(|(word, _)| word);
        tracing::warn!(item = item.name.as_str(), error = name, reason = word, "the account was not made");
        let known = &mut self.lane.state.progress.known;
        if let Some((word, reason)) = because {
            known.failure_reason = Some(word.to_owned());
            known.failure_class = Some(reason.class);
            known.remedy = Some(reason.remedy.to_owned());
        }
        let failure = Failure::new(name, &item.wished.redacted(&error.to_string()));
        self.end(item, OutcomeStatus::Failed, Some(failure)).await
    }
}

/// A request that failed, or a call that was refused, for a reason of AWS's.
fn failed(what: &str, word: &str, reason: Reason) -> JobError {
    JobError::new(ErrorName::JobFailed, format!("{what}: {word}"), reason.remedy)
}
