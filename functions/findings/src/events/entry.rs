//! The events of a run, as they are written.

use errors::JobError;
use jiff::Timestamp;
use runtime::part_file::PartFile;
use runtime::{Part, RunContext};
use serde_json::{Value, json};
use store::Store;
use table::Cell;

use super::{DetailType, Event};
use crate::config::Config;
use crate::kinds::Severity;
use crate::publish::{Drift, cell, written};

/// The most characters of a text: names, tags and policies are other people's, and an event may have 256 KB.
/// ARNs, which IAM ends at 2,048, are whole.
const LONGEST: usize = 2_048;
const SCHEMA_VERSION: u32 = 1;

/// The name of the document.
pub(crate) const EVENTS: &str = "events.jsonl";

/// How many events there are of findings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) new: u64,
    pub(crate) resolved: u64,
}

/// The events of a run being written.
#[derive(Debug)]
pub(crate) struct Events {
    file: PartFile,
    /// What every event of the run says.
    head: Value,
    /// Findings that matter less are in none; `None` where nothing is told.
    severity: Option<Severity>,
    sent: Sent,
}

impl Events {
    pub(crate) fn new(
        config: &Config,
        run: RunContext<'_>,
        organization: Option<&str>,
    ) -> Result<Self, JobError> {
        let head = json!({
            "schemaVersion": SCHEMA_VERSION,
            "runId": run.run_id,
            "scope": run.item,
            "organizationId": organization,
            "observedAt": run.now,
            "bucket": config.store.bucket(),
        });
        Ok(Self { file: PartFile::new()?, head, severity: config.event_severity, sent: Sent::default() })
    }

    /// Writes the event of a row of the table, if it is to have one. What is new and excepted is not to be
    /// acted on; what is resolved is told in any case, for somebody may have been told of it.
    pub(crate) fn row(&mut self, cells: &[Cell<'_>]) -> Result<(), JobError> {
        let text = |name| cell(cells, name).text();
        let detail_type = match text("status") {
            Some(status) if status == Drift::New.as_str() => DetailType::FindingNew,
            Some(status) if status == Drift::Resolved.as_str() => DetailType::FindingResolved,
            _ => return Ok(()),
        };
        let severity = text("severity").and_then(|it| it.parse::<Severity>().ok());
        let is_grave = severity.zip(self.severity).is_some_and(|(severity, from)| severity <= from);
        let is_excepted = cell(cells, "excepted") == Cell::Boolean(true);
        if !is_grave || (is_excepted && detail_type == DetailType::FindingNew) {
            return Ok(());
        }
        let cut = |name| text(name).map(cut);
        let time = |name| cell(cells, name).integer().and_then(|at| Timestamp::from_millisecond(at).ok());
        let detail = json!({
            "findingId": cut("finding_id"),
            "kind": cut("kind"),
            "title": cut("title"),
            "severity": severity,
            "status": cut("status"),
            "entityType": cut("entity_type"),
            "entityId": cut("entity_id"),
            "entityName": cut("entity_name"),
            "attribute": cut("attribute"),
            "accountId": cut("account_id"),
            "owner": cut("owner"),
            "text": cut("text"),
            "remedy": cut("remedy"),
            "firstSeenAt": time("first_seen_at"),
            "lastSeenAt": time("last_seen_at"),
            "runs": cell(cells, "runs").integer(),
            "evidence": {
                "kind": cut("evidence_kind"),
                "runId": cut("evidence_run_id"),
                "table": cut("evidence_table"),
                // Cut, it would be another condition, or none.
                "filter": text("evidence_filter").filter(|it| it.chars().count() <= LONGEST),
                "observedAt": time("observed_at"),
                "complete": cell(cells, "evidence_complete") == Cell::Boolean(true),
                "missing": cut("evidence_missing"),
            },
        });
        match detail_type {
            DetailType::FindingNew => self.sent.new += 1,
            _ => self.sent.resolved += 1,
        }
        self.push(detail_type, detail)
    }

    fn push(&mut self, detail_type: DetailType, of_event: Value) -> Result<(), JobError> {
        let mut detail = self.head.clone();
        if let (Some(members), Value::Object(of_event)) = (detail.as_object_mut(), of_event) {
            members.extend(of_event);
        }
        self.file.line(&Event { detail_type, detail })
    }

    /// Writes the event of the run last, and all of them as a part of it; `None` where nothing is told.
    pub(crate) async fn finish(
        mut self,
        store: &Store,
        run: RunContext<'_>,
        published: Value,
    ) -> Result<Option<(Part, Sent)>, JobError> {
        let Some(severity) = self.severity else { return Ok(None) };
        let sent = self.sent;
        let mut detail = published;
        detail["events"] = json!({"severity": severity, "new": sent.new, "resolved": sent.resolved});
        self.push(DetailType::FindingsPublished, detail)?;
        let part = written(store, run, EVENTS, self.file, sent.new + sent.resolved + 1).await?;
        Ok(Some((part, sent)))
    }
}

/// A text that is not too long for an event.
fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_any_length_leaves_room_in_an_event() {
        assert_eq!(cut("short"), "short");
        let long = "ß".repeat(LONGEST + 1);
        assert_eq!(cut(&long).chars().count(), LONGEST + 1);
        assert!(cut(&long).ends_with('…'));
    }
}
