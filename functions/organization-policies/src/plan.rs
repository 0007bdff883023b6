//! From what is read to the changes that are due.
//!
//! The first wave makes and updates the policies; each wave attaches them to its targets, and then detaches
//! what shall not be there any more, so that no target is without a policy in between; the last one deletes.

use std::collections::{BTreeMap, BTreeSet};

use changes::{Bake, Draft, ObjectId, Operation, Planning, PolicyKey, State, Tagged, keys_of, same};
use errors::JobError;
use management_policies::PolicyKind;
use models::{ErrorName, RunId, TargetId};
use organizations::{Policy, quotas};
use serde_json::{Value, json};

use crate::config::Config;
use crate::deny;
use crate::desired::{Desired, WishedPolicy, is_authorization};
use crate::refusals::Refusals;

pub(crate) async fn draft(
    config: &Config,
    planning: &mut Planning<'_>,
    desired: &Desired,
    refusals: &mut Refusals<'_>,
) -> Result<Draft, JobError> {
    let mut draft = Draft::new();
    let organization = planning.observer.observe(&ObjectId::Organization).await?;
    draft.read(ObjectId::Organization, organization);
    let types: BTreeSet<&str> = desired.policies.iter().map(|policy| policy.policy_type.as_str()).collect();
    let mut listed = BTreeMap::new();
    for policy_type in types {
        is_on(planning, &mut draft, policy_type).await?;
        let policies = match PolicyKind::from_api(policy_type) {
            // AWS has none of its own of these: what is in force is all there is.
            Some(_) => {
                let in_force = planning.observer.in_force(policy_type).await?;
                draft.read(ObjectId::InForce { policy_type: policy_type.to_owned() }, in_force.state());
                in_force.policies.values().map(|described| described.policy.clone()).collect()
            }
            None => planning.observer.organization().policies(policy_type).await?,
        };
        listed.insert(policy_type, policies);
    }
    let mut drawing = Drawing {
        planning,
        desired,
        protected: config.protected.iter().chain(&desired.protected_principals).cloned().collect(),
        draft,
        refusals,
        policies: Vec::new(),
    };
    for wished in &desired.policies {
        let of_type = listed.get(wished.policy_type.as_str()).map(Vec::as_slice).unwrap_or_default();
        drawing.read(wished, of_type).await?;
    }
    drawing.number_of_policies(&listed)?;
    drawing.draw()?;
    Ok(drawing.draft)
}

/// A type that is off has no policies to attach.
async fn is_on(planning: &mut Planning<'_>, draft: &mut Draft, policy_type: &str) -> Result<(), JobError> {
    let id = ObjectId::PolicyType { policy_type: policy_type.to_owned() };
    let state = planning.observer.observe(&id).await?;
    if state != "ENABLED" {
        return Err(JobError::new(
            ErrorName::NotEnabled,
            format!("the policy type {policy_type} is {}", state.as_str().unwrap_or("off")),
            format!(
                "Run organization-setup with policyTypes: {{{policy_type:?}: \"enabled\"}}, then plan again."
            ),
        ));
    }
    draft.read(id, state);
    Ok(())
}

/// A wished policy and what there is of it.
struct Known<'a> {
    wished: &'a WishedPolicy,
    key: PolicyKey,
    /// `null` where it is not there.
    state: State,
    /// What it is attached to.
    targets: BTreeSet<String>,
}

struct Drawing<'a, 'b, 'c> {
    planning: &'a mut Planning<'b>,
    desired: &'a Desired,
    protected: Vec<String>,
    draft: Draft,
    refusals: &'a mut Refusals<'c>,
    policies: Vec<Known<'a>>,
}

