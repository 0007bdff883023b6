//! The trait that a kind of job implements once.
//!
//! A kind knows its AWS calls and what their answers mean. Everything else (records, tickets,
//! deadlines, waiting, publication) is the [lifecycle](crate::lifecycle)'s.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use errors::JobError;
use jiff::{SignedDuration, Timestamp};
use models::{Coverage, ItemName, Kind, LaneList, Outcome, OutcomeStatus, RunId, WaitingFor};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use store::Store;

use crate::part_file::Stored;
use crate::{Environment, InvalidEnvironment, PollSchedule};

/// What a step knows about the run it serves.
#[derive(Debug, Clone, Copy)]
pub struct RunContext<'a> {
    pub run_id: &'a RunId,
    pub item: &'a ItemName,
    /// Counts from 1; see [`models::Ticket::attempt`].
    pub attempt: u32,
    /// The invocation: parts are written under its name, see [`models::keys::part`].
    pub writer: &'a str,
    pub now: Timestamp,
    /// When the run is to have ended.
    pub deadline: Timestamp,
    /// How old a finished result may be to be used instead of a new job.
    pub max_age: Option<SignedDuration>,
}

/// What is already there, seen before anything is started.
#[derive(Debug)]
pub enum Found<Handle> {
    /// The job of this very run and attempt.
    Ours(Handle),
    /// Somebody else's job, and AWS runs only one at a time.
    Busy(WaitingFor),
    /// A finished job of ours, young enough and not yet collected.
    Reusable(Handle),
    /// A published result of ours, young enough; the value says where it is.
    Published(Value),
    /// Nothing: a job can be started.
    Free,
}

/// What has to be there before a job can be started: a run of another kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Prerequisite {
    pub kind: Kind,
    pub request: Value,
}

/// What came of asking whether a job would be started.
#[derive(Debug)]
pub struct WouldStart {
    pub starts: bool,
    /// Why (not).
    pub why: String,
    /// What it would take, where that can be told.
    pub estimate: Option<Estimate>,
}

impl WouldStart {
    pub fn yes(why: impl Into<String>) -> Self {
        Self { starts: true, why: why.into(), estimate: None }
    }

    pub fn no(why: impl Into<String>) -> Self {
        Self { starts: false, why: why.into(), estimate: None }
    }
}

/// What a run would take.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Estimate {
    /// What is worked through.
    pub items: u64,
    /// Calls of AWS's APIs.
    pub calls: u64,
    pub seconds: u64,
    pub state_transitions: u64,
    /// US dollars, at the list prices of `us-east-1`: see [`crate::prices`].
    pub usd: f64,
    /// What it is made of, in the kind's own words.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub of: BTreeMap<&'static str, u64>,
}

/// What came of starting.
#[derive(Debug)]
pub enum Started<Handle> {
    Running(Handle),
    /// A run of another kind has to come first.
    Needs(Prerequisite),
    /// AWS runs only one at a time, and another was there.
    Busy(WaitingFor),
}

/// What a run that changes something does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// Go on making changes, after so long.
    Apply(Duration),
    /// See whether AWS shows them, after so long.
    Verify(Duration),
    /// Nothing is left to be changed or seen: publish.
    Publish,
}

/// Where a job stands, in one vocabulary for AWS's three.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    Running,
    Complete,
}

/// What came of cancelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancelled {
    /// Nothing of ours runs, and nothing can come to light later.
    Ended,
    /// Nothing of ours is to be seen, but a start that was attempted may still show.
    NotVisible,
}

/// What a file is published as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PublishedAs {
    /// One of the files of a table.
    Table(&'static str),
    /// A document of its own, by its key.
    Document(String),
}

/// A file that collecting wrote under `runs/`, to be published.
#[derive(Debug, Clone)]
pub struct Part {
    pub published: PublishedAs,
    pub key: String,
    pub etag: String,
    pub rows: u64,
    pub bytes: u64,
}

impl Part {
    /// A file that is stored, and how it is to be published.
    pub fn stored(published: PublishedAs, Stored { key, etag, bytes }: Stored, rows: u64) -> Self {
        Self { published, key, etag, rows, bytes }
    }

    /// The table that it is of, if it is of one.
    pub fn table(&self) -> Option<&'static str> {
        match self.published {
            PublishedAs::Table(table) => Some(table),
            PublishedAs::Document(_) => None,
        }
    }
}

