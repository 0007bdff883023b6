//! Policies: listed, described, where they are attached, and what they come to.

use serde_json::{Value, json};

use super::{Read, account, arn, error, invalid};
use crate::organization::policies::{Policy, is_inherited, is_type};
use crate::organization::{Account, Organization};
use crate::wire::ApiError;

impl<'a> Read<'a> {
    /// A policy type, as a member has it.
    fn policy_type(&self, member: &str) -> Result<&'a str, ApiError> {
        let name = self.text(member)?;
        if is_type(name) { Ok(name) } else { Err(invalid("INVALID_ENUM_POLICY_TYPE")) }
    }

    /// A policy type that has an effective policy.
    fn inherited_type(&self) -> Result<&'a str, ApiError> {
        let name = self.policy_type("PolicyType")?;
        if is_inherited(name) { Ok(name) } else { Err(invalid("INVALID_ENUM_POLICY_TYPE")) }
    }

    fn policy(&self) -> Result<&'a Policy, ApiError> {
        let id = self.text("PolicyId")?;
        let found = self.organization.policy(id);
        found.ok_or_else(|| error("PolicyNotFoundException", "You specified a policy that doesn't exist."))
    }

    pub(super) fn list_policies(&self) -> Result<Value, ApiError> {
        let kind = self.policy_type("Filter")?;
        let policies = self.organization.policies.iter().filter(|it| it.kind == kind);
        self.page("Policies", policies, |it| summary(self.organization, it))
    }

    pub(super) fn describe_policy(&self) -> Result<Value, ApiError> {
        let policy = self.policy()?;
        let summary = summary(self.organization, policy);
        Ok(json!({"Policy": {"PolicySummary": summary, "Content": policy.content}}))
    }

    pub(super) fn list_policies_for_target(&self) -> Result<Value, ApiError> {
        let kind = self.policy_type("Filter")?;
        let target = self.text("TargetId")?;
        if self.organization.below(target).is_none() {
            return Err(target_not_found());
        }
        let policies = self.organization.attached(kind, target);
        self.page("Policies", policies, |it| summary(self.organization, it))
    }

    pub(super) fn list_targets_for_policy(&self) -> Result<Value, ApiError> {
        let organization = self.organization;
        self.page("Targets", self.policy()?.targets.iter(), |id| {
            let (kind, name) = organization.target(id);
            let path = match kind {
                "ROOT" => format!("root/{}/{id}", organization.id),
                "ORGANIZATIONAL_UNIT" => format!("ou/{}/{id}", organization.id),
                _ => format!("account/{}/{id}", organization.id),
            };
            json!({"TargetId": id, "Arn": arn(organization, &path), "Name": name, "Type": kind})
        })
    }

    pub(super) fn describe_effective_policy(&self) -> Result<Value, ApiError> {
        let kind = self.inherited_type()?;
        let target = self.body["TargetId"].as_str().unwrap_or(self.caller);
        let account = self.organization.accounts.iter().find(|it| it.id == target);
        // Roots and units have none.
        let account = account.ok_or_else(target_not_found)?;
        if self.organization.policy_type(kind).is_none() {
            return Err(no_effective_policy());
        }
        let content = self.organization.effective_policy(kind, account);
        Ok(json!({"EffectivePolicy": {
            "PolicyContent": content.to_string(),
            "LastUpdatedTimestamp": account.joined.as_second(),
            "TargetId": target,
            "PolicyType": kind,
        }}))
    }

    pub(super) fn list_accounts_with_invalid_effective_policy(&self) -> Result<Value, ApiError> {
        let kind = self.inherited_type()?;
        if self.organization.policy_type(kind).is_none() {
            return Err(no_effective_policy());
        }
        let invalid = self.organization.accounts.iter().filter(|it| self.broken(kind, it));
        let mut page = self.page("Accounts", invalid, |it| account(self.organization, self.settings, it))?;
        page["PolicyType"] = json!(kind);
        Ok(page)
    }

    pub(super) fn list_effective_policy_validation_errors(&self) -> Result<Value, ApiError> {
        let kind = self.inherited_type()?;
        let id = self.text("AccountId")?;
        let account = self.organization.accounts.iter().find(|it| it.id == id).ok_or_else(|| {
            error("AccountNotFoundException", "You specified an account that doesn't exist.")
        })?;
        if self.organization.policy_type(kind).is_none() {
            return Err(no_effective_policy());
        }
        let errors = self.broken(kind, account).then(|| {
            let policies = self.organization.policies.iter().filter(|it| it.kind == kind);
            json!({
                "ErrorCode": "ELEMENTS_TOO_MANY",
                "ErrorMessage": "The effective policy has too many elements.",
                "PathToError": "tags",
                "ContributingPolicies": policies.map(|it| it.id.as_str()).collect::<Vec<_>>(),
            })
        });
        let mut page = self.page("EffectivePolicyValidationErrors", errors.into_iter(), |it| it)?;
        page["AccountId"] = json!(id);
        page["PolicyType"] = json!(kind);
        page["Path"] = json!(account.path);
        page["EvaluationTimestamp"] = json!(account.joined.as_second());
        Ok(page)
    }

    /// Whether the account's effective policy of this type is invalid.
    fn broken(&self, kind: &str, account: &Account) -> bool {
        self.settings
            .invalid_effective_policies
            .iter()
            .any(|(broken, id)| broken == kind && *id == account.id)
    }

    pub(super) fn list_tags_for_resource(&self) -> Result<Value, ApiError> {
        let id = self.text("ResourceId")?;
        let known = self.organization.below(id).is_some() || self.organization.policy(id).is_some();
        if !known {
            return Err(target_not_found());
        }
        let tags = self.organization.tags(id);
        self.page("Tags", tags.into_iter(), |(key, value)| json!({"Key": key, "Value": value}))
    }
}

fn summary(organization: &Organization, policy: &Policy) -> Value {
    let path = match policy.aws_managed {
        true => format!("arn:aws:organizations::aws:policy/{}/{}", policy.kind.to_lowercase(), policy.id),
        false => arn(
            organization,
            &format!("policy/{}/{}/{}", organization.id, policy.kind.to_lowercase(), policy.id),
        ),
    };
    json!({
        "Id": policy.id,
        "Arn": path,
        "Name": policy.name,
        "Description": policy.description,
        "Type": policy.kind,
        "AwsManaged": policy.aws_managed,
    })
}

fn target_not_found() -> ApiError {
    error("TargetNotFoundException", "You specified a target that doesn't exist.")
}

fn no_effective_policy() -> ApiError {
    error(
        "EffectivePolicyNotFoundException",
        "If you ran this action on the management account, this policy type is not enabled.",
    )
}
