//! What a plan's changes come to in every account, for the types whose inheritance is known.
//!
//! Accounts with the same targets of policies on their way from the root are one class. Of each class that
//! a plan changes, AWS is asked once what is in force now: where that is not what the engine makes of the
//! policies that are attached now, nobody can say what the changes come to, and so it is unknown.

use std::collections::{BTreeMap, BTreeSet};

use changes::{Draft, InForce, Kept, ObjectId, Operation, Planning, PolicyKey};
use errors::JobError;
use management_policies::{
    Agreement, Attached, AttributeChange, Document, Effective, Level, Levels, PolicyKind, compare,
    difference, predict, problems,
};
use models::AccountId;
use organizations::{AccountState, EffectivePolicy};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::plan::target;

/// The document beside a plan that says what it comes to.
const DOCUMENT: &str = "effects";
/// Accounts and problems that a text names.
const EXAMPLES: usize = 5;

/// What a plan comes to, for each type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Effects {
    pub(crate) types: Vec<TypeEffects>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct TypeEffects {
    pub(crate) kind: PolicyKind,
    pub(crate) classes: Vec<Class>,
    /// Accounts at the targets of which AWS does not tell where they lie.
    pub(crate) unplaced: Vec<AccountId>,
    /// Accounts that are not active: AWS is not asked about them.
    pub(crate) inactive: Vec<AccountId>,
}

/// Accounts in which policies come to the same, before and after every wave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Class {
    /// The targets with policies on the way from the root.
    pub(crate) targets: Vec<String>,
    pub(crate) accounts: Vec<AccountId>,
    /// Why nobody can say what the plan comes to here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) unknown: Option<String>,
    /// What AWS documents to be wrong with what is in force today.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) wrong: BTreeSet<String>,
    /// After each wave, by its number from 0: what is in force then, and what of it the wave has changed.
    pub(crate) waves: Vec<After>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct After {
    pub(crate) effective: Effective,
    pub(crate) changes: Vec<AttributeChange>,
}

/// The effect that is kept beside a plan, if its types have one.
pub(crate) fn kept(details: &Value) -> Result<Option<Kept>, JobError> {
    match &details["effects"] {
        Value::Null => Ok(None),
        kept => serde_json::from_value(kept.clone()).map(Some).map_err(JobError::defect),
    }
}

/// Computes what a draft comes to, and adds it to the draft.
pub(crate) async fn complete(planning: &mut Planning<'_>, draft: &mut Draft) -> Result<Effects, JobError> {
    let mut effects = Effects { types: Vec::new() };
    for kind in [PolicyKind::DeclarativeEc2, PolicyKind::Tag] {
        if let Some(stages) = Stages::of(planning, draft, kind).await? {
            let found = of_type(planning, draft, &stages).await?;
            summarize(draft, &found)?;
            effects.types.push(found);
        }
    }
    if effects.types.is_empty() || !planning.keeps {
        return Ok(effects);
    }
    let run = planning.run.run_id;
    let kept = Kept::write(&planning.access.store, run, DOCUMENT, &effects).await?;
    draft.details["effects"] = serde_json::to_value(kept).map_err(JobError::defect)?;
    Ok(effects)
}

/// The policies of a type and where they are attached: now, and after each wave.
struct Stages {
    kind: PolicyKind,
    now: Stage,
    after: Vec<Stage>,
    /// The targets at which something changes.
    touched: BTreeSet<String>,
}

#[derive(Clone, Default)]
struct Stage {
    contents: BTreeMap<String, Document>,
    attachments: BTreeMap<String, BTreeSet<String>>,
}

impl Stages {
    /// `None` where a draft changes nothing of the type.
    async fn of(
        planning: &mut Planning<'_>,
        draft: &mut Draft,
        kind: PolicyKind,
    ) -> Result<Option<Self>, JobError> {
        let is_of = |call: &Operation| match call.object() {
            ObjectId::Policy { policy_type, .. } | ObjectId::Attachments { policy_type, .. } => {
                policy_type == kind.api()
            }
            _ => false,
        };
        let waves: Vec<Vec<Operation>> = draft
            .waves()
            .map(|wave| wave.changes.iter().map(|change| change.call.clone()).filter(is_of).collect())
            .collect();
        if waves.iter().all(Vec::is_empty) {
            return Ok(None);
        }
        let in_force = planning.observer.in_force(kind.api()).await?;
        let id = ObjectId::InForce { policy_type: kind.api().to_owned() };
        if !draft.has(&id) {
            draft.read(id, in_force.state());
        }
        let now = Stage::of(kind, in_force)?;
        let mut stages = Self { kind, after: Vec::new(), touched: BTreeSet::new(), now };
        let mut stage = stages.now.clone();
        for calls in waves {
            for call in calls {
                let touched = stage.apply(kind, &call)?;
                stages.touched.extend(touched);
            }
            stages.after.push(stage.clone());
        }
        Ok(Some(stages))
    }

