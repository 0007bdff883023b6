//! From what is read to the changes that are due.
//!
//! What is turned on comes before what needs it, and what is turned off after: a service is trusted before
//! it has delegated administrators, and loses them before it is trusted no more.

use std::collections::{BTreeMap, BTreeSet};

use changes::{Bake, Draft, Kept, ObjectId, Operation, Planning, Tagged};
use errors::JobError;
use models::{AccountId, ErrorName, RunId};
use organizations::CONTROL_TOWER;
use serde_json::{Value, json};

use crate::desired::{Desired, FeatureSet, OnOff, ResourcePolicy};

const SCP: &str = "SERVICE_CONTROL_POLICY";
/// What organization-setup is meant to trust; other services are best trusted by their own consoles,
/// which do what else they need.
const EC2: &str = "ec2.amazonaws.com";

pub(crate) async fn draft(planning: &mut Planning<'_>, desired: &Desired) -> Result<Draft, JobError> {
    let mut draft = Draft::new();
    let organization = planning.observer.observe(&ObjectId::Organization).await?;
    draft.read(ObjectId::Organization, organization.clone());
    if organization.is_null() {
        create(&mut draft, desired)?;
        return Ok(draft);
    }
    report_feature_set(&mut draft, desired, &organization);
    let mut setting = Setting { planning, desired, draft, organization };
    setting.policy_types(OnOff::Enabled).await?;
    setting.trusted_access(OnOff::Enabled).await?;
    setting.administrators().await?;
    setting.resource_policy().await?;
    setting.trusted_access(OnOff::Disabled).await?;
    // What detaches policies comes last, when all else is there.
    setting.draft.end_wave(Bake::default());
    setting.policy_types(OnOff::Disabled).await?;
    Ok(setting.draft)
}

/// The account is in no organization.
fn create(draft: &mut Draft, desired: &Desired) -> Result<(), JobError> {
    let Some(feature_set) = desired.create_organization else {
        return Err(JobError::new(
            ErrorName::NotEnabled,
            "the account is in no organization",
            "Ask for one by name with createOrganization, or deploy the stack to the management account of the one that \
             is meant.",
        ));
    };
    draft.change(
        Operation::CreateOrganization { feature_set: feature_set.as_str().to_owned() },
        "the account is in no organization, and one is asked for",
    )?;
    let all_else = Desired { create_organization: None, ..desired.clone() };
    if all_else != Desired::default() {
        draft.warnings.push(
            "The rest of what is desired can be planned only once the organization is there: run this again then."
                .to_owned(),
        );
    }
    Ok(())
}

/// A change of feature set needs every member's consent and cannot be taken back: it is reported only.
fn report_feature_set(draft: &mut Draft, desired: &Desired, organization: &Value) {
    let present = organization["featureSet"].as_str().unwrap_or_default();
    if let Some(wished) = desired.create_organization
        && wished.as_str() != present
    {
        let how = match wished {
            FeatureSet::All => {
                "Enable all features in the management account's console: invited members have to agree."
            }
            FeatureSet::ConsolidatedBilling => "An organization with all features cannot go back.",
        };
        draft.warnings.push(format!(
            "The organization has the feature set {present}, not {}, and is left so. {how}",
            wished.as_str()
        ));
    }
}

struct Setting<'a, 'b> {
    planning: &'a mut Planning<'b>,
    desired: &'a Desired,
    draft: Draft,
    organization: Value,
}

impl Setting<'_, '_> {
    async fn read(&mut self, id: &ObjectId) -> Result<Value, JobError> {
        if !self.draft.has(id) {
            let state = self.planning.observer.observe(id).await?;
            self.draft.read(id.clone(), state);
        }
        self.draft.state(id).cloned()
    }

