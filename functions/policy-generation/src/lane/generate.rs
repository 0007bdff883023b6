//! Generations of one account, one after the other, within its quotas.

use std::collections::BTreeSet;
use std::time::Duration;

use errors::JobError;
use jiff::{SignedDuration, Timestamp};
use models::{ErrorName, OutcomeStatus};
use runtime::PollSchedule;
use runtime::lanes::Turn;

use super::{Generation, Next, Working, tell};
use crate::analyzer::{Listed, Refusal, Standing};
use crate::cursor::{self, Cursor};
use crate::entry::Entry;
use crate::item::Work;
use crate::need;
use crate::order::{Basis, Order};
use crate::preflight::{self, Permit};
use crate::principal::Principal;
use crate::window::Active;

/// For a generation of ours: minutes.
const RUNNING: PollSchedule =
    PollSchedule { first: Duration::from_secs(45), growth: 0.2, longest: Duration::from_secs(600) };
/// For somebody else's, or another account's trial.
const BUSY: PollSchedule =
    PollSchedule { first: Duration::from_secs(60), growth: 0.25, longest: Duration::from_secs(900) };
/// How often an item's job may vanish.
const MOST_LOST: u32 = 1;
/// How often an order is tried again that was refused for something that is not there.
const MOST_REFUSED: u32 = 3;
/// Generations a day of which none is spent on finding out how much an account allows.
const FEW: u64 = 5;
/// A generation that was put aside is looked at before anything else.
const AT_ONCE: Duration = Duration::from_secs(1);
/// Where activity without a Region is written, such as that of IAM.
const GLOBAL: &str = "us-east-1";
const DAY: SignedDuration = SignedDuration::from_hours(24);

impl Working<'_, '_> {
    /// Orders the principal's policy, unless that was done.
    pub(super) async fn generate(
        &mut self,
        principal: &Principal,
        active: &Active,
    ) -> Result<Next, JobError> {
        if self.lane.state.generation.is_none() {
            let name = self.lane.item().map(|item| item.name.clone());
            if let Some(before) = name.and_then(|name| self.lane.state.take_up(&name)) {
                self.lane.state.generation = Some(before);
                return Ok(Next::Turn(Turn::Poll(AT_ONCE)));
            }
            if let Some(wait) = self.may_try().await? {
                return Ok(Next::Turn(wait));
            }
            if let Some(wait) = self.is_busy().await? {
                return Ok(Next::Turn(wait));
            }
        }
        let has_begun = self.lane.state.generation.as_ref().is_some_and(|it| it.job.is_some());
        if !has_begun && self.was_done_elsewhere(principal).await? {
            return Ok(Next::Ended);
        }
        if self.lane.state.generation.is_none() {
            self.intend(principal, active, 1).await?;
        }
        self.start(principal).await
    }

    /// Waits while another account tries, and ends when none could.
    async fn may_try(&mut self) -> Result<Option<Turn>, JobError> {
        if self.lane.state.passed {
            return Ok(None);
        }
        Ok(match self.preflight().permit().await? {
            Permit::Go => None,
            Permit::Wait => Some(Turn::Wait(self.wait(&BUSY, self.lane.since()))),
            Permit::Stop(failures) => return Err(preflight::stopped(&failures)),
        })
    }

    /// Waits for a generation that is in the way, and ends when the day's are known to be spent.
    async fn is_busy(&mut self) -> Result<Option<Turn>, JobError> {
        let listed = self.analyzer.list().await?;
        if listed.iter().any(|it| it.in_progress) {
            // Whoever waits for somebody else holds up no other account.
            if !self.lane.state.passed {
                self.preflight().left().await?;
            }
            return Ok(Some(Turn::Wait(self.wait(&BUSY, self.lane.since()))));
        }
        let quota = self.config.daily_quota();
        if today(&listed, self.lane.now()) >= quota {
            return Err(JobError::new(
                ErrorName::QuotaSpent,
                format!(
                    "{quota} generations were ordered in account {} today: AWS allows no more",
                    self.account
                ),
                "The principals that are left are carried over to the next run.",
            ));
        }
        Ok(None)
    }

    /// Ends the item if another run has generated the principal's policy since the order was decided:
    /// runs may go on side by side, and the day's generations are few.
    async fn was_done_elsewhere(&mut self, principal: &Principal) -> Result<bool, JobError> {
        let request = self.lane.request();
        let (store, terms) = (&self.config.store, self.terms());
        let cursor = Cursor::read(store, &self.account).await?.of(&principal.id, self.lane.run_id());
        let past = cursor.past(store, self.lane.run_id(), request.window_days()).await?;
        let Some(because) = past.get(&principal.id).and_then(|past| need::still_valid(past, terms)) else {
            return Ok(false);
        };
        self.lane.write(&Entry::NotDue { id: principal.id.clone(), because }).await?;
        self.lane.finish(OutcomeStatus::Succeeded, None)?;
        Ok(true)
    }

