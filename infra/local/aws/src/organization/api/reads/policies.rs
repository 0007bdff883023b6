//! Policies: listed, described, where they are attached, and what they come to.

use serde_json::{Value, json};

use super::super::input::Id;
use super::super::{error, invalid};
use super::{Read, accounts};
use crate::organization::policies::Policy;
use crate::organization::resource_policy::ResourcePolicy;
use crate::organization::{Account, Organization};
use crate::settings::Settings;
use crate::wire::ApiError;

impl<'a> Read<'a> {
    fn policy(&self) -> Result<&'a Policy, ApiError> {
        let id = self.request.id("PolicyId", Id::Policy)?;
        self.organization.policy(id).ok_or_else(not_found)
    }

    pub(super) fn list_policies(&self) -> Result<Value, ApiError> {
        let kind = self.request.policy_type("Filter")?;
        let policies = self.organization.policies.iter().filter(|it| it.kind == kind);
        self.page("Policies", policies, |it| summary(self.organization, it))
    }

    pub(super) fn describe_policy(&self) -> Result<Value, ApiError> {
        Ok(described(self.organization, self.policy()?))
    }

    pub(super) fn list_policies_for_target(&self) -> Result<Value, ApiError> {
        let kind = self.request.policy_type("Filter")?;
        let target = self.request.id("TargetId", Id::Target)?;
        if !self.organization.is_target(target) {
            return Err(target_not_found());
        }
        let policies = self.organization.attached(kind, target);
        self.page("Policies", policies, |it| summary(self.organization, it))
    }

    pub(super) fn list_targets_for_policy(&self) -> Result<Value, ApiError> {
        let organization = self.organization;
        self.page("Targets", self.policy()?.targets.iter(), |id| {
            let (kind, name) = organization.target(id);
            json!({"TargetId": id, "Arn": organization.arn_of(id), "Name": name, "Type": kind})
        })
    }

    /// A policy type that is on: a type that is off has no effective policy.
    fn effective_type(&self) -> Result<&'a str, ApiError> {
        let kind = self.request.inherited_type()?;
        let is_on = self.organization.policy_type(kind).is_some_and(|it| it.status != "PENDING_ENABLE");
        if is_on {
            return Ok(kind);
        }
        Err(error(
            "EffectivePolicyNotFoundException",
            "If you ran this action on the management account, this policy type is not enabled.",
        ))
    }

    pub(super) fn describe_effective_policy(&self) -> Result<Value, ApiError> {
        let target = match self.request.optional("TargetId")? {
            None => self.request.caller,
            Some(_) => self.request.id("TargetId", Id::Target)?,
        };
        if target.starts_with("r-") || target.starts_with("ou-") {
            // Roots and units "are not supported", by the model; which of its errors says so is not
            // established.
            return Err(invalid("TARGET_NOT_SUPPORTED"));
        }
        let account = self.organization.account(target).ok_or_else(target_not_found)?;
        let kind = self.effective_type()?;
        let content = self.organization.shown_effective_policy(kind, account);
        Ok(json!({"EffectivePolicy": {
            "PolicyContent": content.to_string(),
            "LastUpdatedTimestamp": self.organization.shown_since(kind, account).as_second(),
            "TargetId": target,
            "PolicyType": kind,
        }}))
    }

    pub(super) fn list_accounts_with_invalid_effective_policy(&self) -> Result<Value, ApiError> {
        let kind = self.effective_type()?;
        let invalid = self.organization.accounts.iter().filter(|it| self.broken(kind, it));
        let mut page =
            self.page("Accounts", invalid, |it| accounts::shown(self.organization, self.settings, it))?;
        page["PolicyType"] = json!(kind);
        Ok(page)
    }

    pub(super) fn list_effective_policy_validation_errors(&self) -> Result<Value, ApiError> {
        let account = self.account("AccountId")?;
        let kind = self.effective_type()?;
        let errors = self.broken(kind, account).then(|| {
            let way = self.organization.shown_path(account).trim_end_matches('/').split('/').skip(1);
            let policies = way.flat_map(|target| self.organization.shown_attached(kind, target));
            let content = self.organization.shown_effective_policy(kind, account);
            let element = content.as_object().and_then(|it| it.keys().next());
            json!({
                "ErrorCode": "ELEMENTS_TOO_MANY",
                "ErrorMessage": "The effective policy has too many elements.",
                "PathToError": element.map_or("", String::as_str),
                "ContributingPolicies": policies.map(|it| it.id).collect::<Vec<_>>(),
            })
        });
        let mut page = self.page("EffectivePolicyValidationErrors", errors.into_iter(), |it| it)?;
        page["AccountId"] = json!(account.id);
        page["PolicyType"] = json!(kind);
        page["Path"] = json!(account.path);
        page["EvaluationTimestamp"] = json!(self.organization.shown_since(kind, account).as_second());
        Ok(page)
    }

    /// Whether the account's effective policy of this type is invalid.
    fn broken(&self, kind: &str, account: &Account) -> bool {
        let Settings { invalid_effective_policies: some, invalid_effective_policies_one_in: one_in, .. } =
            self.settings;
        some.iter().any(|(broken, id)| broken == kind && *id == account.id)
            || (*one_in > 0 && account.id.parse::<u64>().is_ok_and(|id| id % one_in == 0))
    }

    pub(super) fn describe_resource_policy(&self) -> Result<Value, ApiError> {
        let policy = self.organization.resource_policy.as_ref().ok_or_else(no_resource_policy)?;
        Ok(resource_policy(self.organization, policy))
    }

    pub(super) fn list_tags_for_resource(&self) -> Result<Value, ApiError> {
        let id = self.request.id("ResourceId", Id::Resource)?;
        if !is_taggable(self.organization, id) {
            return Err(target_not_found());
        }
        let tags = self.organization.tags(id);
        self.fixed_page("Tags", tags.into_iter(), |(key, value)| json!({"Key": key, "Value": value}))
    }
}

/// Whether there is such a resource, that can have tags.
pub(in super::super) fn is_taggable(organization: &Organization, id: &str) -> bool {
    organization.is_target(id)
        || organization.policy(id).is_some()
        || organization.resource_policy.as_ref().is_some_and(|policy| policy.id == id)
}

/// A policy, as it is described and as it is answered when it has changed.
pub(in super::super) fn described(organization: &Organization, policy: &Policy) -> Value {
    json!({"Policy": {"PolicySummary": summary(organization, policy), "Content": policy.content}})
}

fn summary(organization: &Organization, policy: &Policy) -> Value {
    json!({
        "Id": policy.id,
        "Arn": organization.arn_of_policy(policy),
        "Name": policy.name,
        "Description": policy.description,
        "Type": policy.kind,
        "AwsManaged": policy.aws_managed,
    })
}

pub(in super::super) fn resource_policy(organization: &Organization, policy: &ResourcePolicy) -> Value {
    let arn = organization.arn(&format!("resourcepolicy/{}/{}", organization.id, policy.id));
    json!({"ResourcePolicy": {
        "ResourcePolicySummary": {"Id": policy.id, "Arn": arn},
        "Content": policy.content,
    }})
}

pub(in super::super) fn no_resource_policy() -> ApiError {
    error("ResourcePolicyNotFoundException", "Your organization has no resource policy.")
}

pub(in super::super) fn not_found() -> ApiError {
    error("PolicyNotFoundException", "You specified a policy that doesn't exist.")
}

pub(in super::super) fn target_not_found() -> ApiError {
    error("TargetNotFoundException", "You specified a target that doesn't exist.")
}
