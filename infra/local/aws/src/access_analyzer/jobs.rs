//! The generations of every account and Region: one at a time, so many a day, from the order to the end.

use std::collections::{BTreeMap, HashMap};

use jiff::{SignedDuration, Timestamp};

use super::recent::Recent;
use super::settings::{JobErrorCode, QuotaDay};
use super::start::{CloudTrail, Order};
use crate::ids::uuid;
use crate::organization::{mix, mix_text};

/// How many an account may start in a Region on one day, and in some Regions (IAM user guide, Access
/// Analyzer quotas). Those that failed or were cancelled count.
const A_DAY: usize = 50;
const A_DAY_IN_SOME: usize = 5;
const SOME: [&str; 5] = ["af-south-1", "ap-east-1", "ap-southeast-3", "eu-south-1", "me-south-1"];

/// How long a generation is listed and shown.
const SHOWN: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A generation's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyGenerationState {
    InProgress,
    Succeeded,
    Failed {
        code: JobErrorCode,
        message: String,
    },
    Canceled,
    /// Nobody knows it any more.
    Vanished,
}

impl PolicyGenerationState {
    /// As the API names it; what vanished has no name.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::InProgress | Self::Vanished => "IN_PROGRESS",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed { .. } => "FAILED",
            Self::Canceled => "CANCELED",
        }
    }
}

/// One generation.
#[derive(Debug, Clone)]
pub struct PolicyGeneration {
    pub id: String,
    pub account: String,
    pub region: String,
    /// The ARN of the session or user that ordered it.
    pub caller: String,
    /// The ARN of the role or user that it is about.
    pub principal: String,
    pub cloud_trail: Option<CloudTrail>,
    pub started: Timestamp,
    /// From then on the next can begin.
    pub ended: Option<Timestamp>,
    pub state: PolicyGenerationState,
    pub(super) shape: Shape,
    /// What it comes to, and when.
    end: Option<(PolicyGenerationState, Timestamp)>,
}

/// What is special about the policies of a generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Shape {
    #[default]
    Usual,
    /// Some services are at service level although more is known.
    Incomplete,
    /// More documents than they need.
    Several,
    /// None at all.
    Without,
}

impl PolicyGeneration {
    fn settle(&mut self, now: Timestamp) {
        if let Some((state, at)) = self.end.take_if(|(_, at)| *at <= now) {
            (self.state, self.ended) = (state, Some(at));
        }
    }

    fn is_of(&self, order: &Order) -> bool {
        (&self.principal, &self.cloud_trail) == (&order.principal, &order.cloud_trail)
    }

    fn is_shown(&self, now: Timestamp) -> bool {
        self.state != PolicyGenerationState::Vanished && now.duration_since(self.started) <= SHOWN
    }
}

/// What an accepted generation comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ending {
    /// Without it only a cancellation ends it.
    pub(super) end: Option<(PolicyGenerationState, SignedDuration)>,
    pub(super) shape: Shape,
}

/// An order that was accepted.
#[derive(Debug, Clone)]
pub(super) struct Accepted<'a> {
    pub(super) order: Order,
    pub(super) token: Option<String>,
    /// The ARN of the session or user that gave it.
    pub(super) caller: &'a str,
    pub(super) ending: Ending,
}

/// What a client token came with before.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Replay {
    /// The same request: its generation.
    Same(String),
    Another,
}

/// The generations of one account in one Region.
#[derive(Debug, Default)]
pub(super) struct Place {
    jobs: Vec<PolicyGeneration>,
    tokens: HashMap<String, usize>,
}

/// All generations.
#[derive(Debug, Default)]
pub(crate) struct PolicyGenerations {
    /// By account and Region.
    places: BTreeMap<(String, String), Place>,
    pub(super) recent: Recent,
}

impl PolicyGenerations {
    /// All of them at this moment, by account and Region, in the order in which they began.
    pub(crate) fn all(&mut self, now: Timestamp) -> Vec<PolicyGeneration> {
        self.places.values_mut().for_each(|place| place.settle(now));
        self.places.values().flat_map(|place| &place.jobs).cloned().collect()
    }

    /// Those of an account and Region, at this moment.
    pub(super) fn place(&mut self, account: &str, region: &str, now: Timestamp) -> &mut Place {
        let place = self.places.entry((account.to_owned(), region.to_owned())).or_default();
        place.settle(now);
        place
    }

