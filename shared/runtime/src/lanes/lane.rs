//! A lane as a turn holds it.

use std::collections::BTreeMap;
use std::time::Duration;

use errors::JobError;
use jiff::Timestamp;
use models::{
    ErrorName, Failure, ItemName, ItemOutcome, LaneLine, LaneRecord, LaneTicket, OutcomeStatus, keys,
};
use store::{Store, Versioned};
use tokio::time::Instant;

use super::items::Items;
use super::results::{Outcomes, Results};
use super::step;
use super::{CHECKPOINT, Lanes, MARGIN, PART_BYTES, UNBOUNDED};
use crate::function::Invocation;

/// A lane, its record, and what this invocation adds to it. Nothing counts before [`Lane::commit`].
pub struct Lane<'a, L: Lanes> {
    pub(super) store: &'a Store,
    pub(super) invocation: &'a Invocation,
    pub(super) ticket: &'a LaneTicket,
    pub(super) record: Versioned<LaneRecord>,
    pub(super) items: Items<L::Item>,
    /// The first of them that has no outcome.
    present: Option<L::Item>,
    request: &'a L::Request,
    /// What is remembered of the present item.
    pub state: L::State,
    pub(super) lines: Vec<u8>,
    pub(super) count: u64,
    /// Parts that this invocation has written.
    pub(super) written: u64,
    begun: Instant,
    committed: Instant,
}

impl<L: Lanes> std::fmt::Debug for Lane<'_, L> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lane").field("record", &self.record).finish_non_exhaustive()
    }
}

impl<'a, L: Lanes> Lane<'a, L> {
    pub(super) async fn open(
        store: &'a Store,
        invocation: &'a Invocation,
        ticket: &'a LaneTicket,
        request: &'a L::Request,
    ) -> Result<Self, JobError> {
        let key = keys::lane(&ticket.run_id, &ticket.lane);
        let found = store.load::<LaneRecord>(&key).await?;
        let listed = found.as_ref().map_or(&ticket.items, |record| &record.value.items);
        let items = Items::read(store, listed).await?;
        let record = match found {
            Some(record) => record,
            None => store.establish(&key, new_record(ticket, invocation, items.len())).await?.0,
        };
        let now = Instant::now();
        Ok(Self {
            state: state::<L>(&record.value)?,
            store,
            invocation,
            ticket,
            present: items.get(record.value.done)?,
            record,
            items,
            request,
            lines: Vec::new(),
            count: 0,
            written: 0,
            begun: now,
            committed: now,
        })
    }

    /// Begins again with the items that a resume asked for, once.
    pub(super) async fn obey(&mut self) -> Result<(), JobError> {
        let ticket = self.ticket;
        if self.record.value.again >= ticket.again {
            return Ok(());
        }
        let so_far = self.so_far()?.outcomes().await?;
        let so_far = so_far.values().flat_map(Outcomes::iter);
        let last: BTreeMap<_, _> = so_far.map(|it| (&it.item, it.status)).collect();
        let mut items = Items::default();
        for item in Items::<L::Item>::read(self.store, self.every_item()).await?.iter() {
            let item = item?;
            // Those that have no outcome are done as well.
            if last.get(L::name(&item)).is_none_or(|status| ticket.retry.contains(status)) {
                items.push(&item)?;
            }
        }
        let record = &mut self.record.value;
        // Counted anew: an earlier resume may have ended before it had done its items again.
        record.outcomes.clear();
        for status in last.into_values().filter(|status| !ticket.retry.contains(status)) {
            *record.outcomes.entry(status).or_default() += 1;
        }
        let name = format!("{}-{}.jsonl", ticket.lane, ticket.again);
        let key = keys::plan(&ticket.run_id, &self.invocation.request_id, &name);
        self.store.put(&key, items.to_lines()).await?;
        record.again = ticket.again;
        record.items = key;
        record.total = items.len();
        record.done = 0;
        record.waits = 0;
        record.since = self.invocation.now();
        self.items = items;
        self.state = L::after(std::mem::take(&mut self.state));
        self.turn_to_present()
    }

    /// The lane's name.
    pub fn name(&self) -> &str {
        self.ticket.lane.as_str()
    }

