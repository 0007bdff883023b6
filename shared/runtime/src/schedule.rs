//! How long to wait before asking AWS again.
//!
//! The wait grows with the time already waited, so a job that takes seconds is seen in seconds and
//! one that takes half a day is not asked about a thousand times: late by at most the larger of
//! 60 s and 10 %, at most 75 questions in 12 hours.

use std::time::Duration;

use sha2::{Digest, Sha256};

/// A geometric schedule with jitter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PollSchedule {
    /// The shortest full wait.
    pub first: Duration,
    /// The part of the elapsed time that the next wait lasts.
    pub growth: f64,
    /// The longest wait.
    pub longest: Duration,
}

impl PollSchedule {
    /// For jobs of minutes to hours. The margins below 60 s and 10 % are for what a turn of the
    /// state machine itself takes.
    pub const HOURS: Self =
        Self { first: Duration::from_secs(55), growth: 0.09, longest: Duration::from_secs(3_600) };

    /// Jitter only ever shortens a wait, by at most this part.
    const JITTER: f64 = 0.15;

    /// The wait after `elapsed`, in whole seconds, at least one. `salt` and `number` tell runs and
    /// turns apart, so that many runs do not ask at the same moment.
    pub fn wait(&self, elapsed: Duration, salt: &str, number: u32) -> u64 {
        let full = elapsed.mul_f64(self.growth).clamp(self.first, self.longest);
        let jittered = full.mul_f64(1.0 - Self::JITTER * unit(salt, number));
        jittered.as_secs().max(1)
    }
}

/// A number in `[0, 1)` that depends only on its arguments.
fn unit(salt: &str, number: u32) -> f64 {
    let digest = Sha256::new().chain_update(salt).chain_update(number.to_be_bytes()).finalize();
    let mut head = [0_u8; 4];
    head.copy_from_slice(&digest[..4]);
    f64::from(u32::from_be_bytes(head)) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The moments of all questions up to `until`, where each turn of the machine itself takes `turn`.
    fn questions(schedule: &PollSchedule, salt: &str, turn: Duration, until: Duration) -> Vec<Duration> {
        let mut moments = Vec::new();
        let mut elapsed = Duration::ZERO;
        for number in 0.. {
            elapsed += Duration::from_secs(schedule.wait(elapsed, salt, number)) + turn;
            moments.push(elapsed);
            if elapsed > until {
                break;
            }
        }
        moments
    }

    proptest! {
        #[test]
        fn an_end_is_seen_within_the_larger_of_60_s_and_10_percent(salt in "[a-z0-9]{8}", end in 0_u64..43_200) {
            let end = Duration::from_secs(end);
            let moments = questions(&PollSchedule::HOURS, &salt, Duration::from_millis(400), end);
            let seen = moments.into_iter().find(|moment| *moment >= end).unwrap();
            prop_assert!(seen - end <= Duration::from_secs(60).max(end / 10), "ended {end:?}, seen {seen:?}");
        }

        #[test]
        fn twelve_hours_take_at_most_75_questions(salt in "[a-z0-9]{8}") {
            let moments = questions(&PollSchedule::HOURS, &salt, Duration::ZERO, Duration::from_secs(43_200));
            prop_assert!(moments.len() <= 75, "{}", moments.len());
        }
    }

    #[test]
    fn the_same_turn_waits_the_same_and_different_runs_do_not() {
        let wait = |salt| PollSchedule::HOURS.wait(Duration::from_secs(7_200), salt, 3);
        assert_eq!(wait("a"), wait("a"));
        assert_ne!(wait("a"), wait("b"));
    }
}