    fn all(&self) -> impl Iterator<Item = &Stage> {
        std::iter::once(&self.now).chain(&self.after)
    }

    /// The targets of an account's path that have policies in some stage, from the root.
    fn on_the_way(&self, path: &str) -> Vec<String> {
        let segments = path.split('/').filter(|segment| !segment.is_empty());
        // The first is the organization itself.
        segments
            .skip(1)
            .filter(|segment| self.all().any(|stage| stage.attachments.contains_key(*segment)))
            .map(str::to_owned)
            .collect()
    }
}

impl Stage {
    fn of(kind: PolicyKind, in_force: &InForce) -> Result<Self, JobError> {
        let mut stage = Self::default();
        for (id, policy) in &in_force.policies {
            stage.contents.insert(id.to_string(), read(kind, &policy.content)?);
        }
        for (target, policies) in &in_force.attachments {
            let policies = policies.iter().map(ToString::to_string).collect();
            stage.attachments.insert(target.clone(), policies);
        }
        Ok(stage)
    }

    /// Makes a change; answers the targets at which it makes a difference.
    fn apply(&mut self, kind: PolicyKind, call: &Operation) -> Result<Vec<String>, JobError> {
        Ok(match call {
            Operation::CreatePolicy { name, content, .. } => {
                self.contents.insert(PolicyKey::New(name.clone()).to_string(), read(kind, content)?);
                Vec::new()
            }
            Operation::UpdatePolicy { policy, content: Some(content), .. } => {
                let key = policy.to_string();
                self.contents.insert(key.clone(), read(kind, content)?);
                let has = |(_, policies): &(&String, &BTreeSet<String>)| policies.contains(&key);
                self.attachments.iter().filter(has).map(|(target, _)| target.clone()).collect()
            }
            Operation::AttachPolicy { policy, target, .. } => {
                self.attachments.entry(target.clone()).or_default().insert(policy.to_string());
                vec![target.clone()]
            }
            Operation::DetachPolicy { policy, target, .. } => {
                if let Some(policies) = self.attachments.get_mut(target) {
                    policies.remove(&policy.to_string());
                }
                vec![target.clone()]
            }
            _ => Vec::new(),
        })
    }

    fn levels(&self, kind: PolicyKind, targets: &[String]) -> Result<Levels, JobError> {
        let level = |target: &String| {
            let policies = self.attachments.get(target).into_iter().flatten();
            let attached = policies.map(|policy| {
                let document = self.contents.get(policy).cloned();
                let missing = || JobError::defect(format!("{policy} is attached and was not read"));
                Ok(Attached { policy: policy.clone(), document: document.ok_or_else(missing)? })
            });
            Ok(Level { target: target.clone(), attached: attached.collect::<Result<_, JobError>>()? })
        };
        let levels = targets.iter().map(level).collect::<Result<_, JobError>>()?;
        Levels::new(kind, levels).map_err(JobError::defect)
    }
}

fn read(kind: PolicyKind, content: &str) -> Result<Document, JobError> {
    Document::read_attached(kind, content)
        .map_err(|problems| JobError::defect(format!("a policy that AWS has is not readable: {problems:?}")))
}

async fn of_type(
    planning: &mut Planning<'_>,
    draft: &mut Draft,
    stages: &Stages,
) -> Result<TypeEffects, JobError> {
    let mut found =
        TypeEffects { kind: stages.kind, classes: Vec::new(), unplaced: Vec::new(), inactive: Vec::new() };
    let mut classes: BTreeMap<Vec<String>, BTreeSet<AccountId>> = BTreeMap::new();
    for touched in &stages.touched {
        let touched = target(touched)?;
        let id = ObjectId::Placement { target: touched.clone() };
        if !draft.has(&id) {
            let state = planning.observer.observe(&id).await?;
            draft.read(id, state);
        }
        for account in planning.observer.accounts_at(&touched).await? {
            match (&account.state, &account.path) {
                (AccountState::NotActive(_), _) => found.inactive.push(account.id.clone()),
                (_, None) => found.unplaced.push(account.id.clone()),
                (_, Some(path)) => {
                    let class = classes.entry(stages.on_the_way(path)).or_default();
                    class.insert(account.id.clone());
                }
            }
        }
    }
    // Nobody can say whether these lie below a unit that is touched.
    if stages.touched.iter().any(|it| it.starts_with("ou-")) {
        let unplaced = planning.observer.unplaced().await?;
        found.unplaced.extend(unplaced.into_iter().map(|account| account.id.clone()));
    }
    for list in [&mut found.inactive, &mut found.unplaced] {
        list.sort();
        list.dedup();
    }
    for (targets, accounts) in classes {
        let class = class(planning, stages, targets, accounts.into_iter().collect()).await?;
        found.classes.extend(class);
    }
    Ok(found)
}

