//! What is wrong with a content, and a bounded list of it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// At most so many problems are told of one content; the last then says how many there are besides.
pub const MAX_PROBLEMS: usize = 50;

/// What is known about a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ProblemKind {
    /// It contradicts what AWS documents.
    Wrong,
    /// AWS documents neither that it is right nor that it is wrong. A caller may let it pass when it
    /// is asked to explicitly; AWS then decides.
    NotEstablished,
}

/// One problem of a policy's content, or of an effective policy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Problem {
    /// Whether it is wrong, or only not established.
    pub kind: ProblemKind,
    /// Where, as an RFC 6901 pointer into the content, in its own spelling; empty for the whole.
    pub path: String,
    /// What is there, in a few words.
    pub what: String,
    /// What may be there.
    pub allowed: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.path.is_empty() { "the policy" } else { &self.path };
        write!(f, "{path}: {}; {}", self.what, self.allowed)
    }
}

/// Collects problems, keeps the first of them and counts the rest.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    kept: Vec<Problem>,
    more: usize,
    more_wrong: bool,
}

impl Problems {
    pub(crate) fn add(
        &mut self,
        kind: ProblemKind,
        path: &str,
        what: impl Into<String>,
        allowed: impl Into<String>,
    ) {
        if self.kept.len() + 1 < MAX_PROBLEMS {
            let problem = Problem { kind, path: path.to_owned(), what: what.into(), allowed: allowed.into() };
            self.kept.push(problem);
        } else {
            self.more += 1;
            self.more_wrong |= kind == ProblemKind::Wrong;
        }
    }

    pub(crate) fn wrong(&mut self, path: &str, what: impl Into<String>, allowed: impl Into<String>) {
        self.add(ProblemKind::Wrong, path, what, allowed);
    }

    pub(crate) fn not_established(
        &mut self,
        path: &str,
        what: impl Into<String>,
        allowed: impl Into<String>,
    ) {
        self.add(ProblemKind::NotEstablished, path, what, allowed);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.kept.is_empty() && self.more == 0
    }

    /// The problems; the last stands for those that are not told, and is wrong if one of them is.
    pub(crate) fn finish(mut self) -> Vec<Problem> {
        if self.more > 0 {
            let kind = if self.more_wrong { ProblemKind::Wrong } else { ProblemKind::NotEstablished };
            self.kept.push(Problem {
                kind,
                path: String::new(),
                what: format!("there are {} more problems", self.more),
                allowed: "remove the problems told first, and check again".to_owned(),
            });
        }
        self.kept
    }
}

/// A text shortened for a message, in quotes.
pub(crate) fn shown(text: &str) -> String {
    const LONGEST: usize = 60;
    if text.chars().count() <= LONGEST {
        return format!("{text:?}");
    }
    let start: String = text.chars().take(LONGEST).collect();
    format!("{start:?}…")
}
