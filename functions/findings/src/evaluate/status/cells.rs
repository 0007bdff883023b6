//! What the account status says, counted: of every account and attribute whether it has one value in all
//! Regions. Memory is bounded by accounts times attributes, some tens of bytes each.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use errors::JobError;
use table::Cell as TableCell;
use table::reader::Reader;

/// Regions that are told apart. AWS has some 40.
const MOST_REGIONS: usize = 128;
/// Values of an attribute that are told apart: of a text that is another one everywhere, not all are.
const MOST_VALUES: usize = 100_000;

/// A value of an attribute, by its number.
pub(crate) type Code = u32;

/// What is known of one account and attribute.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cell {
    /// The one value, while there is one.
    value: Option<Code>,
    /// More than one was seen.
    is_mixed: bool,
    /// Regions in which it is known, a bit for each.
    known: u128,
}

/// Where an account stands on an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// This value in every Region.
    Uniform(Code),
    /// More than one value.
    Mixed,
    /// Nobody can say, or not in every Region. The value is that of the Regions that are known.
    Unknown(Option<Code>),
}

/// One attribute, over all accounts.
#[derive(Debug, Default)]
pub(crate) struct Attribute {
    pub(crate) name: String,
    /// The texts of the values, by code.
    pub(crate) values: Vec<String>,
    codes: HashMap<String, Code>,
    /// Accounts and Regions that have each value.
    pub(crate) frequencies: Vec<u64>,
    /// The same by Region.
    regional: HashMap<(u8, Code), u64>,
    /// By account.
    cells: Vec<Cell>,
}

impl Attribute {
    /// The value with the most cells; of several, the first in the order of their texts.
    pub(crate) fn most_frequent(&self) -> Option<Code> {
        let codes = (0..).zip(&self.frequencies);
        let by_frequency = codes
            .max_by(|(a, of_a), (b, of_b)| of_a.cmp(of_b).then_with(|| self.value(*b).cmp(self.value(*a))));
        by_frequency.map(|(code, _)| code)
    }

    pub(crate) fn value(&self, code: Code) -> &str {
        let value = usize::try_from(code).ok().and_then(|at| self.values.get(at));
        value.map_or("", String::as_str)
    }

    fn code(&mut self, value: &str) -> Option<Code> {
        if let Some(code) = self.codes.get(value) {
            return Some(*code);
        }
        if self.values.len() >= MOST_VALUES {
            return None;
        }
        let code = Code::try_from(self.values.len()).ok()?;
        self.codes.insert(value.to_owned(), code);
        self.values.push(value.to_owned());
        self.frequencies.push(0);
        Some(code)
    }
}

/// The whole account status.
#[derive(Debug, Default)]
pub(crate) struct Status {
    pub(crate) attributes: Vec<Attribute>,
    attribute_numbers: HashMap<String, usize>,
    pub(crate) regions: Vec<String>,
    region_numbers: HashMap<String, usize>,
    /// Accounts in the order in which they came.
    pub(crate) accounts: Vec<String>,
    account_numbers: HashMap<String, usize>,
    /// By account, the Regions in which some attribute is known.
    readable: Vec<u128>,
}

/// The columns that are read.
const COLUMNS: [&str; 4] = ["account_id", "region", "attribute", "value"];

impl Status {
    /// Counts the rows of a file.
    pub(crate) fn read(&mut self, file: &Path) -> Result<(), JobError> {
        let mut rows = Reader::open(file, &COLUMNS).map_err(JobError::defect)?;
        let mut failed = None;
        rows.each_row(|row| {
            let [Some(account), Some(region), Some(attribute), value] = row.map(TableCell::text) else {
                return;
            };
            if let Err(error) = self.row(account, region, attribute, value) {
                failed.get_or_insert(error);
            }
        })
        .map_err(JobError::defect)?;
        failed.map_or(Ok(()), Err)
    }

    fn row(
        &mut self,
        account: &str,
        region: &str,
        attribute: &str,
        value: Option<&str>,
    ) -> Result<(), JobError> {
        let region = number(&mut self.region_numbers, &mut self.regions, region);
        if region >= MOST_REGIONS {
            return Err(JobError::defect(format!("the report has more than {MOST_REGIONS} Regions")));
        }
        let account = number(&mut self.account_numbers, &mut self.accounts, account);
        if self.readable.len() <= account {
            self.readable.resize(account + 1, 0);
        }
        let at = match self.attribute_numbers.get(attribute) {
            Some(at) => *at,
            None => {
                self.attribute_numbers.insert(attribute.to_owned(), self.attributes.len());
                self.attributes.push(Attribute { name: attribute.to_owned(), ..Attribute::default() });
                self.attributes.len() - 1
            }
        };
        let (Some(attribute), Some(readable)) = (self.attributes.get_mut(at), self.readable.get_mut(account))
        else {
            return Ok(());
        };
        if attribute.cells.len() <= account {
            attribute.cells.resize(account + 1, Cell::default());
        }
        let Some(value) = value else { return Ok(()) };
        // A value beyond those told apart is not known: it is told apart from none.
        let Some(code) = attribute.code(value) else { return Ok(()) };
        *readable |= 1 << region;
        if let Some(count) = usize::try_from(code).ok().and_then(|at| attribute.frequencies.get_mut(at)) {
            *count += 1;
        }
        *attribute.regional.entry((u8::try_from(region).unwrap_or(u8::MAX), code)).or_default() += 1;
        let Some(cell) = attribute.cells.get_mut(account) else { return Ok(()) };
        cell.known |= 1 << region;
        match cell.value {
            None => cell.value = Some(code),
            Some(before) => cell.is_mixed |= before != code,
        }
        Ok(())
    }