    async fn policy_types(&mut self, to: OnOff) -> Result<(), JobError> {
        let due: Vec<_> = self.desired.policy_types.iter().filter(|(_, state)| **state == to).collect();
        for (policy_type, _) in due {
            let policy_type = policy_type.clone();
            let state = self.read(&ObjectId::PolicyType { policy_type: policy_type.clone() }).await?;
            if let Some(pending) = state.as_str().filter(|state| state.starts_with("PENDING")) {
                return Err(JobError::new(
                    ErrorName::Transient,
                    format!("the policy type {policy_type} is {pending}: somebody is turning it on or off"),
                    "The step is repeated. If it persists, plan again later.",
                ));
            }
            match to {
                OnOff::Enabled => self.enable(policy_type, &state)?,
                OnOff::Disabled if !state.is_null() => self.disable(policy_type).await?,
                OnOff::Disabled => {}
            }
        }
        Ok(())
    }

    fn enable(&mut self, policy_type: String, state: &Value) -> Result<(), JobError> {
        let feature_set = self.organization["featureSet"].as_str().unwrap_or_default();
        if state.is_null() && feature_set != "ALL" {
            return Err(JobError::new(
                ErrorName::NotEnabled,
                format!("the organization has the feature set {feature_set}, which has no policies"),
                "Enable all features in the management account's console, then plan again.",
            ));
        }
        self.draft.change(Operation::EnablePolicyType { policy_type }, "the type shall be on")
    }

    /// Turns a type off. What that detaches is stored first.
    async fn disable(&mut self, policy_type: String) -> Result<(), JobError> {
        if policy_type == SCP && self.is_control_towers().await? {
            return Err(JobError::invalid(
                "service control policies are not turned off while AWS Control Tower manages the organization: its \
                 guardrails are service control policies",
            ));
        }
        let in_force = self.planning.observer.in_force(&policy_type).await?;
        let (policies, targets) = (in_force.policies.len(), in_force.attachments.len());
        self.draft.read(ObjectId::InForce { policy_type: policy_type.clone() }, in_force.state());
        if self.planning.keeps {
            let name = format!("in-force-{policy_type}");
            let document = json!({
                "policies": in_force.policies.values().collect::<Vec<_>>(),
                "attachments": in_force.attachments,
            });
            let run = self.planning.run.run_id;
            let kept = Kept::write(&self.planning.access.store, run, &name, &document).await?;
            self.draft.details[&policy_type] = serde_json::to_value(kept).map_err(JobError::defect)?;
        }
        self.draft.warnings.push(format!(
            "Turning {policy_type} off detaches {policies} policies from {targets} targets. The policies stay; what they \
             say and where they are attached is kept beside the plan, and a rollback attaches them again."
        ));
        self.draft.change(
            Operation::DisablePolicyType { policy_type },
            "the type shall be off, and may be turned off",
        )
    }

    async fn is_control_towers(&mut self) -> Result<bool, JobError> {
        let id = ObjectId::TrustedAccess { service: CONTROL_TOWER.to_owned() };
        Ok(!self.read(&id).await?.is_null())
    }

    async fn trusted_access(&mut self, to: OnOff) -> Result<(), JobError> {
        let due: Vec<_> = self.desired.trusted_access.iter().filter(|(_, state)| **state == to).collect();
        for (service, _) in due {
            let service = service.clone();
            self.read(&ObjectId::TrustedAccess { service: service.clone() }).await?;
            let changes = self.changes();
            match to {
                OnOff::Enabled => {
                    let call = Operation::EnableServiceAccess { service: service.clone() };
                    self.draft.change(call, "the service shall be trusted")?;
                    if service != EC2 && self.changes() > changes {
                        self.draft.warnings.push(format!(
                            "AWS recommends to turn trusted access for {service} on with that service's own console or API, \
                             which does what else the service needs."
                        ));
                    }
                }
                OnOff::Disabled => {
                    let call = Operation::DisableServiceAccess { service };
                    self.draft.change(call, "the service shall not be trusted")?;
                }
            }
        }
        Ok(())
    }

    fn changes(&self) -> u32 {
        self.draft.changes()
    }

