//! Which errors a Retry or Catch takes, and how long a retry waits.

use std::time::Duration;

use crate::definition::Retrier;
use crate::service::{StepFunctions, TaskError};

/// Whether a list of names takes an error.
///
/// `States.ALL` takes all but the two that nothing but their own name takes; `States.TaskFailed`
/// takes what a task can end with, except a timeout.
pub(crate) fn matches(names: &[String], error: &str) -> bool {
    names.iter().any(|name| match name.as_str() {
        "States.ALL" => !matches!(error, "States.DataLimitExceeded" | "States.Runtime"),
        "States.TaskFailed" => {
            error != "States.Timeout" && !matches!(error, "States.DataLimitExceeded" | "States.Runtime")
        }
        name => name == error,
    })
}

/// The attempts that each retrier of a state has made since the state was entered.
pub(crate) struct Retries<'a> {
    retriers: &'a [Retrier],
    made: Vec<u32>,
}

impl<'a> Retries<'a> {
    pub(crate) fn new(retriers: &'a [Retrier]) -> Self {
        Self { retriers, made: vec![0; retriers.len()] }
    }

    /// How long to wait before the next attempt; `None` when there is none.
    pub(crate) fn after(&mut self, error: &TaskError, service: &StepFunctions) -> Option<Duration> {
        let index = self.retriers.iter().position(|retrier| matches(&retrier.errors, &error.error))?;
        let (retrier, made) = (self.retriers.get(index)?, self.made.get_mut(index)?);
        if *made >= retrier.max_attempts {
            return None;
        }
        let factor = retrier.backoff_rate.powi(i32::try_from(*made).unwrap_or(i32::MAX));
        *made += 1;
        // The longest delay AWS accepts is a year; a factor beyond it means just that.
        let seconds = (retrier.interval.as_secs_f64() * factor).min(31_622_400.0);
        let full = Duration::from_secs_f64(seconds).min(retrier.max_delay.unwrap_or(Duration::MAX));
        Some(if retrier.full_jitter { full.mul_f64(service.random()) } else { full })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_all_leaves_out_what_only_its_own_name_takes() {
        let all = ["States.ALL".to_owned()];
        assert!(matches(&all, "Anything") && matches(&all, "States.Timeout"));
        assert!(!matches(&all, "States.Runtime") && !matches(&all, "States.DataLimitExceeded"));
        let failed = ["States.TaskFailed".to_owned()];
        assert!(matches(&failed, "Anything") && !matches(&failed, "States.Timeout"));
        assert!(matches(&["States.DataLimitExceeded".to_owned()], "States.DataLimitExceeded"));
    }
}