/// What changes for a class; `None` where nothing does.
async fn class(
    planning: &mut Planning<'_>,
    stages: &Stages,
    targets: Vec<String>,
    accounts: Vec<AccountId>,
) -> Result<Option<Class>, JobError> {
    let kind = stages.kind;
    let before = stages.now.levels(kind, &targets)?;
    let after: Vec<Levels> =
        stages.after.iter().map(|stage| stage.levels(kind, &targets)).collect::<Result<_, _>>()?;
    if after.iter().all(|levels| *levels == before) {
        return Ok(None);
    }
    let Some(one) = accounts.first() else { return Ok(None) };
    let computed = before.effective();
    let told = planning.observer.organization().effective_policy(kind.api(), Some(one)).await;
    let (told, mut unknown) = match told {
        Ok(EffectivePolicy::Content { content, .. }) => {
            let told = serde_json::from_str(&content).unwrap_or(Value::Null);
            let doubt = doubt(&compare(&computed, &told), one);
            (told, doubt)
        }
        Ok(EffectivePolicy::NotFound) => {
            (Value::Null, Some(format!("AWS says that {one} has no effective policy of the type")))
        }
        Err(error) if error.name() == models::ErrorName::Denied => {
            (Value::Null, Some(format!("the effective policy of {one} could not be read: {error}")))
        }
        Err(error) => return Err(error),
    };
    let settled = if told.is_null() { computed } else { computed.settled_by(&told) };
    let wrong = problems(&settled).iter().map(ToString::to_string).collect();
    let mut waves = Vec::new();
    let mut last = settled;
    for levels in &after {
        let effective = if told.is_null() { levels.effective() } else { predict(&before, &told, levels) };
        let changes = difference(&last, &effective);
        waves.push(After { changes, effective: effective.clone() });
        last = effective;
    }
    let open = waves.iter().flat_map(|after| after.effective.unknown().map(|(path, _)| path)).next();
    if unknown.is_none()
        && let Some(path) = open
    {
        unknown = Some(format!("what {path} comes to depends on what AWS does not tell"));
    }
    Ok(Some(Class { targets, accounts, unknown, wrong, waves }))
}

/// Why what AWS tells is in doubt, if it is.
fn doubt(agreement: &Agreement, account: &AccountId) -> Option<String> {
    match agreement {
        Agreement::Agrees => None,
        Agreement::Differs(differs) => {
            let paths: Vec<_> = differs.iter().take(EXAMPLES).map(|it| it.path.as_str()).collect();
            Some(format!(
                "in {account}, AWS tells otherwise than its policies come to today: {}",
                paths.join(", ")
            ))
        }
        Agreement::Undecided(paths) => {
            let paths: Vec<_> = paths.iter().take(EXAMPLES).map(String::as_str).collect();
            Some(format!(
                "in {account}, nobody can say whether AWS tells what its policies come to: {}",
                paths.join(", ")
            ))
        }
        Agreement::NotReadable(why) => {
            Some(format!("what AWS tells of {account} is not of the form of an effective policy: {why}"))
        }
    }
}

/// Adds to a draft what its effect is in short, and refuses what AWS would not accept; what it does not accept
/// today already, and a way back, are told.
fn summarize(draft: &mut Draft, found: &TypeEffects) -> Result<(), JobError> {
    let count =
        |classes: &mut dyn Iterator<Item = &Class>| classes.map(|class| class.accounts.len()).sum::<usize>();
    let affected = count(&mut found.classes.iter());
    let unknown =
        count(&mut found.classes.iter().filter(|class| class.unknown.is_some())) + found.unplaced.len();
    for class in &found.classes {
        let wrong = class.waves.iter().flat_map(|after| problems(&after.effective));
        let wrong: BTreeSet<_> = wrong.map(|problem| problem.to_string()).collect();
        let told = |wrong: &mut dyn Iterator<Item = &String>| {
            format!(
                "in {} accounts (such as {}) the {} would come to what AWS does not accept: {}",
                class.accounts.len(),
                class.accounts.first().map(AccountId::as_str).unwrap_or_default(),
                found.kind.api(),
                wrong.take(EXAMPLES).cloned().collect::<Vec<_>>().join("; ")
            )
        };
        let is_back = draft.rolls_back.is_some();
        if !is_back && !wrong.is_subset(&class.wrong) {
            return Err(JobError::invalid(told(&mut wrong.difference(&class.wrong))));
        }
        if !wrong.is_empty() {
            draft.warnings.push(told(&mut wrong.iter()));
        }
        if let Some(why) = &class.unknown {
            draft.warnings.push(format!("unknown for {} accounts: {why}", class.accounts.len()));
        }
    }
    if !found.unplaced.is_empty() {
        draft.warnings.push(format!("AWS does not tell where {} accounts lie", found.unplaced.len()));
    }
    draft.unknown += u64::try_from(unknown).unwrap_or(u64::MAX);
    draft.details["affected"][found.kind.api()] = json!({"accounts": affected + found.unplaced.len(), "unknown": unknown, "inactive": found.inactive.len()});
    Ok(())
}