impl<'a> Drawing<'a, '_, '_> {
    /// Reads what there is of a wished policy, and checks whether it may be touched.
    async fn read(&mut self, wished: &'a WishedPolicy, of_type: &[Policy]) -> Result<(), JobError> {
        let label = wished.label();
        let named = |name: &str| of_type.iter().find(|policy| policy.name == name);
        let present = match (named(&wished.name), wished.rename_from.as_deref().map(named)) {
            (Some(_), Some(Some(_))) => {
                return Err(JobError::invalid(format!(
                    "{label} shall get its name, and there is one of that name"
                )));
            }
            (Some(present), _) => Some(present),
            (None, Some(None)) => {
                return Err(JobError::invalid(format!(
                    "{label}: there is no policy of the name that it has now"
                )));
            }
            (None, Some(present)) => present,
            (None, None) => None,
        };
        let key = match present {
            Some(present) => PolicyKey::Id(present.id.clone()),
            None => PolicyKey::New(wished.name.clone()),
        };
        let id = ObjectId::Policy { policy_type: wished.policy_type.clone(), policy: key.clone() };
        let state = self.planning.observer.observe(&id).await?;
        self.draft.read(id, state.clone());
        let targets: BTreeSet<String> = match present {
            // AWS's own are attached to everything: only what is wished of them counts.
            Some(present) if present.aws_managed => self.attached_of(wished, &key).await?,
            Some(present) => self.targets(present).await?,
            None => BTreeSet::new(),
        };
        for target in wished.wished_targets().unwrap_or_default().union(&targets) {
            self.attachments(&wished.policy_type, target).await?;
        }
        if let Some(present) = present {
            self.may_be_touched(wished, present, &state)?;
        } else if wished.absent {
            self.draft.warnings.push(format!("{label} shall be absent, and there is none"));
        } else if wished.content.is_none() {
            return Err(JobError::invalid(format!(
                "{label} is not there, and has no content to be made with"
            )));
        }
        self.policies.push(Known { wished, key, state, targets });
        Ok(())
    }

    /// What a policy is attached to.
    async fn targets(&mut self, policy: &Policy) -> Result<BTreeSet<String>, JobError> {
        if PolicyKind::from_api(&policy.kind).is_some() {
            return Ok(self.planning.observer.in_force(&policy.kind).await?.targets(&policy.id));
        }
        let targets = self.planning.observer.organization().targets(&policy.id).await?;
        Ok(targets.into_iter().map(|target| target.as_str().to_owned()).collect())
    }

    /// Of the wished targets, those that a policy is attached to.
    async fn attached_of(
        &mut self,
        wished: &WishedPolicy,
        key: &PolicyKey,
    ) -> Result<BTreeSet<String>, JobError> {
        let mut attached = BTreeSet::new();
        let waves = self.desired.waves.iter().flat_map(|wave| &wave.targets);
        let of_waves = waves.map(|target| target.as_str().to_owned());
        for target in wished.wished_targets().unwrap_or_default().into_iter().chain(of_waves) {
            let id = self.attachments(&wished.policy_type, &target).await?;
            if keys_of(self.draft.state(&id)?).contains(&key.to_string()) {
                attached.insert(target);
            }
        }
        Ok(attached)
    }

    async fn attachments(&mut self, policy_type: &str, target: &str) -> Result<ObjectId, JobError> {
        let id = ObjectId::Attachments { policy_type: policy_type.to_owned(), target: target.to_owned() };
        if !self.draft.has(&id) {
            let state = self.planning.observer.observe(&id).await.map_err(|error| {
                match error.aws().is_some_and(|aws| aws.is("TargetNotFound")) {
                    true => JobError::invalid(format!("the organization has no {target}")),
                    false => error,
                }
            })?;
            self.draft.read(id.clone(), state);
        }
        Ok(id)
    }

    fn may_be_touched(
        &mut self,
        wished: &WishedPolicy,
        present: &Policy,
        state: &State,
    ) -> Result<(), JobError> {
        let label = wished.label();
        if present.aws_managed {
            let edits = wished.content.is_some()
                || wished.description.is_some()
                || wished.tags.is_some()
                || wished.rename_from.is_some()
                || wished.absent;
            if edits {
                return Err(JobError::invalid(format!(
                    "{label} is AWS's own: it can be attached and detached, and nothing else"
                )));
            }
            let why = format!(
                "{label} is AWS's own, and attached to everything unless somebody has meant otherwise"
            );
            self.draft.warnings.extend(self.refusals.unless_forced(&format!("aws-managed:{label}"), &why));
            return Ok(());
        }
        let is_ours = state["tags"].get(RunId::TAG).is_some();
        if !is_ours {
            let why = format!(
                "{label} was not made by Muster (it has no tag {}), so something else may manage it",
                RunId::TAG
            );
            self.draft
                .warnings
                .extend(self.refusals.unless_forced(&format!("foreign-managed:{label}"), &why));
        }
        if wished.description.as_deref() == Some("") && state["description"] != "" {
            return Err(JobError::invalid(format!("{label}: AWS keeps a description that is to be emptied")));
        }
        Ok(())
    }

