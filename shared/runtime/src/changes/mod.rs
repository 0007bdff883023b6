//! Runs that change something: planned, made one by one, and seen to be so.
//!
//! A run either makes a plan and ends, or makes the changes of a plan that an earlier run has made, wave
//! by wave: each is made, then seen in AWS, then left alone for as long as the plan says before the next
//! begins. What of this a kind does is its own; when it does it, and how a run of it ends, is the
//! [lifecycle](crate::lifecycle)'s, as for every other kind.
//!
//! 1. [`Changes`]: the trait that such a kind implements.
//! 2. [`job`]: such a kind as a [`Job`](crate::Job): planning is its start, publishing its collection.
//! 3. [`steps`]: the functions of its state machine.

mod job;
mod steps;

use std::future::Future;
use std::time::Duration;

use errors::JobError;
use jiff::{SignedDuration, Timestamp};
use models::Kind;
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::Store;
use tokio::time::Instant;

use crate::{Collected, Environment, InvalidEnvironment, RunContext, Then, WouldStart};

pub use job::Changing;
pub use steps::{apply_function, plan_function, verify_function};

/// One invocation of a run that changes something.
#[derive(Debug, Clone, Copy)]
pub struct Making<'a> {
    pub run: RunContext<'a>,
    /// When [`RunContext::now`] was.
    pub begun: Instant,
    /// When the invocation ends by itself; nothing ends it where there is none.
    pub ends_at: Option<Instant>,
}

impl Making<'_> {
    /// The time, as it goes on within the invocation.
    pub fn now(&self) -> Timestamp {
        let elapsed = SignedDuration::try_from(self.begun.elapsed()).unwrap_or_default();
        self.run.now.checked_add(elapsed).unwrap_or(self.run.now)
    }

    /// Whether the invocation lasts for so long yet.
    pub fn lasts(&self, enough: Duration) -> bool {
        self.ends_at.is_none_or(|end| end.saturating_duration_since(Instant::now()) >= enough)
    }
}

/// One kind whose runs change something.
pub trait Changes: Sized + Send + Sync + 'static {
    const KIND: Kind;
    /// How long a run may take when the request does not say.
    const DEADLINE_HOURS: u32;

    type Request: Serialize + DeserializeOwned + std::fmt::Debug + Send + Sync;
    /// Where the plan is, and how far its changes are.
    type Handle: Serialize + DeserializeOwned + Send + Sync;

    /// Reads the configuration and builds the clients. Calls nothing.
    fn new(environment: &Environment) -> Result<Self, InvalidEnvironment>;

    fn store(&self) -> &Store;

    /// The checks of a request that depend on the configuration.
    fn check(&self, request: &Self::Request) -> Result<(), JobError>;

    /// Makes a plan, or takes one up. Changes nothing but the run's own documents.
    fn begin(
        &self,
        run: RunContext<'_>,
        request: &Self::Request,
    ) -> impl Future<Output = Result<Self::Handle, JobError>> + Send;

    /// What a plan that is begun leads to.
    fn then(&self, handle: &Self::Handle) -> Then;

    /// Says what would be planned. Writes nothing.
    fn preview(
        &self,
        run: RunContext<'_>,
        request: &Self::Request,
    ) -> impl Future<Output = Result<WouldStart, JobError>> + Send;

    /// Makes changes, until those of the present wave are made or the invocation's time is up. May be
    /// made twice, and beside itself.
    fn apply(
        &self,
        making: Making<'_>,
        handle: &mut Self::Handle,
    ) -> impl Future<Output = Result<Then, JobError>> + Send;

    /// Sees whether AWS shows the changes of the present wave. Changes nothing.
    fn verify(
        &self,
        making: Making<'_>,
        handle: &mut Self::Handle,
    ) -> impl Future<Output = Result<Then, JobError>> + Send;

    /// Turns what was planned, or made, into parts of tables and the run's result.
    fn collect(
        &self,
        run: RunContext<'_>,
        handle: &Self::Handle,
    ) -> impl Future<Output = Result<Collected, JobError>> + Send;
}
