//! How an organization shall be set up. What is not named stays as it is.

use std::collections::{BTreeMap, BTreeSet};

use errors::JobError;
use models::AccountId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The most characters of a resource policy. Source: Organizations user guide, "Quotas for AWS
/// Organizations": "Maximum size of a resource-based delegation policy".
const RESOURCE_POLICY_CHARACTERS: usize = 40_000;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Desired {
    /// Make an organization with this feature set where the account is in none. Of one that there is, a
    /// feature set that differs is reported and not changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub create_organization: Option<FeatureSet>,
    /// By AWS's name of the type, such as `DECLARATIVE_POLICY_EC2`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub policy_types: BTreeMap<String, OnOff>,
    /// Policy types that may be turned off, which detaches every policy of them from everything.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub allow_disable: BTreeSet<String>,
    /// By service principal, such as `ec2.amazonaws.com`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub trusted_access: BTreeMap<String, OnOff>,
    /// By service principal: the accounts that are delegated administrators for it. All others are
    /// deregistered.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub delegated_administrators: BTreeMap<String, BTreeSet<AccountId>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_policy: Option<ResourcePolicy>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FeatureSet {
    All,
    ConsolidatedBilling,
}

impl FeatureSet {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::All => "ALL",
            Self::ConsolidatedBilling => "CONSOLIDATED_BILLING",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnOff {
    Enabled,
    Disabled,
}

/// What delegated administrators may do: the organization's only resource policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum ResourcePolicy {
    /// There shall be none.
    Absent,
    Content(Map<String, Value>),
}

impl Desired {
    pub(crate) fn check(&self) -> Result<(), JobError> {
        if *self == Self::default() {
            return Err(JobError::invalid("nothing is desired: name what shall be set up"));
        }
        for kind in self.policy_types.keys().chain(&self.allow_disable) {
            let is_name = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
            if kind.is_empty() || kind.len() > 64 || !kind.bytes().all(is_name) {
                return Err(JobError::invalid(format!(
                    "{kind:?} is no policy type: they are written as DECLARATIVE_POLICY_EC2"
                )));
            }
        }
        for (kind, state) in &self.policy_types {
            if *state == OnOff::Disabled && !self.allow_disable.contains(kind) {
                return Err(JobError::invalid(format!(
                    "turning {kind} off detaches every policy of that type from everything: say so with allowDisable: \
                     [{kind:?}]"
                )));
            }
        }
        for service in self.trusted_access.keys().chain(self.delegated_administrators.keys()) {
            let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"+=,.@_-".contains(&byte);
            if service.is_empty() || service.len() > 128 || !service.bytes().all(is_name) {
                return Err(JobError::invalid(format!(
                    "{service:?} is no service principal: they are written as ec2.amazonaws.com"
                )));
            }
        }
        for (service, accounts) in &self.delegated_administrators {
            if !accounts.is_empty() && self.trusted_access.get(service) == Some(&OnOff::Disabled) {
                return Err(JobError::invalid(format!(
                    "{service} shall have delegated administrators and no trusted access: AWS allows the first only with \
                     the second"
                )));
            }
        }
        match &self.resource_policy {
            Some(ResourcePolicy::Content(content)) => check_resource_policy(content),
            _ => Ok(()),
        }
    }
}

fn check_resource_policy(content: &Map<String, Value>) -> Result<(), JobError> {
    let statements = content.get("Statement");
    if !statements.is_some_and(|it| it.is_object() || it.as_array().is_some_and(|all| !all.is_empty())) {
        return Err(JobError::invalid("resourcePolicy.content has no Statement"));
    }
    let characters = Value::Object(content.clone()).to_string().chars().count();
    if characters > RESOURCE_POLICY_CHARACTERS {
        return Err(JobError::invalid(format!(
            "resourcePolicy.content has {characters} characters, and AWS takes {RESOURCE_POLICY_CHARACTERS}"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(desired: Value) -> Result<(), String> {
        let desired: Desired = serde_json::from_value(desired).map_err(|error| error.to_string())?;
        desired.check().map_err(|error| error.to_string())
    }

    #[test]
    fn every_member_is_read_and_written_back() {
        let desired = json!({
            "createOrganization": "ALL",
            "policyTypes": {"DECLARATIVE_POLICY_EC2": "enabled", "TAG_POLICY": "disabled"},
            "allowDisable": ["TAG_POLICY"],
            "trustedAccess": {"ec2.amazonaws.com": "enabled"},
            "delegatedAdministrators": {"ec2.amazonaws.com": ["012345678901"]},
            "resourcePolicy": {"content": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow"}]}},
        });
        assert_eq!(check(desired.clone()), Ok(()));
        let read: Desired = serde_json::from_value(desired.clone()).unwrap();
        assert_eq!(serde_json::to_value(read).unwrap(), desired);
        assert_eq!(check(json!({"resourcePolicy": "absent"})), Ok(()));
    }

    #[test]
    fn a_type_is_turned_off_only_where_that_is_said_twice() {
        let refused = check(json!({"policyTypes": {"TAG_POLICY": "disabled"}})).unwrap_err();
        assert!(refused.contains("allowDisable: [\"TAG_POLICY\"]"), "{refused}");
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for desired in [
            json!({}),
            json!({"policyType": {}}),
            json!({"createOrganization": "SOME"}),
            json!({"policyTypes": {"tag policy": "enabled"}}),
            json!({"policyTypes": {"TAG_POLICY": "on"}}),
            json!({"trustedAccess": {"ec2 amazonaws": "enabled"}}),
            json!({"delegatedAdministrators": {"ec2.amazonaws.com": ["12"]}}),
            json!({
                "trustedAccess": {"ec2.amazonaws.com": "disabled"},
                "delegatedAdministrators": {"ec2.amazonaws.com": ["012345678901"]},
            }),
            json!({"resourcePolicy": {"content": {}}}),
            json!({"resourcePolicy": {"content": {"Statement": [{"Sid": "a".repeat(40_000)}]}}}),
        ] {
            assert!(check(desired.clone()).is_err(), "{desired}");
        }
    }
}
