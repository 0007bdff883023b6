//! A kind of job that changes an organization. A kind knows what is wished and how it is proven; how a
//! plan is kept, applied and taken back is the same for all.

use std::future::Future;
use std::time::Duration;

use errors::JobError;
use jiff::Timestamp;
use models::{Coverage, ErrorName, Kind, RunId, digest, keys};
use runtime::changes::{Changes, Making};
use runtime::{
    Collected, Environment, InvalidEnvironment, Part, RunContext, Then, WouldStart, without_texts,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::Store;

use crate::apply::{apply, recall};
use crate::config::Access;
use crate::draft::Draft;
use crate::effect::{EffectStatus, Effects};
use crate::observe::Observer;
use crate::plan::{Change, Plan, StopOn};
use crate::prove::{ENOUGH, prove, unchanged};
use crate::request::{Asks, Request};
use crate::{rollback, table};

/// The most bytes of an object that says what is desired: an organization has at most some thousands of policies.
const MOST_BYTES: u64 = 16 * 1024 * 1024;

/// What planning is given.
#[derive(Debug)]
pub struct Planning<'a> {
    pub access: &'a Access,
    pub run: RunContext<'a>,
    pub observer: Observer,
    /// Whether documents may be written beside the plan: not by a dry run.
    pub keeps: bool,
}

/// What proving a wave is given.
#[derive(Debug, Clone, Copy)]
pub struct Proving<'a> {
    pub access: &'a Access,
    pub making: Making<'a>,
    pub plan: &'a Plan,
    pub wave: usize,
    /// The wave's changes, all of them made and shown.
    pub changes: &'a [Change],
    /// What an earlier slice of the proof has answered; `null` in the first.
    pub proof: &'a Value,
}

impl Proving<'_> {
    /// Whether a slice has to end.
    pub fn is_over(&self) -> bool {
        !self.making.lasts(ENOUGH)
    }

    /// Lets an observer know which ids the policies have got that the run has made.
    pub async fn recall(&self, observer: &mut Observer) -> Result<(), JobError> {
        let effects = Effects { store: &self.access.store, run: self.making.run.run_id };
        recall(observer, effects, self.plan).await
    }
}

/// What came of a slice of a proof.
#[derive(Debug)]
pub enum Proof {
    Shown,
    /// The slice's time is up; go on.
    More(Value),
    /// AWS does not show it yet.
    NotYet {
        proof: Value,
        /// Nothing of it was seen earlier.
        as_of: Timestamp,
        what: String,
    },
}

/// A document that a plan keeps beside itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Kept {
    pub key: String,
    pub sha256: String,
}

impl Kept {
    /// Writes a document beside the plan of a run.
    pub async fn write<T: Serialize>(
        store: &Store,
        run: &RunId,
        name: &str,
        document: &T,
    ) -> Result<Self, JobError> {
        let sha256 = digest::sha256_of_document(document).map_err(JobError::defect)?;
        // A repeated step may keep another one: a plan names its own.
        let short = sha256.get(..16).unwrap_or_default();
        let key = keys::change_document(run, &format!("{name}-{short}.json"));
        store.put(&key, serde_json::to_vec(document).map_err(JobError::defect)?).await?;
        Ok(Self { key, sha256 })
    }

    /// Reads it, and refuses it where it has been changed since.
    pub async fn read<T: Serialize + DeserializeOwned>(&self, store: &Store) -> Result<T, JobError> {
        let changed =
            |what: String| JobError::new(ErrorName::Outdated, what, "Nothing was written. Plan again.");
        let Some(document) = store.load::<T>(&self.key).await? else {
            return Err(changed(format!("{} is no longer in the bucket", self.key)));
        };
        if digest::sha256_of_document(&document.value).map_err(JobError::defect)? != self.sha256 {
            return Err(changed(format!("{} was changed after it had been made", self.key)));
        }
        Ok(document.value)
    }
}

