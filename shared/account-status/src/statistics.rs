//! Counts: per attribute and Region how often each value occurs, and per account whether it has the
//! same value everywhere.

use std::collections::HashMap;

use crate::value::Unknown;

/// The most different values of an attribute that are told apart; the rest are counted as `other`.
pub(crate) const VALUE_LIMIT: usize = 10_000;
/// Bytes of all values' texts together; beyond it, further values are `other`.
const TEXT_LIMIT: usize = 8 * 1024 * 1024;

/// A value's number within its attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counted {
    Value(u16),
    /// One of those that are not told apart.
    Other,
    Unknown(Unknown),
}

/// What an account has been seen with, in one attribute: bits in a `u16`.
mod account {
    pub(super) const SOME_UNKNOWN: u16 = 0x8000;
    pub(super) const MIXED: u16 = 0x4000;
    /// The one value, plus 1; 0 while none was seen.
    pub(super) const VALUE: u16 = 0x3FFF;
    pub(super) const OTHER: u16 = 0x3FFF;
}

/// How an account stands to the most frequent value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It has the value in every Region.
    Matched,
    /// It has another value somewhere.
    Unmatched,
    /// It has no other value, but something of it is unknown.
    Unknown,
    /// The attribute was not seen for it at all.
    Unseen,
}

/// The counts of one attribute.
#[derive(Debug, Default)]
pub(crate) struct Attribute {
    numbers: HashMap<Box<str>, u16>,
    texts: Vec<Box<str>>,
    /// Per Region, how often each value occurs there.
    regions: Vec<Vec<u32>>,
    other: Vec<u32>,
    unknown: Vec<u32>,
    reasons: [u64; Unknown::ALL.len()],
    accounts: Vec<u16>,
}

/// The counts of all attributes.
#[derive(Debug, Default)]
pub(crate) struct Statistics {
    attributes: Vec<Attribute>,
    text: usize,
}

impl Statistics {
    pub(crate) fn attribute(&mut self, attribute: u32) -> &mut Attribute {
        let index = attribute as usize;
        if index >= self.attributes.len() {
            self.attributes.resize_with(index + 1, Attribute::default);
        }
        &mut self.attributes[index]
    }

    pub(crate) fn attributes(&self) -> &[Attribute] {
        &self.attributes
    }

    /// The number of a value, given one if there is room.
    pub(crate) fn number(&mut self, attribute: u32, value: &str) -> Counted {
        let text = self.text;
        let of = self.attribute(attribute);
        if let Some(number) = of.numbers.get(value) {
            return Counted::Value(*number);
        }
        if of.texts.len() >= VALUE_LIMIT || text + value.len() > TEXT_LIMIT {
            return Counted::Other;
        }
        let number = u16::try_from(of.texts.len()).unwrap_or(0);
        of.numbers.insert(value.into(), number);
        of.texts.push(value.into());
        self.text += value.len();
        Counted::Value(number)
    }
}

fn bump(counts: &mut Vec<u32>, index: usize) {
    if index >= counts.len() {
        counts.resize(index + 1, 0);
    }
    counts[index] += 1;
}

impl Attribute {
    /// Counts a cell.
    #[inline]
    pub(crate) fn count(&mut self, account: u32, region: u32, what: Counted) {
        let (account, region) = (account as usize, region as usize);
        if account >= self.accounts.len() {
            self.accounts.resize(account + 1, 0);
        }
        let state = &mut self.accounts[account];
        let value = match what {
            Counted::Value(number) => {
                if region >= self.regions.len() {
                    self.regions.resize_with(region + 1, Vec::new);
                }
                bump(&mut self.regions[region], number as usize);
                number + 1
            }
            Counted::Other => {
                bump(&mut self.other, region);
                account::OTHER
            }
            Counted::Unknown(why) => {
                bump(&mut self.unknown, region);
                self.reasons[why as usize] += 1;
                *state |= account::SOME_UNKNOWN;
                return;
            }
        };
        match *state & account::VALUE {
            0 => *state |= value,
            // Two that are not told apart may differ.
            seen if seen != value || value == account::OTHER => *state |= account::MIXED,
            _ => {}
        }
    }

    /// Whether the value occurs anywhere so far.
    pub(crate) fn knows(&self, value: &str) -> bool {
        self.numbers.contains_key(value)
    }

