//! The trail's files that a generation reads: one every five minutes for each Region in which the account
//! does something, unless it does nothing for so long.

use jiff::SignedDuration;

use crate::organization::{Organization, mix, mix_text};

/// The most that one generation reads (IAM user guide, Access Analyzer quotas). Whether a GB is 10^9
/// bytes is not documented.
const MOST_FILES: u64 = 100_000;
const MOST_BYTES: u64 = 25_000_000_000;

/// One every five minutes (CloudTrail user guide: "typically").
const FILES_A_DAY: u64 = 288;

/// The first Regions, which every account uses.
const USED_BY_ALL: usize = 3;

/// Files of a trail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Logs {
    pub(super) files: u64,
    pub(super) bytes: u64,
}

impl Logs {
    pub(super) fn are_too_many(self) -> bool {
        self.files > MOST_FILES || self.bytes > MOST_BYTES
    }
}

/// How busy an account is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Account {
    hash: u64,
}

impl Account {
    pub(super) fn new(organization: &Organization, id: &str) -> Self {
        Self { hash: mix_text(organization.seed ^ 0x7A11, id) }
    }

    /// Of a hundred spans of five minutes, in so many something happens in a Region that it uses.
    fn percent(self) -> u64 {
        10 + self.hash % 91
    }

    fn bytes_a_file(self) -> u64 {
        40_000 + mix(self.hash) % 400_000
    }

    fn uses(self, organization: &Organization, region: &str) -> bool {
        let Some(number) = organization.regions.iter().position(|it| it == region) else { return false };
        number < USED_BY_ALL || mix(self.hash ^ mix(number as u64)).is_multiple_of(8)
    }

    /// The files of a span of time. `regions` of `None` is all of the organization's, each of which has
    /// files; of named ones, only those have that the account uses.
    pub(super) fn logs(
        self,
        organization: &Organization,
        regions: Option<&[&str]>,
        span: SignedDuration,
    ) -> Logs {
        let regions = match regions {
            None => organization.regions.len(),
            Some(named) => named.iter().filter(|region| self.uses(organization, region)).count(),
        };
        let seconds = u64::try_from(span.as_secs()).unwrap_or(0);
        let files =
            u64::try_from(regions).unwrap_or(0) * FILES_A_DAY * self.percent() * seconds / 86_400 / 100;
        Logs { files, bytes: files * self.bytes_a_file() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::organization::{Shape, generate};
    use jiff::Timestamp;

    #[test]
    fn most_accounts_need_a_narrower_window_for_all_regions_and_hardly_any_for_three() {
        let organization = generate(&Shape::default(), Timestamp::UNIX_EPOCH);
        let three: Vec<_> = organization.regions.iter().take(3).map(String::as_str).collect();
        let days = |days: i64| SignedDuration::from_hours(24 * days);
        let too_many = |regions: Option<&[&str]>, span| {
            let logs = organization
                .accounts
                .iter()
                .map(|account| Account::new(&organization, &account.id).logs(&organization, regions, span));
            logs.filter(|logs| logs.are_too_many()).count()
        };
        assert!((120..200).contains(&too_many(None, days(90))));
        assert!((1..60).contains(&too_many(Some(&three), days(90))), "by their size");
        assert_eq!(too_many(None, days(7)), 0);
        assert_eq!(too_many(Some(&["nowhere-1"]), days(90)), 0);
    }

    #[test]
    fn half_the_time_has_half_the_files() {
        let organization = generate(&Shape::default(), Timestamp::UNIX_EPOCH);
        let account = Account::new(&organization, &organization.accounts[7].id);
        let whole = account.logs(&organization, None, SignedDuration::from_hours(24 * 40)).files;
        let half = account.logs(&organization, None, SignedDuration::from_hours(24 * 20)).files;
        assert!(whole > 0 && whole.abs_diff(2 * half) <= 1);
    }
}
