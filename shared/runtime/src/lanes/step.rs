//! One invocation for a lane.

use std::sync::Arc;
use std::time::Duration;

use errors::JobError;
use models::{ErrorName, Failure, JobRecord, LaneNext, LaneTicket, OutcomeStatus, keys};
use store::Store;

use super::lane::{self, Lane};
use super::{LONGEST_WAIT, LaneStep, Lanes, Turn};
use crate::environment::{Environment, InvalidEnvironment};
use crate::function::{Function, Invocation, about};
use crate::lifecycle::{StepInput, recall_request};

/// The function that serves `step` of the lanes of the kind `L`; `name` is the step's own.
pub fn function<L: Lanes>(
    step: LaneStep,
    name: &'static str,
    environment: &Environment,
) -> Result<Function, InvalidEnvironment> {
    let kind = Arc::new(L::new(environment)?);
    Ok(Function::new(L::KIND.as_str(), name, environment, move |event, invocation| {
        let kind = Arc::clone(&kind);
        async move {
            let input = StepInput::read(event)?;
            let invocation = invocation.entered_at(input.entered_at);
            let ticket = turn(&*kind, step, &invocation, &input).await?;
            serde_json::to_value(ticket).map_err(JobError::defect)
        }
    }))
}

async fn turn<L: Lanes>(
    kind: &L,
    step: LaneStep,
    invocation: &Invocation,
    input: &StepInput,
) -> Result<LaneTicket, JobError> {
    let mut ticket = LaneTicket::from_value(input.ticket.clone()).map_err(JobError::invalid)?;
    if ticket.kind != L::KIND {
        return Err(JobError::invalid(format!("the lane is one of {}, this is {}", ticket.kind, L::KIND)));
    }
    about(&ticket.run_id, Some(&ticket.lane));
    ticket.poll_after_seconds = 0;
    ticket.turns += 1;
    if !goes_on(kind.store(), &ticket).await? {
        ticket.next = LaneNext::Done;
        return Ok(ticket);
    }
    let request = recall_request(kind.store(), &ticket.request).await?;
    let answered = ticket.clone();
    let mut lane = Lane::<L>::open(kind.store(), invocation, &answered, &request).await?;
    lane.obey().await?;
    let turn = match &input.error {
        Some(caught) => {
            let outcome = caught.outcome(lane.now());
            let all = ends_lane::<L>(&caught.error);
            lane.fail(outcome.status, &caught.to_failure(), all)?;
            Turn::Again
        }
        None => one(kind, step, &mut lane).await?,
    };
    (ticket.next, ticket.poll_after_seconds) = match turn {
        _ if lane.item().is_none() => (LaneNext::Done, 0),
        Turn::Again => (LaneNext::Start, 0),
        Turn::Collect => (LaneNext::Collect, 0),
        Turn::Wait(after) => (LaneNext::Wait, waiting(&mut lane, after)),
        Turn::Poll(after) => (LaneNext::Poll, waiting(&mut lane, after)),
    };
    lane.commit().await?;
    // The next execution goes on with a history of its own: at the lane's beginning, where the record
    // says what is to be done.
    if ticket.turns >= LaneTicket::MOST_TURNS {
        ticket.next = LaneNext::Done;
    }
    Ok(ticket)
}

/// One turn of the kind's own. What it had committed to before an error stays.
async fn one<L: Lanes>(kind: &L, step: LaneStep, lane: &mut Lane<'_, L>) -> Result<Turn, JobError> {
    if lane.item().is_none() {
        return Ok(Turn::Again);
    }
    // What is complete is read, however late it is.
    if lane.now() >= lane.deadline() && step != LaneStep::Collect {
        end_late(kind, lane).await?;
        let failure = Failure::new(
            ErrorName::Overdue.as_str(),
            &format!(
                "The run's deadline, {}, passed first. Resume the run with retry \"overdue\" and a larger deadlineHours.",
                lane.deadline()
            ),
        );
        lane.fail(OutcomeStatus::Overdue, &failure, true)?;
        return Ok(Turn::Again);
    }
    let error = match kind.turn(step, lane).await {
        Ok(turn) => return Ok(turn),
        Err(error) => error,
    };
    if ErrorName::TRANSIENT.contains(&error.name()) {
        lane.commit().await?;
        return Err(error);
    }
    tracing::error!(error = error.name().as_str(), "{error}");
    let status = match error.name() {
        ErrorName::QuotaSpent => OutcomeStatus::CarriedOver,
        ErrorName::Overdue => OutcomeStatus::Overdue,
        _ => OutcomeStatus::Failed,
    };
    let failure = Failure::new(error.name().as_str(), &error.to_string());
    lane.fail(status, &failure, L::ends_lane(error.name()))?;
    Ok(Turn::Again)
}

/// Ends what the lane has running, where anything can be ended. What cannot be ended comes to its end by
/// itself, and the lane with it.
async fn end_late<L: Lanes>(kind: &L, lane: &Lane<'_, L>) -> Result<(), JobError> {
    if !L::CANCELS {
        return Ok(());
    }
    let state = lane::state::<L>(&lane.record.value)?;
    match kind.cancel(lane.run_id(), lane.lane_name(), state).await {
        Err(error) if ErrorName::TRANSIENT.contains(&error.name()) => Err(error),
        Err(error) => {
            tracing::error!("{error}");
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

fn ends_lane<L: Lanes>(error: &str) -> bool {
    ErrorName::ALL.into_iter().find(|name| name.as_str() == error).is_some_and(L::ends_lane)
}

/// Counts a wait and bounds it, by the deadline too.
fn waiting<L: Lanes>(lane: &mut Lane<'_, L>, after: Duration) -> u64 {
    lane.record.value.waits += 1;
    let left = lane.deadline().duration_since(lane.now()).min(LONGEST_WAIT);
    let left = u64::try_from(left.as_secs()).unwrap_or(0);
    after.as_secs().min(left).max(1)
}

/// Whether the run still goes on, and in the execution and attempt of this lane.
pub(super) async fn goes_on(store: &Store, ticket: &LaneTicket) -> Result<bool, JobError> {
    let key = keys::record(&ticket.run_id, &ticket.item);
    let record = store.load::<JobRecord>(&key).await?.ok_or_else(|| {
        JobError::new(
            ErrorName::Incomplete,
            format!("run {} has no record, so nobody can say whose lane this is", ticket.run_id),
            "Begin the run with the plan step.",
        )
    })?;
    let models::Phase::Started { .. } = record.value.phase else { return Ok(false) };
    Ok(record.value.attempt == ticket.attempt && record.value.execution == ticket.execution)
}

/// Ends what is left of a lane whose execution ended without having done anything: it would do so
/// again.
pub(super) async fn give_up<L: Lanes>(
    kind: &L,
    invocation: &Invocation,
    ticket: &LaneTicket,
    request: &L::Request,
) -> Result<(), JobError> {
    let mut lane = Lane::<L>::open(kind.store(), invocation, ticket, request).await?;
    lane.obey().await?;
    let failure = Failure::new(
        ErrorName::Incomplete.as_str(),
        "The lane's execution ended without having done anything. Look at the Map Run of the run's execution for its \
         error, then resume the run with retry \"failed\".",
    );
    lane.fail(OutcomeStatus::Failed, &failure, true)?;
    lane.commit().await
}