    /// Records what is going to be ordered.
    async fn intend(&mut self, principal: &Principal, active: &Active, attempt: u32) -> Result<(), JobError> {
        let request = self.lane.request();
        let active = self.readable(active);
        let learned = Cursor::read(&self.config.store, &self.account).await?.learned;
        let chosen = request.is_window_chosen();
        // Where five a day are all, one that fails is too many.
        let probes = attempt == 1 && !self.lane.state.probed && self.config.daily_quota() > FEW;
        let window = learned.best(&active, request.window_days(), probes, self.lane.now());
        if chosen && window.is_none() {
            return Err(JobError::new(
                ErrorName::JobFailed,
                "a single day of its Regions is more than AWS reads of a trail for one generation",
                "Ask with cloudTrailDetails for fewer Regions or less than a day.",
            ));
        }
        let access_role = self.config.access_role.in_account(&self.account);
        let basis = Basis {
            run: self.lane.run_id(),
            request,
            trail: &self.config.trail,
            access_role: &access_role,
            now: self.lane.now(),
            again: self.lane.again(),
            attempt,
        };
        let window = window.unwrap_or_default();
        let order = Order::new(basis, &principal.arn, &window);
        let Some(item) = self.lane.item() else { return Ok(()) };
        self.lane.state.generation = Some(Generation {
            item: item.name.clone(),
            attempt,
            again: self.lane.again(),
            order,
            window: chosen.then_some(window),
            ordered: self.lane.now(),
            job: None,
        });
        self.lane.state.probed = true;
        self.lane.commit().await
    }

    /// Calls StartPolicyGeneration, once more with the same order if that was done and its answer lost.
    async fn start(&mut self, principal: &Principal) -> Result<Next, JobError> {
        let Some(generation) = self.lane.state.generation.clone() else { return Ok(Next::Turn(Turn::Again)) };
        if generation.job.is_some() {
            return Ok(Next::Turn(Turn::Poll(self.wait(&RUNNING, generation.ordered))));
        }
        let job = match self.analyzer.start(&generation.order).await {
            Ok(job) => job,
            Err(Refusal::Conflict(error)) | Err(Refusal::Quota(error)) => {
                return self.in_the_way(error, generation.ordered).await;
            }
            Err(Refusal::Throttled(Some(after), _)) => return Ok(Next::Turn(Turn::Wait(after))),
            Err(Refusal::Throttled(None, error)) => return Err(error),
            Err(Refusal::Other(error)) => return Err(error),
        };
        self.lane.state.generation = Some(Generation { job: Some(job.clone()), ..generation.clone() });
        let entry = Entry::Ordered {
            id: principal.id.clone(),
            at: generation.ordered,
            job_id: job,
            window: generation.window,
            since: generation.order.cloud_trail.as_ref().map(|it| it.start),
            until: generation.order.cloud_trail.map(|it| it.end.unwrap_or(generation.ordered)),
        };
        self.lane.write(&entry).await?;
        self.lane.commit().await?;
        Ok(Next::Turn(Turn::Poll(self.wait(&RUNNING, generation.ordered))))
    }

    /// One exception for two quotas, and another for what AWS takes for a conflict: a generation in
    /// progress tells that it is to be waited for. One that ended in between is not there to be seen, so
    /// it is tried some times more, unless so many were ordered that it is the day's quota.
    async fn in_the_way(&mut self, error: JobError, ordered: Timestamp) -> Result<Next, JobError> {
        let listed = self.analyzer.list().await?;
        let wait = Next::Turn(Turn::Wait(self.wait(&BUSY, ordered)));
        if listed.iter().any(|it| it.in_progress) {
            return Ok(wait);
        }
        let within_a_day = |it: &&Listed| self.lane.now().duration_since(it.started) < DAY;
        let count = listed.iter().filter(within_a_day).count() as u64;
        let is_spent = error.name() == ErrorName::QuotaSpent && count >= self.config.daily_quota();
        if is_spent || self.lane.state.refused >= MOST_REFUSED {
            // It was never ordered.
            self.lane.state.generation = None;
            return Err(error);
        }
        self.lane.state.refused += 1;
        Ok(wait)
    }

    /// The status step: asks once.
    pub(super) async fn ask(&mut self) -> Result<Turn, JobError> {
        let next = self.look().await;
        Ok(match self.ended(next).await? {
            Next::Ended => Turn::Again,
            Next::Turn(turn) => turn,
        })
    }

