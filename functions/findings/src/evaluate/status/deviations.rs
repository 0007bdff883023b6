//! Which accounts and Regions deviate: read once more, when the most frequent values are known.

use std::collections::BTreeMap;
use std::path::Path;

use errors::JobError;
use serde::{Deserialize, Serialize};
use table::Cell as TableCell;
use table::reader::Reader;

use super::cells::{Code, Standing, Status};

/// Accounts of one attribute that are listed one by one.
pub(crate) const LISTED: usize = 50;

/// An account that has another value than most, in some Region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Deviation {
    pub(crate) attribute: String,
    pub(crate) account_id: String,
    pub(crate) account_name: Option<String>,
    pub(crate) owner: Option<String>,
    /// The Regions by the value that they have.
    pub(crate) values: BTreeMap<String, Vec<String>>,
}

/// The accounts of one attribute that deviate.
#[derive(Debug, Default)]
pub(crate) struct Deviating {
    pub(crate) accounts: u64,
    /// The first of them, by their ids.
    pub(crate) listed: BTreeMap<String, BTreeMap<String, Vec<String>>>,
    most: Option<Code>,
}

/// Whether an account deviates from a value: another one was seen. What is unknown does not.
pub(crate) fn deviates(standing: Standing, most: Code) -> bool {
    match standing {
        Standing::Mixed => true,
        Standing::Uniform(code) | Standing::Unknown(Some(code)) => code != most,
        Standing::Unknown(None) => false,
    }
}

/// The deviating accounts by attribute, in the order of the attributes; their Regions are not read yet.
pub(crate) fn of(status: &Status) -> Vec<Deviating> {
    let mut accounts: Vec<&String> = status.accounts.iter().collect();
    accounts.sort();
    let of_attribute = |attribute| {
        let mut deviating = Deviating::default();
        let attribute: &super::cells::Attribute = attribute;
        let Some(most) = attribute.most_frequent() else { return deviating };
        deviating.most = Some(most);
        for account in &accounts {
            if deviates(status.standing(attribute, account), most) {
                deviating.accounts += 1;
                if deviating.listed.len() < LISTED {
                    deviating.listed.insert((*account).clone(), BTreeMap::new());
                }
            }
        }
        deviating
    };
    status.attributes.iter().map(of_attribute).collect()
}

/// Adds the Regions and values of the accounts that are listed.
pub(crate) fn read(status: &Status, deviating: &mut [Deviating], file: &Path) -> Result<(), JobError> {
    const COLUMNS: [&str; 4] = ["account_id", "region", "attribute", "value"];
    let numbers: BTreeMap<&str, usize> =
        status.attributes.iter().enumerate().map(|(at, attribute)| (attribute.name.as_str(), at)).collect();
    let mut rows = Reader::open(file, &COLUMNS).map_err(JobError::defect)?;
    rows.each_row(|row| {
        let [Some(account), Some(region), Some(attribute), Some(value)] = row.map(TableCell::text) else {
            return;
        };
        let Some(at) = numbers.get(attribute).copied() else { return };
        let (Some(attribute), Some(deviating)) = (status.attributes.get(at), deviating.get_mut(at)) else {
            return;
        };
        if deviating.most.is_none_or(|most| attribute.value(most) == value) {
            return;
        }
        if let Some(values) = deviating.listed.get_mut(account) {
            values.entry(value.to_owned()).or_default().push(region.to_owned());
        }
    })
    .map_err(JobError::defect)
}
