//! The functions of a state machine that changes something: plan, apply, verify. The last one publishes
//! too, and closes the runs that failed.

use std::sync::Arc;

use errors::JobError;
use models::{Next, Phase, Ticket};
use tokio::time::Instant;

use super::{Changes, Changing, Making};
use crate::environment::{Environment, InvalidEnvironment};
use crate::function::{Function, Invocation};
use crate::job::{Job, Then};
use crate::lifecycle::{self, StepInput};

/// The function that plans, or takes up a plan.
pub fn plan_function<C: Changes>(environment: &Environment) -> Result<Function, InvalidEnvironment> {
    lifecycle::function::<Changing<C>>(lifecycle::Step::Plan, environment)
}

/// The function that makes changes.
pub fn apply_function<C: Changes>(environment: &Environment) -> Result<Function, InvalidEnvironment> {
    function::<C>("apply", environment, Doing::Apply)
}

/// The function that sees whether AWS shows them; it publishes what came of a run, and given an error, it
/// closes the run.
pub fn verify_function<C: Changes>(environment: &Environment) -> Result<Function, InvalidEnvironment> {
    function::<C>("verify", environment, Doing::Verify)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doing {
    Apply,
    Verify,
}

fn function<C: Changes>(
    name: &'static str,
    environment: &Environment,
    doing: Doing,
) -> Result<Function, InvalidEnvironment> {
    let job = Arc::new(Changing::<C>::new(environment)?);
    Ok(Function::new(C::KIND.as_str(), name, environment, move |event, invocation| {
        let job = Arc::clone(&job);
        async move {
            let input = StepInput::read(event)?;
            let invocation = invocation.entered_at(input.entered_at);
            lifecycle::answer(&step(&*job, &invocation, input, doing).await?)
        }
    }))
}

async fn step<C: Changes>(
    job: &Changing<C>,
    invocation: &Invocation,
    input: StepInput,
    doing: Doing,
) -> Result<Ticket, JobError> {
    if input.error.is_some() {
        return lifecycle::cancel(job, invocation, input).await;
    }
    let mut run = lifecycle::Run::of_ticket(job, &input).await?;
    let record = lifecycle::recorded(job, &run.ticket).await?;
    run.is_of(&record.value)?;
    match (&record.value.phase, doing) {
        (Phase::Closed { outcome, .. }, _) => return Ok(lifecycle::over(run.ticket, outcome)),
        // Publishing is the other function's.
        (Phase::Collected { handle, .. }, Doing::Apply) => return Ok(run.complete(handle.clone())),
        (Phase::Collected { .. }, Doing::Verify) => {
            return lifecycle::commit(job, invocation, run, record).await;
        }
        (Phase::Started { .. }, Doing::Verify) if run.ticket.next == Next::Collect => {
            return lifecycle::commit(job, invocation, run, record).await;
        }
        (Phase::Started { .. } | Phase::Intended { .. }, _) => {}
    }
    if record.value.execution != run.ticket.execution {
        return Err(lifecycle::taken(&record.value.run_id));
    }
    run.in_time(invocation.now())?;
    let mut handle = run.handle()?;
    let making = Making { run: run.context(invocation), begun: Instant::now(), ends_at: invocation.ends_at };
    let then = match doing {
        Doing::Apply => job.0.apply(making, &mut handle).await?,
        Doing::Verify => job.0.verify(making, &mut handle).await?,
    };
    run.ticket.handle = Some(serde_json::to_value(handle).map_err(JobError::defect)?);
    match then {
        Then::Publish if doing == Doing::Verify => lifecycle::commit(job, invocation, run, record).await,
        then => Ok(run.then(then, invocation.now())),
    }
}
