//! Request rates: a token bucket for each account and operation, and one for the organization; and a
//! tenant beside us who uses them too.

use std::collections::{BTreeMap, HashMap};

use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};

/// Tokens per second and the most that are kept, of Organizations' operations: for an account, and
/// for the organization where AWS names a rate (Organizations user guide, quotas).
type Rates = (&'static str, (f64, f64), Option<(f64, f64)>);

const RATES: [Rates; 29] = [
    ("AttachPolicy", (2.0, 3.0), None),
    ("CreateAccount", (0.1, 3.0), None),
    ("CreateGovCloudAccount", (0.1, 3.0), None),
    ("CreateOrganization", (1.0, 1.0), None),
    ("CreatePolicy", (2.0, 3.0), None),
    ("DeletePolicy", (2.0, 3.0), None),
    ("DescribeAccount", (20.0, 30.0), Some((24.0, 36.0))),
    ("DescribeCreateAccountStatus", (2.0, 2.0), Some((2.0, 3.0))),
    ("DescribeOrganization", (1.0, 2.0), None),
    ("DescribeOrganizationalUnit", (2.0, 2.0), Some((2.0, 3.0))),
    ("DescribePolicy", (2.0, 2.0), Some((2.0, 3.0))),
    ("DetachPolicy", (2.0, 3.0), None),
    ("DisablePolicyType", (1.0, 1.0), None),
    ("EnableAWSServiceAccess", (1.0, 2.0), None),
    ("EnablePolicyType", (1.0, 1.0), None),
    ("ListAWSServiceAccessForOrganization", (1.0, 3.0), Some((1.0, 4.0))),
    ("ListAccounts", (8.0, 12.0), Some((9.0, 15.0))),
    ("ListAccountsForParent", (5.0, 8.0), Some((6.0, 10.0))),
    ("ListChildren", (6.0, 10.0), Some((7.0, 12.0))),
    ("ListCreateAccountStatus", (5.0, 8.0), Some((6.0, 10.0))),
    ("ListDelegatedAdministrators", (5.0, 8.0), Some((6.0, 10.0))),
    ("ListDelegatedServicesForAccount", (1.0, 3.0), Some((1.0, 4.0))),
    ("ListOrganizationalUnitsForParent", (5.0, 8.0), Some((6.0, 10.0))),
    ("ListParents", (5.0, 8.0), Some((6.0, 10.0))),
    ("ListPolicies", (5.0, 8.0), Some((6.0, 10.0))),
    ("ListPoliciesForTarget", (5.0, 8.0), Some((6.0, 10.0))),
    ("ListRoots", (1.0, 2.0), Some((1.0, 3.0))),
    ("ListTargetsForPolicy", (5.0, 8.0), Some((6.0, 10.0))),
    ("UpdatePolicy", (2.0, 3.0), None),
];

/// Somebody else in the management account, such as Control Tower: calls every operation at a share
/// of its rate, at moments that are drawn.
#[derive(Debug)]
struct Tenant {
    account: String,
    share: f64,
    since: Timestamp,
    seed: u64,
    /// When it calls an operation next, and what decides on the calls after that: drawn for each
    /// operation by itself, so that it calls at the same moments whoever else calls.
    next: HashMap<&'static str, (Timestamp, Rng)>,
    calls: u64,
    throttled: u64,
}

/// What a tenant met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TenantCalls {
    pub calls: u64,
    pub throttled: u64,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    filled: Timestamp,
}

impl Bucket {
    fn fill(&mut self, (rate, burst): (f64, f64), now: Timestamp) {
        let passed = now.duration_since(self.filled).as_secs_f64().max(0.0);
        self.tokens = (self.tokens + passed * rate).min(burst);
        self.filled = self.filled.max(now);
    }
}

/// The buckets of all accounts.
#[derive(Debug, Default)]
pub struct Throttle {
    /// By operation and account; of the organization under no account.
    buckets: BTreeMap<(&'static str, String), Bucket>,
    tenant: Option<Tenant>,
}

impl Throttle {
    /// Lets somebody in this account use such a share of every rate from now on.
    pub(crate) fn admit(&mut self, account: &str, share: f64, seed: u64, now: Timestamp) {
        self.tenant = Some(Tenant {
            account: account.to_owned(),
            share,
            since: now,
            seed,
            next: HashMap::new(),
            calls: 0,
            throttled: 0,
        });
    }

    /// What the tenant met up to now.
    pub(crate) fn tenant(&mut self, now: Timestamp) -> TenantCalls {
        for (name, account, organization) in RATES {
            self.catch_up(name, account, organization, now);
        }
        let tenant = self.tenant.as_ref();
        tenant.map(|it| TenantCalls { calls: it.calls, throttled: it.throttled }).unwrap_or_default()
    }

    /// Takes a token; `false` when there is none. Operations without a documented rate have no bound.
    pub fn allows(&mut self, account: &str, operation: &str, now: Timestamp) -> bool {
        let Some((name, of_account, of_organization)) = RATES.iter().find(|(name, ..)| *name == operation)
        else {
            return true;
        };
        self.catch_up(name, *of_account, *of_organization, now);
        self.take(account, name, *of_account, *of_organization, now)
    }

