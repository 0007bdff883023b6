//! What was written to the organization, for another process that goes on with it: the organization itself
//! is generated from its seed, and so are the ids that its writes are answered with.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Aws, World};

/// A write that took effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Write {
    pub operation: String,
    pub body: Value,
}

impl Write {
    /// Whether an operation changes something.
    fn is_one(operation: &str) -> bool {
        !operation.starts_with("Describe") && !operation.starts_with("List")
    }
}

impl World {
    /// Keeps a write that took effect.
    pub(super) fn keep(&mut self, operation: &str, body: &Value) {
        if Write::is_one(operation) {
            self.journal.push(Write { operation: operation.to_owned(), body: body.clone() });
        }
    }
}

/// Between two writes that are made again: everything that AWS does by and by is through by then.
const BETWEEN: SignedDuration = SignedDuration::from_hours(2);

impl Aws {
    /// The writes to the organization that took effect, whoever made them, in their order.
    pub fn organization_writes(&self) -> Vec<Write> {
        self.0.settle().journal.clone()
    }

    /// Makes writes again that took effect before, in the past: the organization is then as they left it.
    pub fn go_on_from(&self, writes: Vec<Write>) {
        let count = i32::try_from(writes.len()).unwrap_or(i32::MAX);
        let begun: Timestamp = self.0.clock.now();
        let begun = begun.checked_sub(BETWEEN * (count + 1)).unwrap_or(Timestamp::UNIX_EPOCH);
        let mut world = self.0.settle();
        for (number, write) in (1..).zip(writes) {
            let at = begun.checked_add(BETWEEN * number).unwrap_or(begun);
            // What does not take effect again is not kept again.
            let _ = self.0.write_of_others(&mut world, at, write.operation, write.body);
        }
    }
}
