//! Time that goes faster than usual, and as usual while work is done.
//!
//! A function's own pauses and limits are real: were it held to a time that goes sixty times as fast,
//! it would reach its Timeout while it works as well as anywhere.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

#[derive(Debug, Clone)]
pub(crate) struct Scaled(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    speed: f64,
    state: Mutex<State>,
    /// Counts the changes of pace.
    changes: watch::Sender<u64>,
}

#[derive(Debug)]
struct State {
    busy: usize,
    /// What had passed when the pace last changed, and when that was.
    passed: Duration,
    since: Instant,
}

impl State {
    fn pace(&self, speed: f64) -> f64 {
        if self.busy == 0 { speed } else { speed.min(1.0) }
    }

    fn passed(&self, speed: f64) -> Duration {
        self.passed + self.since.elapsed().mul_f64(self.pace(speed))
    }
}

impl Scaled {
    pub(crate) fn new(speed: f64) -> Self {
        let state = State { busy: 0, passed: Duration::ZERO, since: Instant::now() };
        Self(Arc::new(Inner { speed, state: Mutex::new(state), changes: watch::Sender::new(0) }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn passed(&self) -> Duration {
        self.state().passed(self.0.speed)
    }

    pub(crate) async fn sleep(&self, duration: Duration) {
        let due = self.passed() + duration;
        let mut changes = self.0.changes.subscribe();
        loop {
            changes.borrow_and_update();
            let (pace, passed) = {
                let state = self.state();
                (state.pace(self.0.speed), state.passed(self.0.speed))
            };
            let left = due.saturating_sub(passed);
            if left.is_zero() {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(left.div_f64(pace)) => {}
                _ = changes.changed() => {}
            }
        }
    }

    /// Counts one more, or one less, who works.
    pub(crate) fn change(&self, by: isize) {
        let mut state = self.state();
        let passed = state.passed(self.0.speed);
        *state = State { busy: state.busy.saturating_add_signed(by), passed, since: Instant::now() };
        drop(state);
        self.0.changes.send_modify(|changes| *changes += 1);
    }
}
