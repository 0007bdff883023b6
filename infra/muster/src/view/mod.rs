//! What is shown on the terminal. Texts from AWS are made harmless first.

mod changes;
mod findings;
mod lanes;
mod progress;
mod result;

use std::time::Duration;

use comfy_table::{ContentArrangement, Table, presets};
use jiff::Timestamp;

pub(crate) use progress::{Progress, state};
pub(crate) use result::{result, show_summary};

use crate::Problem;

/// A line for whoever reads the result.
#[allow(clippy::print_stdout, reason = "a program for the terminal")]
pub(crate) fn say(text: &str) {
    println!("{text}");
}

/// A line for whoever watches.
#[allow(clippy::print_stderr, reason = "a program for the terminal")]
pub(crate) fn note(text: &str) {
    eprintln!("{text}");
}

/// Why a command did not do what was asked.
pub(crate) fn complain(problem: &Problem) {
    note(&format!("error: {}", lines(&problem.to_string())));
}

/// A table without lines, as wide as it needs to be.
pub(crate) fn table<const COLUMNS: usize>(header: [&str; COLUMNS]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(header);
    table
}

/// Text of one line, without anything that a terminal would obey.
pub(crate) fn line(text: &str) -> String {
    text.chars().map(|it| if it.is_control() { '\u{fffd}' } else { it }).collect()
}

/// As [`line`], with its line ends.
pub(crate) fn lines(text: &str) -> String {
    text.chars().map(|it| if it.is_control() && it != '\n' { '\u{fffd}' } else { it }).collect()
}

pub(crate) fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// `1 h 34 min`, `5 min 10 s`, `0.8 s`.
pub(crate) fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        3_600.. => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
        60.. => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{:.1} s", duration.as_secs_f64()),
    }
}

/// `1,700,000`.
pub(crate) fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 lane`, `6 lanes`, `? lanes`.
pub(crate) fn lanes(count: Option<u64>) -> String {
    match count {
        Some(1) => "1 lane".to_owned(),
        Some(count) => format!("{} lanes", number(count)),
        None => "? lanes".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_is_printed() {
        assert_eq!(line("a\u{1b}[2Jb\nc"), "a\u{fffd}[2Jb\u{fffd}c");
        assert_eq!(lines("a\u{7}\nb"), "a\u{fffd}\nb");
    }

    #[test]
    fn numbers_and_spans_are_easy_to_read() {
        assert_eq!([number(0), number(999), number(1_700_000)], ["0", "999", "1,700,000"]);
        assert_eq!([lanes(Some(1)), lanes(Some(6)), lanes(None)], ["1 lane", "6 lanes", "? lanes"]);
        assert_eq!(span(Duration::from_secs(5_640)), "1 h 34 min");
        assert_eq!(span(Duration::from_secs(310)), "5 min 10 s");
        assert_eq!(span(Duration::from_millis(840)), "0.8 s");
    }
}