/// A kind that changes an organization.
pub trait Planner: Sized + Send + Sync + 'static {
    const KIND: Kind;
    const DEADLINE_HOURS: u32;

    type Desired: Serialize + DeserializeOwned + std::fmt::Debug + Send + Sync;

    fn new(environment: &Environment) -> Result<Self, InvalidEnvironment>;

    /// The checks of what is wished that need nothing but itself.
    fn check(&self, desired: &Self::Desired) -> Result<(), JobError>;

    /// Makes a plan of what is wished. Changes nothing.
    fn draft(
        &self,
        planning: &mut Planning<'_>,
        desired: &Self::Desired,
    ) -> impl Future<Output = Result<Draft, JobError>> + Send;

    /// Completes the plan of a way back, as far as the kind knows more of it than its changes.
    fn complete(
        &self,
        _planning: &mut Planning<'_>,
        _draft: &mut Draft,
    ) -> impl Future<Output = Result<(), JobError>> + Send {
        async { Ok(()) }
    }

    /// Sees whether a wave's changes have come to what was planned; the objects themselves are as planned.
    fn prove(
        &self,
        _proving: Proving<'_>,
        _observer: &mut Observer,
    ) -> impl Future<Output = Result<Proof, JobError>> + Send {
        async { Ok(Proof::Shown) }
    }

    /// Why a run ends when a wave has been left alone, if it does.
    fn stops(
        &self,
        _proving: Proving<'_>,
        _on: StopOn,
    ) -> impl Future<Output = Result<Option<String>, JobError>> + Send {
        async { Ok(None) }
    }

    /// Further tables of a plan.
    fn tables(
        &self,
        _access: &Access,
        _run: RunContext<'_>,
        _plan: &Plan,
    ) -> impl Future<Output = Result<(Vec<Part>, Coverage), JobError>> + Send {
        async {
            // It speaks of no account.
            Ok((Vec::new(), Coverage { expected_accounts: Some(0), ..Coverage::default() }))
        }
    }
}

/// Where a run's plan is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Handle {
    /// The run that has made the plan.
    pub plan: RunId,
    pub digest: String,
    /// Whether this run makes its changes.
    pub applies: bool,
}

/// A [`Planner`] as a kind whose runs change something.
#[derive(Debug)]
pub struct Planned<P> {
    planner: P,
    access: Access,
}

impl<P: Planner> Planned<P> {
    fn planning<'a>(&'a self, run: RunContext<'a>, observer: Observer, keeps: bool) -> Planning<'a> {
        Planning { access: &self.access, run, observer, keeps }
    }

    /// Makes the plan that a request asks for.
    async fn plan(
        &self,
        run: RunContext<'_>,
        request: &Request<P::Desired>,
        keeps: bool,
    ) -> Result<Plan, JobError> {
        let mut planning = self.planning(run, self.access.observer(run.run_id).await?, keeps);
        let read;
        let draft = match request.asks()? {
            Asks::Desired(desired) => self.planner.draft(&mut planning, desired).await?,
            Asks::DesiredKey(key) => {
                read = self.desired(key).await?;
                self.planner.check(&read)?;
                self.planner.draft(&mut planning, &read).await?
            }
            Asks::Rollback(of) => {
                let mut draft = rollback::draft(&mut planning, P::KIND, &of.run).await?;
                self.planner.complete(&mut planning, &mut draft).await?;
                draft
            }
            Asks::Apply(_) => return Err(JobError::defect("a plan was to be made of a plan")),
        };
        draft.seal(P::KIND, run.run_id.clone(), run.now)
    }

    async fn desired(&self, key: &str) -> Result<P::Desired, JobError> {
        let object = self.access.store.get_at_most(key, MOST_BYTES).await?;
        let object = object.ok_or_else(|| JobError::invalid(format!("there is no object {key}")))?;
        serde_json::from_slice(&object.bytes)
            .map_err(|error| JobError::invalid(format!("{key}: {}", without_texts(&error.to_string()))))
    }

    /// The plan that a request wants applied, if it may be.
    async fn taken_up(
        &self,
        run: RunContext<'_>,
        of: &crate::request::Apply,
        accept_unknown: bool,
    ) -> Result<Plan, JobError> {
        let plan = Plan::read(&self.access.store, &of.run).await?;
        if plan.kind != P::KIND {
            return Err(JobError::invalid(format!(
                "run {} has planned for {}, this is {}",
                of.run,
                plan.kind,
                P::KIND
            )));
        }
        if plan.digest != of.digest {
            return Err(JobError::new(
                ErrorName::Outdated,
                format!("the plan of run {} has the digest {}, not {}", of.run, plan.digest, of.digest),
                "Nothing was written. Read the plan, and apply it by its own digest.",
            ));
        }
        if plan.unknown > 0 && !accept_unknown {
            return Err(JobError::invalid(format!(
                "in {} accounts nobody can say what the plan of run {} comes to: apply it with acceptUnknown if it shall \
                 be made all the same",
                plan.unknown, of.run
            )));
        }
        let bakes: i64 = plan.waves.iter().map(|wave| wave.bake.duration().as_hours()).sum();
        let hours = run.deadline.duration_since(run.now).as_hours();
        if bakes > 0 && bakes >= hours {
            return Err(JobError::invalid(format!(
                "the waves are left alone for {bakes} hours, and the run may take {hours}: apply it with a larger \
                 deadlineHours"
            )));
        }
        unchanged(&self.access, run.run_id, &plan).await?;
        Ok(plan)
    }

