//! The summary that AWS counts itself: what its documentation says, counted from the settings and
//! not from the CSV, so that the two can be compared.

use std::collections::HashMap;

use crate::organization::{ATTRIBUTES, Attribute, Organization, setting};
use crate::wire::xml::Element;

struct Counted {
    name: &'static str,
    most_frequent: &'static str,
    matched: u64,
    unmatched: u64,
    regions: Vec<(String, u64, u64)>,
}

/// The summary's members: accounts, failed accounts and the attributes.
pub(super) fn members(organization: &Organization, target: &str) -> Vec<Element> {
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
    vec![
        Element::text("numberOfAccounts", accounts.len()),
        Element::text("numberOfFailedAccounts", failed),
        Element::list("attributeSummarySet", attributes.map(attribute_element)),
    ]
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
    let mut counted = Counted {
        name: attribute.name,
        most_frequent,
        matched: 0,
        unmatched: 0,
        regions: organization.regions.iter().map(|region| (region.clone(), 0, 0)).collect(),
    };
    for &account in readable {
        let mut everywhere = true;
        for (index, (_, matched, unmatched)) in counted.regions.iter_mut().enumerate() {
            let matches = value(account, index) == most_frequent;
            *(if matches { matched } else { unmatched }) += 1;
            everywhere &= matches;
        }
        *(if everywhere { &mut counted.matched } else { &mut counted.unmatched }) += 1;
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
