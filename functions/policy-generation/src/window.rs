//! How much of CloudTrail a generation reads, and what is learned about it for an account.
//!
//! AWS reads at most 100,000 log files and 25 GB for one generation. CloudTrail writes about one file in
//! five minutes for each Region with activity, so 90 days in 17 Regions are too much, and nothing tells
//! beforehand how much an account really has. What counts here is the product of days and Regions: the
//! first order is one that fits if every five minutes have a file, one that fails is followed by half as
//! much, and what was seen to fit and to be too much is kept for the next.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Log files of one generation (IAM user guide, "Access Analyzer quotas").
const MOST_FILES: u32 = 100_000;
/// Log files of a Region in a day, at one in five minutes.
const FILES_A_DAY: u32 = 24 * 12;

/// What one generation reads of the trail: so many days before it starts, in these Regions.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Window {
    pub(crate) days: u32,
    /// All that the trail has where it is empty.
    pub(crate) regions: BTreeSet<String>,
    /// Whether these are no more than the Regions in which the principal last used each service.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) only_last_use: bool,
}

impl Window {
    /// Days times Regions.
    fn size(&self) -> u32 {
        self.days.saturating_mul(count(&self.regions))
    }

    #[cfg(test)]
    pub(crate) fn of<const N: usize>(days: u32, regions: [&str; N]) -> Self {
        Self { days, regions: regions.map(str::to_owned).into(), only_last_use: false }
    }
}

/// The Regions in which a principal has been active. AWS tells of each service and action the last one
/// only, so that others may be missing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Active {
    pub(crate) own: BTreeSet<String>,
    /// Those of all principals of the account whose access was read.
    pub(crate) account: BTreeSet<String>,
}

/// As many Regions as a trail may have where nobody knows them.
const ALL_REGIONS: u32 = 34;

fn count(regions: &BTreeSet<String>) -> u32 {
    match u32::try_from(regions.len()).unwrap_or(u32::MAX) {
        0 => ALL_REGIONS,
        count => count,
    }
}

/// What is known of an account: how large a window may be, in days times Regions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Learned {
    /// The largest that succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fits: Option<u32>,
    /// The smallest that was too much, and when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    exceeds: Option<(u32, Timestamp)>,
}

/// For how long it counts that a size was too much: an account may have become quieter, which only an
/// order that may fail can tell.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(24 * 30);

impl Learned {
    /// The window of an order: the Regions in use in the account, if all of the days fit with them; else
    /// the principal's own, for as many days as fit. `None` if even one day is known to be too much.
    pub(crate) fn best(
        self,
        active: &Active,
        most_days: u32,
        probes: bool,
        now: Timestamp,
    ) -> Option<Window> {
        let of_account = self.window(&active.account, most_days, probes, now);
        if active.own.is_empty() || of_account.as_ref().is_some_and(|it| it.days == most_days) {
            return of_account;
        }
        let only_last_use = active.own != active.account;
        let own = self.window(&active.own, most_days, probes, now)?;
        Some(Window { only_last_use, ..own })
    }

    /// The window for these Regions, at most so many days long; `None` if even a day is known to be too
    /// much. `probes` asks for more than was seen to fit, where that may do.
    fn window(
        self,
        regions: &BTreeSet<String>,
        most_days: u32,
        probes: bool,
        now: Timestamp,
    ) -> Option<Window> {
        let count = count(regions);
        let exceeds = self.exceeds.filter(|(_, at)| now.duration_since(*at) < REMEMBERED || !probes);
        let exceeds = exceeds.map(|(size, _)| size);
        let size = match (self.fits, exceeds) {
            (None, None) => MOST_FILES / FILES_A_DAY,
            (None, Some(exceeds)) => exceeds / 2,
            (Some(fits), None) if probes => fits.saturating_mul(2),
            (Some(fits), None) => fits.max(MOST_FILES / FILES_A_DAY),
            // Half of the way, as long as it is worth an order that fails.
            (Some(fits), Some(exceeds)) if probes && exceeds / 2 > fits => fits.midpoint(exceeds),
            (Some(fits), Some(exceeds)) => fits.max(exceeds / 2),
        };
        let days = (size / count).min(most_days);
        // With more Regions than were ever asked at once, one day is tried.
        let days = if days == 0 && exceeds.is_none_or(|exceeds| count < exceeds) { 1 } else { days };
        (days > 0).then(|| Window { days, regions: regions.clone(), only_last_use: false })
    }