    async fn administrators(&mut self) -> Result<(), JobError> {
        let management = self.organization["managementAccount"].as_str().unwrap_or_default().to_owned();
        let desired = self.desired;
        let off = |service: &&String| desired.trusted_access.get(*service) == Some(&OnOff::Disabled);
        // A service that shall not be trusted loses its administrators first.
        let losing = desired.trusted_access.keys().filter(off).map(|service| (service, None));
        let wished =
            desired.delegated_administrators.iter().map(|(service, accounts)| (service, Some(accounts)));
        let none = BTreeSet::new();
        for (service, accounts) in wished.chain(losing) {
            let accounts: &BTreeSet<AccountId> = accounts.unwrap_or(&none);
            if accounts.iter().any(|account| account.as_str() == management) {
                return Err(JobError::invalid(format!(
                    "{management} is the management account, which cannot be a delegated administrator (of {service})"
                )));
            }
            self.is_trusted(service, accounts).await?;
            let present = self.planning.observer.organization().administrators(service).await?;
            for account in accounts.difference(&present) {
                self.is_in_the_organization(account, service).await?;
            }
            for account in accounts.union(&present) {
                let (account, service) = (account.clone(), service.clone());
                let id =
                    ObjectId::DelegatedAdministrator { account: account.clone(), service: service.clone() };
                self.read(&id).await?;
                if accounts.contains(&account) {
                    let call = Operation::RegisterDelegatedAdministrator { account, service };
                    self.draft.change(call, "the account shall administer the service")?;
                } else {
                    let call = Operation::DeregisterDelegatedAdministrator { account, service };
                    self.draft
                        .change(call, "the account is not among those that shall administer the service")?;
                }
            }
        }
        Ok(())
    }

    /// AWS would refuse it, after what comes before it was made.
    async fn is_in_the_organization(&self, account: &AccountId, service: &str) -> Result<(), JobError> {
        match self.planning.observer.organization().account(account).await {
            Ok(_) => Ok(()),
            Err(error) if error.aws().is_some_and(|aws| aws.is("AccountNotFound")) => {
                Err(JobError::invalid(format!(
                    "{account} is not an account of the organization, so it cannot be a delegated administrator (of \
                     {service})"
                )))
            }
            Err(error) => Err(error),
        }
    }

    /// AWS lets only services with trusted access have delegated administrators.
    async fn is_trusted(&mut self, service: &str, accounts: &BTreeSet<AccountId>) -> Result<(), JobError> {
        let id = ObjectId::TrustedAccess { service: service.to_owned() };
        if accounts.is_empty() || !self.read(&id).await?.is_null() {
            return Ok(());
        }
        Err(JobError::new(
            ErrorName::NotEnabled,
            format!("{service} has no trusted access, so it cannot have delegated administrators"),
            format!("Add trustedAccess: {{{service:?}: \"enabled\"}}."),
        ))
    }

    async fn resource_policy(&mut self) -> Result<(), JobError> {
        let Some(wished) = &self.desired.resource_policy else { return Ok(()) };
        let present = self.read(&ObjectId::ResourcePolicy).await?;
        match wished {
            ResourcePolicy::Absent => {
                self.draft.change(Operation::DeleteResourcePolicy, "there shall be no resource policy")
            }
            ResourcePolicy::Content(content) => {
                let tags = BTreeMap::from([(RunId::TAG.to_owned(), self.planning.run.run_id.to_string())]);
                let content = Value::Object(content.clone()).to_string();
                let changes = self.changes();
                let is_new = present.is_null();
                let with = if is_new { tags.clone() } else { BTreeMap::new() };
                let call = Operation::PutResourcePolicy { content, tags: with };
                self.draft.change(call, "the resource policy shall say this")?;
                if is_new || self.changes() == changes {
                    return Ok(());
                }
                // AWS takes tags only with a new one.
                let call = Operation::TagResource { of: Tagged::ResourcePolicy, tags };
                self.draft.change(call, "it says which run has changed it")
            }
        }
    }
}