    async fn planned(&self, handle: &Handle) -> Result<Plan, JobError> {
        let plan = Plan::read(&self.access.store, &handle.plan).await?;
        if plan.digest == handle.digest {
            return Ok(plan);
        }
        Err(JobError::new(
            ErrorName::Outdated,
            format!("the plan of run {} is not the one that this run began with", handle.plan),
            "Nothing was written from then on. Plan again.",
        ))
    }
}

impl<P: Planner> Changes for Planned<P> {
    const KIND: Kind = P::KIND;
    const DEADLINE_HOURS: u32 = P::DEADLINE_HOURS;

    type Request = Request<P::Desired>;
    type Handle = Handle;

    fn new(environment: &Environment) -> Result<Self, InvalidEnvironment> {
        Ok(Self { planner: P::new(environment)?, access: Access::new(environment)? })
    }

    fn store(&self) -> &Store {
        &self.access.store
    }

    fn check(&self, request: &Self::Request) -> Result<(), JobError> {
        match request.asks()? {
            Asks::Desired(desired) => self.planner.check(desired),
            _ => Ok(()),
        }
    }

    async fn begin(&self, run: RunContext<'_>, request: &Self::Request) -> Result<Handle, JobError> {
        let (plan, applies) = match request.asks()? {
            Asks::Apply(of) => (self.taken_up(run, of, request.accept_unknown).await?, true),
            _ => {
                let plan = self.plan(run, request, true).await?;
                (plan.keep(&self.access.store).await?, false)
            }
        };
        Ok(Handle { plan: plan.run_id, digest: plan.digest, applies })
    }

    fn then(&self, handle: &Handle) -> Then {
        if handle.applies { Then::Apply(Duration::ZERO) } else { Then::Publish }
    }

    async fn preview(&self, run: RunContext<'_>, request: &Self::Request) -> Result<WouldStart, JobError> {
        let plan = match request.asks()? {
            Asks::Apply(of) => self.taken_up(run, of, request.accept_unknown).await?,
            _ => self.plan(run, request, false).await?,
        };
        let calls: Vec<_> =
            plan.changes().map(|change| format!("{} {}", change.call.name(), change.call.object())).collect();
        Ok(match calls.len() {
            0 => WouldStart::no("nothing differs"),
            count => WouldStart::yes(format!(
                "{count} changes in {} waves: {}{}",
                plan.waves.len(),
                calls.iter().take(5).cloned().collect::<Vec<_>>().join(", "),
                if count > 5 { ", …" } else { "" }
            )),
        })
    }

    async fn apply(&self, making: Making<'_>, handle: &mut Handle) -> Result<Then, JobError> {
        apply(&self.access, making, &self.planned(handle).await?).await
    }

    async fn verify(&self, making: Making<'_>, handle: &mut Handle) -> Result<Then, JobError> {
        if !handle.applies {
            return Ok(Then::Publish);
        }
        prove(&self.planner, &self.access, making, &self.planned(handle).await?).await
    }

    async fn collect(&self, run: RunContext<'_>, handle: &Handle) -> Result<Collected, JobError> {
        let plan = self.planned(handle).await?;
        let effects = match handle.applies {
            true => Effects { store: &self.access.store, run: run.run_id }.all().await?,
            false => Vec::new(),
        };
        let mut parts = vec![table::write(&self.access.store, run, &plan, &effects).await?];
        let (further, coverage) = self.planner.tables(&self.access, run, &plan).await?;
        parts.extend(further);
        let mut result = json!({
            "plan": keys::change_plan(&plan.run_id),
            "planRun": plan.run_id,
            "digest": plan.digest,
            "changes": plan.changes().count(),
            "waves": plan.waves.len(),
            "warnings": plan.warnings.len(),
            "unknownAccounts": plan.unknown,
            "applied": handle.applies,
        });
        if handle.applies {
            let count = |status| json!(effects.iter().filter(|it| it.status == status).count());
            result["made"] = count(EffectStatus::Made);
            result["found"] = count(EffectStatus::Found);
        }
        // What a run has applied was seen after its plan, which was published before it.
        let observed_at = if handle.applies { run.now } else { plan.made_at };
        Ok(Collected { parts, observed_at: Some(observed_at), coverage, result })
    }
}