    pub(crate) fn succeeded(&mut self, window: &Window) {
        let size = window.size();
        self.fits = self.fits.max(Some(size));
        // An account has become quieter.
        self.exceeds = self.exceeds.filter(|(exceeds, _)| *exceeds > size);
    }

    pub(crate) fn was_too_much(&mut self, window: &Window, now: Timestamp) {
        let size = window.size();
        self.exceeds = Some((self.exceeds.map_or(size, |(exceeds, _)| exceeds.min(size)), now));
        // An account has become busier: what fitted once is no proof any more.
        self.fits = self.fits.filter(|fits| *fits < size);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(day: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * day)
    }

    fn regions(count: usize) -> BTreeSet<String> {
        (0..count).map(|number| format!("eu-west-{number}")).collect()
    }

    /// The orders for principals, one after the other, in an account where `fits` days times Regions do:
    /// how many failed before each succeeded.
    fn failures(learned: &mut Learned, count: usize, fits: u32, probes: bool) -> Option<u32> {
        failures_on(0, learned, count, fits, probes)
    }

    /// The same, so many days later.
    fn failures_on(day: i64, learned: &mut Learned, count: usize, fits: u32, probes: bool) -> Option<u32> {
        for failed in 0..20 {
            let window = learned.window(&regions(count), 90, probes && failed == 0, on(day))?;
            if window.size() <= fits {
                learned.succeeded(&window);
                return Some(failed);
            }
            learned.was_too_much(&window, on(day));
        }
        None
    }

    #[test]
    fn the_first_order_is_one_that_fits_if_every_five_minutes_have_a_file() {
        let days = |count| Learned::default().window(&regions(count), 90, false, on(0)).unwrap().days;
        assert_eq!([1, 3, 4, 17, 34].map(days), [90, 90, 86, 20, 10]);
    }

    #[test]
    fn what_is_too_much_is_halved_until_it_fits_and_then_fits_at_once() {
        let mut learned = Learned::default();
        assert_eq!(failures(&mut learned, 4, 50, false), Some(3));
        for count in [4, 3, 2, 4] {
            assert_eq!(failures(&mut learned, count, 50, false), Some(0));
        }
    }

    #[test]
    fn an_order_that_probes_finds_out_how_much_more_a_quiet_account_allows() {
        let mut learned = Learned::default();
        let mut days = Vec::new();
        for _ in 0..4 {
            assert!(failures(&mut learned, 10, 2_000, true).is_some());
            days.push(learned.window(&regions(10), 90, false, on(0)).unwrap().days);
        }
        assert_eq!(days, [34, 68, 90, 90]);
        // Nothing is left to find out.
        assert_eq!(failures(&mut learned, 10, 2_000, true), Some(0));
    }

    #[test]
    fn an_account_that_becomes_busier_or_quieter_is_learned_anew() {
        let mut learned = Learned::default();
        assert!(failures(&mut learned, 4, 340, false).is_some());
        assert!(failures(&mut learned, 4, 20, false).is_some());
        assert_eq!(failures(&mut learned, 4, 20, false), Some(0));
        let narrow = learned.window(&regions(4), 90, false, on(0)).unwrap().days;
        for day in (0..60).step_by(10) {
            assert!(failures_on(day, &mut learned, 4, 340, true).is_some());
        }
        assert!(learned.window(&regions(4), 90, false, on(0)).unwrap().days > narrow);
    }

    #[test]
    fn all_the_regions_in_use_are_read_where_they_fit_and_else_the_principals_own() {
        let active = |own, account| Active { own: regions(own), account: regions(account) };
        let best = |active: &Active| Learned::default().best(active, 90, false, on(0)).unwrap();
        let of = |window: Window| (window.days, window.regions.len(), window.only_last_use);
        assert_eq!(of(best(&active(1, 3))), (90, 3, false));
        assert_eq!(of(best(&active(2, 17))), (90, 2, true));
        assert_eq!(of(best(&active(17, 17))), (20, 17, false));
        // Nothing tells of the principal, or of any.
        assert_eq!(of(best(&active(0, 17))), (20, 17, false));
        assert_eq!(of(best(&active(0, 0))), (10, 0, false));
    }

    #[test]
    fn where_a_day_is_too_much_nothing_is_asked() {
        let mut learned = Learned::default();
        assert_eq!(failures(&mut learned, 4, 3, false), None);
        assert_eq!(learned.window(&regions(4), 90, false, on(0)), None);
    }
}
