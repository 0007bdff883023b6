//! Quotes that do not belong where they stand.
//!
//! The parser forgives: text behind a closing quote joins its cell. So a quote too many swallows
//! rows up to the next one, and what comes out may look like a row. Here that is noticed. A quote
//! within a cell that does not begin with one is text (`5" disk`), and harmless.

/// Follows the quotes of a file from piece to piece.
#[derive(Debug)]
pub(crate) struct Quotes {
    /// Within a quoted cell.
    inside: bool,
    /// The last byte was a quote that closes the cell, or is the first of a pair.
    closing: bool,
    last: u8,
}

impl Default for Quotes {
    fn default() -> Self {
        Self { inside: false, closing: false, last: b'\n' }
    }
}

/// What stands in front of a cell, and behind it.
fn separates(byte: u8) -> bool {
    matches!(byte, b',' | b'\n' | b'\r')
}

impl Quotes {
    /// Takes the next piece; answers the place in it where text stands behind a closing quote.
    pub(crate) fn take(&mut self, piece: &[u8]) -> Option<usize> {
        let (first, last) = (*piece.first()?, *piece.last()?);
        let mut from = 0;
        if std::mem::take(&mut self.closing) {
            match first {
                b'"' => from = 1,
                byte if separates(byte) => self.inside = false,
                _ => return Some(0),
            }
        }
        for at in memchr::memchr_iter(b'"', piece) {
            if at < from {
                continue;
            }
            if !self.inside {
                let before = at.checked_sub(1).map_or(self.last, |before| piece[before]);
                self.inside = separates(before);
                continue;
            }
            match piece.get(at + 1) {
                None => self.closing = true,
                Some(b'"') => from = at + 2,
                Some(byte) if separates(*byte) => self.inside = false,
                Some(_) => return Some(at + 1),
            }
        }
        self.last = last;
        None
    }

    /// Whether a cell is open at the end of the file.
    pub(crate) fn is_open(&self) -> bool {
        self.inside && !self.closing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where text stands behind a closing quote, and whether a cell is open at the end.
    fn read(text: &str, cut: usize) -> (Option<usize>, bool) {
        let mut quotes = Quotes::default();
        let (left, right) = text.as_bytes().split_at(cut);
        let stray = quotes.take(left).or_else(|| quotes.take(right).map(|at| at + cut));
        (stray, quotes.is_open())
    }

    #[test]
    fn a_quote_too_many_is_found_however_the_file_is_cut() {
        for (text, stray, open) in [
            ("a,b\n1,2\n", None, false),
            ("\"a\",\"b\"\r\n\"\",\"\"\"\"\n", None, false),
            ("\"a\"", None, false),
            ("1,5\" disk,{\"x\":\"y\"}\n", None, false),
            ("1,\"a\n2,b\n", None, true),
            ("1,\"a\"\"", None, true),
            ("1,\"a\"b\n", Some(5), false),
            // Opened in the first row, closed by the quote that the third begins with.
            ("1,\"a\n2,b\n3,\"c\"\n", Some(12), false),
            ("1,\"a\n2,b\n3,\"{\"\"x\"\":1}\"\n", Some(12), false),
        ] {
            for cut in 0..=text.len() {
                let (found, is_open) = read(text, cut);
                assert_eq!(found, stray, "{text:?} cut at {cut}");
                assert!(found.is_some() || is_open == open, "{text:?} cut at {cut}");
            }
        }
    }
}