    async fn look(&mut self) -> Result<Next, JobError> {
        let Some(generation) = self.lane.state.generation.clone() else { return Ok(Next::Turn(Turn::Again)) };
        let Some(job) = &generation.job else { return Ok(Next::Turn(Turn::Again)) };
        match self.analyzer.standing(job).await? {
            Standing::InProgress => Ok(Next::Turn(Turn::Poll(self.wait(&RUNNING, generation.ordered)))),
            Standing::Succeeded { .. } => Ok(Next::Turn(Turn::Collect)),
            Standing::Failed(failed) if failed.too_much && generation.window.is_some() => {
                self.narrow(&generation, failed.error).await
            }
            Standing::Failed(failed) => self.came_to_nothing(failed.error).await,
            // With the run, when it was stopped.
            Standing::Canceled if generation.again < self.lane.again() => self.again(&generation).await,
            Standing::Canceled => {
                self.came_to_nothing(JobError::new(
                    ErrorName::JobFailed,
                    "somebody cancelled its generation",
                    "Resume the run with retry \"failed\". A generation that was cancelled counts in the day's quota.",
                ))
                .await
            }
            // What is ordered under a token of the request's own cannot be ordered as something else.
            Standing::Unknown(error) if self.lane.state.lost >= MOST_LOST || self.has_given_token() => {
                self.came_to_nothing(error).await
            }
            Standing::Unknown(error) => {
                tracing::warn!(job, "a generation of ours is not known any more: {error}");
                self.lane.state.lost += 1;
                self.again(&generation).await
            }
        }
    }

    /// A generation has ended, and left nothing: it is not looked for again.
    pub(super) async fn came_to_nothing(&mut self, error: JobError) -> Result<Next, JobError> {
        tell(self.config, self.lane, &error).await?;
        self.tried().await?;
        self.lane.state.generation = None;
        Err(error)
    }

    fn has_given_token(&self) -> bool {
        self.lane.request().client_token.is_some()
    }

    /// More than AWS reads: less is asked for, as long as there is less.
    async fn narrow(&mut self, generation: &Generation, error: JobError) -> Result<Next, JobError> {
        let Some(window) = &generation.window else { return Err(error) };
        let now = self.lane.now();
        // The trail was read, so what all accounts have alike is there.
        self.passed().await?;
        cursor::update(&self.config.store, &self.account, |it| it.learned.was_too_much(window, now)).await?;
        let learned = Cursor::read(&self.config.store, &self.account).await?.learned;
        let Some(Work::Generate { active, .. }) = self.lane.item().map(|item| &item.work) else {
            return Ok(Next::Turn(Turn::Again));
        };
        let days = self.lane.request().window_days();
        match learned.best(&self.readable(active), days, false, now) {
            Some(_) if !self.has_given_token() => self.again(generation).await,
            _ => self.came_to_nothing(error).await,
        }
    }

    /// Orders the present item's policy once more, as another order.
    async fn again(&mut self, generation: &Generation) -> Result<Next, JobError> {
        let Some(Work::Generate { principal, active }) = self.lane.item().map(|item| item.work.clone())
        else {
            return Ok(Next::Turn(Turn::Again));
        };
        self.intend(&principal, &active, generation.attempt + 1).await?;
        Ok(Next::Turn(Turn::Again))
    }

    /// Where something is known of Regions, those where what has none is written belong to them.
    fn readable(&self, active: &Active) -> Active {
        let with = |regions: &BTreeSet<String>| {
            let mut regions = regions.clone();
            if !regions.is_empty() {
                regions.insert(self.config.region.clone());
                if self.config.partition() == "aws" {
                    regions.insert(GLOBAL.to_owned());
                }
            }
            regions
        };
        Active { own: with(&active.own), account: with(&active.account) }
    }

    /// Tells the others that generations work.
    pub(super) async fn passed(&mut self) -> Result<(), JobError> {
        if !self.lane.state.passed {
            self.preflight().passed().await?;
            self.lane.state.passed = true;
        }
        Ok(())
    }
}

/// How many of these were certainly ordered on this day of the quota: whether AWS counts days of UTC or
/// the last 24 hours is not established, and those that count in both are spent in both.
fn today(listed: &[Listed], now: Timestamp) -> u64 {
    let since = |at: Timestamp| now.duration_since(at);
    let midnight = SignedDuration::from_secs(now.as_second().rem_euclid(DAY.as_secs()));
    listed.iter().filter(|it| since(it.started) <= midnight.min(DAY)).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generations_of_yesterday_may_not_count_any_more() {
        let listed: Vec<_> = ["2026-11-20T23:59:59Z", "2026-11-21T00:00:00Z", "2026-11-21T06:00:00Z"]
            .map(|at| Listed {
                job_id: String::new(),
                principal_arn: String::new(),
                in_progress: false,
                started: at.parse().unwrap(),
            })
            .into();
        assert_eq!(today(&listed, "2026-11-21T06:30:00Z".parse().unwrap()), 2);
    }
}
