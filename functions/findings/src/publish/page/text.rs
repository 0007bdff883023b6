//! Texts as the page shows them: harmless, short enough, and with separators.

use jiff::{SignedDuration, Timestamp};

/// Characters of a name.
const NAME: usize = 200;
/// Characters of a sentence.
const SENTENCE: usize = 1_000;

/// A text without what a browser would drop or obey, cut to so many characters.
fn harmless(text: &str, most: usize) -> String {
    let mut harmless: String =
        text.chars().take(most).map(|it| if it.is_control() { '\u{fffd}' } else { it }).collect();
    if text.chars().nth(most).is_some() {
        harmless.push('…');
    }
    harmless
}

pub(super) fn clean(text: &str) -> String {
    harmless(text, SENTENCE)
}

pub(super) fn short(text: &str) -> String {
    harmless(text, NAME)
}

/// A document to be read and copied: with its lines, and with what turns the direction of text written out.
pub(super) fn document(text: &str, most: usize) -> String {
    if text.chars().nth(most).is_some() {
        // A part of a document is none that could be copied.
        return String::new();
    }
    let mut shown = String::with_capacity(text.len());
    for it in text.chars() {
        match it {
            '\n' => shown.push(it),
            it if it.is_control() => shown.push('\u{fffd}'),
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                shown.push_str(&format!("\\u{:04x}", u32::from(it)));
            }
            it => shown.push(it),
        }
    }
    shown
}

/// `1,700,000`.
pub(super) fn number(value: u64) -> String {
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

/// `1 run`, `2 runs`.
pub(super) fn count(value: u64, one: &str, many: &str) -> String {
    if value == 1 { format!("1 {one}") } else { format!("{} {many}", number(value)) }
}

pub(super) fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// `34 d`, `3 h`, `12 min`.
pub(super) fn age(at: Timestamp, now: Timestamp) -> String {
    let age: SignedDuration = now.duration_since(at);
    match age.as_mins() {
        minutes if minutes >= 2 * 24 * 60 => format!("{} d", minutes / (24 * 60)),
        minutes if minutes >= 2 * 60 => format!("{} h", minutes / 60),
        minutes => format!("{} min", minutes.max(0)),
    }
}

/// The first of some words, and how many more there are.
pub(super) fn listed(words: &[&str], most: usize) -> (String, u64) {
    let shown = words.iter().take(most).copied().collect::<Vec<_>>().join(", ");
    (shown, words.len().saturating_sub(most) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_browser_would_drop_or_obey_is_shown_as_something_else() {
        assert_eq!(short("a\0b\u{1b}c"), "a\u{fffd}b\u{fffd}c");
        assert_eq!(document("{\n\"a\u{202e}b\"}", 100), "{\n\"a\\u202eb\"}");
        assert_eq!(short(&"n".repeat(2_000)).chars().count(), NAME + 1);
        assert_eq!(document("abc", 2), "", "a part of a document is not shown");
    }

    #[test]
    fn ages_and_numbers_are_easy_to_read() {
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        let ages = [90, 7_200, 200_000].map(|seconds| age(at(0), at(seconds)));
        assert_eq!(ages, ["1 min", "2 h", "2 d"]);
        assert_eq!([count(1, "run", "runs"), count(1_700, "run", "runs")], ["1 run", "1,700 runs"]);
    }
}
