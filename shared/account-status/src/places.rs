//! Accounts, Regions and attributes, each with a number of its own.
//!
//! Rows usually come in order, so the last one and the one after it are tried before anything is
//! looked up.

use std::collections::HashMap;

use models::{AccountId, Region};

use crate::error::ReportErrorKind;
use crate::layout::canonical_name;

/// The most accounts, regions and attributes that are kept track of.
const ACCOUNT_LIMIT: usize = 200_000;
const REGION_LIMIT: usize = 128;
const ATTRIBUTE_LIMIT: usize = crate::layout::ATTRIBUTE_LIMIT;

fn too_many(what: &'static str, limit: usize) -> ReportErrorKind {
    ReportErrorKind::TooMany { what, limit }
}

/// The accounts seen so far.
#[derive(Debug, Default)]
pub(crate) struct Accounts {
    ids: Vec<AccountId>,
    numbers: HashMap<u64, u32>,
    last: (Vec<u8>, Option<u32>),
}

impl Accounts {
    /// The account's number; `None` when the cell holds no account id.
    pub(crate) fn number(&mut self, cell: &[u8]) -> Result<Option<u32>, ReportErrorKind> {
        if cell == self.last.0.as_slice() && !cell.is_empty() {
            return Ok(self.last.1);
        }
        let id = std::str::from_utf8(cell).ok().and_then(|text| AccountId::from_digits(text.trim()));
        let number = match id {
            None => None,
            Some(id) => {
                let key: u64 = id.as_str().parse().unwrap_or(0);
                let next = self.ids.len();
                let number = *self.numbers.entry(key).or_insert(u32::try_from(next).unwrap_or(u32::MAX));
                if number as usize == next {
                    if next == ACCOUNT_LIMIT {
                        return Err(too_many("accounts", ACCOUNT_LIMIT));
                    }
                    self.ids.push(id);
                }
                Some(number)
            }
        };
        self.last.0.clear();
        self.last.0.extend_from_slice(cell);
        self.last.1 = number;
        Ok(number)
    }

    pub(crate) fn ids(&self) -> &[AccountId] {
        &self.ids
    }
}

/// The Regions seen so far.
#[derive(Debug, Default)]
pub(crate) struct Regions {
    names: Vec<Region>,
    last: usize,
}

impl Regions {
    /// The Region's number; `None` when the cell holds no Region.
    pub(crate) fn number(&mut self, cell: &[u8]) -> Result<Option<u32>, ReportErrorKind> {
        let cell = cell.trim_ascii();
        let is = |index: usize| self.names.get(index).is_some_and(|name| name.as_str().as_bytes() == cell);
        let next = if self.last + 1 >= self.names.len() { 0 } else { self.last + 1 };
        let found = [self.last, next]
            .into_iter()
            .find(|&index| is(index))
            .or_else(|| (0..self.names.len()).find(|&index| is(index)));
        let index = match found {
            Some(index) => index,
            None => {
                let Some(region) = std::str::from_utf8(cell).ok().and_then(|text| text.parse().ok()) else {
                    return Ok(None);
                };
                if self.names.len() == REGION_LIMIT {
                    return Err(too_many("Regions", REGION_LIMIT));
                }
                self.names.push(region);
                self.names.len() - 1
            }
        };
        self.last = index;
        Ok(Some(u32::try_from(index).unwrap_or(u32::MAX)))
    }

    pub(crate) fn names(&self) -> &[Region] {
        &self.names
    }
}

/// The attributes of a long file, seen so far.
#[derive(Debug, Default)]
pub(crate) struct Attributes {
    /// Canonical names.
    names: Vec<String>,
    by_name: HashMap<String, u32>,
    /// As they are written, in the order of their appearance.
    spellings: Vec<(Vec<u8>, u32)>,
    by_spelling: HashMap<Vec<u8>, u32>,
    last: usize,
}

impl Attributes {
    pub(crate) fn of(names: impl IntoIterator<Item = String>) -> Self {
        let names: Vec<String> = names.into_iter().collect();
        Self { names, ..Self::default() }
    }

    /// The attribute's number; `None` when the cell names none.
    pub(crate) fn number(&mut self, cell: &[u8]) -> Result<Option<u32>, ReportErrorKind> {
        let is = |index: usize| self.spellings.get(index).is_some_and(|(spelling, _)| spelling == cell);
        let next = if self.last + 1 >= self.spellings.len() { 0 } else { self.last + 1 };
        if let Some(index) = [next, self.last].into_iter().find(|&index| is(index)) {
            self.last = index;
            return Ok(self.spellings.get(index).map(|(_, number)| *number));
        }
        if let Some(number) = self.by_spelling.get(cell) {
            return Ok(Some(*number));
        }
        let Ok(text) = std::str::from_utf8(cell) else { return Ok(None) };
        let name = canonical_name(text);
        if name.is_empty() {
            return Ok(None);
        }
        let number = self.named(name)?;
        // Spellings are bounded too: each costs memory.
        if self.spellings.len() >= ATTRIBUTE_LIMIT * 4 {
            return Err(too_many("spellings of attributes", ATTRIBUTE_LIMIT * 4));
        }
        self.by_spelling.insert(cell.to_vec(), number);
        self.spellings.push((cell.to_vec(), number));
        self.last = self.spellings.len() - 1;
        Ok(Some(number))
    }

    /// The number of a canonical name.
    pub(crate) fn named(&mut self, name: String) -> Result<u32, ReportErrorKind> {
        if let Some(number) = self.by_name.get(&name) {
            return Ok(*number);
        }
        if self.names.len() == ATTRIBUTE_LIMIT {
            return Err(too_many("attributes", ATTRIBUTE_LIMIT));
        }
        let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.names.push(name.clone());
        self.by_name.insert(name, number);
        Ok(number)
    }

    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }
}
