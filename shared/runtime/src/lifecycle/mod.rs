//! The steps of a job, the same for every kind.
//!
//! | step | takes | answers |
//! |---|---|---|
//! | [`start`] | a request, or a ticket that waits | `wait`, `poll`, `collect` or `done` |
//! | [`status`] | a ticket of a running job | `poll` or `collect` |
//! | [`collect`] | a ticket of a complete job | `done` |
//! | [`gather`] | a ticket whose lanes' executions have ended | `lanes` while some are open, else as `collect` |
//! | [`cancel`] | whatever the failed step had, and its error | `failed`, or `done` when the run had succeeded after all |
//!
//! Every step may run twice, at any time after it first ran, and after a crash at any point of its
//! first run: what it did is found again in the record, in AWS's own list, or in the bytes that are
//! already there. Nothing is started twice, and an outcome, once recorded, stays.

mod attempt;
mod cancel;
mod collect;
mod gather;
mod input;
mod record;
mod request;
mod resume;
mod run;
mod runs_row;
mod start;
mod status;

pub(crate) use cancel::cancel;
pub(crate) use collect::{commit, recorded};
pub use input::{Caught, Execution, StepInput};
pub(crate) use request::recall_own as recall_request;
pub use request::{Common, is_yes, without_texts, yes};
pub(crate) use resume::taken;
pub(crate) use run::{Run, over};
pub(crate) use runs_row::RUNS;

use std::sync::Arc;

use errors::JobError;
use models::Ticket;
use serde_json::Value;

use crate::environment::{Environment, InvalidEnvironment};
use crate::function::Function;
use crate::job::Job;
use crate::lanes::{FanOut, Lanes};

/// The steps of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The start step of a kind whose runs have lanes, or change something.
    Plan,
    Start,
    Status,
    /// Start and status in one function, of a kind that is made from what others publish.
    Evaluate,
    Collect,
    /// Collect and cancel in one function.
    Publish,
    Cancel,
}

impl Step {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Start => "start",
            Self::Status => "status",
            Self::Evaluate => "evaluate",
            Self::Collect => "collect",
            Self::Publish => "publish",
            Self::Cancel => "cancel",
        }
    }
}

/// The function that serves `step` of the kind `J`.
pub fn function<J: Job>(step: Step, environment: &Environment) -> Result<Function, InvalidEnvironment> {
    let job = Arc::new(J::new(environment)?);
    Ok(Function::new(J::KIND.as_str(), step.as_str(), environment, move |event, invocation| {
        let job = Arc::clone(&job);
        async move {
            let input = StepInput::read(event)?;
            let invocation = invocation.entered_at(input.entered_at);
            let ticket = match step {
                Step::Plan | Step::Start => start::start(&*job, &invocation, input).await,
                Step::Status => status::status(&*job, &invocation, input).await,
                Step::Evaluate if input.is_refreshed() => status::status(&*job, &invocation, input).await,
                Step::Evaluate => start::start(&*job, &invocation, input).await,
                Step::Publish if input.error.is_some() => cancel::cancel(&*job, &invocation, input).await,
                Step::Publish => collect::collect(&*job, &invocation, input).await,
                Step::Collect => collect::collect(&*job, &invocation, input).await,
                Step::Cancel => cancel::cancel(&*job, &invocation, input).await,
            }?;
            answer(&ticket)
        }
    }))
}

/// The function that gathers the runs of a kind with lanes.
pub(crate) fn gather_function<L: Lanes>(
    job: Arc<FanOut<L>>,
    environment: &Environment,
) -> Result<Function, InvalidEnvironment> {
    Ok(Function::new(L::KIND.as_str(), "gather", environment, move |event, invocation| {
        let job = Arc::clone(&job);
        async move {
            let input = StepInput::read(event)?;
            let invocation = invocation.entered_at(input.entered_at);
            answer(&gather::gather(&*job, &invocation, input).await?)
        }
    }))
}

/// The ticket as the state machine carries it. Its size is bounded by construction; a ticket that
/// is too large all the same is caught here, before it can end an execution at 256 KiB.
pub(crate) fn answer(ticket: &Ticket) -> Result<Value, JobError> {
    let value = serde_json::to_value(ticket).map_err(JobError::defect)?;
    let bytes = value.to_string().len();
    if bytes > Ticket::MAX_BYTES {
        return Err(JobError::defect(format!(
            "a ticket of {bytes} bytes exceeds the limit of {}",
            Ticket::MAX_BYTES
        )));
    }
    Ok(value)
}
