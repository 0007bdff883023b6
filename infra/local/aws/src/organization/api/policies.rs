//! Policies: listed, described, where they are attached, and what they come to.

use serde_json::{Value, json};

use super::input::Id;
use super::{Read, accounts, arn, error, invalid};
use crate::organization::policies::Policy;
use crate::organization::{Account, Organization};
use crate::settings::Settings;
use crate::wire::ApiError;

impl<'a> Read<'a> {
    fn policy(&self) -> Result<&'a Policy, ApiError> {
        let id = self.id("PolicyId", Id::Policy)?;
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
        let target = self.id("TargetId", Id::Target)?;
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

    /// A policy type that is on: a type that is off has no effective policy.
    fn effective_type(&self) -> Result<&'a str, ApiError> {
        let kind = self.inherited_type()?;
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
        let target = match self.optional("TargetId")? {
            None => self.caller,
            Some(_) => self.id("TargetId", Id::Target)?,
        };
        if target.starts_with("r-") || target.starts_with("ou-") {
            // Roots and units "are not supported", by the model; which of its errors says so is not
            // established.
            return Err(invalid("TARGET_NOT_SUPPORTED"));
        }
        let account = self.organization.accounts.iter().find(|it| it.id == target);
        let account = account.ok_or_else(target_not_found)?;
        let kind = self.effective_type()?;
        let content = self.organization.effective_policy(kind, account);
        Ok(json!({"EffectivePolicy": {
            "PolicyContent": content.to_string(),
            "LastUpdatedTimestamp": account.joined.as_second(),
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
            let way = account.path.trim_end_matches('/').split('/').skip(1);
            let policies = way.flat_map(|target| self.organization.attached(kind, target));
            let content = self.organization.effective_policy(kind, account);
            let element = content.as_object().and_then(|it| it.keys().next());
            json!({
                "ErrorCode": "ELEMENTS_TOO_MANY",
                "ErrorMessage": "The effective policy has too many elements.",
                "PathToError": element.map_or("", String::as_str),
                "ContributingPolicies": policies.map(|it| it.id.as_str()).collect::<Vec<_>>(),
            })
        });
        let mut page = self.page("EffectivePolicyValidationErrors", errors.into_iter(), |it| it)?;
        page["AccountId"] = json!(account.id);
        page["PolicyType"] = json!(kind);
        page["Path"] = json!(account.path);
        page["EvaluationTimestamp"] = json!(account.joined.as_second());
        Ok(page)
    }

    /// Whether the account's effective policy of this type is invalid.
    fn broken(&self, kind: &str, account: &Account) -> bool {
        let Settings { invalid_effective_policies: some, invalid_effective_policies_one_in: one_in, .. } =
            self.settings;
        some.iter().any(|(broken, id)| broken == kind && *id == account.id)
            || (*one_in > 0 && account.id.parse::<u64>().is_ok_and(|id| id % one_in == 0))
    }

    pub(super) fn list_tags_for_resource(&self) -> Result<Value, ApiError> {
        let id = self.id("ResourceId", Id::Resource)?;
        let known = self.organization.below(id).is_some() || self.organization.policy(id).is_some();
        if !known {
            return Err(target_not_found());
        }
        let tags = self.organization.tags(id);
        self.fixed_page("Tags", tags.into_iter(), |(key, value)| json!({"Key": key, "Value": value}))
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