    /// Somebody else in the account starts a generation for a user of theirs that takes so long;
    /// `None` when another is in progress.
    pub(crate) fn start_foreign(
        &mut self,
        (account, region): (&str, &str),
        caller: &str,
        duration: SignedDuration,
        seed: u64,
        now: Timestamp,
    ) -> Option<String> {
        let place = self.place(account, region, now);
        if place.is_busy() {
            return None;
        }
        let order = Order { principal: caller.to_owned(), cloud_trail: None };
        let end = Some((PolicyGenerationState::Succeeded, duration));
        let ending = Ending { end, shape: Shape::Usual };
        let accepted = Accepted { order, token: None, caller, ending };
        Some(place.start((account, region), accepted, seed, now))
    }
}

impl Place {
    fn settle(&mut self, now: Timestamp) {
        // Only the last can be in progress.
        if let Some(job) = self.jobs.last_mut() {
            job.settle(now);
        }
    }

    pub(super) fn is_busy(&self) -> bool {
        self.jobs.last().is_some_and(|job| job.state == PolicyGenerationState::InProgress)
    }

    /// Whether as many have been started today as may be.
    pub(super) fn is_spent(&self, region: &str, day: QuotaDay, now: Timestamp) -> bool {
        let most = if SOME.contains(&region) { A_DAY_IN_SOME } else { A_DAY };
        let today = |started: Timestamp| match day {
            QuotaDay::Calendar => {
                started.as_second().div_euclid(86_400) == now.as_second().div_euclid(86_400)
            }
            QuotaDay::Rolling => now.duration_since(started) < SignedDuration::from_hours(24),
        };
        self.jobs.iter().rev().take_while(|job| today(job.started)).count() >= most
    }

    pub(super) fn replay(&self, token: &str, order: &Order) -> Option<Replay> {
        let job = self.jobs.get(*self.tokens.get(token)?)?;
        Some(if job.is_of(order) { Replay::Same(job.id.clone()) } else { Replay::Another })
    }

    /// The number of the next one, from which everything about it is drawn.
    pub(super) fn next(&self) -> usize {
        self.jobs.len()
    }

    /// Begins a generation, and answers its id. Whoever asks has looked whether it may begin.
    pub(super) fn start(
        &mut self,
        (account, region): (&str, &str),
        accepted: Accepted<'_>,
        seed: u64,
        now: Timestamp,
    ) -> String {
        let Accepted { order, token, caller, ending } = accepted;
        let number = self.jobs.len();
        let place = format!("{account}/{region}");
        let salt = mix_text(seed, &place);
        let id = uuid(mix(salt ^ mix(number as u64)));
        if let Some(token) = token {
            self.tokens.insert(token, number);
        }
        let at = |duration| now.saturating_add(duration).unwrap_or(Timestamp::MAX);
        self.jobs.push(PolicyGeneration {
            id: id.clone(),
            account: account.to_owned(),
            region: region.to_owned(),
            caller: caller.to_owned(),
            principal: order.principal,
            cloud_trail: order.cloud_trail,
            started: now,
            ended: None,
            state: PolicyGenerationState::InProgress,
            shape: ending.shape,
            end: ending.end.map(|(state, duration)| (state, at(duration))),
        });
        id
    }

    /// The generation of an id, while it is shown.
    pub(super) fn find(&self, id: &str, now: Timestamp) -> Option<&PolicyGeneration> {
        self.jobs.iter().rev().find(|job| job.id == id).filter(|job| job.is_shown(now))
    }

    /// Ends the one in progress; `false` when this one is not.
    pub(super) fn cancel(&mut self, id: &str, now: Timestamp) -> bool {
        let job = self.jobs.last_mut().filter(|job| job.id == id);
        let Some(job) = job.filter(|job| job.state == PolicyGenerationState::InProgress) else {
            return false;
        };
        (job.state, job.ended, job.end) = (PolicyGenerationState::Canceled, Some(now), None);
        true
    }

    /// Those that are shown, each with its number, in the order in which they began.
    pub(super) fn shown(
        &self,
        now: Timestamp,
    ) -> impl DoubleEndedIterator<Item = (usize, &PolicyGeneration)> {
        self.jobs.iter().enumerate().filter(move |(_, job)| job.is_shown(now))
    }
}
