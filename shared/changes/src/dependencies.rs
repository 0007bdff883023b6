//! What a call takes effect on besides the object that it changes: read again right before it.
//!
//! To attach a policy is to put into force what it says; to turn a type off is to detach whatever is
//! attached of it; and which accounts a wave reaches is where they lie. All of it may have been changed since
//! the plan was made, while a wave was left alone, or before the run was resumed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use errors::JobError;
use jiff::{SignedDuration, Timestamp};
use models::ErrorName;
use runtime::changes::Making;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::apply::{differs, quoted};
use crate::config::Access;
use crate::effect::Effects;
use crate::object::{ObjectId, State, same};
use crate::observe::Observer;
use crate::operation::Operation;
use crate::plan::{Change, Plan};

/// What was seen so recently is not read again for each of many targets.
const FRESH: Duration = Duration::from_secs(60);
/// Where accounts lie is looked at again, while a wave waits to begin, after so long.
const PLACED: SignedDuration = SignedDuration::from_mins(15);

/// What one invocation has made, and what it has seen.
#[derive(Debug, Default)]
pub(crate) struct Dependencies {
    /// AWS may not show them yet; proving the wave reads them.
    made: BTreeSet<ObjectId>,
    seen: BTreeMap<ObjectId, Instant>,
}

impl Dependencies {
    pub(crate) fn made(&mut self, object: ObjectId) {
        self.made.insert(object);
    }

    /// How something that a change depends on differs from what was planned, if it does.
    pub(crate) async fn differ(
        &mut self,
        plan: &Plan,
        change: &Change,
        observer: &mut Observer,
    ) -> Result<Option<JobError>, JobError> {
        let (object, planned) = match &change.call {
            Operation::AttachPolicy { policy_type, policy, .. } => {
                let id = ObjectId::Policy { policy_type: policy_type.clone(), policy: policy.clone() };
                let before = |it: &&Change| it.number < change.number && it.call.object() == id;
                let made = plan.changes().filter(before).last().map(|it| &it.after);
                let planned = made.or_else(|| plan.state(&id)).map(says);
                (id, planned)
            }
            Operation::DisablePolicyType { policy_type } => {
                let id = ObjectId::InForce { policy_type: policy_type.clone() };
                let planned = plan.state(&id).cloned();
                (id, planned)
            }
            _ => return Ok(None),
        };
        let Some(planned) = planned else { return Ok(None) };
        if self.made.contains(&object) || self.seen.get(&object).is_some_and(|at| at.elapsed() < FRESH) {
            return Ok(None);
        }
        let state = observer.observe(&object).await?;
        let state = if matches!(object, ObjectId::Policy { .. }) { says(&state) } else { state };
        if !same(&state, &planned) {
            observer.forget(&object);
            return Ok(Some(differs(change, &object, &state, &planned)));
        }
        self.seen.insert(object, Instant::now());
        Ok(None)
    }
}

/// What a policy puts into force.
fn says(policy: &State) -> State {
    if policy.is_null() { Value::Null } else { json!({"content": policy["content"]}) }
}

/// Refuses to begin a wave where accounts do not lie any more as they did when the plan was made: what it
/// comes to in those is not known. Answers when that was looked at, which `placed_at` tells of an earlier look.
pub(crate) async fn placed(
    access: &Access,
    making: Making<'_>,
    plan: &Plan,
    wave: usize,
    effects: Effects<'_>,
    placed_at: Option<Timestamp>,
) -> Result<Option<Timestamp>, JobError> {
    let now = making.now();
    let placements: Vec<_> =
        plan.objects.iter().filter(|read| matches!(read.id, ObjectId::Placement { .. })).collect();
    let is_known = placed_at.is_some_and(|at| now.duration_since(at) < PLACED);
    if placements.is_empty() || is_known {
        return Ok(placed_at);
    }
    for change in plan.waves.get(wave).into_iter().flat_map(|wave| &wave.changes) {
        // It has begun.
        if effects.load(change.number).await?.is_some() {
            return Ok(placed_at);
        }
    }
    let mut observer = access.observer(making.run.run_id).await?;
    for read in placements {
        let state = observer.observe(&read.id).await?;
        if !same(&state, &read.state) {
            return Err(JobError::new(
                ErrorName::Outdated,
                format!(
                    "before wave {}: {} is {}, and was {} when the plan was made: accounts were made, moved or closed",
                    wave + 1,
                    read.id,
                    quoted(&state),
                    quoted(&read.state)
                ),
                "The wave was not begun. Plan again, which tells what it comes to in those accounts, or plan a rollback of \
                 this run.",
            ));
        }
    }
    Ok(Some(now))
}
