//! Makes the changes of the present wave, one at a time, under the writer's lease.
//!
//! Before each change its object is read again. It is as planned: the call is made. It is as it shall be:
//! there is nothing to do. Anything else is somebody else's doing, and nothing more is written. So it is
//! with what a call takes effect on besides its object: see [`crate::dependencies`]. A call whose answer was
//! lost, or that says that it is so already, is settled by reading again.

use std::time::Duration;

use errors::JobError;
use jiff::SignedDuration;
use models::{ErrorName, Phase, keys};
use organizations::{Refusal, Writer};
use runtime::Then;
use runtime::changes::Making;
use store::{Asked, Lease, Records, Versioned};

use crate::config::Access;
use crate::dependencies::{Dependencies, placed};
use crate::effect::{Effect, EffectStatus, Effects};
use crate::object::{ObjectId, State, same};
use crate::observe::Observer;
use crate::operation::Operation;
use crate::perform::perform;
use crate::plan::{Change, Plan};
use crate::progress::Progress;

/// How often an object is read that is neither as planned nor as it shall be, or whose call is in doubt:
/// AWS may not show yet what was changed a moment ago.
const LOOKS: u32 = 7;
const BETWEEN_LOOKS: Duration = Duration::from_secs(5);
/// A change is begun only while the invocation lasts for so long: the call's own repetitions included.
const ENOUGH: Duration = Duration::from_secs(180);
/// While another run holds the lease.
const FOR_THE_LEASE: Duration = Duration::from_secs(30);
/// While a policy type that is on is not on everywhere yet, and for how long.
const FOR_THE_TYPE: Duration = Duration::from_secs(15);
const TYPE_WITHIN: SignedDuration = SignedDuration::from_mins(15);
/// While an organization is being set up, and for how long: "up to an hour".
const FOR_THE_ORGANIZATION: Duration = Duration::from_secs(60);
const ORGANIZATION_WITHIN: SignedDuration = SignedDuration::from_mins(70);

pub(crate) async fn apply(access: &Access, making: Making<'_>, plan: &Plan) -> Result<Then, JobError> {
    let store = &access.store;
    let run = making.run.run_id;
    let progress = Progress::read(store, run).await?;
    let Some(wave) = progress.present(plan.waves.len()) else { return Ok(Then::Publish) };
    if progress.wave(wave).made_at.is_some() {
        return Ok(Then::Verify(Duration::ZERO));
    }
    let effects = Effects { store, run };
    let begun = making.now();
    // A run that has just taken up its plan has looked where accounts lie.
    let placed_at = progress.wave(wave).placed_at.or((wave == 0).then_some(begun));
    let placed_at = placed(access, making, plan, wave, effects, placed_at).await?;
    Progress::note(store, run, wave, |wave| {
        wave.begun_at = wave.begun_at.or(Some(begun));
        wave.placed_at = placed_at;
    })
    .await?;
    let lease = match store.lease(keys::ORGANIZATION_WRITER, run, making.run.writer, making.now()).await? {
        Asked::Granted(lease) => lease,
        Asked::Held(holder) => {
            tracing::info!(holder = holder.run.as_str(), until = %holder.until, "somebody else writes");
            return Ok(Then::Apply(FOR_THE_LEASE));
        }
    };
    let mut wave_of = Applying {
        making,
        effects,
        plan,
        dependencies: Dependencies::default(),
        observer: access.observer(run).await?,
        writer: access.writer(run).await?,
        waited: making.now().duration_since(progress.wave(wave).begun_at.unwrap_or(begun)),
        lease,
    };
    let changes = plan.waves.get(wave).map(|wave| wave.changes.as_slice()).unwrap_or_default();
    let gone = wave_of.changes(changes).await;
    // Whatever came of it. A lease that is not given back is over in some minutes.
    if let Err(error) = wave_of.lease.give_back().await {
        tracing::warn!("the lease could not be given back: {error}");
    }
    if let Some(again) = gone? {
        return Ok(Then::Apply(again));
    }
    let made = making.now();
    Progress::note(store, run, wave, |wave| wave.made_at = wave.made_at.or(Some(made))).await?;
    Ok(Then::Verify(Duration::ZERO))
}

struct Applying<'a> {
    making: Making<'a>,
    effects: Effects<'a>,
    plan: &'a Plan,
    dependencies: Dependencies,
    observer: Observer,
    writer: Writer,
    /// For how long the wave has been at it.
    waited: SignedDuration,
    lease: Lease<'a>,
}

/// What came of one change.
enum Made {
    Through,
    /// Not yet: to be made after so long.
    Again(Duration),
}

