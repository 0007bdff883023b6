//! The clock of the local AWS.
//!
//! Everything simulated asks this clock for the time and sleeps by it, so that a job of twelve hours
//! is over in milliseconds and a test is the same on every machine. It goes in one of three ways:
//!
//! * [`Clock::virtual_time`]: on a tokio runtime whose time is paused. Time jumps to the next sleeper
//!   whenever nothing else is to be done. For everything in one process; never with real sockets,
//!   for waiting on a socket looks like having nothing to do.
//! * [`Clock::stepped`]: on an ordinary runtime, beside real processes and sockets. Time goes on as
//!   usual while anybody is [busy](Clock::busy), and jumps to the next sleeper when nobody is.
//! * [`Clock::scaled`]: so many times faster than real time, to watch; as usual while anybody is
//!   [busy](Clock::busy).

mod pace;
mod scaled;
mod stepped;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

pub use pace::Held;
use scaled::Scaled;
use stepped::Stepped;

/// A clock. Clones show the same time.
#[derive(Debug, Clone)]
pub struct Clock {
    epoch: Timestamp,
    begun: Instant,
    pace: Pace,
}

#[derive(Debug, Clone)]
enum Pace {
    Virtual,
    Scaled(Scaled),
    Stepped(Stepped),
}

/// Somebody who does real work, while it lives: time goes on as usual.
#[derive(Debug)]
pub struct Busy(Clock);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.change(-1);
    }
}

impl Clock {
    /// Begins at `epoch`, on a runtime whose time is paused.
    pub fn virtual_time(epoch: Timestamp) -> Self {
        Self { epoch, begun: Instant::now(), pace: Pace::Virtual }
    }

    /// Begins at `epoch` and goes `speed` times as fast as real time; `speed` must be positive.
    pub fn scaled(epoch: Timestamp, speed: f64) -> Self {
        Self { epoch, begun: Instant::now(), pace: Pace::Scaled(Scaled::new(speed)) }
    }

    /// Begins at `epoch` and jumps over the time in which nobody is busy. Needs a running runtime.
    pub fn stepped(epoch: Timestamp) -> Self {
        Self { epoch, begun: Instant::now(), pace: Pace::Stepped(Stepped::new()) }
    }

    pub fn now(&self) -> Timestamp {
        let elapsed = match &self.pace {
            Pace::Virtual => self.begun.elapsed(),
            Pace::Scaled(scaled) => scaled.passed(),
            Pace::Stepped(stepped) => self.begun.elapsed() + stepped.skipped(),
        };
        SignedDuration::try_from(elapsed)
            .ok()
            .and_then(|elapsed| self.epoch.checked_add(elapsed).ok())
            .unwrap_or(Timestamp::MAX)
    }

    pub async fn sleep(&self, duration: Duration) {
        match &self.pace {
            Pace::Virtual => tokio::time::sleep(duration).await,
            Pace::Scaled(scaled) => scaled.sleep(duration).await,
            Pace::Stepped(stepped) => stepped.sleep(duration).await,
        }
    }

    pub async fn sleep_until(&self, moment: Timestamp) {
        let left = moment.duration_since(self.now());
        self.sleep(Duration::try_from(left).unwrap_or_default()).await;
    }

    /// Lets at most so many simulated seconds pass in a real one, until the guard is dropped: for
    /// somebody who watches. `speed` must be positive.
    pub fn hold_to(&self, speed: f64) -> Held {
        Held::new(self.clone(), speed)
    }

    /// Keeps a stepped clock from jumping, and a scaled one from going faster than real time, while
    /// the guard lives: real work is being done.
    #[must_use]
    pub fn busy(&self) -> Busy {
        self.change(1);
        Busy(self.clone())
    }

    fn change(&self, by: isize) {
        match &self.pace {
            Pace::Virtual => {}
            Pace::Scaled(scaled) => scaled.change(by),
            Pace::Stepped(stepped) => stepped.change(by),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epoch() -> Timestamp {
        "2026-11-21T06:30:00Z".parse().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn virtual_hours_take_no_time() {
        let clock = Clock::virtual_time(epoch());
        clock.sleep(Duration::from_secs(43_200)).await;
        assert_eq!(clock.now(), "2026-11-21T18:30:00Z".parse().unwrap());
    }

    #[tokio::test]
    async fn a_stepped_clock_jumps_to_the_sleepers_in_their_order() {
        let clock = Clock::stepped(epoch());
        let real = std::time::Instant::now();
        let (first, second) = (clock.clone(), clock.clone());
        let order = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let (a, b) = (order.clone(), order.clone());
        tokio::join!(
            async move {
                first.sleep(Duration::from_secs(7_200)).await;
                a.lock().unwrap().push("later");
            },
            async move {
                second.sleep(Duration::from_secs(3_600)).await;
                b.lock().unwrap().push("sooner");
            },
        );
        assert_eq!(*order.lock().unwrap(), ["sooner", "later"]);
        assert!(clock.now() >= "2026-11-21T08:30:00Z".parse().unwrap());
        assert!(real.elapsed() < Duration::from_secs(60), "two hours were waited for");
    }

    #[tokio::test]
    async fn a_stepped_clock_does_not_jump_while_somebody_is_busy() {
        let clock = Clock::stepped(epoch());
        let busy = clock.busy();
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep(Duration::from_secs(3_600)).await }
        });
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(!sleeper.is_finished());
        assert!(clock.now() < "2026-11-21T07:00:00Z".parse().unwrap());
        drop(busy);
        sleeper.await.unwrap();
        assert!(clock.now() >= "2026-11-21T07:30:00Z".parse().unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn a_scaled_clock_goes_as_usual_while_somebody_is_busy() {
        let clock = Clock::scaled(epoch(), 3_600.0);
        let begun = Instant::now();
        let sleeper = {
            let clock = clock.clone();
            tokio::spawn(async move { clock.sleep(Duration::from_secs(7_200)).await })
        };
        tokio::time::sleep(Duration::from_secs(1)).await;
        let busy = clock.busy();
        let another = clock.busy();
        tokio::time::sleep(Duration::from_secs(100)).await;
        drop(busy);
        assert_eq!(clock.now(), "2026-11-21T07:31:40Z".parse().unwrap(), "an hour and 100 s");
        drop(another);
        sleeper.await.unwrap();
        // An hour is left when the work begins, of which 100 s pass meanwhile.
        let left = Duration::from_secs_f64(3_500.0 / 3_600.0);
        let expected = Duration::from_secs(101) + left;
        let apart = begun.elapsed().abs_diff(expected);
        assert!(apart < Duration::from_millis(5), "{:?} {expected:?}", begun.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_scaled_clock_goes_faster() {
        let clock = Clock::scaled(epoch(), 3_600.0);
        let begun = Instant::now();
        clock.sleep(Duration::from_secs(7_200)).await;
        assert_eq!(begun.elapsed(), Duration::from_secs(2));
        assert_eq!(clock.now(), "2026-11-21T08:30:00Z".parse().unwrap());
    }
}
