//! A CSV that somebody has, as the report of an organization: who is in it, and what AWS's summary
//! would say of it.
//!
//! Read with the `csv` crate and plain rules, apart from the reader under test, so that the two can
//! disagree. The organization holds every account that stands in the file; an account whose cells are
//! all blank counts as failed, and one with a blank cell is neither matched nor unmatched.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::path::Path;

use super::summary::Counted;

/// Columns that describe an account rather than its settings.
const LABELS: [&str; 4] = ["accountname", "accountemail", "email", "ouname"];

/// Who and what stands in a report's CSV.
#[derive(Debug, Default)]
pub struct Given {
    pub accounts: BTreeSet<String>,
    pub regions: BTreeSet<String>,
    /// Cells by attribute, account and Region.
    attributes: BTreeMap<String, Cells>,
}

type Cells = HashMap<(String, String), String>;

struct Columns {
    account: usize,
    region: usize,
    /// Where a row holds one attribute: its name and its value.
    long: Option<(usize, usize)>,
}

fn plain(name: &str) -> String {
    name.trim_start_matches('\u{feff}')
        .chars()
        .filter(|it| it.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

fn columns(header: &csv::StringRecord) -> Option<Columns> {
    let names: Vec<String> = header.iter().map(plain).collect();
    let find = |known: &[&str]| names.iter().position(|name| known.contains(&name.as_str()));
    let attribute = find(&["attribute", "attributename", "setting"]);
    let value = find(&["value", "attributevalue", "currentvalue"]);
    Some(Columns {
        account: find(&["accountid", "awsaccountid", "account"])?,
        region: find(&["region", "awsregion", "regionname"])?,
        long: attribute.zip(value),
    })
}

impl Given {
    /// Reads a CSV; `None` when its columns are not those that are looked for.
    pub fn read(path: &Path) -> std::io::Result<Option<Self>> {
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(File::open(path)?);
        let Ok(header) = reader.headers().cloned() else { return Ok(None) };
        let Some(columns) = columns(&header) else { return Ok(None) };
        let mut given = Self::default();
        for row in reader.records() {
            // What cannot be read is for the reader under test to say.
            let Ok(row) = row else { continue };
            given.row(&header, &columns, &row);
        }
        Ok(Some(given))
    }

    fn row(&mut self, header: &csv::StringRecord, columns: &Columns, row: &csv::StringRecord) {
        let (Some(account), Some(region)) = (row.get(columns.account), row.get(columns.region)) else {
            return;
        };
        let (account, region) = (account.trim(), region.trim());
        if account.is_empty() || account.len() > 12 || !account.bytes().all(|it| it.is_ascii_digit()) {
            return;
        }
        let account = format!("{account:0>12}");
        let mut put = |attribute: &str, value: &str| {
            let cells = self.attributes.entry(attribute.trim().to_owned()).or_default();
            cells.insert((account.clone(), region.to_owned()), value.trim().to_owned());
        };
        match columns.long {
            Some((attribute, value)) => {
                if let (Some(attribute), Some(value)) = (row.get(attribute), row.get(value)) {
                    put(attribute, value);
                }
            }
            None => {
                for (index, (name, value)) in header.iter().zip(row).enumerate() {
                    let key = index == columns.account || index == columns.region;
                    if !key && !LABELS.contains(&plain(name).as_str()) {
                        put(name, value);
                    }
                }
            }
        }
        self.accounts.insert(account);
        self.regions.insert(region.to_owned());
    }

    /// Accounts of which nothing could be read.
    pub(super) fn failed(&self) -> usize {
        let readable: BTreeSet<&str> = self
            .attributes
            .values()
            .flatten()
            .filter(|(_, value)| !value.is_empty())
            .map(|((account, _), _)| account.as_str())
            .collect();
        self.accounts.len() - readable.len()
    }

    /// The counts of every attribute, against its most frequent value.
    pub(super) fn counted(&self) -> impl Iterator<Item = Counted> {
        self.attributes.iter().map(|(name, cells)| self.count(name, cells))
    }

    fn count(&self, name: &str, cells: &Cells) -> Counted {
        let mut frequency: BTreeMap<&str, usize> = BTreeMap::new();
        for value in cells.values().filter(|value| !value.is_empty()) {
            *frequency.entry(value).or_default() += 1;
        }
        let most_frequent =
            frequency.into_iter().max_by_key(|(value, count)| (*count, std::cmp::Reverse(*value)));
        let most_frequent = most_frequent.map_or("", |(value, _)| value);
        let mut counted = Counted::new(name, most_frequent, &self.regions);
        for account in &self.accounts {
            let at = |region: &String| cells.get(&(account.clone(), region.clone())).map(String::as_str);
            counted.add(self.regions.iter().map(|region| match at(region) {
                None | Some("") => None,
                Some(value) => Some(value == most_frequent),
            }));
        }
        counted
    }
}