impl Applying<'_> {
    /// Makes changes; answers after how long to go on, where not all could be made.
    async fn changes(&mut self, changes: &[Change]) -> Result<Option<Duration>, JobError> {
        recall(&mut self.observer, self.effects, self.plan).await?;
        for change in changes {
            if !self.making.lasts(ENOUGH) {
                return Ok(Some(Duration::ZERO));
            }
            if let Made::Again(after) = self.make(change).await? {
                return Ok(Some(after));
            }
        }
        Ok(None)
    }

    async fn make(&mut self, change: &Change) -> Result<Made, JobError> {
        let mut recorded = self.effects.load(change.number).await?;
        if recorded.as_ref().is_some_and(|effect| effect.value.is_over()) {
            return Ok(Made::Through);
        }
        let object = change.call.object();
        // Whether a call of ours may have taken effect. One that AWS has refused has not.
        let mut may_be_ours = recorded.as_ref().is_some_and(|effect| effect.value.may_be_made());
        let mut doubt = None;
        for look in 1..=LOOKS {
            if look > 1 {
                tokio::time::sleep(BETWEEN_LOOKS).await;
            }
            self.lease.keep(self.making.now()).await?;
            let state = self.observer.observe(&object).await?;
            if change.call.shows(&state) {
                self.found(change, recorded, may_be_ours, state).await?;
                return Ok(Made::Through);
            }
            if !same(&state, &change.before) {
                doubt = Some(outdated(change, &state));
                continue;
            }
            if let Some(differs) = self.dependencies.differ(self.plan, change, &mut self.observer).await? {
                doubt = Some(differs);
                continue;
            }
            // What was read since may have taken its time.
            if !self.making.lasts(ENOUGH) {
                return Ok(Made::Again(Duration::ZERO));
            }
            match self.lease.keep(self.making.now()).await {
                Err(error) if error.name() == ErrorName::Outdated => return Ok(Made::Again(FOR_THE_LEASE)),
                kept => kept?,
            }
            let attempt = match recorded {
                Some(recorded) => self.effects.refused(recorded, false).await?,
                None => self.effects.intend(Effect::attempted(change, state, self.making.now())).await?,
            };
            self.is_open().await?;
            let answer = perform(&self.writer, &mut self.observer, &change.call).await;
            may_be_ours |= matches!(answer, Ok(_) | Err(Refusal::Open(_)));
            let attempt = match may_be_ours {
                true => attempt,
                false => self.effects.refused(attempt, true).await?,
            };
            match answer {
                Ok(policy) => {
                    let (status, now) = (EffectStatus::Made, self.making.now());
                    let after = Some(change.after.clone());
                    let made_at = Some(now);
                    let next = Effect { status, after, made_at, policy, ..attempt.value.clone() };
                    self.effects.settle(&attempt, next).await?;
                    self.dependencies.made(object);
                    tracing::info!(change = change.number, operation = change.call.name(), "made");
                    return Ok(Made::Through);
                }
                Err(Refusal::AlreadySo(error) | Refusal::Open(error) | Refusal::NotYet(error)) => {
                    doubt = Some(error);
                }
                Err(Refusal::TypeNotEnabled(_)) if self.waited < TYPE_WITHIN => {
                    return Ok(Made::Again(FOR_THE_TYPE));
                }
                Err(Refusal::Finalizing(_)) if self.waited < ORGANIZATION_WITHIN => {
                    return Ok(Made::Again(FOR_THE_ORGANIZATION));
                }
                Err(refusal) => return Err(refusal.into_error()),
            }
            recorded = Some(attempt);
        }
        Err(doubt.unwrap_or_else(|| JobError::defect("a change was looked at and nothing was seen")))
    }

    /// It is as it shall be: by a call of ours whose answer was lost, or by somebody else.
    async fn found(
        &mut self,
        change: &Change,
        recorded: Option<Versioned<Effect>>,
        answer_lost: bool,
        state: State,
    ) -> Result<(), JobError> {
        let now = self.making.now();
        let policy = match (&change.call, change.call.object()) {
            (Operation::CreatePolicy { .. }, ObjectId::Policy { policy_type, policy }) => {
                self.observer.find(&policy_type, &policy).await?
            }
            _ => None,
        };
        let present = match recorded {
            Some(recorded) => recorded,
            None => self.effects.intend(Effect::attempted(change, state.clone(), now)).await?,
        };
        let status = if answer_lost { EffectStatus::Made } else { EffectStatus::Found };
        let next = Effect {
            status,
            after: Some(state),
            made_at: answer_lost.then_some(now),
            policy,
            answer_lost,
            ..present.value.clone()
        };
        self.effects.settle(&present, next).await
    }

    /// Refuses to write for a run that was closed, or resumed by somebody else, meanwhile.
    async fn is_open(&self) -> Result<(), JobError> {
        let run = self.making.run;
        let record = Records::new(self.effects.store).load(run.run_id, run.item).await?;
        match record {
            Some(record)
                if matches!(record.value.phase, Phase::Started { .. })
                    && record.value.attempt == run.attempt =>
            {
                Ok(())
            }
            _ => Err(JobError::new(
                ErrorName::Outdated,
                format!("run {} was closed or resumed while it made changes", run.run_id),
                "Nothing was written from then on. What was written is in its records under changes/made/.",
            )),
        }
    }
}

/// Recalls which ids the policies have got that a run has made.
pub(crate) async fn recall(
    observer: &mut Observer,
    effects: Effects<'_>,
    plan: &Plan,
) -> Result<(), JobError> {
    for change in plan.changes() {
        let Operation::CreatePolicy { policy_type, name, .. } = &change.call else { continue };
        let effect = effects.load(change.number).await?;
        if let Some(id) = effect.and_then(|effect| effect.value.policy) {
            observer.made(policy_type, name, id);
        }
    }
    Ok(())
}

/// Characters of a state that an error quotes.
const QUOTED: usize = 240;

pub(crate) fn quoted(state: &State) -> String {
    let text = state.to_string();
    match text.char_indices().nth(QUOTED) {
        None => text,
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
    }
}

fn outdated(change: &Change, state: &State) -> JobError {
    differs(change, &change.call.object(), state, &change.before)
}

/// An object is not as a change was planned for.
pub(crate) fn differs(change: &Change, object: &ObjectId, state: &State, planned: &State) -> JobError {
    JobError::new(
        ErrorName::Outdated,
        format!(
            "change {} ({}): {object} is {}, and was {} when the plan was made",
            change.number,
            change.call.name(),
            quoted(state),
            quoted(planned)
        ),
        "Somebody changed it since. Nothing was written from then on: plan a rollback of this run to take back what it \
         made before, or plan again.",
    )
}