    /// How many policies of each type there would be.
    fn number_of_policies(&self, listed: &BTreeMap<&str, Vec<Policy>>) -> Result<(), JobError> {
        for (policy_type, present) in listed {
            let of_type = self.policies.iter().filter(|known| known.wished.policy_type == *policy_type);
            let made = of_type.filter(|known| known.state.is_null() && !known.wished.absent).count();
            let most = quotas::policies(policy_type);
            if made > 0 && present.len() + made > most {
                return Err(JobError::invalid(format!(
                    "there would be {} policies of {policy_type}, and AWS lets an organization have {most}",
                    present.len() + made
                )));
            }
        }
        Ok(())
    }

    fn draw(&mut self) -> Result<(), JobError> {
        let policies = std::mem::take(&mut self.policies);
        for known in &policies {
            self.contents(known)?;
        }
        let waves: Vec<(Option<BTreeSet<String>>, Bake)> = match self.desired.waves.as_slice() {
            [] => vec![(None, Bake::default())],
            waves => waves
                .iter()
                .map(|wave| {
                    let bake =
                        Bake { hours: wave.bake_hours, stop_on: wave.stop_on.iter().copied().collect() };
                    (Some(wave.targets.iter().map(|it| it.as_str().to_owned()).collect()), bake)
                })
                .collect(),
        };
        let in_waves: BTreeSet<String> =
            waves.iter().filter_map(|(targets, _)| targets.clone()).flatten().collect();
        let count = waves.len();
        for (number, (targets, bake)) in waves.into_iter().enumerate() {
            let is_last = number + 1 == count;
            let due = |target: &str| match &targets {
                None => true,
                Some(targets) => targets.contains(target) || (is_last && !in_waves.contains(target)),
            };
            self.wave(&policies, due)?;
            if is_last {
                self.delete(&policies)?;
            }
            self.draft.end_wave(bake);
        }
        self.leaves_nothing_bare()
    }

    /// Makes a policy, or makes it say what is wished.
    fn contents(&mut self, known: &Known<'a>) -> Result<(), JobError> {
        let wished = known.wished;
        if wished.absent {
            return Ok(());
        }
        let (policy_type, label) = (wished.policy_type.clone(), wished.label());
        self.spares_the_protected(known)?;
        if known.state.is_null() {
            let mut tags = wished.tags.clone().unwrap_or_default();
            tags.insert(RunId::TAG.to_owned(), self.planning.run.run_id.to_string());
            let call = Operation::CreatePolicy {
                policy_type,
                name: wished.name.clone(),
                description: wished.description.clone().unwrap_or_default(),
                content: wished.text().unwrap_or_default(),
                tags,
            };
            return self.draft.change(call, "there is no such policy");
        }
        let differs = |member: &str, value: &Option<String>| match value {
            Some(value) if known.state[member] != value.as_str() => Some(value.clone()),
            _ => None,
        };
        let says = |content: &Value| json!({"content": content});
        let present = says(&known.state["content"]);
        let content = wished.text().filter(|text| !same(&present, &says(&json!(text))));
        if content.is_some() && !known.targets.is_empty() {
            self.draft.warnings.push(format!(
                "{label} is attached to {} targets: what it says changes for all of them in the first wave",
                known.targets.len()
            ));
        }
        let call = Operation::UpdatePolicy {
            policy_type: policy_type.clone(),
            policy: known.key.clone(),
            name: differs("name", &Some(wished.name.clone())),
            description: differs("description", &wished.description),
            content,
        };
        self.draft.change(call, "the policy shall say this")?;
        self.tags(known)
    }

    /// Whom a policy denies something that is attached, made or changed.
    fn spares_the_protected(&mut self, known: &Known<'a>) -> Result<(), JobError> {
        let (wished, label) = (known.wished, known.wished.label());
        let gains = wished.wished_targets().is_some_and(|it| !it.is_subset(&known.targets));
        if !is_authorization(&wished.policy_type) || !(gains || wished.content.is_some()) {
            return Ok(());
        }
        let present;
        let content = match &wished.content {
            Some(content) => content,
            // What it says already counts where it comes to be attached.
            None => {
                let text = known.state["content"].as_str().unwrap_or_default();
                present = serde_json::from_str(text).map_err(|error| {
                    JobError::invalid(format!(
                        "what {label} says cannot be read, so it is not attached: {error}"
                    ))
                })?;
                &present
            }
        };
        for (principal, statement) in deny::denied(content, &self.protected) {
            let why =
                format!("statement {statement} of {label} denies {principal} something, which is protected");
            let name = format!("denies-protected-principal:{label}:{principal}");
            self.draft.warnings.extend(self.refusals.unless_forced(&name, &why));
        }
        Ok(())
    }

