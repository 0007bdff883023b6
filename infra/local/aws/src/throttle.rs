//! Request rates: a token bucket for each account and operation.

use std::collections::HashMap;

use jiff::Timestamp;

/// Tokens per second and the most that are kept, of Organizations' operations, per account
/// (Organizations user guide, quotas).
const RATES: [(&str, f64, f64); 8] = [
    ("DescribeAccount", 20.0, 30.0),
    ("DescribeOrganization", 1.0, 2.0),
    ("ListAccounts", 8.0, 12.0),
    ("ListAccountsForParent", 5.0, 8.0),
    ("ListAWSServiceAccessForOrganization", 1.0, 3.0),
    ("ListDelegatedAdministrators", 5.0, 8.0),
    ("ListOrganizationalUnitsForParent", 5.0, 8.0),
    ("ListRoots", 1.0, 2.0),
];

/// The buckets of all accounts.
#[derive(Debug, Default)]
pub struct Throttle {
    buckets: HashMap<(String, &'static str), (f64, Timestamp)>,
}

impl Throttle {
    /// Takes a token; `false` when there is none. Operations without a documented rate have no bound.
    pub fn allows(&mut self, account: &str, operation: &str, now: Timestamp) -> bool {
        let Some((name, rate, burst)) = RATES.iter().find(|(name, ..)| *name == operation) else {
            return true;
        };
        let (tokens, last) = self.buckets.entry((account.to_owned(), name)).or_insert((*burst, now));
        let passed = now.duration_since(*last).as_secs_f64().max(0.0);
        *tokens = (*tokens + passed * rate).min(*burst);
        *last = now;
        let allowed = *tokens >= 1.0;
        if allowed {
            *tokens -= 1.0;
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    #[test]
    fn a_burst_is_allowed_and_then_the_rate() {
        let mut throttle = Throttle::default();
        let now = Timestamp::UNIX_EPOCH;
        let burst = (0..20).filter(|_| throttle.allows("1", "ListAccounts", now)).count();
        assert_eq!(burst, 12);
        let later = now + SignedDuration::from_millis(500);
        let refilled = (0..20).filter(|_| throttle.allows("1", "ListAccounts", later)).count();
        assert_eq!(refilled, 4);
        assert!(throttle.allows("2", "ListAccounts", now), "another account has a bucket of its own");
        assert!(
            (0..100).all(|_| throttle.allows("1", "DescribeEffectivePolicy", now)),
            "no rate is documented"
        );
    }
}
