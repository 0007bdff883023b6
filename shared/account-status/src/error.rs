//! Why a CSV is refused, and where.

use std::fmt;

/// Where a record begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Position {
    /// Counts from 1.
    pub line: u64,
    /// Counts from 0.
    pub byte: u64,
    /// Counts from 1; the header is the first.
    pub record: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} (byte {}, record {})", self.line, self.byte, self.record)
    }
}

/// What is wrong with the file as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReportErrorKind {
    /// Nothing is in it.
    Empty,
    /// It is not UTF-8 text, as far as its first bytes tell.
    NotText(&'static str),
    /// The header, or what stands under it, fits neither grain.
    Unplaceable { problem: String, header: Vec<String> },
    /// A cell or a record is larger than any report's, most likely for a quote that is not closed.
    TooLarge { what: &'static str, limit: usize },
    /// The last record ends in the middle.
    CutOff { cells: usize, expected: usize },
    /// A quote is opened and never closed.
    UnclosedQuote,
    /// Text stands behind a closing quote: one too many, which may have swallowed rows.
    StrayQuote,
    /// More than is kept track of.
    TooMany { what: &'static str, limit: usize },
    /// It could not be read, or the table could not be written.
    Io(String),
}

/// A CSV that is refused: the object, the place, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ReportError {
    /// The object or file.
    pub object: String,
    pub position: Option<Position>,
    pub kind: ReportErrorKind,
}

impl fmt::Display for ReportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.object)?;
        if let Some(position) = &self.position {
            write!(f, ", {position}")?;
        }
        match &self.kind {
            ReportErrorKind::Empty => write!(f, ": it is empty"),
            ReportErrorKind::NotText(what) => write!(f, ": it is not UTF-8 text: {what}"),
            ReportErrorKind::Unplaceable { problem, header } => {
                let shown: Vec<String> = header.iter().take(40).map(|name| clip(name, 60)).collect();
                write!(f, ": {problem}. The header has {} columns: {}", header.len(), shown.join(" | "))
            }
            ReportErrorKind::TooLarge { what, limit } => {
                write!(f, ": a {what} is larger than {limit} bytes; is there a quote that is not closed?")
            }
            ReportErrorKind::CutOff { cells, expected } => {
                write!(f, ": the file ends in the middle of a row, with {cells} of {expected} cells")
            }
            ReportErrorKind::UnclosedQuote => write!(f, ": a quote is opened and never closed"),
            ReportErrorKind::StrayQuote => {
                write!(f, ": text stands behind a closing quote; a quote before it is one too many")
            }
            ReportErrorKind::TooMany { what, limit } => write!(f, ": there are more than {limit} {what}"),
            ReportErrorKind::Io(error) => write!(f, ": {error}"),
        }
    }
}

/// A text of unknown origin, short and on one line.
pub(crate) fn clip(text: &str, most: usize) -> String {
    let mut clipped: String =
        text.chars().take(most).map(|it| if it.is_control() { '\u{fffd}' } else { it }).collect();
    if text.chars().nth(most).is_some() {
        clipped.push('…');
    }
    clipped
}
