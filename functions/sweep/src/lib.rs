//! The sweep: however a run ends, nothing of ours runs on for longer than this function's interval.
//!
//! No Catch runs when an execution is stopped or times out, and a cancel step can fail. So this
//! function runs on every ABORTED, TIMED_OUT and FAILED event of a state machine, and every 15
//! minutes besides. It reads the markers under `open/`, asks Step Functions whether their executions
//! still run, and has the kind's cancel function end and close those that do not. A run of which not
//! even a marker was written is told by the event itself. The regular invocations also tell how long
//! ago a run was published.

mod config;
mod event;
mod open;
mod published;

pub use config::VARIABLES;

use std::sync::Arc;

use errors::JobError;
use models::ErrorName;
use runtime::metrics::figure;
use runtime::{Environment, Function, InvalidEnvironment};
use serde_json::{Value, json};

use config::Config;
use event::Ended;
use open::{Sweep, Swept};

/// The function.
pub fn function(environment: &Environment) -> Result<Function, InvalidEnvironment> {
    let config = Arc::new(Config::new(environment)?);
    let metrics = Arc::clone(&environment.metrics);
    Ok(Function::new("sweep", "sweep", environment, move |event, invocation| {
        let (config, metrics) = (Arc::clone(&config), Arc::clone(&metrics));
        async move {
            let invocation = invocation.entered_at(event::time(&event));
            let sweep = Sweep::new(&config, &invocation);
            let ended = Ended::read(&event);
            let told = match &ended {
                Some(ended) => sweep.close_ended(ended).await,
                None => Swept::default(),
            };
            let swept = sweep.all(ended.as_ref()).await? + told;
            metrics.emit(&figure("sweep", "OpenItems", "Count", f64::from(swept.left)));
            // By the clock, not whenever a run fails; and whether or not everything could be closed.
            if ended.is_none()
                && let Some(hours) = published::hours_since(&config.store, invocation.now()).await?
            {
                metrics.emit(&figure("sweep", "hours_since_published", "None", hours));
            }
            swept.answer()
        }
    }))
}

impl Swept {
    /// The answer, or an error when something could not be closed: the invocation is repeated, and
    /// the alarm on this function's errors tells.
    fn answer(&self) -> Result<Value, JobError> {
        if let Some(failure) = self.failures.first() {
            return Err(JobError::new(
                ErrorName::Incomplete,
                format!(
                    "{} of {} items could not be closed; the first: {failure}",
                    self.failures.len(),
                    self.seen
                ),
                "They are tried again within 15 minutes. If it persists, look at the cancel function's log.",
            ));
        }
        Ok(json!({"seen": self.seen, "closed": self.closed, "left": self.left}))
    }
}