    /// Removes tags first: a policy has at most so many at any moment.
    fn tags(&mut self, known: &Known<'a>) -> Result<(), JobError> {
        let Some(wished) = &known.wished.tags else { return Ok(()) };
        let of = Tagged::Policy { policy_type: known.wished.policy_type.clone(), policy: known.key.clone() };
        let present = known.state["tags"].as_object();
        let foreign = |key: &&String| !key.starts_with("aws:") && !key.starts_with("muster:");
        let keys = present.into_iter().flat_map(serde_json::Map::keys).filter(foreign);
        let gone: BTreeSet<String> = keys.filter(|key| !wished.contains_key(*key)).cloned().collect();
        let due: BTreeMap<String, String> = wished
            .iter()
            .filter(|(key, value)| known.state["tags"][key.as_str()] != value.as_str())
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        if !gone.is_empty() {
            let untag = Operation::UntagResource { of: of.clone(), keys: gone };
            self.draft.change(untag, "it shall not have these tags")?;
        }
        if !due.is_empty() {
            self.draft.change(Operation::TagResource { of, tags: due }, "it shall have these tags")?;
        }
        Ok(())
    }

    /// Attaches, then detaches, what is due at the targets of a wave.
    fn wave(&mut self, policies: &[Known<'a>], due: impl Fn(&str) -> bool) -> Result<(), JobError> {
        for known in policies {
            let Some(wished) = known.wished.wished_targets() else { continue };
            for target in wished.difference(&known.targets).filter(|target| due(target)) {
                let call = Operation::AttachPolicy {
                    policy_type: known.wished.policy_type.clone(),
                    policy: known.key.clone(),
                    target: target.clone(),
                };
                self.draft.change(call.clone(), "it shall be attached here")?;
                self.fits(&call)?;
            }
        }
        for known in policies {
            let Some(wished) = known.wished.wished_targets() else { continue };
            for target in known.targets.difference(&wished).filter(|target| due(target)) {
                let call = Operation::DetachPolicy {
                    policy_type: known.wished.policy_type.clone(),
                    policy: known.key.clone(),
                    target: target.clone(),
                };
                self.draft.change(call, "it shall not be attached here")?;
            }
        }
        Ok(())
    }

    /// Whether a target may have one more policy.
    fn fits(&self, call: &Operation) -> Result<(), JobError> {
        let ObjectId::Attachments { policy_type, target } = call.object() else { return Ok(()) };
        let attached = keys_of(self.draft.state(&call.object())?).len();
        match quotas::attached_policies(&policy_type) {
            Some(most) if attached > most => Err(JobError::invalid(format!(
                "{target} would have {attached} policies of {policy_type} for a moment at least, and AWS lets it have {most}: \
                 detach in one plan and attach in the next"
            ))),
            _ => Ok(()),
        }
    }

    fn delete(&mut self, policies: &[Known<'a>]) -> Result<(), JobError> {
        for known in policies.iter().filter(|known| known.wished.absent && !known.state.is_null()) {
            let policy_type = known.wished.policy_type.clone();
            let call = Operation::DeletePolicy { policy_type, policy: known.key.clone() };
            self.draft.change(call, "it shall be absent")?;
        }
        Ok(())
    }

    /// Whether every target that had a service or resource control policy still has one.
    fn leaves_nothing_bare(&mut self) -> Result<(), JobError> {
        let objects: Vec<ObjectId> = self.draft.objects().map(|(id, _)| id.clone()).collect();
        for id in objects {
            let ObjectId::Attachments { policy_type, target } = &id else { continue };
            if is_authorization(policy_type) && keys_of(self.draft.state(&id)?).is_empty() {
                let why = format!("{target} would be left without a {policy_type}, which AWS refuses");
                let name = format!("without-policy:{policy_type}/{target}");
                self.draft.warnings.extend(self.refusals.unless_forced(&name, &why));
            }
        }
        Ok(())
    }
}

/// A target as its own type.
pub(crate) fn target(text: &str) -> Result<TargetId, JobError> {
    text.parse().map_err(JobError::defect)
}
