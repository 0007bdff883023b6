//! Time that goes on as usual while work is done, and jumps over the rest.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

/// How long nobody must have been busy before time jumps: a process that has answered may be about
/// to be called again by whoever reads the answer.
const QUIET: Duration = Duration::from_millis(2);

#[derive(Debug, Clone)]
pub(crate) struct Stepped(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    begun: Instant,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    skipped: Duration,
    busy: usize,
    /// Counts who became busy, so that a quiet moment can be told from one between two calls.
    turns: u64,
    sleepers: BTreeMap<(Duration, u64), oneshot::Sender<()>>,
    next: u64,
}

impl Stepped {
    pub(crate) fn new() -> Self {
        let stepped =
            Self(Arc::new(Inner { begun: Instant::now(), state: Mutex::default(), changed: Notify::new() }));
        let weak = Arc::downgrade(&stepped.0);
        tokio::spawn(async move {
            while let Some(inner) = weak.upgrade() {
                let stepped = Self(inner);
                stepped.step().await;
            }
        });
        stepped
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn skipped(&self) -> Duration {
        self.state().skipped
    }

    /// Counts one more, or one less, who works. The clock does not jump while anybody does.
    pub(crate) fn change(&self, by: isize) {
        let mut state = self.state();
        state.busy = state.busy.saturating_add_signed(by);
        if by > 0 {
            state.turns += 1;
        }
        drop(state);
        self.0.changed.notify_one();
    }

    pub(crate) async fn sleep(&self, duration: Duration) {
        let (wake, woken) = oneshot::channel();
        {
            let mut state = self.state();
            let due = self.0.begun.elapsed() + state.skipped + duration;
            let key = (due, state.next);
            state.next += 1;
            state.sleepers.insert(key, wake);
        }
        self.0.changed.notify_one();
        // The sender lives in the state, which outlives this call.
        let _ = woken.await;
    }

    /// Wakes who is due; otherwise waits until something changes, the next sleeper is due by real
    /// time, or nobody has been busy for a while, and then jumps.
    async fn step(&self) {
        let (due, quiet) = {
            let mut state = self.state();
            let now = self.0.begun.elapsed() + state.skipped;
            while let Some(entry) = state.sleepers.first_entry() {
                if entry.key().0 > now && !entry.get().is_closed() {
                    break;
                }
                let _ = entry.remove().send(());
            }
            let due = state.sleepers.first_key_value().map(|((due, _), _)| *due - now);
            (due, (state.busy == 0).then_some(state.turns))
        };
        match (due, quiet) {
            (Some(due), Some(turns)) => {
                tokio::select! {
                    () = tokio::time::sleep(QUIET.min(due)) => {
                        let mut state = self.state();
                        if state.busy == 0 && state.turns == turns {
                            let now = self.0.begun.elapsed() + state.skipped;
                            let next = state.sleepers.first_key_value().map(|((due, _), _)| *due);
                            state.skipped += next.unwrap_or(now).saturating_sub(now);
                        }
                    }
                    () = self.0.changed.notified() => {}
                }
            }
            (Some(due), None) => {
                tokio::select! {
                    () = tokio::time::sleep(due) => {}
                    () = self.0.changed.notified() => {}
                }
            }
            (None, _) => {
                // Wakes now and then, so that the task ends when the last clock is dropped.
                tokio::select! {
                    () = tokio::time::sleep(Duration::from_secs(1)) => {}
                    () = self.0.changed.notified() => {}
                }
            }
        }
    }
}
