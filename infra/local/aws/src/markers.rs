//! Markers between pages: each is of one list, whatever the size of the pages.

use crate::organization::{mix, mix_text};

/// What is read page by page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Paged(u64);

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) items: std::ops::Range<usize>,
    /// Where the next page begins, if there is one.
    pub(crate) next: Option<String>,
}

impl Paged {
    /// A list that these texts tell from all others.
    pub(crate) fn new<'a>(parts: impl IntoIterator<Item = &'a str>) -> Self {
        let of_part = |hash, part: &str| mix_text(mix(hash), part);
        Self(parts.into_iter().fold(0, of_part))
    }

    /// The page at a marker, of at most so many items; `None` if the marker is of another list. With
    /// `short` it has fewer now and then, and never none.
    pub(crate) fn page(self, marker: Option<&str>, length: usize, most: usize, short: bool) -> Option<Page> {
        let from = match marker {
            None => 0,
            Some(marker) => self.place(marker)?,
        };
        let most = match self.digest(from) % 3 {
            _ if !short => most,
            0 => most,
            1 => most.div_ceil(2),
            _ => most - most / 4,
        };
        let next = from.saturating_add(most);
        let items = from.min(length)..next.min(length);
        Some(Page { items, next: (next < length).then(|| self.marker(next)) })
    }

    fn marker(self, from: usize) -> String {
        format!("{from:04}{:016x}", self.digest(from))
    }

    fn place(self, marker: &str) -> Option<usize> {
        let from = marker.get(..marker.len().checked_sub(16)?)?.parse().ok()?;
        (self.marker(from) == marker).then_some(from)
    }

    fn digest(self, from: usize) -> u64 {
        mix(self.0 ^ mix(from as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_to_the_end_whatever_their_size() {
        for short in [false, true] {
            let (list, mut marker, mut seen) = (Paged::new(["a", "b"]), None, Vec::new());
            loop {
                let most = 7 + seen.len() % 3;
                let page = list.page(marker.as_deref(), 100, most, short).unwrap();
                assert!(!page.items.is_empty() && page.items.len() <= most);
                seen.extend(page.items);
                marker = page.next;
                if marker.is_none() {
                    break;
                }
            }
            assert_eq!(seen, (0..100).collect::<Vec<_>>());
        }
        let whole = Paged::new(["a"]).page(None, 0, 5, false).unwrap();
        assert_eq!(whole, Page { items: 0..0, next: None });
    }

    #[test]
    fn a_marker_of_another_list_or_of_none_is_refused() {
        let next = Paged::new(["a", "b"]).page(None, 9, 5, false).unwrap().next.unwrap();
        for parts in [&["ab"][..], &["b", "a"], &["a"], &[]] {
            assert_eq!(Paged::new(parts.iter().copied()).page(Some(&next), 9, 5, false), None);
        }
        for wrong in [
            "",
            "0",
            "none",
            "\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}",
            "00050000000000000000",
        ] {
            assert_eq!(Paged::new(["a", "b"]).page(Some(wrong), 9, 5, false), None, "{wrong}");
        }
    }
}
