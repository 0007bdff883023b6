//! Services that have trusted access, and the accounts that administer them.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Account, Organization};

/// Since when a service has access and an account administers it, where that was asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Dates {
    trusted: BTreeMap<String, Timestamp>,
    /// By account and service.
    delegated: BTreeMap<(String, String), Timestamp>,
}

/// When services of a generated organization were given access.
const GENERATED: i64 = 1_700_000_000;

impl Organization {
    pub(crate) fn is_trusted(&self, service: &str) -> bool {
        self.trusted.iter().any(|it| it == service)
    }

    pub(crate) fn trust(&mut self, service: &str, now: Timestamp) {
        if !self.is_trusted(service) {
            self.trusted.push(service.to_owned());
            self.dates.trusted.insert(service.to_owned(), now);
        }
    }

    pub(crate) fn distrust(&mut self, service: &str) {
        self.trusted.retain(|it| it != service);
        self.dates.trusted.remove(service);
    }

    pub(crate) fn trusted_since(&self, service: &str) -> i64 {
        self.dates.trusted.get(service).map_or(GENERATED, |date| date.as_second())
    }

    /// The services that an account administers.
    pub(crate) fn administered<'a>(&'a self, account: &'a str) -> impl Iterator<Item = &'a str> {
        let delegated = self.delegated.iter().filter(move |(it, _)| it == account);
        delegated.map(|(_, service)| service.as_str())
    }

    /// Those who administer a service.
    pub(crate) fn administrators(&self, service: &str) -> usize {
        self.delegated.iter().filter(|(_, it)| it == service).count()
    }

    pub(crate) fn delegate(&mut self, account: &str, service: &str, now: Timestamp) {
        let delegation = (account.to_owned(), service.to_owned());
        self.delegated.push(delegation.clone());
        self.dates.delegated.insert(delegation, now);
    }

    pub(crate) fn withdraw(&mut self, account: &str, service: &str) {
        let delegation = (account.to_owned(), service.to_owned());
        self.delegated.retain(|it| *it != delegation);
        self.dates.delegated.remove(&delegation);
    }

    /// Since when an account administers a service; it has from its beginning where that was generated.
    pub(crate) fn delegated_since(&self, account: &Account, service: &str) -> i64 {
        let delegation = (account.id.clone(), service.to_owned());
        self.dates.delegated.get(&delegation).unwrap_or(&account.joined).as_second()
    }
}
