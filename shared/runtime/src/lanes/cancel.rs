//! Ends what the lanes of a run that is over have running in AWS.

use errors::JobError;
use futures_util::stream::{self, StreamExt};
use jiff::SignedDuration;
use models::{ErrorName, Plan};

use super::{Lanes, lane, plan};
use crate::job::{Cancelled, RunContext};

/// Lanes that are ended at once.
const AT_ONCE: usize = 16;
/// The longest that an invocation works on a lane, and so may start something.
const INVOCATION: SignedDuration = SignedDuration::from_mins(15);

pub(super) async fn lanes<L: Lanes>(
    kind: &L,
    run: RunContext<'_>,
    plan: &Plan,
) -> Result<Cancelled, JobError> {
    let lanes = plan::all(kind.store(), plan).await?;
    let records = plan::records(kind.store(), run.run_id, &lanes).await?;
    let mut open = records.values().filter(|record| !record.value.is_closed());
    let may_work = |at| run.now.duration_since(at) < INVOCATION;
    let still = open.any(|record| may_work(record.value.updated_at)) || may_work(plan.since);
    let ended: Vec<_> = stream::iter(records)
        .map(|(name, record)| async move {
            let state = lane::state::<L>(&record.value)?;
            kind.cancel(run.run_id, &name, state).await
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    // One lane's error keeps nothing of the others running.
    for ended in ended {
        match ended {
            // Nobody lets us in any more: looking again would not help.
            Err(error) if error.name() == ErrorName::Denied => tracing::error!("{error}"),
            ended => ended?,
        }
    }
    Ok(if still { Cancelled::NotVisible } else { Cancelled::Ended })
}
