//! Cells that come twice.
//!
//! A bit for every cell that was seen notices each repetition exactly. What repeats is rare, so only
//! then is the file read again: once to compare the values of just those cells, and once more to
//! write the table, each cell a single time. Cells that say the same count once; cells that
//! contradict each other are unknown.

use std::collections::HashMap;

use crate::error::ReportErrorKind;

/// The most repeated rows or cells that are compared.
const LIMIT: usize = 20_000;

/// The most bytes of their values that are kept to compare with, with what keeping each takes: enough
/// for as many rows of a hundred attributes, and less than the bits below may take. Without it, a
/// few thousand cells of the largest size would be gigabytes.
const BYTE_LIMIT: usize = 64 * 1024 * 1024;

/// The most words that hold the cells' bits, 128 MiB: many times what the largest organization has.
const WORD_LIMIT: usize = 16 * 1024 * 1024;

/// Which rows and cells have been seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Per Region, a bit for each account.
    rows: Vec<Vec<u64>>,
    /// Per 64 attributes and Region, 64 bits for each account.
    cells: Vec<Vec<Vec<u64>>>,
    /// Of the cells.
    words: usize,
}

fn at<T: Default>(list: &mut Vec<T>, index: usize) -> &mut T {
    if index >= list.len() {
        list.resize_with(index + 1, T::default);
    }
    &mut list[index]
}

impl Seen {
    /// Marks the row of an account and Region; answers whether it had been seen.
    pub(crate) fn row(&mut self, account: u32, region: u32) -> bool {
        let word = at(at(&mut self.rows, region as usize), account as usize / 64);
        let bit = 1_u64 << (account % 64);
        let seen = *word & bit != 0;
        *word |= bit;
        seen
    }

    /// Marks a cell; answers whether it had been seen.
    pub(crate) fn cell(
        &mut self,
        account: u32,
        region: u32,
        attribute: u32,
    ) -> Result<bool, ReportErrorKind> {
        let block = at(&mut self.cells, attribute as usize / 64);
        let accounts = at(block, region as usize);
        self.words += (account as usize + 1).saturating_sub(accounts.len());
        if self.words > WORD_LIMIT {
            return Err(ReportErrorKind::TooMany { what: "cells", limit: WORD_LIMIT * 64 });
        }
        let word = at(accounts, account as usize);
        let bit = 1_u64 << (attribute % 64);
        let seen = *word & bit != 0;
        *word |= bit;
        Ok(seen)
    }

    pub(crate) fn has_row(&self, account: usize, region: usize) -> bool {
        let word = self.rows.get(region).and_then(|accounts| accounts.get(account / 64));
        word.is_some_and(|word| word & (1_u64 << (account % 64)) != 0)
    }

    pub(crate) fn has_cell(&self, account: usize, region: usize, attribute: usize) -> bool {
        let block = self.cells.get(attribute / 64).and_then(|regions| regions.get(region));
        let word = block.and_then(|accounts| accounts.get(account));
        word.is_some_and(|word| word & (1_u64 << (attribute % 64)) != 0)
    }
}

/// A row, or with an attribute a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) account: u32,
    pub(crate) region: u32,
    pub(crate) attribute: Option<u32>,
}

/// What is known of something that comes more than once.
#[derive(Debug, Default)]
struct Compared {
    /// The first occurrence's canonical values; `None` for what was unknown.
    first: Option<Vec<Option<Box<str>>>>,
    contradicts: Vec<bool>,
}

/// What comes more than once.
#[derive(Debug, Default)]
pub(crate) struct Repeats {
    compared: HashMap<Key, Compared>,
    /// Of the values kept.
    bytes: usize,
}

impl Repeats {
    pub(crate) fn is_empty(&self) -> bool {
        self.compared.is_empty()
    }

    pub(crate) fn add(&mut self, key: Key) -> Result<(), ReportErrorKind> {
        self.compared.entry(key).or_default();
        match self.compared.len() > LIMIT {
            true => Err(ReportErrorKind::TooMany { what: "repeated rows or cells", limit: LIMIT }),
            false => Ok(()),
        }
    }

    pub(crate) fn has(&self, key: Key) -> bool {
        self.compared.contains_key(&key)
    }