    /// The values that are told apart, in the order of their appearance.
    pub(crate) fn values(&self) -> impl Iterator<Item = &str> {
        self.texts.iter().map(AsRef::as_ref)
    }

    /// Whether every value that was seen is among them.
    pub(crate) fn tells_all_apart(&self) -> bool {
        self.other() == 0 && self.unknown(Unknown::Contradiction) == 0
    }

    pub(crate) fn text(&self, number: usize) -> &str {
        self.texts.get(number).map_or("", AsRef::as_ref)
    }

    /// The cells of each value, in all Regions.
    pub(crate) fn totals(&self) -> Vec<u64> {
        let mut totals = vec![0; self.texts.len()];
        for counts in &self.regions {
            for (total, count) in totals.iter_mut().zip(counts) {
                *total += u64::from(*count);
            }
        }
        totals
    }

    /// Cells whose values are not told apart.
    pub(crate) fn other(&self) -> u64 {
        self.other.iter().map(|count| u64::from(*count)).sum()
    }

    pub(crate) fn unknown(&self, why: Unknown) -> u64 {
        self.reasons[why as usize]
    }

    /// Accounts in the Region that have the value, that have another, and of which it is unknown.
    pub(crate) fn region(&self, region: usize, value: usize) -> (u64, u64, u64) {
        let counts = self.regions.get(region).map(Vec::as_slice).unwrap_or_default();
        let of = |list: &[u32], index: usize| u64::from(list.get(index).copied().unwrap_or(0));
        let readable = counts.iter().map(|count| u64::from(*count)).sum::<u64>() + of(&self.other, region);
        let matched = of(counts, value);
        (matched, readable - matched, of(&self.unknown, region))
    }

    /// Whether any cell of the account could be read.
    pub(crate) fn is_readable(&self, account: usize) -> bool {
        self.accounts.get(account).is_some_and(|state| state & account::VALUE != 0)
    }

    /// How an account stands to the value.
    pub(crate) fn standing(&self, account: usize, value: usize) -> Standing {
        let state = self.accounts.get(account).copied().unwrap_or(0);
        let seen = state & account::VALUE;
        let is_other = seen != 0 && usize::from(seen) != value + 1;
        match (seen, state & account::MIXED != 0 || is_other, state & account::SOME_UNKNOWN != 0) {
            (0, _, false) => Standing::Unseen,
            (_, true, _) => Standing::Unmatched,
            (_, false, true) => Standing::Unknown,
            (_, false, false) => Standing::Matched,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_matches_only_where_every_region_does() {
        let mut statistics = Statistics::default();
        let (a, b) = (statistics.number(0, "a"), statistics.number(0, "b"));
        let attribute = statistics.attribute(0);
        for (account, cells) in [
            (0, vec![a, a]),
            (1, vec![a, b]),
            (2, vec![b, b]),
            (3, vec![a, Counted::Unknown(Unknown::Blank)]),
            (4, vec![b, Counted::Unknown(Unknown::Blank)]),
            (5, vec![Counted::Unknown(Unknown::Blank); 2]),
            (6, vec![a, Counted::Other]),
        ] {
            for (region, cell) in cells.into_iter().enumerate() {
                attribute.count(account, region as u32, cell);
            }
        }
        let standings: Vec<_> = (0..8).map(|account| attribute.standing(account, 0)).collect();
        use Standing::{Matched, Unknown as U, Unmatched, Unseen};
        assert_eq!(standings, [Matched, Unmatched, Unmatched, U, Unmatched, U, Unmatched, Unseen]);
        assert_eq!(attribute.totals(), [5, 4]);
        assert_eq!((attribute.region(0, 0), attribute.region(1, 0)), ((4, 2, 1), (1, 3, 3)));
    }

    #[test]
    fn values_beyond_the_limit_are_other_and_never_equal_to_each_other() {
        let mut statistics = Statistics::default();
        for number in 0..VALUE_LIMIT {
            assert_eq!(statistics.number(0, &number.to_string()), Counted::Value(number as u16));
        }
        assert_eq!(statistics.number(0, "one more"), Counted::Other);
        assert_eq!(statistics.number(0, "7"), Counted::Value(7));
        let attribute = statistics.attribute(0);
        attribute.count(0, 0, Counted::Other);
        attribute.count(0, 1, Counted::Other);
        assert_eq!(attribute.standing(0, 7), Standing::Unmatched);
        assert_eq!(attribute.other(), 2);
    }
}