    fn every_region(&self) -> u128 {
        match self.regions.len() {
            MOST_REGIONS => u128::MAX,
            regions => (1 << regions) - 1,
        }
    }

    pub(crate) fn account_number(&self, account: &str) -> Option<usize> {
        self.account_numbers.get(account).copied()
    }

    pub(crate) fn standing(&self, attribute: &Attribute, account: &str) -> Standing {
        let cell = self.account_number(account).and_then(|at| attribute.cells.get(at));
        match cell {
            Some(cell) if cell.is_mixed => Standing::Mixed,
            Some(Cell { value: Some(code), known, .. }) if *known == self.every_region() => {
                Standing::Uniform(*code)
            }
            Some(cell) => Standing::Unknown(cell.value),
            None => Standing::Unknown(None),
        }
    }

    /// Whether anything at all is known of an account.
    pub(crate) fn is_readable(&self, account: &str) -> bool {
        self.account_number(account).and_then(|at| self.readable.get(at)).is_some_and(|regions| *regions != 0)
    }

    /// The Regions in which nothing is known of an account of which something is.
    pub(crate) fn unreadable_regions(&self, account: &str) -> Vec<&str> {
        let readable = self.account_number(account).and_then(|at| self.readable.get(at)).copied();
        let Some(readable @ 1..) = readable else { return Vec::new() };
        let regions = self.regions.iter().enumerate();
        let unreadable = regions.filter(|(at, _)| readable & (1 << at) == 0);
        unreadable.map(|(_, region)| region.as_str()).collect()
    }

    /// Of a Region, how many accounts have the value, and how many another.
    pub(crate) fn in_region(&self, attribute: &Attribute, region: &str, value: Code) -> (u64, u64) {
        let Some(at) = self.region_numbers.get(region).and_then(|at| u8::try_from(*at).ok()) else {
            return (0, 0);
        };
        let with = |(of, _): &(&(u8, Code), &u64)| of.0 == at;
        let of_region = attribute.regional.iter().filter(with);
        let (mut matched, mut unmatched) = (0, 0);
        for ((_, code), count) in of_region {
            if *code == value { matched += count } else { unmatched += count }
        }
        (matched, unmatched)
    }

    /// The accounts that the report speaks of.
    pub(crate) fn spoken_of(&self) -> BTreeSet<&str> {
        self.accounts.iter().map(String::as_str).collect()
    }
}

/// The number of a text, the next one where it is new.
fn number(numbers: &mut HashMap<String, usize>, texts: &mut Vec<String>, text: &str) -> usize {
    match numbers.get(text) {
        Some(number) => *number,
        None => {
            numbers.insert(text.to_owned(), texts.len());
            texts.push(text.to_owned());
            texts.len() - 1
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(rows: &[(&str, &str, Option<&str>)]) -> Status {
        let mut status = Status::default();
        for (account, region, value) in rows {
            status.row(account, region, "a", *value).unwrap();
        }
        status
    }

    #[test]
    fn an_account_is_uniform_only_where_every_region_is_known() {
        let status = status(&[
            ("1", "x", Some("on")),
            ("1", "y", Some("on")),
            ("2", "x", Some("on")),
            ("3", "x", Some("on")),
            ("3", "y", None),
            ("4", "x", Some("on")),
            ("4", "y", Some("off")),
        ]);
        let attribute = &status.attributes[0];
        let standings = ["1", "2", "3", "4", "5"].map(|account| status.standing(attribute, account));
        assert_eq!(
            standings,
            [
                Standing::Uniform(0),
                Standing::Unknown(Some(0)),
                Standing::Unknown(Some(0)),
                Standing::Mixed,
                Standing::Unknown(None)
            ]
        );
        assert_eq!(status.unreadable_regions("3"), ["y"]);
        assert_eq!(status.in_region(attribute, "y", 0), (1, 1));
        assert_eq!(attribute.most_frequent(), Some(0));
    }

    #[test]
    fn of_values_that_are_as_frequent_the_first_text_is_taken_whatever_the_order_of_rows() {
        let one = status(&[("1", "x", Some("b")), ("2", "x", Some("a"))]);
        let other = status(&[("2", "x", Some("a")), ("1", "x", Some("b"))]);
        for status in [one, other] {
            let attribute = &status.attributes[0];
            assert_eq!(attribute.value(attribute.most_frequent().unwrap()), "a");
        }
    }
}
