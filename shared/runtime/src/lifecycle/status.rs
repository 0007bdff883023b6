//! The status step: asks where the job stands.

use errors::JobError;
use models::{Next, Ticket};
use serde_json::Value;

use super::input::StepInput;
use super::run::Run;
use crate::function::Invocation;
use crate::job::{Job, Progress};

pub(crate) async fn status<J: Job>(
    job: &J,
    invocation: &Invocation,
    input: StepInput,
) -> Result<Ticket, JobError> {
    let mut run = Run::of_ticket(job, &input).await?;
    if matches!(run.ticket.next, Next::Done | Next::Failed) {
        return Ok(run.ticket);
    }
    let mut handle = run.handle()?;
    let progress = job.status(run.context(invocation), &mut handle).await?;
    let handle: Value = serde_json::to_value(handle).map_err(JobError::defect)?;
    match progress {
        // What is complete is collected, even when it was late: the evidence is there.
        Progress::Complete => Ok(run.complete(handle)),
        Progress::Running => {
            run.in_time(invocation.now())?;
            run.ticket.handle = Some(handle);
            Ok(run.wait(Next::Poll, invocation.now()))
        }
    }
}
