//! The plan of the way back: the opposite of every change that a run has made, last first.
//!
//! What is not as the run left it is somebody else's by now: it is left alone, and the plan says so. What
//! was found as it should be was not made by the run, and stays.

use std::collections::{BTreeMap, BTreeSet};

use errors::JobError;
use models::{ErrorName, ItemName, Kind, Phase, RunId};
use organizations::CONTROL_TOWER;
use serde_json::{Value, json};
use store::Records;

use crate::draft::Draft;
use crate::effect::{Effect, Effects};
use crate::kind::{Handle, Planning};
use crate::object::{ObjectId, PolicyKey, State, same};
use crate::operation::{Operation, Tagged, keys_of};
use crate::plan::{Bake, Change, Plan};

/// What AWS attaches everywhere when the type is turned on.
const ATTACHED_BY_AWS: [(&str, &str); 2] =
    [("SERVICE_CONTROL_POLICY", "p-FullAWSAccess"), ("RESOURCE_CONTROL_POLICY", "p-RCPFullAWSAccess")];

pub(crate) async fn draft(planning: &mut Planning<'_>, kind: Kind, run: &RunId) -> Result<Draft, JobError> {
    let store = &planning.access.store;
    let plan = plan_of(planning, kind, run).await?;
    let effects: BTreeMap<u32, Effect> =
        Effects { store, run }.all().await?.into_iter().map(|effect| (effect.number, effect)).collect();
    let mut back =
        Back { planning, plan: &plan, draft: Draft::new(), keys: BTreeMap::new(), gone: BTreeSet::new() };
    back.draft.rolls_back = Some(run.clone());
    let organization = back.planning.observer.observe(&ObjectId::Organization).await?;
    back.draft.read(ObjectId::Organization, organization);
    for change in plan.changes() {
        if let (Operation::CreatePolicy { policy_type, name, .. }, Some(effect)) =
            (&change.call, effects.get(&change.number))
            && let Some(id) = &effect.policy
        {
            let key = (policy_type.clone(), PolicyKey::New(name.clone()));
            back.keys.insert(key, PolicyKey::Id(id.clone()));
        }
    }
    let changes: Vec<_> = plan.changes().collect();
    for change in changes.into_iter().rev() {
        match effects.get(&change.number) {
            Some(effect) if effect.may_be_made() => back.undo(change, effect).await?,
            _ => {}
        }
    }
    Ok(back.draft)
}

/// The plan that a run has applied.
async fn plan_of(planning: &Planning<'_>, kind: Kind, run: &RunId) -> Result<Plan, JobError> {
    let store = &planning.access.store;
    let item: ItemName = planning.run.item.clone();
    let Some(record) = Records::new(store).load(run, &item).await? else {
        return Err(JobError::invalid(format!("there is no run {run} that makes changes")));
    };
    let record = record.value;
    if record.kind != kind {
        return Err(JobError::invalid(format!("run {run} is one of {}, this is {kind}", record.kind)));
    }
    if !matches!(record.phase, Phase::Closed { .. }) {
        return Err(JobError::invalid(format!("run {run} has not ended: stop it first")));
    }
    let handle: Option<Handle> =
        record.handle().cloned().map(serde_json::from_value).transpose().map_err(JobError::defect)?;
    match handle {
        Some(handle) if handle.applies => {
            let plan = Plan::read(store, &handle.plan).await?;
            if plan.digest == handle.digest {
                return Ok(plan);
            }
            Err(JobError::new(
                ErrorName::Outdated,
                format!("the plan of run {} is not the one that run {run} has applied", handle.plan),
                "Take the changes back by hand: what was before each is under the run's changes/made/.",
            ))
        }
        _ => Err(JobError::invalid(format!("run {run} has applied no plan"))),
    }
}

struct Back<'a, 'b> {
    planning: &'a mut Planning<'b>,
    plan: &'a Plan,
    draft: Draft,
    /// The policies that have got an id, or shall get a new one, by type and by how the run's plan names
    /// them.
    keys: BTreeMap<(String, PolicyKey), PolicyKey>,
    /// Policies that cannot be made again, as the plan of the way back names them.
    gone: BTreeSet<(String, PolicyKey)>,
}

