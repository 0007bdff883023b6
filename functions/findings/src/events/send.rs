//! The events of a published run, to EventBridge's default bus.

use std::time::Duration;

use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::types::{PutEventsRequestEntry, PutEventsResultEntry};
use errors::{Answer, AwsError, JobError};
use models::AwsDetail;
use store::Store;

use super::{Event, SOURCE};

/// PutEvents takes so many entries at once, and so many bytes of all of them.
const ENTRIES: usize = 10;
const BYTES: usize = 256 * 1024;

/// How long to wait before those of a request are sent again that were not taken: the SDK repeats requests
/// that fail, and takes one for answered that was taken in part.
const PAUSES: [Duration; 4] =
    [Duration::from_millis(200), Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(20)];

/// Sends the events of a document, in its order.
pub(crate) async fn send(events: &Client, store: &Store, key: &str) -> Result<u64, JobError> {
    let mut lines = store.lines(key, None).await?;
    let mut batch = Batch::default();
    let mut sent = 0;
    while let Some(event) = lines.next::<Event>().await? {
        let entry = entry(&event)?;
        if !batch.has_room_for(&entry) {
            put(events, std::mem::take(&mut batch)).await?;
        }
        batch.push(entry);
        sent += 1;
    }
    put(events, batch).await?;
    Ok(sent)
}

fn entry(event: &Event) -> Result<PutEventsRequestEntry, JobError> {
    let detail = serde_json::to_string(&event.detail).map_err(JobError::defect)?;
    let builder = PutEventsRequestEntry::builder();
    Ok(builder.source(SOURCE).detail_type(event.detail_type.as_str()).detail(detail).build())
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
        let mut answers = answer.entries().iter();
        // Each answer is at its entry's place.
        entries.retain(|_| answers.next().is_some_and(|it| it.event_id().is_none()));
        let refused = answer.entries().iter().find(|it| it.event_id().is_none());
        if let Some(refused) = refused {
            match pauses.next() {
                Some(pause) => tokio::time::sleep(*pause).await,
                None => {
                    return Err(untold(not_taken(
                        refused,
                        aws_types::request_id::RequestId::request_id(&answer),
                    )));
                }
            }
        }
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
        "the run is published, and EventBridge was not told of all of it; resume the run to send its events \
         again",
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
}
