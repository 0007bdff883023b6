//! A kind whose runs change something, as a job: planning is its start, publishing its collection.

use errors::JobError;
use jiff::{SignedDuration, Timestamp};
use models::{ItemName, Kind, RunId};
use store::Store;

use super::Changes;
use crate::environment::{Environment, InvalidEnvironment};
use crate::job::{Cancelled, Collected, Found, Job, Progress, RunContext, Started, Then, WouldStart};
use crate::schedule::PollSchedule;

/// The job that `C` is.
#[derive(Debug)]
pub struct Changing<C>(pub C);

/// What all such runs are about.
const ITEM: &str = "organization";

impl<C: Changes> Job for Changing<C> {
    const KIND: Kind = C::KIND;
    const SCHEDULE: PollSchedule = PollSchedule::HOURS;
    /// Planning changes nothing, so it may be done again at once.
    const VISIBLE_WITHIN: SignedDuration = SignedDuration::ZERO;
    const DEADLINE_HOURS: u32 = C::DEADLINE_HOURS;

    type Request = C::Request;
    type Handle = C::Handle;

    fn new(environment: &Environment) -> Result<Self, InvalidEnvironment> {
        C::new(environment).map(Self)
    }

    fn store(&self) -> &Store {
        self.0.store()
    }

    fn then(&self, handle: &C::Handle) -> Option<Then> {
        Some(self.0.then(handle))
    }

    fn check(&self, request: &C::Request) -> Result<(), JobError> {
        self.0.check(request)
    }

    async fn resolve(&self, _run: &RunId, _request: &mut C::Request) -> Result<(), JobError> {
        Ok(())
    }

    fn item(_request: &C::Request) -> Result<ItemName, JobError> {
        ITEM.parse().map_err(JobError::defect)
    }

    async fn find(&self, _run: RunContext<'_>, _request: &C::Request) -> Result<Found<C::Handle>, JobError> {
        Ok(Found::Free)
    }

    async fn start(&self, run: RunContext<'_>, request: &C::Request) -> Result<Started<C::Handle>, JobError> {
        self.0.begin(run, request).await.map(Started::Running)
    }

    async fn would_start(&self, run: RunContext<'_>, request: &C::Request) -> Result<WouldStart, JobError> {
        self.0.preview(run, request).await
    }

    /// How far the changes are is the apply step's to say; a run that is resumed goes on with them.
    async fn status(&self, _run: RunContext<'_>, _handle: &mut C::Handle) -> Result<Progress, JobError> {
        Ok(Progress::Running)
    }

    async fn collect(
        &self,
        run: RunContext<'_>,
        _request: &C::Request,
        handle: &C::Handle,
    ) -> Result<Collected, JobError> {
        self.0.collect(run, handle).await
    }

    /// What was changed stays changed: the way back is a plan of its own. An invocation that is still at
    /// it finds its run closed before its next change.
    async fn cancel(
        &self,
        _run: RunContext<'_>,
        _request: &C::Request,
        _handle: Option<&C::Handle>,
        _attempted_at: Option<Timestamp>,
    ) -> Result<Cancelled, JobError> {
        Ok(Cancelled::Ended)
    }
}
