//! The request of an inventory.

use errors::JobError;
use models::AccountId;
use runtime::lifecycle::{is_yes, yes};
use serde::{Deserialize, Serialize};

/// What is to be read besides structure, accounts, policies and requests for accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// How effective policies are read.
    #[serde(default, skip_serializing_if = "EffectivePolicies::is_default")]
    pub effective_policies: EffectivePolicies,
    /// The only accounts whose effective policies are read, each by itself; all where it is empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<Target>,
    /// Whether the tags of accounts are read: a call for each.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub tags: bool,
}

impl Default for Request {
    fn default() -> Self {
        Self { effective_policies: EffectivePolicies::default(), targets: Vec::new(), tags: true }
    }
}

/// How effective policies are read, of each type that is enabled on the root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum EffectivePolicies {
    /// Accounts with the same attached policies on their way from the root are one class: one of them
    /// and a sample are read, and the rest derived while these agree.
    #[default]
    Classes,
    /// Every account is read.
    All,
    None,
}

impl EffectivePolicies {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// An account whose effective policies are read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Target {
    /// The account in whose name the organization is read; AWS is asked without a target.
    Own,
    Account(AccountId),
}

impl TryFrom<String> for Target {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "self" => Ok(Self::Own),
            id => id.parse().map(Self::Account).map_err(|error| format!("{error}, nor \"self\"")),
        }
    }
}

impl From<Target> for String {
    fn from(target: Target) -> Self {
        match target {
            Target::Own => "self".to_owned(),
            Target::Account(id) => id.into(),
        }
    }
}

impl Request {
    pub(crate) fn check(&self) -> Result<(), JobError> {
        if !self.targets.is_empty() && self.effective_policies == EffectivePolicies::None {
            return Err(JobError::invalid(
                "targets says whose effective policies are read, and effectivePolicies that none are",
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn parse(request: Value) -> Result<Request, String> {
        serde_json::from_value(request).map_err(|error| error.to_string())
    }

    #[test]
    fn every_member_is_read_and_written_back() {
        let request = json!({
            "effectivePolicies": "all",
            "targets": ["self", "012345678901"],
            "tags": false,
        });
        assert_eq!(serde_json::to_value(parse(request.clone()).unwrap()).unwrap(), request);
        assert_eq!(serde_json::to_value(parse(json!({})).unwrap()).unwrap(), json!({}));
    }

    #[test]
    fn unknown_and_malformed_members_are_refused() {
        for request in [
            json!({"effectivePolicies": "some"}),
            json!({"targets": ["r-ab12"]}),
            json!({"targets": "self"}),
            json!({"tags": "no"}),
            json!({"accounts": true}),
        ] {
            assert!(parse(request.clone()).is_err(), "{request}");
        }
        let contradiction = parse(json!({"effectivePolicies": "none", "targets": ["self"]})).unwrap();
        assert!(contradiction.check().is_err());
    }
}
