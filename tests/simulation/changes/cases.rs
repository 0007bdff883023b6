//! Plans that between them have a call of every kind.

use local_stack::LocalStack;
use muster_tests::Scenario;
use serde_json::{Value, json};

use super::policies::{DECLARATIVE, metadata, policies, tokens, unit};
use super::setup::{desired, everything};
use super::{POLICIES, Planned, SETUP, apply, plan, scenario};

/// A plan that is about to be applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Case {
    SetUp,
    SetUpTakenBack,
    TypeOff,
    TypeTakenBack,
    Policy,
    PolicyChanged,
    PolicyTakenBack,
}

impl Case {
    pub(crate) const ALL: [Self; 7] = [
        Self::SetUp,
        Self::SetUpTakenBack,
        Self::TypeOff,
        Self::TypeTakenBack,
        Self::Policy,
        Self::PolicyChanged,
        Self::PolicyTakenBack,
    ];

    pub(crate) fn machine(self) -> &'static str {
        match self {
            Self::SetUp | Self::SetUpTakenBack | Self::TypeOff | Self::TypeTakenBack => SETUP,
            Self::Policy | Self::PolicyChanged | Self::PolicyTakenBack => POLICIES,
        }
    }

    /// What the plan calls, in its order.
    pub(crate) fn calls(self) -> &'static [&'static str] {
        match self {
            Self::SetUp => &[
                "EnablePolicyType",
                "EnableAWSServiceAccess",
                "RegisterDelegatedAdministrator",
                "PutResourcePolicy",
            ],
            Self::SetUpTakenBack => &[
                "DeleteResourcePolicy",
                "DeregisterDelegatedAdministrator",
                "DisableAWSServiceAccess",
                "DisablePolicyType",
            ],
            Self::TypeOff => &["DisablePolicyType"],
            Self::TypeTakenBack => &["EnablePolicyType", "AttachPolicy"],
            Self::Policy => &["CreatePolicy", "AttachPolicy"],
            Self::PolicyChanged => {
                &["UpdatePolicy", "UntagResource", "TagResource", "AttachPolicy", "DetachPolicy"]
            }
            Self::PolicyTakenBack => &["DetachPolicy", "DeletePolicy"],
        }
    }

    /// Makes the plan, after whatever goes before it.
    pub(crate) async fn planned(self, stack: &LocalStack) -> Planned {
        match self {
            Self::SetUp => plan(stack, SETUP, everything(stack)).await,
            Self::SetUpTakenBack => taken_back(stack, SETUP, everything(stack)).await,
            Self::TypeOff => plan(stack, SETUP, tag_policies_off()).await,
            Self::TypeTakenBack => taken_back(stack, SETUP, tag_policies_off()).await,
            Self::Policy => plan(stack, POLICIES, metadata(&unit(stack))).await,
            Self::PolicyChanged => {
                let one = unit(stack);
                let organization = stack.aws.organization();
                let other = &organization.accounts.iter().find(|it| it.parent != one).unwrap().id;
                let mut before = metadata(&one);
                before["desired"]["policies"][0]["tags"] = json!({"team": "platform"});
                apply(stack, POLICIES, before).await.result();
                let after = policies(json!([{
                    "type": DECLARATIVE,
                    "name": "metadata-service",
                    "renameFrom": "metadata",
                    "content": tokens("optional"),
                    "targets": [other],
                    "tags": {"owner": "security"},
                }]));
                plan(stack, POLICIES, after).await
            }
            Self::PolicyTakenBack => taken_back(stack, POLICIES, metadata(&unit(stack))).await,
        }
    }
}

/// Small: what is tried at every call is tried often.
pub(crate) fn small() -> Scenario {
    Scenario { accounts: 12, ..scenario() }
}

async fn taken_back(stack: &LocalStack, machine: &str, request: Value) -> Planned {
    let applied = apply(stack, machine, request).await;
    applied.result();
    plan(stack, machine, json!({"rollback": {"run": applied.run_id()}})).await
}

fn tag_policies_off() -> Value {
    desired(json!({"policyTypes": {"TAG_POLICY": "disabled"}, "allowDisable": ["TAG_POLICY"]}))
}