/// What collecting left.
#[derive(Debug, Clone)]
pub struct Collected {
    pub parts: Vec<Part>,
    /// When what the evidence says was so.
    pub observed_at: Option<Timestamp>,
    /// How much of it there is.
    pub coverage: Coverage,
    /// Pointers and headline numbers, a few hundred bytes.
    pub result: Value,
}

/// One kind of job. Parsing a `Request` validates it, so that nothing of a bad request reaches AWS.
pub trait Job: Sized + Send + Sync + 'static {
    const KIND: Kind;
    const SCHEDULE: PollSchedule;
    /// How long a job that was started may stay out of what [`Job::find`] sees. Until then nobody
    /// starts it again after a call whose answer was lost.
    const VISIBLE_WITHIN: SignedDuration;
    /// How long a run may take when the request does not say.
    const DEADLINE_HOURS: u32;

    type Request: Serialize + DeserializeOwned + std::fmt::Debug + Send + Sync;
    type Handle: Serialize + DeserializeOwned + Send + Sync;

    /// Reads the configuration and builds the clients. Calls nothing.
    fn new(environment: &Environment) -> Result<Self, InvalidEnvironment>;

    fn store(&self) -> &Store;

    /// The lanes to work on, of a kind whose runs have lanes.
    fn lanes(&self, _handle: &Self::Handle) -> Option<LaneList> {
        None
    }

    /// The runs of other kinds that come first, of a kind that is made from what others publish.
    fn refresh(&self, _handle: &Self::Handle) -> Option<Value> {
        None
    }

    /// What follows when the job has started, of a kind whose runs change something.
    fn then(&self, _handle: &Self::Handle) -> Option<Then> {
        None
    }

    /// Whether a run that ended so has items, besides itself, that are to be done again.
    fn has_items_to_retry(_outcome: &Outcome, _retry: &[OutcomeStatus]) -> bool {
        false
    }

    /// Notes in the handle of a run that is resumed which of its items are to be done again.
    fn resumed(_handle: &mut Self::Handle, _retry: &[OutcomeStatus]) {}

    /// The checks of a request that depend on the configuration.
    fn check(&self, request: &Self::Request) -> Result<(), JobError>;

    /// Fills in what the request leaves to the organization, such as its root.
    fn resolve(
        &self,
        run: &RunId,
        request: &mut Self::Request,
    ) -> impl Future<Output = Result<(), JobError>> + Send;

    /// The item that the (resolved) request is about.
    fn item(request: &Self::Request) -> Result<ItemName, JobError>;

    /// Looks for what is already there. Starts nothing.
    fn find(
        &self,
        run: RunContext<'_>,
        request: &Self::Request,
    ) -> impl Future<Output = Result<Found<Self::Handle>, JobError>> + Send;

    /// Starts the job. Called only after [`Job::find`] has found nothing.
    fn start(
        &self,
        run: RunContext<'_>,
        request: &Self::Request,
    ) -> impl Future<Output = Result<Started<Self::Handle>, JobError>> + Send;

    /// Whether AWS would start the job; changes nothing.
    fn would_start(
        &self,
        run: RunContext<'_>,
        request: &Self::Request,
    ) -> impl Future<Output = Result<WouldStart, JobError>> + Send;

    /// Asks where the job stands. A job that ended without a result is an error.
    fn status(
        &self,
        run: RunContext<'_>,
        handle: &mut Self::Handle,
    ) -> impl Future<Output = Result<Progress, JobError>> + Send;

    /// Reads what the job left and writes it as parts.
    fn collect(
        &self,
        run: RunContext<'_>,
        request: &Self::Request,
        handle: &Self::Handle,
    ) -> impl Future<Output = Result<Collected, JobError>> + Send;

    /// Called when everything of a run is published, before the run is closed; again where that was
    /// interrupted.
    fn published(&self, _result: &Value) -> impl Future<Output = Result<(), JobError>> + Send {
        async { Ok(()) }
    }

    /// Ends the job if it is ours and still runs. Without a handle it is looked for first.
    fn cancel(
        &self,
        run: RunContext<'_>,
        request: &Self::Request,
        handle: Option<&Self::Handle>,
        attempted_at: Option<Timestamp>,
    ) -> impl Future<Output = Result<Cancelled, JobError>> + Send;
}
