//! The gather step of a run with lanes: goes on with those that are open, or collects what all left.

use errors::JobError;
use models::{Next, Phase, Ticket};

use super::cancel::cancel;
use super::collect::{commit, recorded};
use super::input::StepInput;
use super::resume::taken;
use super::run::Run;
use crate::function::Invocation;
use crate::job::Job;
use crate::lanes::{FanOut, Lanes};

pub(crate) async fn gather<L: Lanes>(
    job: &FanOut<L>,
    invocation: &Invocation,
    input: StepInput,
) -> Result<Ticket, JobError> {
    if input.error.is_some() {
        return cancel(job, invocation, input).await;
    }
    let mut run = Run::of_ticket(job, &input).await?;
    let record = recorded(job, &run.ticket).await?;
    if matches!(record.value.phase, Phase::Started { .. }) {
        run.is_of(&record.value)?;
        // Lanes that have not begun there would look as if they could not.
        if record.value.execution != run.ticket.execution {
            return Err(taken(&record.value.run_id));
        }
        let plan = run.handle()?;
        if let Some(plan) = job.go_on(invocation, &run.ticket, &run.request.own, plan).await? {
            run.ticket.lanes = job.lanes(&plan);
            run.ticket.handle = Some(serde_json::to_value(plan).map_err(JobError::defect)?);
            run.ticket.next = Next::Lanes;
            return Ok(run.ticket);
        }
    }
    commit(job, invocation, run, record).await
}
