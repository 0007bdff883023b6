//! What EventBridge is told of a run: that it was published, and what is new or resolved.
//!
//! The events are written as a document of the run first, and sent once everything is published: whoever
//! reads one finds what it speaks of, and a step that is repeated goes on where it was, with some of them said
//! again. EventBridge promises no more. Their schemas are in `docs/events`.

mod entry;
mod send;

pub(crate) use entry::{EVENTS, Events};
pub(crate) use send::send;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The source that all events have.
pub(crate) const SOURCE: &str = "muster";

/// What an event says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) enum DetailType {
    #[serde(rename = "Finding New")]
    FindingNew,
    #[serde(rename = "Finding Resolved")]
    FindingResolved,
    #[serde(rename = "Findings Published")]
    FindingsPublished,
}

/// A line of the document. Its type is one of [`DetailType`], and whoever sends it takes the word.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Event<T> {
    pub(crate) detail_type: T,
    pub(crate) detail: Value,
}