impl Back<'_, '_> {
    async fn undo(&mut self, change: &Change, effect: &Effect) -> Result<(), JobError> {
        let why = format!("takes back change {} of run {}", change.number, self.plan.run_id);
        match &change.call {
            Operation::CreateOrganization { .. } => {
                self.warn(change, "an organization is not removed by Muster");
            }
            Operation::EnablePolicyType { policy_type } => self.turn_off(change, policy_type, &why).await?,
            Operation::DisablePolicyType { policy_type } => self.turn_on(policy_type, &why).await?,
            Operation::DeletePolicy { policy_type, policy } => {
                self.make_again(policy_type, policy, effect, &why).await?;
            }
            call => {
                let opposite = self.opposite(call, effect);
                let Some(object) = opposite.first().map(Operation::object) else {
                    self.warn(change, "what was before it cannot be written again");
                    return Ok(());
                };
                if !self.is_there(&opposite).await? {
                    self.warn(change, "what it was about is gone");
                    return Ok(());
                }
                if !self.is_as_left(call, change, effect, &object)? {
                    self.warn(change, "it is not as the run has left it, and left alone");
                    return Ok(());
                }
                if matches!(call, Operation::UpdatePolicy { description: Some(_), .. })
                    && effect.before["description"] == ""
                {
                    self.warn(
                        change,
                        "AWS keeps a description that is to be emptied; the rest is taken back",
                    );
                }
                for call in opposite {
                    self.draft.change(call, why.clone())?;
                }
            }
        }
        Ok(())
    }

    fn warn(&mut self, change: &Change, why: &str) {
        self.draft.warnings.push(format!(
            "change {} ({} of {}) is not taken back: {why}",
            change.number,
            change.call.name(),
            change.call.object()
        ));
    }

    async fn read(&mut self, object: &ObjectId) -> Result<(), JobError> {
        if !self.draft.has(object) {
            let state = self.planning.observer.observe(object).await?;
            self.draft.read(object.clone(), state);
        }
        Ok(())
    }

    /// How the plan of the way back names a policy.
    fn key(&self, policy_type: &str, policy: &PolicyKey) -> PolicyKey {
        self.keys.get(&(policy_type.to_owned(), policy.clone())).unwrap_or(policy).clone()
    }

    /// Whether what a change has made is still so. Of attachments, whether this one is as it was left:
    /// others on the same target do not stand in its way.
    fn is_as_left(
        &self,
        call: &Operation,
        change: &Change,
        effect: &Effect,
        object: &ObjectId,
    ) -> Result<bool, JobError> {
        let now = self.draft.state(object)?;
        Ok(match call {
            Operation::AttachPolicy { policy_type, policy, .. } => {
                keys_of(now).contains(&self.key(policy_type, policy).to_string())
            }
            Operation::DetachPolicy { policy_type, policy, .. } => {
                !keys_of(now).contains(&self.key(policy_type, policy).to_string())
            }
            _ => same(now, effect.after.as_ref().unwrap_or(&change.after)),
        })
    }

