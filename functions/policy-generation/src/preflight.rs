//! One generation is tried before thousands start.
//!
//! What a generation needs besides the principal is the same in all accounts: the roles of the StackSet,
//! the trail, its bucket and its key. The first lane that comes to a generation tries, and the others
//! wait. What fails in one account may be that account's own, so the run is given up only when
//! [`FAILURES`] accounts have failed and none has succeeded.

use errors::JobError;
use jiff::{SignedDuration, Timestamp};
use models::{ErrorName, Failure, ItemName, RunId, keys};
use serde::{Deserialize, Serialize};
use store::Store;

/// Accounts that have to fail before the run is given up.
const FAILURES: usize = 3;
/// How long whoever tries may say nothing: longer than any wait of a lane.
const SILENCE: SignedDuration = SignedDuration::from_mins(75);
/// How long a lane that has failed lets others try first: longer than they wait between two looks.
const OTHERS_FIRST: SignedDuration = SignedDuration::from_mins(20);
/// Failures of one lane that end it, where no other gets to try.
const FAILURES_OF_ONE: u32 = 2;

/// Where trying stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Preflight {
    /// The resume that it is of: each tries anew.
    again: u32,
    passed: bool,
    /// The lane that tries, and when it said so last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tries: Option<(ItemName, Timestamp)>,
    /// What failed where, one for each lane.
    failures: Vec<Failed>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Failed {
    lane: ItemName,
    failure: Failure,
    at: Timestamp,
    times: u32,
}

/// What a lane may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Permit {
    /// It is known to work, or this lane is the one that tries.
    Go,
    /// Another lane tries.
    Wait,
    /// It is known not to work.
    Stop(Vec<(ItemName, Failure)>),
}

/// One lane's view of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lane<'a> {
    pub(crate) store: &'a Store,
    pub(crate) run: &'a RunId,
    pub(crate) name: &'a ItemName,
    pub(crate) again: u32,
    pub(crate) now: Timestamp,
}

impl Lane<'_> {
    /// Asks whether a generation may be ordered.
    pub(crate) async fn permit(self) -> Result<Permit, JobError> {
        self.change(|preflight| preflight.try_by(self.name, self.now)).await?;
        let found = self.store.load::<Preflight>(&self.key()).await?;
        Ok(found.map_or(Permit::Wait, |it| it.value.permit(self.name)))
    }

    /// A generation of this lane has been read from the trail.
    pub(crate) async fn passed(self) -> Result<(), JobError> {
        self.change(|preflight| preflight.passed = true).await
    }

    /// This lane failed for what all accounts may have alike. Whoever has ordered nothing, and may not
    /// try, has not found it out by itself.
    pub(crate) async fn failed(self, failure: &Failure, has_ordered: bool) -> Result<(), JobError> {
        self.change(|preflight| {
            if has_ordered || preflight.is_tried_by(self.name) {
                preflight.fail(self.name, failure, self.now);
            }
        })
        .await
    }

    /// This lane has nothing to say on the matter for now: another tries.
    pub(crate) async fn left(self) -> Result<(), JobError> {
        self.change(|preflight| drop(preflight.tries.take_if(|(lane, _)| lane == self.name))).await
    }

    async fn change(self, change: impl Fn(&mut Preflight) + Send + Sync) -> Result<(), JobError> {
        let again = self.again;
        self.store
            .update(&self.key(), |preflight: &mut Preflight| {
                if preflight.again < again {
                    *preflight = Preflight { again, ..Preflight::default() };
                }
                change(preflight);
            })
            .await
    }

    fn key(self) -> String {
        format!("{}preflight.json", keys::run(self.run))
    }
}

impl Preflight {
    fn is_over(&self) -> bool {
        self.passed || self.failures.len() >= FAILURES
    }

    fn try_by(&mut self, lane: &ItemName, now: Timestamp) {
        let is_free = match &self.tries {
            None => true,
            Some((by, at)) => by == lane || now.duration_since(*at) > SILENCE,
        };
        // Others come before one that has failed: what fails in it may be its own.
        let waits = |it: &Failed| now.duration_since(it.at) < OTHERS_FIRST || it.times >= FAILURES_OF_ONE;
        if is_free && !self.is_over() && !self.of(lane).is_some_and(waits) {
            self.tries = Some((lane.clone(), now));
        }
    }

