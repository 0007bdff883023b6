//! Whose turn it is: a token bucket for each operation, filled at our share of AWS's rate.
//!
//! A throttle says that others use more than we left them, so the share is halved at once; it comes
//! back slowly, for they may be at it for a while.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::rates::Operation;

/// The least that is left of our share, however often AWS throttles.
const LEAST: f64 = 1.0 / 16.0;
/// Throttles within this time of another are answers to the same haste.
const SAME: Duration = Duration::from_secs(2);
/// How often a part of the share comes back after a throttle, and how large a part.
const RECOVERY: Duration = Duration::from_secs(10);
const RECOVERED: f64 = 0.05;

/// The buckets of one reader.
#[derive(Debug)]
pub(crate) struct Pace {
    share: f64,
    buckets: Mutex<BTreeMap<&'static str, Bucket>>,
}

#[derive(Debug)]
struct Bucket {
    /// Negative while turns are promised that have not come yet.
    tokens: f64,
    filled: Instant,
    /// The part of our share that is used at present.
    part: f64,
    changed: Instant,
}

impl Pace {
    /// `share` is a part of AWS's rates, more than 0 and at most 1.
    pub(crate) fn new(share: f64) -> Self {
        Self { share, buckets: Mutex::default() }
    }

    /// Waits until the operation may be called.
    pub(crate) async fn turn(&self, operation: Operation) {
        let turn = {
            let now = Instant::now();
            let mut buckets = self.buckets();
            let bucket = bucket(&mut buckets, operation, now);
            let rate = bucket.fill(operation, self.share, now);
            bucket.tokens -= 1.0;
            now + Duration::from_secs_f64((-bucket.tokens).max(0.0) / rate)
        };
        tokio::time::sleep_until(turn).await;
    }

    /// AWS throttled the operation.
    pub(crate) fn throttled(&self, operation: Operation) {
        let now = Instant::now();
        let mut buckets = self.buckets();
        let bucket = bucket(&mut buckets, operation, now);
        bucket.fill(operation, self.share, now);
        if bucket.part == 1.0 || now.duration_since(bucket.changed) >= SAME {
            bucket.part = (bucket.part / 2.0).max(LEAST);
            bucket.changed = now;
        }
        bucket.tokens = bucket.tokens.min(0.0);
    }

    fn buckets(&self) -> MutexGuard<'_, BTreeMap<&'static str, Bucket>> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn bucket<'a>(
    buckets: &'a mut BTreeMap<&'static str, Bucket>,
    operation: Operation,
    now: Instant,
) -> &'a mut Bucket {
    // Another invocation may have used up the burst: a new reader begins without one.
    let new = || Bucket { tokens: 1.0, filled: now, part: 1.0, changed: now };
    buckets.entry(operation.name).or_insert_with(new)
}

impl Bucket {
    /// Fills the bucket up to now; answers the tokens that come in a second.
    fn fill(&mut self, operation: Operation, share: f64, now: Instant) -> f64 {
        self.recover(now);
        let rate = operation.per_second * share * self.part;
        let most = (operation.burst * share).max(1.0);
        let came = now.duration_since(self.filled).as_secs_f64() * rate;
        self.tokens = (self.tokens + came).min(most);
        self.filled = now;
        rate
    }

    fn recover(&mut self, now: Instant) {
        let steps = now.duration_since(self.changed).as_secs() / RECOVERY.as_secs();
        if self.part < 1.0 && steps > 0 {
            let steps = u32::try_from(steps).unwrap_or(u32::MAX);
            self.part = (self.part + RECOVERED * f64::from(steps)).min(1.0);
            self.changed = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: Operation = Operation { name: "List", per_second: 8.0, burst: 12.0 };

    /// How long so many calls take.
    async fn calls(pace: &Pace, count: u32) -> Duration {
        let begun = Instant::now();
        for _ in 0..count {
            pace.turn(LIST).await;
        }
        begun.elapsed()
    }

    fn about(found: Duration, seconds: f64) -> bool {
        (found.as_secs_f64() - seconds).abs() < 0.01
    }

    #[tokio::test(start_paused = true)]
    async fn calls_come_at_our_share_of_the_rate_and_a_pause_earns_our_share_of_the_burst() {
        let pace = Pace::new(0.5);
        assert!(about(calls(&pace, 41).await, 10.0), "40 calls at 4 a second after the first");
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(about(calls(&pace, 6).await, 0.0), "half of a burst of 12");
        assert!(about(calls(&pace, 4).await, 1.0));
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_call_side_by_side_share_the_rate() {
        let pace = Pace::new(0.5);
        let begun = Instant::now();
        tokio::join!(calls(&pace, 10), calls(&pace, 11));
        assert!(about(begun.elapsed(), 5.0), "{:?}", begun.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_throttle_halves_the_pace_which_comes_back_slowly() {
        let pace = Pace::new(0.5);
        calls(&pace, 1).await;
        pace.throttled(LIST);
        pace.throttled(LIST);
        assert!(about(calls(&pace, 2).await, 1.0), "2 a second: throttles at once are one");
        tokio::time::sleep(Duration::from_secs(3)).await;
        pace.throttled(LIST);
        assert!(about(calls(&pace, 2).await, 2.0), "and 1 a second after another");
        // A quarter, and a twentieth more every ten seconds.
        tokio::time::sleep(Duration::from_secs(200)).await;
        calls(&pace, 6).await;
        assert!(about(calls(&pace, 8).await, 2.0), "all of our share again");
    }

    #[tokio::test(start_paused = true)]
    async fn however_often_aws_throttles_something_is_left() {
        let pace = Pace::new(0.5);
        for _ in 0..50 {
            pace.throttled(LIST);
            tokio::time::sleep(SAME).await;
        }
        pace.throttled(LIST);
        let took = calls(&pace, 1).await;
        assert!(took <= Duration::from_secs(4), "{took:?}");
    }
}
