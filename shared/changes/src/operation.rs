//! The calls that change an organization: the object of each, what it makes of it, and its opposite.

use std::collections::{BTreeMap, BTreeSet};

use models::AccountId;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::object::{ObjectId, PolicyKey, State, same};

/// A call with an effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "operation", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Operation {
    CreateOrganization {
        feature_set: String,
    },
    EnablePolicyType {
        policy_type: String,
    },
    /// Detaches every policy of the type, too.
    DisablePolicyType {
        policy_type: String,
    },
    #[serde(rename = "EnableAWSServiceAccess")]
    EnableServiceAccess {
        service: String,
    },
    #[serde(rename = "DisableAWSServiceAccess")]
    DisableServiceAccess {
        service: String,
    },
    RegisterDelegatedAdministrator {
        account: AccountId,
        service: String,
    },
    DeregisterDelegatedAdministrator {
        account: AccountId,
        service: String,
    },
    /// Tags only where there is no resource policy yet: AWS refuses them for one that there is.
    PutResourcePolicy {
        content: String,
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        tags: BTreeMap<String, String>,
    },
    DeleteResourcePolicy,
    CreatePolicy {
        policy_type: String,
        name: String,
        description: String,
        content: String,
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        tags: BTreeMap<String, String>,
    },
    /// What is absent stays. AWS keeps a description that is given empty as it was.
    UpdatePolicy {
        policy_type: String,
        policy: PolicyKey,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        description: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        content: Option<String>,
    },
    DeletePolicy {
        policy_type: String,
        policy: PolicyKey,
    },
    AttachPolicy {
        policy_type: String,
        policy: PolicyKey,
        target: String,
    },
    DetachPolicy {
        policy_type: String,
        policy: PolicyKey,
        target: String,
    },
    TagResource {
        of: Tagged,
        tags: BTreeMap<String, String>,
    },
    UntagResource {
        of: Tagged,
        keys: BTreeSet<String>,
    },
}

/// What tags are set on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "resource", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Tagged {
    Policy { policy_type: String, policy: PolicyKey },
    ResourcePolicy,
}

impl Operation {
    /// AWS's name of it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::CreateOrganization { .. } => "CreateOrganization",
            Self::EnablePolicyType { .. } => "EnablePolicyType",
            Self::DisablePolicyType { .. } => "DisablePolicyType",
            Self::EnableServiceAccess { .. } => "EnableAWSServiceAccess",
            Self::DisableServiceAccess { .. } => "DisableAWSServiceAccess",
            Self::RegisterDelegatedAdministrator { .. } => "RegisterDelegatedAdministrator",
            Self::DeregisterDelegatedAdministrator { .. } => "DeregisterDelegatedAdministrator",
            Self::PutResourcePolicy { .. } => "PutResourcePolicy",
            Self::DeleteResourcePolicy => "DeleteResourcePolicy",
            Self::CreatePolicy { .. } => "CreatePolicy",
            Self::UpdatePolicy { .. } => "UpdatePolicy",
            Self::DeletePolicy { .. } => "DeletePolicy",
            Self::AttachPolicy { .. } => "AttachPolicy",
            Self::DetachPolicy { .. } => "DetachPolicy",
            Self::TagResource { .. } => "TagResource",
            Self::UntagResource { .. } => "UntagResource",
        }
    }

    /// What it changes.
    pub fn object(&self) -> ObjectId {
        match self.clone() {
            Self::CreateOrganization { .. } => ObjectId::Organization,
            Self::EnablePolicyType { policy_type } | Self::DisablePolicyType { policy_type } => {
                ObjectId::PolicyType { policy_type }
            }
            Self::EnableServiceAccess { service } | Self::DisableServiceAccess { service } => {
                ObjectId::TrustedAccess { service }
            }
            Self::RegisterDelegatedAdministrator { account, service }
            | Self::DeregisterDelegatedAdministrator { account, service } => {
                ObjectId::DelegatedAdministrator { account, service }
            }
            Self::PutResourcePolicy { .. } | Self::DeleteResourcePolicy => ObjectId::ResourcePolicy,
            Self::CreatePolicy { policy_type, name, .. } => {
                ObjectId::Policy { policy_type, policy: PolicyKey::New(name) }
            }
            Self::UpdatePolicy { policy_type, policy, .. } | Self::DeletePolicy { policy_type, policy } => {
                ObjectId::Policy { policy_type, policy }
            }
            Self::AttachPolicy { policy_type, target, .. }
            | Self::DetachPolicy { policy_type, target, .. } => ObjectId::Attachments { policy_type, target },
            Self::TagResource { of, .. } | Self::UntagResource { of, .. } => match of {
                Tagged::Policy { policy_type, policy } => ObjectId::Policy { policy_type, policy },
                Tagged::ResourcePolicy => ObjectId::ResourcePolicy,
            },
        }
    }

    /// What it makes of its object.
    pub fn on(&self, before: &State) -> State {
        match self {
            // Its ids are AWS's to choose.
            Self::CreateOrganization { feature_set } => json!({"featureSet": feature_set}),
            Self::EnablePolicyType { .. } => json!("ENABLED"),
            Self::EnableServiceAccess { .. } | Self::RegisterDelegatedAdministrator { .. } => json!(true),
            Self::DisablePolicyType { .. }
            | Self::DisableServiceAccess { .. }
            | Self::DeregisterDelegatedAdministrator { .. }
            | Self::DeleteResourcePolicy
            | Self::DeletePolicy { .. } => Value::Null,
            Self::PutResourcePolicy { content, tags } => {
                let tags = before.get("tags").cloned().unwrap_or_else(|| json!(tags));
                json!({"content": content, "tags": tags})
            }
            Self::CreatePolicy { name, description, content, tags, .. } => {
                json!({"name": name, "description": description, "content": content, "tags": tags})
            }
            Self::UpdatePolicy { name, description, content, .. } => {
                let mut after = before.clone();
                for (member, value) in [("name", name), ("description", description), ("content", content)] {
                    if let Some(value) = value {
                        after[member] = json!(value);
                    }
                }
                after
            }
            Self::AttachPolicy { policy, .. } => {
                let mut keys = keys_of(before);
                keys.insert(policy.to_string());
                json!(keys)
            }
            Self::DetachPolicy { policy, .. } => {
                let mut keys = keys_of(before);
                keys.remove(&policy.to_string());
                json!(keys)
            }
            Self::TagResource { tags, .. } => with_tags(before, |present| {
                present.extend(tags.iter().map(|(key, value)| (key.clone(), json!(value))));
            }),
            Self::UntagResource { keys, .. } => {
                with_tags(before, |present| present.retain(|key, _| !keys.contains(key)))
            }
        }
    }

    /// Whether an object's state shows that it has been made, or is under way.
    pub fn shows(&self, state: &State) -> bool {
        self.is_under_way(state) || self.is_shown(state)
    }

    /// Whether AWS has accepted it and goes on with it.
    pub fn is_under_way(&self, state: &State) -> bool {
        match self {
            Self::EnablePolicyType { .. } => state == "PENDING_ENABLE",
            Self::DisablePolicyType { .. } => state == "PENDING_DISABLE",
            _ => false,
        }
    }

    /// Whether an object's state is what it makes of it.
    pub fn is_shown(&self, state: &State) -> bool {
        match self {
            Self::CreateOrganization { feature_set } => {
                state.get("featureSet").and_then(Value::as_str) == Some(feature_set)
            }
            // What was there before is part of what it makes of them: the plan says that.
            _ => same(&self.on(state), state),
        }
    }
}

