//! A value in the summary: compared as it is, shown short and on one line.

use std::sync::Arc;

use models::digest::sha256;
use serde::{Serialize, Serializer};

use crate::error::clip;

/// Characters shown of a value.
const SHOWN: usize = 300;

/// A value that is compared in full and written down short. A cell may hold a mebibyte, and a summary
/// stays small; what is equal as far as it is shown need not be equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SummaryValue(Arc<str>);

impl SummaryValue {
    pub(crate) fn new(value: &str) -> Self {
        Self(value.into())
    }

    /// All of it: what is compared.
    pub fn full(&self) -> &str {
        &self.0
    }

    /// What can be shown of it.
    pub fn shown(&self) -> String {
        clip(&self.0, SHOWN)
    }

    /// The SHA-256 of all of it, in hexadecimal digits, where what is shown is not all.
    pub fn sha256(&self) -> Option<String> {
        (self.shown() != self.full()).then(|| sha256(self.full()))
    }

    /// What is shown, in quotes, with the digest if there is one: two that differ do so here too.
    pub(crate) fn distinct(&self) -> String {
        let digest = self.sha256().map(|digest| format!(" (SHA-256 {digest})"));
        format!("{:?}{}", self.shown(), digest.unwrap_or_default())
    }
}

impl Serialize for SummaryValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.shown())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_look_the_same_when_they_are_shown_differ_and_have_digests_that_do() {
        let long = "x".repeat(SHOWN);
        let values = [&format!("{long}a"), &format!("{long}b"), "a\nb", "a\tb"].map(SummaryValue::new);
        assert_eq!(values[0].shown(), values[1].shown());
        assert_eq!(values[2].shown(), values[3].shown());
        for pair in values.chunks(2) {
            assert_ne!(pair[0], pair[1]);
            assert_ne!(pair[0].distinct(), pair[1].distinct());
            assert_eq!(pair[0].sha256().map(|digest| digest.len()), Some(64));
        }
        assert_eq!(serde_json::to_string(&values[2]).unwrap(), "\"a\u{fffd}b\"");
    }

    #[test]
    fn a_value_that_is_shown_whole_needs_no_digest() {
        for text in ["enabled", &"ü".repeat(SHOWN)] {
            let value = SummaryValue::new(text);
            assert_eq!((value.shown().as_str(), value.full(), value.sha256()), (text, text, None));
        }
    }
}
