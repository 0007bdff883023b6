//! Sees whether AWS shows what the present wave has changed, then leaves it alone for as long as planned.

use std::time::Duration;

use errors::JobError;
use jiff::{SignedDuration, Timestamp};
use models::{ErrorName, RunId};
use runtime::Then;
use runtime::changes::Making;
use serde_json::Value;

use crate::apply::{quoted, recall};
use crate::config::Access;
use crate::effect::Effects;
use crate::kind::{Planner, Proof, Proving};
use crate::object::{State, same};
use crate::operation::Operation;
use crate::plan::{Change, Plan, last_of_each};
use crate::progress::{Progress, WaveProgress};

/// How long AWS may take to show what was changed.
const WITHIN: SignedDuration = SignedDuration::from_hours(1);
/// Between two looks at what does not show yet.
const BETWEEN: Duration = Duration::from_secs(30);
/// A slice of a proof ends while the invocation still lasts for so long.
pub(crate) const ENOUGH: Duration = Duration::from_secs(60);

pub(crate) async fn prove<P: Planner>(
    planner: &P,
    access: &Access,
    making: Making<'_>,
    plan: &Plan,
) -> Result<Then, JobError> {
    let progress = Progress::read(&access.store, making.run.run_id).await?;
    let Some(wave) = progress.present(plan.waves.len()) else { return Ok(Then::Publish) };
    let mut state = progress.wave(wave);
    if state.made_at.is_none() {
        return Ok(Then::Apply(Duration::ZERO));
    }
    let mut wave_of = WaveProof { planner, access, making, plan, wave };
    let then = wave_of.go(&mut state).await;
    // What was seen so far is kept, whatever came of the rest.
    Progress::note(&access.store, making.run.run_id, wave, |present| present.follow(&state)).await?;
    then
}

struct WaveProof<'a, P> {
    planner: &'a P,
    access: &'a Access,
    making: Making<'a>,
    plan: &'a Plan,
    wave: usize,
}

impl<P: Planner> WaveProof<'_, P> {
    async fn go(&mut self, state: &mut WaveProgress) -> Result<Then, JobError> {
        let Some(wave) = self.plan.waves.get(self.wave) else { return Ok(Then::Publish) };
        let Some(proven) = state.proven_at else {
            if let Some(after) = self.look(state).await? {
                return Ok(Then::Verify(after));
            }
            let now = self.making.now();
            state.proven_at = Some(now);
            return Ok(self.baking(state, now));
        };
        let now = self.making.now();
        if now < proven + wave.bake.duration() {
            return Ok(self.baking(state, proven));
        }
        let proving = self.proving(&wave.changes, &Value::Null);
        for on in &wave.bake.stop_on {
            if let Some(reason) = self.planner.stops(proving, *on).await? {
                return Err(unproven(format!(
                    "wave {}, after {} hours: {reason}",
                    self.wave + 1,
                    wave.bake.hours
                )));
            }
        }
        state.baked_at = Some(now);
        Ok(self.next())
    }

    /// Waits out what is left of the time in which the wave is left alone.
    fn baking(&self, state: &mut WaveProgress, proven: Timestamp) -> Then {
        let hours = self.plan.waves.get(self.wave).map(|wave| wave.bake.duration()).unwrap_or_default();
        let left = (proven + hours).duration_since(self.making.now());
        if left > SignedDuration::ZERO {
            return Then::Verify(Duration::try_from(left).unwrap_or_default());
        }
        state.baked_at = Some(self.making.now());
        self.next()
    }

    fn next(&self) -> Then {
        match self.wave + 1 < self.plan.waves.len() {
            true => Then::Apply(Duration::ZERO),
            false => Then::Publish,
        }
    }

    /// Looks whether the wave's objects are as planned, then whether they have come to what was planned;
    /// answers after how long to look again.
    async fn look(&self, state: &mut WaveProgress) -> Result<Option<Duration>, JobError> {
        let wave = self.plan.waves.get(self.wave).map(|wave| wave.changes.as_slice()).unwrap_or_default();
        let mut observer = self.access.observer(self.making.run.run_id).await?;
        let effects = Effects { store: &self.access.store, run: self.making.run.run_id };
        recall(&mut observer, effects, self.plan).await?;
        for change in last_of_each(wave).into_iter().skip(usize::try_from(state.shown).unwrap_or(0)) {
            if !self.making.lasts(ENOUGH) {
                return Ok(Some(Duration::ZERO));
            }
            let object = change.call.object();
            let seen = observer.observe(&object).await?;
            if !change.is_shown(&seen) {
                return self.not_yet(state, self.making.now(), || {
                    format!("{object} is {}, not {}", quoted(&seen), quoted(&change.after))
                });
            }
            state.shown += 1;
        }
        let proving = self.proving(wave, &state.proof);
        match self.planner.prove(proving, &mut observer).await? {
            Proof::Shown => Ok(None),
            Proof::More(proof) => {
                state.proof = proof;
                Ok(Some(Duration::ZERO))
            }
            Proof::NotYet { proof, as_of, what } => {
                state.proof = proof;
                self.not_yet(state, as_of, || what.clone())
            }
        }
    }

    fn proving<'b>(&'b self, changes: &'b [Change], proof: &'b Value) -> Proving<'b> {
        let Self { access, making, plan, wave, .. } = *self;
        Proving { access, making, plan, wave, changes, proof }
    }

    /// AWS has its hour: what was seen before it was over says nothing, however long the look has taken.
    fn not_yet(
        &self,
        state: &WaveProgress,
        as_of: Timestamp,
        what: impl Fn() -> String,
    ) -> Result<Option<Duration>, JobError> {
        let since = state.made_at.unwrap_or(self.making.run.now);
        if as_of.duration_since(since) < WITHIN {
            return Ok(Some(BETWEEN));
        }
        Err(unproven(format!("an hour after wave {} was made, {}", self.wave + 1, what())))
    }
}

impl Change {
    /// Whether AWS shows what the change has made, and nothing that others have made of it since.
    fn is_shown(&self, seen: &State) -> bool {
        match self.call {
            Operation::CreateOrganization { .. } => self.call.is_shown(seen),
            _ => same(seen, &self.after),
        }
    }
}

fn unproven(what: String) -> JobError {
    JobError::new(
        ErrorName::Unproven,
        what,
        "No later wave was begun. Look what differs, then take the changes back with a rollback of this run, or plan \
         again.",
    )
}

/// Reads every object of a plan again, and refuses it where one is not as it was.
pub(crate) async fn unchanged(access: &Access, run: &RunId, plan: &Plan) -> Result<(), JobError> {
    let mut observer = access.observer(run).await?;
    let mut changed = Vec::new();
    for read in &plan.objects {
        let state = observer.observe(&read.id).await?;
        if !same(&state, &read.state) {
            changed.push(format!("{} is {}, and was {}", read.id, quoted(&state), quoted(&read.state)));
        }
    }
    if changed.is_empty() {
        return Ok(());
    }
    let count = changed.len();
    changed.truncate(5);
    Err(JobError::new(
        ErrorName::Outdated,
        format!(
            "{count} of {} objects that the plan of run {} was made from are not as they were: {}",
            plan.objects.len(),
            plan.run_id,
            changed.join("; ")
        ),
        "Nothing was written. Plan again, read the new plan, and apply that one.",
    ))
}