/// The policies of an [`ObjectId::Attachments`].
pub fn keys_of(state: &State) -> BTreeSet<String> {
    let keys = state.as_array().map(Vec::as_slice).unwrap_or_default();
    keys.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn with_tags(before: &State, change: impl FnOnce(&mut serde_json::Map<String, Value>)) -> State {
    let mut after = before.clone();
    if let Some(tags) = after.get_mut("tags").and_then(Value::as_object_mut) {
        change(tags);
    }
    after
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> PolicyKey {
        PolicyKey::try_from(text.to_owned()).unwrap()
    }

    #[test]
    fn attaching_and_detaching_keep_the_keys_sorted_and_once() {
        let attach = |policy: &str| Operation::AttachPolicy {
            policy_type: "TAG_POLICY".into(),
            policy: key(policy),
            target: "r-ab12".into(),
        };
        let both = attach("p-aaaaaaaa").on(&attach("p-bbbbbbbb").on(&Value::Null));
        assert_eq!(both, json!(["p-aaaaaaaa", "p-bbbbbbbb"]));
        assert_eq!(attach("p-aaaaaaaa").on(&both), both);
        let detach = Operation::DetachPolicy {
            policy_type: "TAG_POLICY".into(),
            policy: key("p-bbbbbbbb"),
            target: "r-ab12".into(),
        };
        assert_eq!(detach.on(&both), json!(["p-aaaaaaaa"]));
        assert_eq!(detach.object(), attach("p-aaaaaaaa").object());
    }

    #[test]
    fn an_update_leaves_what_it_does_not_name() {
        let before = json!({"name": "a", "description": "b", "content": "{}", "tags": {"k": "v"}});
        let update = Operation::UpdatePolicy {
            policy_type: "TAG_POLICY".into(),
            policy: key("p-aaaaaaaa"),
            name: None,
            description: Some("c".into()),
            content: None,
        };
        let after = json!({"name": "a", "description": "c", "content": "{}", "tags": {"k": "v"}});
        assert_eq!(update.on(&before), after);
    }

    #[test]
    fn an_operation_is_written_and_read_back() {
        let of = Tagged::Policy { policy_type: "TAG_POLICY".into(), policy: key("p-aaaaaaaa") };
        for operation in [
            Operation::DeleteResourcePolicy,
            Operation::EnableServiceAccess { service: "ec2.amazonaws.com".into() },
            Operation::TagResource { of: of.clone(), tags: [("a".into(), "b".into())].into() },
            Operation::UntagResource { of: Tagged::ResourcePolicy, keys: ["a".into()].into() },
        ] {
            let json = serde_json::to_value(&operation).unwrap();
            assert_eq!(json["operation"], operation.name());
            assert_eq!(serde_json::from_value::<Operation>(json).unwrap(), operation);
        }
    }
}
