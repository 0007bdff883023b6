//! When an account or a principal last used a service: computed for each from the organization's seed,
//! and from the moment at which it is asked.
//!
//! A service that it uses at all it uses again and again, at a pace of its own between an hour
//! and years, so that what is asked for later has been used later, and some use lies before the
//! tracking period.

use jiff::Timestamp;

use super::actions::Action;
use super::catalogue::Service;
use crate::organization::{Account, Organization, mix, mix_text};

/// How long use is kept in mind, in days: AWS says at least so many (IAM user guide, "tracking period").
const TRACKED_DAYS: i64 = 400;

/// Use shows so many hours later: AWS says typically within so many (IAM user guide).
const LAG_HOURS: i64 = 4;

/// One account in so many does nothing at all.
const IDLE_ONE_IN: u64 = 11;

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

/// Of a hundred services that an account would use, a principal uses so many.
const PRINCIPALS_PERCENT: u64 = 65;

/// Of a hundred actions that a principal may use of a service that it uses, it does use so many.
const ACTIONS_PERCENT: u64 = 60;

/// What one account or principal does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Activity {
    who: u64,
    /// Since when there is such a one, in seconds since the epoch.
    since: i64,
    idle: bool,
    /// How much of what the catalogue says it uses.
    percent: u64,
    /// The last moment of which anything is known, in seconds since the epoch.
    until: i64,
}

impl Activity {
    pub(crate) fn of_account(organization: &Organization, account: &Account, now: Timestamp) -> Self {
        let who = account.key(organization);
        Self {
            who,
            since: account.joined.as_second(),
            idle: account.id != organization.management_account && mix(who).is_multiple_of(IDLE_ONE_IN),
            percent: 100,
            until: known_until(now),
        }
    }

    /// `who` tells the principal from all others.
    pub(crate) fn of_principal(who: u64, created: Timestamp, idle: bool, now: Timestamp) -> Self {
        let percent = PRINCIPALS_PERCENT;
        Self { who, since: created.as_second(), idle, percent, until: known_until(now) }
    }

    /// When it last used the service, in seconds since the epoch, if that is known.
    pub(crate) fn last(&self, service: &Service) -> Option<i64> {
        if self.idle || service.percent == 0 {
            return None;
        }
        let hash = mix(self.who ^ service.salt);
        if hash % 100 >= service.percent * self.percent / 100 {
            return None;
        }
        self.known(hash)
    }

    /// When it last used each of these actions of the service, which it last used at `last`: one of
    /// them then, and none later.
    pub(crate) fn last_of_actions(
        &self,
        service: &Service,
        last: i64,
        actions: &[Action],
    ) -> Vec<Option<i64>> {
        let of_service = mix(self.who ^ service.salt.rotate_left(31));
        let newest = usize::try_from(of_service % actions.len().max(1) as u64).unwrap_or(0);
        let when = |(number, action): (usize, &Action)| {
            if number == newest {
                return Some(last);
            }
            let hash = mix_text(of_service, action.name);
            if hash % 100 >= ACTIONS_PERCENT {
                return None;
            }
            self.known(hash).map(|at| at.min(last))
        };
        actions.iter().enumerate().map(when).collect()
    }

    /// The last moment of what is done again and again, if it is known.
    fn known(&self, hash: u64) -> Option<i64> {
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
        (last >= self.since && self.until - last <= TRACKED_DAYS * DAY).then_some(last)
    }

    /// Where it did so.
    pub(crate) fn region<'a>(&self, organization: &'a Organization, service: &Service) -> &'a str {
        if service.global {
            return GLOBAL;
        }
        // Most use only the first few.
        let regions = u64::try_from(organization.regions.len()).unwrap_or(1).max(1);
        let hash = mix(self.who ^ service.salt.rotate_left(17));
        let number = hash % regions.min(if hash >> 60 == 0 { regions } else { 3 });
        let number = usize::try_from(number).unwrap_or(0);
        organization.regions.get(number).map_or(GLOBAL, String::as_str)
    }
}

fn known_until(now: Timestamp) -> i64 {
    now.as_second() - LAG_HOURS * HOUR
}

/// The Region of services without Regions.
pub(crate) const GLOBAL: &str = "us-east-1";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::organization::{Shape, generate};
    use crate::services::services;
    use jiff::SignedDuration;

    #[test]
    fn services_are_used_as_often_as_the_catalogue_says_and_some_accounts_use_none() {
        let now: Timestamp = "2026-11-21T06:30:00Z".parse().unwrap();
        let organization = generate(&Shape { accounts: 2_000, ..Shape::default() }, now);
        let active: Vec<_> = organization
            .accounts
            .iter()
            .map(|account| Activity::of_account(&organization, account, now))
            .filter(|activity| !activity.idle)
            .collect();
        assert!((1_700..1_950).contains(&active.len()), "{}", active.len());
        for service in services() {
            let used = active.iter().filter(|it| it.last(service).is_some()).count() * 100 / active.len();
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
        let service = services().iter().find(|it| it.namespace == "s3").unwrap();
        let mut moved = 0;
        for account in &organization.accounts {
            let at = |now| Activity::of_account(&organization, account, now).last(service);
            if let (Some(first), Some(second)) = (at(now), at(later)) {
                assert!(first <= second && second <= later.as_second() - 4 * HOUR);
                moved += usize::from(first < second);
            }
        }
        assert!(moved > 20, "{moved}");
    }
}
