//! How much of the evidence is there.
//!
//! **Missing evidence is never a conclusion.** Whatever could not be read is counted here as a
//! [`Gap`], and a conclusion is built only from a [`Complete`], which only [`Coverage::complete`]
//! gives out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The most examples kept of one reason: enough to start looking, bounded at any size.
pub const EXAMPLES: usize = 20;

/// One reason why evidence is missing, with how often it occurred.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Gap {
    pub count: u64,
    /// The first [`EXAMPLES`] places it occurred at.
    pub examples: Vec<String>,
}

/// What was expected, what was seen, and every reason why the two differ.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Coverage {
    /// Accounts that the evidence should speak of. Absent when nothing could tell.
    pub expected_accounts: Option<u64>,
    /// Expected accounts that the evidence does speak of.
    pub seen_accounts: u64,
    /// Why something is unknown, by reason.
    pub gaps: BTreeMap<String, Gap>,
}

/// A value that complete evidence stands behind. It cannot be deserialised or built elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Complete<T>(T);

impl<T> Complete<T> {
    pub fn get(&self) -> &T {
        &self.0
    }
}

impl Coverage {
    /// Counts one unknown under `reason`; its example is made only while there is room for it.
    pub fn gap(&mut self, reason: &str, example: impl FnOnce() -> String) {
        if !self.gaps.contains_key(reason) {
            self.gaps.insert(reason.to_owned(), Gap::default());
        }
        if let Some(gap) = self.gaps.get_mut(reason) {
            gap.count += 1;
            if gap.examples.len() < EXAMPLES {
                gap.examples.push(example());
            }
        }
    }

    /// Counts `count` unknowns under `reason` at once.
    pub fn gap_many(&mut self, reason: &str, count: u64, examples: impl IntoIterator<Item = String>) {
        if count == 0 {
            return;
        }
        let gap = self.gaps.entry(reason.to_owned()).or_default();
        gap.count += count;
        let room = EXAMPLES.saturating_sub(gap.examples.len());
        gap.examples.extend(examples.into_iter().take(room));
    }

    /// Whether every expected account was seen and nothing is unknown. Unknown expectations are
    /// incomplete: nobody can say that all of an unknown number is there.
    pub fn is_complete(&self) -> bool {
        self.expected_accounts == Some(self.seen_accounts) && self.gaps.is_empty()
    }

    /// The value as a conclusion, or nothing when any of the evidence behind it is missing.
    pub fn complete<T>(&self, value: T) -> Option<Complete<T>> {
        self.is_complete().then_some(Complete(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole() -> Coverage {
        Coverage { expected_accounts: Some(3), seen_accounts: 3, gaps: BTreeMap::new() }
    }

    #[test]
    fn complete_evidence_gives_a_conclusion() {
        assert_eq!(whole().complete("uniform").map(|it| *it.get()), Some("uniform"));
    }

    #[test]
    fn a_missing_account_gives_no_conclusion() {
        assert!(Coverage { seen_accounts: 2, ..whole() }.complete(()).is_none());
    }

    #[test]
    fn an_unknown_expectation_gives_no_conclusion() {
        assert!(Coverage { expected_accounts: None, ..whole() }.complete(()).is_none());
    }

    #[test]
    fn one_gap_gives_no_conclusion_and_examples_stay_bounded() {
        let mut coverage = whole();
        for number in 0..1_000 {
            coverage.gap("blank cell", || format!("row {number}"));
        }
        assert!(coverage.complete(()).is_none());
        let gap = &coverage.gaps["blank cell"];
        assert_eq!((gap.count, gap.examples.len()), (1_000, EXAMPLES));
    }
}
