//! What a plan is about: the parts of an organization that can be changed, each with a name and a state
//! that can be compared.

use std::fmt;

use errors::JobError;
use models::{AccountId, PolicyId, TargetId, digest};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What an object is like, as JSON: `null` where it is not there. A policy's content is kept as its exact
/// text, and compared as what it means: see [`same`].
pub type State = Value;

/// A policy as plans name it: by its id, or by its name until it has one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum PolicyKey {
    Id(PolicyId),
    /// A policy that the plan makes. Names are unique within a type.
    New(String),
}

const NEW: &str = "new:";

impl fmt::Display for PolicyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => f.write_str(id.as_str()),
            Self::New(name) => write!(f, "{NEW}{name}"),
        }
    }
}

impl From<PolicyKey> for String {
    fn from(key: PolicyKey) -> Self {
        key.to_string()
    }
}

impl TryFrom<String> for PolicyKey {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.strip_prefix(NEW) {
            Some(name) => Ok(Self::New(name.to_owned())),
            None => text.parse().map(Self::Id).map_err(|error: models::InvalidId| error.to_string()),
        }
    }
}

/// One object of an organization.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "object", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum ObjectId {
    /// `{id, featureSet, managementAccount}`, `null` while the account is in none.
    Organization,
    /// `"ENABLED"`, `"PENDING_ENABLE"`, …; `null` where the type is off.
    PolicyType { policy_type: String },
    /// Every policy of a type that is not AWS's own, and every target that one of them is attached to:
    /// `{policies: {id: {name, content}}, attachments: {target: [id]}}`, AWS's own among the latter. The
    /// content is a digest.
    InForce { policy_type: String },
    /// Which accounts lie at or below a root, unit or account, and where: `{accounts, digest}`, a count and
    /// a digest of their paths.
    Placement { target: TargetId },
    /// Whether a service has trusted access: `true` or `null`.
    TrustedAccess { service: String },
    /// Whether an account is a delegated administrator for a service: `true` or `null`.
    DelegatedAdministrator { account: AccountId, service: String },
    /// `{content, tags}`.
    ResourcePolicy,
    /// `{name, description, content, tags}`.
    Policy { policy_type: String, policy: PolicyKey },
    /// The policies of a type that are attached to a root, unit or account itself: sorted keys.
    Attachments { policy_type: String, target: String },
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Organization => f.write_str("organization"),
            Self::PolicyType { policy_type } => write!(f, "policy-type/{policy_type}"),
            Self::InForce { policy_type } => write!(f, "in-force/{policy_type}"),
            Self::Placement { target } => write!(f, "placement/{}", target.as_str()),
            Self::TrustedAccess { service } => write!(f, "trusted-access/{service}"),
            Self::DelegatedAdministrator { account, service } => {
                write!(f, "delegated-administrator/{service}/{account}")
            }
            Self::ResourcePolicy => f.write_str("resource-policy"),
            Self::Policy { policy_type, policy } => write!(f, "policy/{policy_type}/{policy}"),
            Self::Attachments { policy_type, target } => write!(f, "attachments/{policy_type}/{target}"),
        }
    }
}

/// Whether two states mean the same: policies are compared as JSON, whatever their white space.
pub fn same(one: &State, other: &State) -> bool {
    canonical(one) == canonical(other)
}

/// SHA-256 of a state's canonical form, in hexadecimal digits.
pub(crate) fn digest_of(state: &State) -> Result<String, JobError> {
    digest::sha256_of_document(&canonical(state)).map_err(JobError::defect)
}

/// The state with a policy's content as what it means.
fn canonical(state: &State) -> State {
    let mut state = state.clone();
    if let Some(content) = state.get_mut("content")
        && let Some(meant) = content.as_str().and_then(|text| serde_json::from_str(text).ok())
    {
        *content = meant;
    }
    state
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_policy_is_the_same_whatever_its_white_space_and_order() {
        let one = json!({"name": "a", "content": "{\"x\": 1, \"y\": [1, 2]}"});
        let other = json!({"name": "a", "content": "{\"y\":[1,2],\"x\":1}"});
        assert!(same(&one, &other));
        assert_eq!(digest_of(&one).unwrap(), digest_of(&other).unwrap());
        assert!(!same(&one, &json!({"name": "a", "content": "{\"x\": 1, \"y\": [2, 1]}"})));
        assert!(!same(&one, &json!({"name": "b", "content": one["content"]})));
    }

    #[test]
    fn what_is_no_json_is_compared_as_text() {
        assert!(!same(&json!({"content": "{"}), &json!({"content": "{ "})));
    }

    #[test]
    fn an_object_and_a_policy_are_written_and_read_back() {
        for policy in ["p-12345678", "new:Deny regions: all"] {
            let id = ObjectId::Policy {
                policy_type: "SERVICE_CONTROL_POLICY".into(),
                policy: PolicyKey::try_from(policy.to_owned()).unwrap(),
            };
            let json = serde_json::to_value(&id).unwrap();
            assert_eq!(json["policy"], policy);
            assert_eq!(serde_json::from_value::<ObjectId>(json).unwrap(), id);
        }
        assert!(PolicyKey::try_from("x-1".to_owned()).is_err());
    }
}