    /// The same, as the lane's parts are found by.
    pub fn lane_name(&self) -> &'a ItemName {
        &self.ticket.lane
    }

    pub fn run_id(&self) -> &'a models::RunId {
        &self.ticket.run_id
    }

    /// The name of this invocation, of its own.
    pub fn writer(&self) -> &'a str {
        &self.invocation.request_id
    }

    /// Whether the run still goes on, in the execution and attempt of this lane: asked again before a call
    /// with an effect, for it may have been stopped meanwhile.
    pub async fn goes_on(&self) -> Result<bool, JobError> {
        step::goes_on(self.store, self.ticket).await
    }

    /// How often items of the lane were asked for again, see [`models::Plan::again`].
    pub fn again(&self) -> u32 {
        self.record.value.again
    }

    pub fn request(&self) -> &'a L::Request {
        self.request
    }

    pub fn now(&self) -> Timestamp {
        self.invocation.now()
    }

    /// When items that have no outcome are overdue.
    pub fn deadline(&self) -> Timestamp {
        self.ticket.deadline
    }

    /// When the lane last did something for its present item: what a wait is counted from.
    pub fn since(&self) -> Timestamp {
        self.record.value.since
    }

    /// Waits for the present item so far.
    pub fn waits(&self) -> u32 {
        self.record.value.waits
    }

    /// What other lanes of the run have left; `None` until all of them are closed.
    pub async fn closed(&self, lanes: &[&str]) -> Result<Option<Results<'a>>, JobError> {
        let mut records = BTreeMap::new();
        for lane in lanes {
            let name: ItemName = lane.parse().map_err(JobError::defect)?;
            let key = keys::lane(&self.ticket.run_id, &name);
            match self.store.load::<LaneRecord>(&key).await? {
                // One that has not begun again yet says how it ended before.
                Some(record) if record.value.is_closed() && record.value.again == self.ticket.again => {
                    records.insert(name, record.value)
                }
                _ => return Ok(None),
            };
        }
        self.results(records).map(Some)
    }

    /// What this lane has left so far.
    pub fn so_far(&self) -> Result<Results<'a>, JobError> {
        self.results(BTreeMap::from([(self.ticket.lane.clone(), self.record.value.clone())]))
    }

    fn results(&self, records: BTreeMap<ItemName, LaneRecord>) -> Result<Results<'a>, JobError> {
        Results::new(self.store, &self.ticket.run_id, records, serde_json::Value::Null)
    }

    /// The present item; `None` when all have an outcome.
    pub fn item(&self) -> Option<&L::Item> {
        self.present.as_ref()
    }

    /// Where the record stands now.
    pub(super) fn turn_to_present(&mut self) -> Result<(), JobError> {
        self.present = self.items.get(self.record.value.done)?;
        Ok(())
    }

    /// Whether there is time to begin something that may take a while.
    pub fn has_time(&self) -> bool {
        let ends = self.invocation.ends_at.map(|at| at - MARGIN.min(at.duration_since(self.begun) / 2));
        Instant::now() < ends.unwrap_or(self.begun + UNBOUNDED)
    }

    /// The time until the invocation ends.
    pub fn time_left(&self) -> Duration {
        let ends = self.invocation.ends_at.unwrap_or(self.begun + UNBOUNDED);
        ends.saturating_duration_since(Instant::now())
    }

    /// How long this turn has been at work.
    pub fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Adds what was read.
    pub async fn write(&mut self, entry: &L::Entry) -> Result<(), JobError> {
        self.line(&LaneLine::Data(entry))?;
        if self.lines.len() >= PART_BYTES { self.flush().await } else { Ok(()) }
    }

    /// Ends the present item and goes on to the next.
    pub fn finish(&mut self, status: OutcomeStatus, failure: Option<Failure>) -> Result<(), JobError> {
        let Some(item) = self.item() else {
            return Err(JobError::defect("an item was ended that is not there"));
        };
        let outcome = ItemOutcome { item: L::name(item).clone(), status, at: self.now(), failure };
        self.line(&LaneLine::<L::Entry>::Outcome(outcome))?;
        let record = &mut self.record.value;
        record.done += 1;
        *record.outcomes.entry(status).or_default() += 1;
        record.since = self.invocation.now();
        record.waits = 0;
        self.state = L::after(std::mem::take(&mut self.state));
        self.turn_to_present()
    }

    /// Ends the present item as what its error means, or all that are left.
    pub(super) fn fail(
        &mut self,
        status: OutcomeStatus,
        failure: &Failure,
        all: bool,
    ) -> Result<(), JobError> {
        while self.item().is_some() {
            self.finish(status, Some(failure.clone()))?;
            if !all {
                break;
            }
        }
        Ok(())
    }

    /// Commits what was read, if as much as may be lost was read since the last time.
    pub async fn checkpoint(&mut self) -> Result<(), JobError> {
        if self.committed.elapsed() < CHECKPOINT { Ok(()) } else { self.commit().await }
    }

    /// Commits what was read, what ended and what is remembered.
    pub async fn commit(&mut self) -> Result<(), JobError> {
        self.flush().await?;
        let key = keys::lane(&self.ticket.run_id, &self.ticket.lane);
        let mut next = self.record.value.clone();
        next.state = serde_json::to_value(&self.state).map_err(JobError::defect)?;
        next.updated_at = self.now();
        next.writer.clone_from(&self.invocation.request_id);
        let written = self.store.advance(&key, &self.record.etag, next).await?;
        self.record = written.ok_or_else(|| {
            JobError::new(
                ErrorName::Transient,
                format!(
                    "lane {} of run {} is being worked on by others",
                    self.ticket.lane, self.ticket.run_id
                ),
                "The step is repeated.",
            )
        })?;
        self.committed = Instant::now();
        Ok(())
    }

    fn line<T: serde::Serialize>(&mut self, line: &LaneLine<T>) -> Result<(), JobError> {
        serde_json::to_writer(&mut self.lines, line).map_err(JobError::defect)?;
        self.lines.push(b'\n');
        self.count += 1;
        Ok(())
    }
}

fn new_record(ticket: &LaneTicket, invocation: &Invocation, total: u64) -> LaneRecord {
    LaneRecord {
        schema_version: LaneRecord::VERSION,
        kind: ticket.kind,
        run_id: ticket.run_id.clone(),
        lane: ticket.lane.clone(),
        again: ticket.again,
        updated_at: invocation.now(),
        writer: invocation.request_id.clone(),
        items: ticket.items.clone(),
        total,
        added: None,
        done: 0,
        since: invocation.now(),
        waits: 0,
        outcomes: BTreeMap::new(),
        parts: Vec::new(),
        state: serde_json::Value::Null,
    }
}

pub(super) fn state<L: Lanes>(record: &LaneRecord) -> Result<L::State, JobError> {
    if record.state.is_null() {
        return Ok(L::State::default());
    }
    serde_json::from_value(record.state.clone())
        .map_err(|error| JobError::defect(format!("the record of lane {}: {error}", record.lane)))
}