    /// Takes a token of an account's bucket, and one of the organization's if it has one.
    pub(crate) fn take(
        &mut self,
        account: &str,
        name: &'static str,
        of_account: (f64, f64),
        of_organization: Option<(f64, f64)>,
        now: Timestamp,
    ) -> bool {
        let limits = std::iter::once((account, of_account)).chain(of_organization.map(|rates| ("", rates)));
        let limits: Vec<_> = limits.collect();
        let mut allowed = true;
        for (of, rates) in &limits {
            let new = || Bucket { tokens: rates.1, filled: now };
            let bucket = self.buckets.entry((name, (*of).to_owned())).or_insert_with(new);
            bucket.fill(*rates, now);
            allowed &= bucket.tokens >= 1.0;
        }
        if allowed {
            for (of, _) in limits {
                if let Some(bucket) = self.buckets.get_mut(&(name, of.to_owned())) {
                    bucket.tokens -= 1.0;
                }
            }
        }
        allowed
    }

    /// Makes the tenant's calls that were due.
    fn catch_up(
        &mut self,
        name: &'static str,
        of_account: (f64, f64),
        of_organization: Option<(f64, f64)>,
        now: Timestamp,
    ) {
        loop {
            let Some(tenant) = &mut self.tenant else { return };
            let mean = 1.0 / (of_account.0 * tenant.share);
            let (seed, since) = (tenant.seed, tenant.since);
            let (due, random) = tenant.next.entry(name).or_insert_with(|| {
                let of_name = name.bytes().fold(seed, |hash, byte| hash.rotate_left(7) ^ u64::from(byte));
                let mut random = Rng::with_seed(of_name);
                (since + pause(mean, &mut random), random)
            });
            let at = *due;
            if at > now {
                return;
            }
            *due = at + pause(mean, random);
            let account = tenant.account.clone();
            let allowed = self.take(&account, name, of_account, of_organization, at);
            if let Some(tenant) = &mut self.tenant {
                tenant.calls += 1;
                tenant.throttled += u64::from(!allowed);
            }
        }
    }
}

/// Until the next call, as calls of many people come: at moments independent of each other.
fn pause(mean: f64, random: &mut Rng) -> SignedDuration {
    let seconds = -mean * (1.0 - random.f64()).ln();
    SignedDuration::try_from_secs_f64(seconds).unwrap_or(SignedDuration::from_secs(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_allowed_and_then_the_rate() {
        let mut throttle = Throttle::default();
        let now = Timestamp::UNIX_EPOCH;
        let burst = (0..20).filter(|_| throttle.allows("1", "ListAccounts", now)).count();
        assert_eq!(burst, 12);
        let later = now + SignedDuration::from_millis(500);
        let refilled = (0..20).filter(|_| throttle.allows("1", "ListAccounts", later)).count();
        assert_eq!(refilled, 4);
        assert!(
            (0..100).all(|_| throttle.allows("1", "DescribeEffectivePolicy", now)),
            "no rate is documented"
        );
    }

    #[test]
    fn accounts_have_buckets_of_their_own_and_share_the_organizations() {
        let mut throttle = Throttle::default();
        let now = Timestamp::UNIX_EPOCH;
        let calls = |throttle: &mut Throttle, account| {
            (0..20).filter(|_| throttle.allows(account, "ListAccounts", now)).count()
        };
        assert_eq!(calls(&mut throttle, "1"), 12);
        assert_eq!(calls(&mut throttle, "2"), 3, "the organization's burst is 15");
    }

    #[test]
    fn accounts_are_created_three_at_once_and_then_one_in_ten_seconds() {
        let mut throttle = Throttle::default();
        let at = |seconds| Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds);
        let mut made =
            |seconds| (0..9).filter(|_| throttle.allows("1", "CreateAccount", at(seconds))).count();
        assert_eq!([made(0), made(5), made(10), made(40)], [3, 0, 1, 3]);
    }

    #[test]
    fn a_tenant_uses_its_share_of_every_rate_and_is_throttled_by_who_uses_the_rest() {
        let seconds = |seconds| Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds);
        let alone = |others: f64| {
            let mut throttle = Throttle::default();
            throttle.admit("1", 0.4, 7, Timestamp::UNIX_EPOCH);
            let mut due = 0.0;
            while due < 600.0 {
                let at = Timestamp::UNIX_EPOCH + SignedDuration::from_secs_f64(due);
                throttle.allows("1", "ListAccounts", at);
                due += 1.0 / (8.0 * others);
            }
            throttle.tenant(seconds(600))
        };
        let some = alone(0.01);
        let expected = RATES.iter().map(|(_, (rate, _), _)| rate).sum::<f64>() * 0.4 * 600.0;
        assert!((some.calls as f64 / expected - 1.0).abs() < 0.05, "{some:?}, not {expected}");
        let all = alone(1.0);
        assert!(all.throttled > some.throttled + 200, "{some:?} {all:?}");
    }

    #[test]
    fn a_tenant_calls_at_the_same_moments_whoever_else_calls() {
        let calls = |others: usize| {
            let mut throttle = Throttle::default();
            throttle.admit("1", 0.4, 7, Timestamp::UNIX_EPOCH);
            for number in 0..others {
                let at = Timestamp::UNIX_EPOCH + SignedDuration::from_millis(i64::try_from(number).unwrap());
                throttle.allows("1", "ListRoots", at);
            }
            throttle.tenant(Timestamp::UNIX_EPOCH + SignedDuration::from_secs(60)).calls
        };
        assert_eq!(calls(0), calls(5_000));
    }
}
