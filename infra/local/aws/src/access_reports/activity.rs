//! When an account last used a service: computed for each from the organization's seed, and from the
//! moment at which it is asked.
//!
//! A service that an account uses at all it uses again and again, at a pace of its own between an hour
//! and years, so that what is asked for later has been used later, and some use lies before the
//! tracking period.

use jiff::Timestamp;

use super::catalogue::Service;
use crate::organization::{Account, Organization, mix};

/// How long use is kept in mind, in days: AWS says at least so many (IAM user guide, "tracking period").
const TRACKED_DAYS: i64 = 400;

/// Use shows so many hours later: AWS says typically within so many (IAM user guide).
const LAG_HOURS: i64 = 4;

/// One account in so many does nothing at all.
const IDLE_ONE_IN: u64 = 11;

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

/// What one account does.
#[derive(Debug, Clone, Copy)]
pub(super) struct Activity {
    account: u64,
    joined: i64,
    idle: bool,
    /// The last moment of which anything is known, in seconds since the epoch.
    until: i64,
}

impl Activity {
    pub(super) fn new(organization: &Organization, account: &Account, now: Timestamp) -> Self {
        let own = mix(account.id.bytes().fold(organization.seed, |hash, byte| mix(hash ^ u64::from(byte))));
        Self {
            account: own,
            joined: account.joined.as_second(),
            idle: account.id != organization.management_account && mix(own).is_multiple_of(IDLE_ONE_IN),
            until: now.as_second() - LAG_HOURS * HOUR,
        }
    }

    /// When the account last used the service, in seconds since the epoch, if that is known.
    pub(super) fn last(&self, service: Salted) -> Option<i64> {
        if self.idle || service.percent == 0 {
            return None;
        }
        let hash = mix(self.account ^ service.salt);
        if hash % 100 >= service.percent {
            return None;
        }
        let within =
            |least: i64, most: i64| least + i64::try_from(mix(hash) >> 1).unwrap_or(0) % (most - least);
        let period = match (hash >> 8) % 10 {
            0..=5 => within(HOUR, DAY),
            6..=7 => within(DAY, 30 * DAY),
            8 => within(30 * DAY, 200 * DAY),
            _ => within(200 * DAY, 900 * DAY),
        };
        let phase = i64::try_from(hash >> 12).unwrap_or(0) % period;
        let last = self.until - (self.until - phase).rem_euclid(period);
        (last >= self.joined && self.until - last <= TRACKED_DAYS * DAY).then_some(last)
    }

    /// Where it did so.
    pub(super) fn region<'a>(&self, organization: &'a Organization, service: Salted) -> &'a str {
        if service.global {
            return GLOBAL;
        }
        // Most use only the first few.
        let regions = u64::try_from(organization.regions.len()).unwrap_or(1).max(1);
        let hash = mix(self.account ^ service.salt.rotate_left(17));
        let number = hash % regions.min(if hash >> 60 == 0 { regions } else { 3 });
        let number = usize::try_from(number).unwrap_or(0);
        organization.regions.get(number).map_or(GLOBAL, String::as_str)
    }
}

/// The Region of services without Regions.
pub(super) const GLOBAL: &str = "us-east-1";

/// What of a service decides on its use.
#[derive(Debug, Clone, Copy)]
pub(super) struct Salted {
    salt: u64,
    percent: u64,
    global: bool,
}

impl Salted {
    pub(super) fn new(service: &Service) -> Self {
        let salt = service.namespace.bytes().fold(0, |hash, byte| mix(hash ^ u64::from(byte)));
        Self { salt, percent: service.percent, global: service.global }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access_reports::services;
    use crate::organization::{Shape, generate};
    use jiff::SignedDuration;

    #[test]
    fn services_are_used_as_often_as_the_catalogue_says_and_some_accounts_use_none() {
        let now: Timestamp = "2026-11-21T06:30:00Z".parse().unwrap();
        let organization = generate(&Shape { accounts: 2_000, ..Shape::default() }, now);
        let active: Vec<_> = organization
            .accounts
            .iter()
            .map(|account| Activity::new(&organization, account, now))
            .filter(|activity| !activity.idle)
            .collect();
        assert!((1_700..1_950).contains(&active.len()), "{}", active.len());
        for service in services() {
            let salted = Salted::new(service);
            let used = active.iter().filter(|it| it.last(salted).is_some()).count() * 100 / active.len();
            let percent = usize::try_from(service.percent).unwrap();
            // Some use is too old to be known.
            assert!(used <= percent + 4 && used + 2 >= percent * 8 / 10, "{}: {used}", service.namespace);
        }
    }

    #[test]
    fn use_goes_on_as_time_does_and_is_never_newer_than_what_shows() {
        let now: Timestamp = "2026-11-21T06:30:00Z".parse().unwrap();
        let organization = generate(&Shape { accounts: 50, ..Shape::default() }, now);
        let later = now + SignedDuration::from_hours(48);
        let salted = Salted::new(services().iter().find(|it| it.namespace == "s3").unwrap());
        let mut moved = 0;
        for account in &organization.accounts {
            let at = |now| Activity::new(&organization, account, now).last(salted);
            if let (Some(first), Some(second)) = (at(now), at(later)) {
                assert!(first <= second && second <= later.as_second() - 4 * HOUR);
                moved += usize::from(first < second);
            }
        }
        assert!(moved > 20, "{moved}");
    }
}
