//! The summary that AWS counts itself: what its documentation says, counted from the settings and
//! not from the CSV, so that the two can be compared.

use std::collections::HashMap;

use super::given::Given;
use crate::organization::{ATTRIBUTES, Attribute, Organization, setting};
use crate::settings::Settings;
use crate::wire::xml::Element;

/// One attribute's accounts, against its most frequent value.
pub(super) struct Counted {
    name: String,
    most_frequent: String,
    matched: u64,
    unmatched: u64,
    regions: Vec<(String, u64, u64)>,
}

impl Counted {
    pub(super) fn new<'a>(
        name: &str,
        most_frequent: &str,
        regions: impl IntoIterator<Item = &'a String>,
    ) -> Self {
        Self {
            name: name.to_owned(),
            most_frequent: most_frequent.to_owned(),
            matched: 0,
            unmatched: 0,
            regions: regions.into_iter().map(|region| (region.clone(), 0, 0)).collect(),
        }
    }

    /// Counts one account: in each Region, whether it has the value, if that is known.
    pub(super) fn add(&mut self, matches: impl Iterator<Item = Option<bool>>) {
        let mut everywhere = Some(true);
        for ((_, matched, unmatched), matches) in self.regions.iter_mut().zip(matches) {
            match matches {
                Some(true) => *matched += 1,
                Some(false) => *unmatched += 1,
                None => {}
            }
            everywhere = match (everywhere, matches) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (None, _) | (_, None) => None,
                (Some(true), Some(true)) => Some(true),
            };
        }
        match everywhere {
            Some(true) => self.matched += 1,
            Some(false) => self.unmatched += 1,
            None => {}
        }
    }
}

/// The summary's members: accounts, failed accounts and the attributes.
pub(super) fn members(organization: &Organization, settings: &Settings, target: &str) -> Vec<Element> {
    let csv = settings.report_csv.as_deref().filter(|_| settings.summary_of_csv);
    let given = csv.and_then(|path| Given::read(path).ok().flatten());
    let (accounts, failed, attributes) = match given {
        Some(given) => (given.accounts.len(), given.failed(), given.counted().collect()),
        None => of_organization(organization, target),
    };
    vec![
        Element::text("numberOfAccounts", accounts),
        Element::text("numberOfFailedAccounts", failed),
        Element::list("attributeSummarySet", attributes.into_iter().map(attribute_element)),
    ]
}

fn of_organization(organization: &Organization, target: &str) -> (usize, usize, Vec<Counted>) {
    let below: std::collections::HashSet<&str> =
        organization.below(target).unwrap_or_default().iter().map(|account| account.id.as_str()).collect();
    let accounts: Vec<_> = organization
        .accounts
        .iter()
        .enumerate()
        .filter(|(_, account)| below.contains(account.id.as_str()) && account.state == "ACTIVE")
        .collect();
    let failed = accounts.iter().filter(|(_, account)| account.unreadable.is_some()).count();
    let readable: Vec<usize> = accounts
        .iter()
        .filter(|(_, account)| account.unreadable.is_none())
        .map(|(number, _)| *number)
        .collect();
    let attributes = ATTRIBUTES.iter().map(|attribute| count(organization, &readable, attribute));
    (accounts.len(), failed, attributes.collect())
}

fn count(organization: &Organization, readable: &[usize], attribute: &'static Attribute) -> Counted {
    let value = |account, region| setting(organization.seed, account, region, attribute);
    let mut cells: HashMap<&'static str, u64> = HashMap::new();
    for &account in readable {
        for region in 0..organization.regions.len() {
            *cells.entry(value(account, region)).or_default() += 1;
        }
    }
    let most_frequent = cells
        .into_iter()
        .max_by_key(|(value, count)| (*count, std::cmp::Reverse(*value)))
        .map_or("", |(value, _)| value);
    let mut counted = Counted::new(attribute.name, most_frequent, &organization.regions);
    for &account in readable {
        let regions = 0..organization.regions.len();
        counted.add(regions.map(|region| Some(value(account, region) == most_frequent)));
    }
    counted
}

fn attribute_element(counted: Counted) -> Vec<Element> {
    let regions = counted.regions.into_iter().map(|(region, matched, unmatched)| {
        vec![
            Element::text("regionName", region),
            Element::text("numberOfMatchedAccounts", matched),
            Element::text("numberOfUnmatchedAccounts", unmatched),
        ]
    });
    vec![
        Element::text("attributeName", counted.name),
        Element::text("mostFrequentValue", counted.most_frequent),
        Element::text("numberOfMatchedAccounts", counted.matched),
        Element::text("numberOfUnmatchedAccounts", counted.unmatched),
        Element::list("regionalSummarySet", regions),
    ]
}