    /// Reads what calls change; answers whether it, and the policy that they attach, are still there.
    async fn is_there(&mut self, calls: &[Operation]) -> Result<bool, JobError> {
        for call in calls {
            if !self.read_if_there(&call.object()).await? {
                return Ok(false);
            }
            let (Operation::AttachPolicy { policy_type, policy, .. }
            | Operation::DetachPolicy { policy_type, policy, .. }) = call
            else {
                continue;
            };
            if self.gone.contains(&(policy_type.clone(), policy.clone())) {
                return Ok(false);
            }
            if matches!(call, Operation::AttachPolicy { .. }) && matches!(policy, PolicyKey::Id(_)) {
                let id = ObjectId::Policy { policy_type: policy_type.clone(), policy: policy.clone() };
                self.read(&id).await?;
                if self.draft.state(&id)?.is_null() {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Reads an object, unless the root, unit or account that it belongs to is gone.
    async fn read_if_there(&mut self, object: &ObjectId) -> Result<bool, JobError> {
        match self.read(object).await {
            Ok(()) => Ok(true),
            Err(error) if error.aws().is_some_and(|aws| aws.is("TargetNotFound")) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The calls that restore what was before another; none where nothing does.
    fn opposite(&self, call: &Operation, effect: &Effect) -> Vec<Operation> {
        let before = &effect.before;
        let text = |member: &str| before.get(member).and_then(Value::as_str).map(str::to_owned);
        let one = match call.clone() {
            Operation::EnableServiceAccess { service } => Operation::DisableServiceAccess { service },
            Operation::DisableServiceAccess { service } => Operation::EnableServiceAccess { service },
            Operation::RegisterDelegatedAdministrator { account, service } => {
                Operation::DeregisterDelegatedAdministrator { account, service }
            }
            Operation::DeregisterDelegatedAdministrator { account, service } => {
                Operation::RegisterDelegatedAdministrator { account, service }
            }
            Operation::PutResourcePolicy { .. } => match text("content") {
                None => Operation::DeleteResourcePolicy,
                Some(content) => Operation::PutResourcePolicy { content, tags: BTreeMap::new() },
            },
            Operation::DeleteResourcePolicy => match text("content") {
                None => return Vec::new(),
                Some(content) => Operation::PutResourcePolicy { content, tags: tags_of(before) },
            },
            Operation::CreatePolicy { policy_type, name, .. } => {
                let policy = self.key(&policy_type, &PolicyKey::New(name));
                Operation::DeletePolicy { policy_type, policy }
            }
            Operation::UpdatePolicy { policy_type, policy, name, description, content } => {
                // AWS keeps one that is to be emptied.
                let description = description.and_then(|_| text("description")).filter(|it| !it.is_empty());
                Operation::UpdatePolicy {
                    policy: self.key(&policy_type, &policy),
                    policy_type,
                    name: name.and_then(|_| text("name")),
                    description,
                    content: content.and_then(|_| text("content")),
                }
            }
            Operation::AttachPolicy { policy_type, policy, target } => {
                Operation::DetachPolicy { policy: self.key(&policy_type, &policy), policy_type, target }
            }
            Operation::DetachPolicy { policy_type, policy, target } => {
                Operation::AttachPolicy { policy: self.key(&policy_type, &policy), policy_type, target }
            }
            Operation::TagResource { of, tags } => {
                let had = tags_of(before);
                let of = self.tagged(of);
                let (restored, new): (Vec<_>, Vec<_>) =
                    tags.into_keys().partition(|key| had.contains_key(key));
                let mut calls = Vec::new();
                if !new.is_empty() {
                    calls.push(Operation::UntagResource { of: of.clone(), keys: new.into_iter().collect() });
                }
                if !restored.is_empty() {
                    let tags = restored.into_iter().filter_map(|key| had.get_key_value(&key));
                    let tags = tags.map(|(key, value)| (key.clone(), value.clone())).collect();
                    calls.push(Operation::TagResource { of, tags });
                }
                return calls;
            }
            Operation::UntagResource { of, keys } => {
                let had = tags_of(before);
                let of = self.tagged(of);
                let tags = keys.iter().filter_map(|key| Some((key.clone(), had.get(key)?.clone())));
                Operation::TagResource { of, tags: tags.collect() }
            }
            Operation::CreateOrganization { .. }
            | Operation::EnablePolicyType { .. }
            | Operation::DisablePolicyType { .. }
            | Operation::DeletePolicy { .. } => return Vec::new(),
        };
        vec![one]
    }

    fn tagged(&self, of: Tagged) -> Tagged {
        match of {
            Tagged::Policy { policy_type, policy } => {
                Tagged::Policy { policy: self.key(&policy_type, &policy), policy_type }
            }
            Tagged::ResourcePolicy => Tagged::ResourcePolicy,
        }
    }

    /// Makes a policy again that was removed. It gets another id.
    async fn make_again(
        &mut self,
        policy_type: &str,
        policy: &PolicyKey,
        effect: &Effect,
        why: &str,
    ) -> Result<(), JobError> {
        let text =
            |member: &str| effect.before.get(member).and_then(Value::as_str).unwrap_or_default().to_owned();
        let name = text("name");
        self.keys.insert((policy_type.to_owned(), policy.clone()), PolicyKey::New(name.clone()));
        let call = Operation::CreatePolicy {
            policy_type: policy_type.to_owned(),
            description: text("description"),
            content: text("content"),
            tags: tags_of(&effect.before),
            name: name.clone(),
        };
        let object = call.object();
        self.read(&object).await?;
        if self.draft.state(&object)?.is_null() {
            self.draft.change(call, why)?;
        } else {
            // It is another one: what the run's was attached to is not this one's.
            self.gone.insert((policy_type.to_owned(), PolicyKey::New(name)));
            self.draft.warnings.push(format!(
                "{object} is there already, made by somebody else: it is left alone, and attached to nothing"
            ));
        }
        Ok(())
    }

    /// Turns a type off again, if nothing is attached of it by now.
    async fn turn_off(&mut self, change: &Change, policy_type: &str, why: &str) -> Result<(), JobError> {
        let call = Operation::DisablePolicyType { policy_type: policy_type.to_owned() };
        let object = call.object();
        self.read(&object).await?;
        let in_force = ObjectId::InForce { policy_type: policy_type.to_owned() };
        self.read(&in_force).await?;
        let attached =
            self.draft.state(&in_force)?["attachments"].as_object().is_some_and(|it| !it.is_empty());
        let trusted = self.planning.observer.organization().trusted_services().await?;
        if attached {
            self.warn(change, "policies of the type are attached, and turning it off would detach them");
        } else if policy_type == "SERVICE_CONTROL_POLICY" && trusted.contains(CONTROL_TOWER) {
            self.warn(change, "AWS Control Tower needs service control policies");
        } else {
            self.draft.change(call, why)?;
        }
        Ok(())
    }

    /// Turns a type on again and attaches what turning it off has detached, as the run's plan has kept it.
    async fn turn_on(&mut self, policy_type: &str, why: &str) -> Result<(), JobError> {
        let call = Operation::EnablePolicyType { policy_type: policy_type.to_owned() };
        self.read(&call.object()).await?;
        // Who has turned it on again has attached what is wanted since.
        if self.draft.state(&call.object())? == "ENABLED" {
            self.draft.warnings.push(format!(
                "{policy_type} is on again, by somebody else: what was attached of it is left as it is now"
            ));
            return Ok(());
        }
        self.draft.change(call, why)?;
        let in_force = ObjectId::InForce { policy_type: policy_type.to_owned() };
        let kept = self.plan.state(&in_force).cloned().unwrap_or_default();
        let attachments = kept["attachments"].as_object().cloned().unwrap_or_default();
        if attachments.is_empty() {
            return Ok(());
        }
        self.draft.end_wave(Bake::default());
        let by_aws = ATTACHED_BY_AWS.iter().find(|(of, _)| *of == policy_type).map(|(_, id)| *id);
        for (target, wanted) in attachments {
            let object =
                ObjectId::Attachments { policy_type: policy_type.to_owned(), target: target.clone() };
            if !self.read_if_there(&object).await? {
                self.draft
                    .warnings
                    .push(format!("{target} is gone: nothing of {policy_type} is attached to it again"));
                continue;
            }
            if let Some(id) = by_aws {
                self.draft.expect(object, json!([id]));
            }
            let wanted = keys_of(&wanted);
            for policy in &wanted {
                let Ok(policy) = PolicyKey::try_from(policy.clone()) else { continue };
                let policy = self.key(policy_type, &policy);
                let (policy_type, target) = (policy_type.to_owned(), target.clone());
                let call = Operation::AttachPolicy { policy_type, policy, target };
                if !self.is_there(std::slice::from_ref(&call)).await? {
                    self.draft
                        .warnings
                        .push(format!("{} is not attached again: the policy is gone", call.object()));
                    continue;
                }
                self.draft.change(call, why)?;
            }
            if let Some(id) = by_aws
                && !wanted.contains(id)
                && let Ok(policy) = PolicyKey::try_from(id.to_owned())
            {
                let policy_type = policy_type.to_owned();
                self.draft.change(Operation::DetachPolicy { policy_type, policy, target }, why)?;
            }
        }
        Ok(())
    }
}

fn tags_of(state: &State) -> BTreeMap<String, String> {
    let tags = state.get("tags").and_then(Value::as_object);
    let tags = tags.into_iter().flatten();
    tags.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}
