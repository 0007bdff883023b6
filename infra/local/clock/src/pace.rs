//! Keeping a clock that jumps at a pace that a person can follow.

use std::time::Duration;

use tokio::task::AbortHandle;

use crate::{Clock, Pace};

/// Real time between two looks at the clock.
const TICK: Duration = Duration::from_millis(40);

/// Holds a clock to a pace while it lives.
#[derive(Debug)]
pub struct Held(AbortHandle);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Held {
    pub(crate) fn new(clock: Clock, speed: f64) -> Self {
        // Real time: tokio's stands still on virtual time.
        let (begun, begun_at) = (std::time::Instant::now(), clock.now());
        let task = tokio::spawn(async move {
            loop {
                clock.sleep(TICK.mul_f64(speed)).await;
                let simulated = Duration::try_from(clock.now().duration_since(begun_at)).unwrap_or_default();
                let ahead = simulated.div_f64(speed).saturating_sub(begun.elapsed());
                match &clock.pace {
                    // Nothing else goes on in such a runtime: this holds all of it, as it is to.
                    Pace::Virtual => std::thread::sleep(ahead),
                    Pace::Stepped(_) => {
                        let _busy = clock.busy();
                        tokio::time::sleep(ahead).await;
                    }
                    Pace::Scaled(_) => {}
                }
            }
        });
        Self(task.abort_handle())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    #[tokio::test(start_paused = true)]
    async fn a_held_clock_does_not_run_ahead() {
        let clock = Clock::virtual_time(Timestamp::UNIX_EPOCH);
        let real = std::time::Instant::now();
        let _held = clock.hold_to(36_000.0);
        clock.sleep(Duration::from_secs(7_200)).await;
        assert!(real.elapsed() >= Duration::from_millis(150), "{:?}", real.elapsed());
    }
}
