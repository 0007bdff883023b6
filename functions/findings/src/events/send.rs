//! The events of a published run, to EventBridge's default bus.

use std::time::Duration;

use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::types::{PutEventsRequestEntry, PutEventsResultEntry};
use aws_types::request_id::RequestId;
use errors::{Answer, AwsError, JobError};
use futures_util::future::try_join_all;
use models::{AwsDetail, ErrorName};
use serde::{Deserialize, Serialize};
use store::Store;

use super::{Event, SOURCE};

/// PutEvents takes so many entries at once, and so many bytes of all of them.
const ENTRIES: usize = 10;
const BYTES: usize = 256 * 1024;
/// Requests side by side.
const REQUESTS: usize = 8;

/// How long to wait before those of a request are sent again that were not taken: the SDK repeats requests
/// that fail, and takes one for answered that was taken in part.
const PAUSES: [Duration; 4] =
    [Duration::from_millis(200), Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(20)];

/// How many events of a document are sent, kept beside it: whoever goes on sends the others.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Progress {
    sent: u64,
}

/// Sends the events of a document that are not sent yet, in its order but for those of one moment.
pub(crate) async fn send(events: &Client, store: &Store, key: &str, etag: &str) -> Result<(), JobError> {
    let progress = format!("{key}.sent");
    let mut sent = store.load::<Progress>(&progress).await?.map_or(0, |it| it.value.sent);
    let mut lines = store.lines(key, Some(etag)).await?;
    for _ in 0..sent {
        lines.next_line().await?;
    }
    let mut batches = Batches::default();
    while let Some(event) = lines.next::<Event<String>>().await? {
        if batches.are_full() {
            sent += std::mem::take(&mut batches).put(events).await?;
            keep(store, &progress, sent).await?;
        }
        batches.push(entry(event)?);
    }
    // Whoever is done with the first requests needs no place to go on from.
    let has_place = sent > 0;
    sent += batches.put(events).await?;
    if has_place {
        keep(store, &progress, sent).await?;
    }
    tracing::info!(events = sent, "told EventBridge");
    Ok(())
}

async fn keep(store: &Store, key: &str, sent: u64) -> Result<(), JobError> {
    let progress = serde_json::to_vec(&Progress { sent }).map_err(JobError::defect)?;
    store.put(key, progress).await.map(drop)
}

fn entry(event: Event<String>) -> Result<PutEventsRequestEntry, JobError> {
    let detail = serde_json::to_string(&event.detail).map_err(JobError::defect)?;
    let builder = PutEventsRequestEntry::builder();
    Ok(builder.source(SOURCE).detail_type(event.detail_type).detail(detail).build())
}

/// The requests of a moment.
#[derive(Debug, Default)]
struct Batches(Vec<Batch>);

impl Batches {
    fn push(&mut self, entry: PutEventsRequestEntry) {
        match self.0.last_mut().filter(|batch| batch.has_room_for(&entry)) {
            Some(batch) => batch.push(entry),
            None => {
                let mut batch = Batch::default();
                batch.push(entry);
                self.0.push(batch);
            }
        }
    }

    fn len(&self) -> usize {
        self.0.iter().map(|batch| batch.entries.len()).sum()
    }

    /// Sends them side by side, and says how many events they are.
    async fn put(self, events: &Client) -> Result<u64, JobError> {
        let sent = self.len() as u64;
        try_join_all(self.0.into_iter().map(|batch| put(events, batch))).await?;
        Ok(sent)
    }

    fn are_full(&self) -> bool {
        self.0.len() == REQUESTS && self.0.last().is_some_and(|batch| batch.entries.len() == ENTRIES)
            || self.0.len() > REQUESTS
    }
}

/// The entries of one request.
#[derive(Debug, Default)]
struct Batch {
    entries: Vec<PutEventsRequestEntry>,
    bytes: usize,
}

impl Batch {
    fn has_room_for(&self, entry: &PutEventsRequestEntry) -> bool {
        self.entries.is_empty() || (self.entries.len() < ENTRIES && self.bytes + size(entry) < BYTES)
    }

    fn push(&mut self, entry: PutEventsRequestEntry) {
        self.bytes += size(&entry);
        self.entries.push(entry);
    }
}

/// An entry's size, as AWS counts it: its texts in UTF-8.
fn size(entry: &PutEventsRequestEntry) -> usize {
    [entry.source(), entry.detail_type(), entry.detail()].into_iter().flatten().map(str::len).sum()
}

async fn put(events: &Client, batch: Batch) -> Result<(), JobError> {
    let mut entries = batch.entries;
    let mut pauses = PAUSES.iter();
    while !entries.is_empty() {
        let answer = events.put_events().set_entries(Some(entries.clone())).send().await;
        let answer = answer.map_err(|error| untold(AwsError::new("events:PutEvents", &error)))?;
        if answer.entries().len() != entries.len() {
            return Err(JobError::defect(format!(
                "EventBridge answered {} of {} entries",
                answer.entries().len(),
                entries.len()
            )));
        }
        let is_taken = |it: &PutEventsResultEntry| it.event_id().is_some();
        let Some(refused) = answer.entries().iter().find(|it| !is_taken(it)) else { return Ok(()) };
        let error = untold(not_taken(refused, answer.request_id()));
        let may_pass = matches!(error.name(), ErrorName::Throttled | ErrorName::Transient);
        match pauses.next().filter(|_| may_pass) {
            Some(pause) => tokio::time::sleep(*pause).await,
            None => return Err(error),
        }
        // Each answer is at its entry's place.
        let mut answers = answer.entries().iter();
        entries.retain(|_| answers.next().is_some_and(|it| !is_taken(it)));
    }
    Ok(())
}

/// Why one entry of a request was not taken.
fn not_taken(entry: &PutEventsResultEntry, request_id: Option<&str>) -> AwsError {
    AwsError {
        detail: AwsDetail {
            operation: "events:PutEvents".to_owned(),
            code: entry.error_code().map(str::to_owned),
            message: entry.error_message().map(str::to_owned),
            request_id: request_id.map(str::to_owned),
        },
        answer: Answer::Refused { status: 200 },
    }
}

fn untold(error: AwsError) -> JobError {
    error.into_job_error().while_doing(
        "the run is published, and EventBridge was not told of all of it. The sweep goes on with that every 15 \
         minutes; EventSeverity=none gives it up",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry_of(bytes: usize) -> PutEventsRequestEntry {
        PutEventsRequestEntry::builder().detail("x".repeat(bytes)).build()
    }

    #[test]
    fn a_request_has_at_most_ten_entries_and_fewer_than_256_kilobytes() {
        let mut batch = Batch::default();
        for _ in 0..ENTRIES {
            assert!(batch.has_room_for(&entry_of(1)));
            batch.push(entry_of(1));
        }
        assert!(!batch.has_room_for(&entry_of(1)));
        let mut batch = Batch::default();
        batch.push(entry_of(BYTES - 10));
        assert!(batch.has_room_for(&entry_of(9)) && !batch.has_room_for(&entry_of(10)));
    }

    #[test]
    fn as_many_requests_are_made_at_once_as_are_full() {
        let mut batches = Batches::default();
        for _ in 1..REQUESTS * ENTRIES {
            batches.push(entry_of(1));
            assert!(!batches.are_full(), "{}", batches.len());
        }
        batches.push(entry_of(1));
        assert!(batches.are_full());
        let mut large = Batches::default();
        for _ in 0..=REQUESTS {
            large.push(entry_of(BYTES - 1));
        }
        assert!(large.are_full());
    }
}