    fn is_tried_by(&self, lane: &ItemName) -> bool {
        self.tries.as_ref().is_some_and(|(by, _)| by == lane)
    }

    fn of(&self, lane: &ItemName) -> Option<&Failed> {
        self.failures.iter().find(|it| it.lane == *lane)
    }

    fn fail(&mut self, lane: &ItemName, failure: &Failure, at: Timestamp) {
        self.tries.take_if(|(by, _)| by == lane);
        let (lane, failure) = (lane.clone(), failure.clone());
        match self.failures.iter_mut().find(|it| it.lane == lane) {
            Some(it) => *it = Failed { lane, failure, at, times: it.times + 1 },
            None => self.failures.push(Failed { lane, failure, at, times: 1 }),
        }
    }

    fn permit(&self, lane: &ItemName) -> Permit {
        let told = |it: &Failed| (it.lane.clone(), it.failure.clone());
        match &self.tries {
            _ if self.passed => Permit::Go,
            _ if self.failures.len() >= FAILURES => Permit::Stop(self.failures.iter().map(told).collect()),
            _ if self.of(lane).is_some_and(|it| it.times >= FAILURES_OF_ONE) => {
                Permit::Stop(self.of(lane).map(told).into_iter().collect())
            }
            Some((by, _)) if by == lane => Permit::Go,
            _ => Permit::Wait,
        }
    }
}

/// What all lanes end with when none could generate.
pub(crate) fn stopped(failures: &[(ItemName, Failure)]) -> JobError {
    let each: Vec<_> = failures.iter().map(|(account, failure)| format!("{account}: {failure}")).collect();
    JobError::new(
        ErrorName::NotEnabled,
        format!(
            "no generation succeeded in the first {} accounts that tried ({})",
            failures.len(),
            each.join("; ")
        ),
        "Mend what these name (role, iam:PassRole, bucket, key, trail; see docs/organization-trail.md), then resume the \
         run with retry \"failed\".",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(number: usize) -> ItemName {
        format!("{number:012}").parse().unwrap()
    }

    fn at(minutes: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes)
    }

    #[test]
    fn one_lane_tries_and_the_others_wait_until_it_has_passed() {
        let mut preflight = Preflight::default();
        preflight.try_by(&lane(1), at(0));
        preflight.try_by(&lane(2), at(1));
        assert_eq!([1, 2].map(|number| preflight.permit(&lane(number))), [Permit::Go, Permit::Wait]);
        preflight.passed = true;
        assert_eq!(preflight.permit(&lane(2)), Permit::Go);
    }

    #[test]
    fn a_lane_that_says_nothing_any_more_is_followed_by_another() {
        let mut preflight = Preflight::default();
        preflight.try_by(&lane(1), at(0));
        preflight.try_by(&lane(2), at(76));
        assert_eq!(preflight.permit(&lane(2)), Permit::Go);
    }

    #[test]
    fn one_that_has_failed_tries_again_after_the_others_and_ends_when_it_fails_again() {
        let mut preflight = Preflight::default();
        let failure = Failure::new("Denied", "the bucket");
        preflight.try_by(&lane(1), at(0));
        preflight.fail(&lane(1), &failure, at(0));
        preflight.try_by(&lane(1), at(5));
        assert_eq!(preflight.permit(&lane(1)), Permit::Wait);
        preflight.try_by(&lane(1), at(21));
        assert_eq!(preflight.permit(&lane(1)), Permit::Go);
        preflight.fail(&lane(1), &failure, at(22));
        assert_eq!(preflight.permit(&lane(1)), Permit::Stop(vec![(lane(1), failure)]));
        preflight.try_by(&lane(2), at(22));
        assert_eq!(preflight.permit(&lane(2)), Permit::Go);
    }

    #[test]
    fn three_accounts_that_fail_stop_all_and_two_do_not() {
        let mut preflight = Preflight::default();
        let failure = Failure::new("Denied", "the bucket");
        for number in 1..=3 {
            preflight.try_by(&lane(number), at(0));
            assert_eq!(preflight.permit(&lane(number)), Permit::Go, "{number}");
            preflight.fail(&lane(number), &failure, at(0));
            preflight.try_by(&lane(number), at(0));
        }
        let Permit::Stop(failures) = preflight.permit(&lane(4)) else { panic!("{preflight:?}") };
        let error = stopped(&failures).to_string();
        assert!(error.contains("000000000003") && error.contains("the bucket"), "{error}");
    }
}