    /// Compares an occurrence with the first one.
    pub(crate) fn compare(&mut self, key: Key, values: Vec<Option<Box<str>>>) -> Result<(), ReportErrorKind> {
        let Some(compared) = self.compared.get_mut(&key) else { return Ok(()) };
        let Some(first) = &compared.first else {
            self.bytes += values.iter().map(kept).sum::<usize>();
            if self.bytes > BYTE_LIMIT {
                let what = "bytes of repeated rows or cells";
                return Err(ReportErrorKind::TooMany { what, limit: BYTE_LIMIT });
            }
            compared.contradicts = vec![false; values.len()];
            compared.first = Some(values);
            return Ok(());
        };
        for (index, contradicts) in compared.contradicts.iter_mut().enumerate() {
            *contradicts |= first.get(index) != values.get(index);
        }
        Ok(())
    }

    /// The cells are compared; their values are no longer needed.
    pub(crate) fn settle(mut self) -> Self {
        for compared in self.compared.values_mut() {
            compared.first = None;
        }
        self.bytes = 0;
        self
    }

    /// Whether the occurrences disagree in the value at this place.
    pub(crate) fn contradicts(&self, key: Key, index: usize) -> bool {
        self.compared
            .get(&key)
            .is_some_and(|compared| compared.contradicts.get(index).copied().unwrap_or(false))
    }

    /// Rows or cells that come more than once.
    pub(crate) fn count(&self) -> u64 {
        self.compared.len() as u64
    }
}

/// The bytes that keeping a value takes.
fn kept(value: &Option<Box<str>>) -> usize {
    size_of::<Option<Box<str>>>() + size_of::<bool>() + value.as_ref().map_or(0, |text| text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_and_cell_is_new_once() {
        let mut seen = Seen::default();
        for account in [0, 1, 63, 64, 65, 1_000] {
            for region in [0, 7] {
                assert!(!seen.row(account, region) && seen.row(account, region));
                for attribute in [0, 63, 64, 200] {
                    assert!(!seen.cell(account, region, attribute).unwrap());
                    assert!(seen.cell(account, region, attribute).unwrap());
                }
            }
        }
        assert!(
            seen.has_row(63, 7) && !seen.has_row(62, 7) && !seen.has_row(63, 6) && !seen.has_row(9_999, 99)
        );
        assert!(seen.has_cell(65, 0, 64) && !seen.has_cell(65, 0, 65) && !seen.has_cell(65, 9, 64));
    }

    #[test]
    fn more_cells_than_memory_is_kept_for_are_refused() {
        let mut seen = Seen::default();
        let of_one_region = |region| (region, u32::try_from(WORD_LIMIT / 100).unwrap());
        let refused = (0..128).map(of_one_region).find_map(|(region, account)| {
            let error = seen.cell(account, region, 0).err()?;
            Some((region, error))
        });
        let Some((99..=100, ReportErrorKind::TooMany { what: "cells", .. })) = refused else {
            panic!("{refused:?}");
        };
    }

    #[test]
    fn occurrences_that_differ_anywhere_contradict_each_other_there() {
        let key = Key { account: 1, region: 2, attribute: None };
        let mut repeats = Repeats::default();
        repeats.add(key).unwrap();
        let some = |text: &str| Some(text.into());
        repeats.compare(key, vec![some("a"), some("b"), None]).unwrap();
        repeats.compare(key, vec![some("a"), some("b"), None]).unwrap();
        repeats.compare(key, vec![some("a"), some("x"), some("y")]).unwrap();
        let repeats = repeats.settle();
        assert_eq!([0, 1, 2].map(|index| repeats.contradicts(key, index)), [false, true, true]);
    }

    #[test]
    fn more_bytes_of_repeated_cells_than_memory_is_kept_for_are_refused() {
        let cell = || vec![Some("x".repeat(1024 * 1024).into())];
        let mut repeats = Repeats::default();
        let keys: Vec<Key> = (0..64).map(|account| Key { account, region: 0, attribute: Some(0) }).collect();
        for key in &keys {
            repeats.add(*key).unwrap();
        }
        let (last, others) = keys.split_last().unwrap();
        for key in others.iter().chain(others) {
            repeats.compare(*key, cell()).unwrap();
        }
        let error = repeats.compare(*last, cell()).unwrap_err();
        assert_eq!(
            error,
            ReportErrorKind::TooMany { what: "bytes of repeated rows or cells", limit: BYTE_LIMIT }
        );
        // Cells without any text take memory too.
        let mut repeats = Repeats::default();
        for key in &keys {
            repeats.add(*key).unwrap();
        }
        let empty = || vec![None; BYTE_LIMIT / 17 / 60];
        let refused = keys.iter().position(|key| repeats.compare(*key, empty()).is_err());
        assert_eq!(refused, Some(60));
    }
}
