//! The organization's resource policy: which member accounts may manage its policies.

use serde_json::Value;

use crate::iam::{Caller, Context, PolicyDocument, Principal, ResourceAnswer, like};

/// The policy, as it was given and as it is understood.
#[derive(Debug, Clone)]
pub(crate) struct ResourcePolicy {
    pub(crate) id: String,
    pub(crate) content: String,
    document: PolicyDocument,
}

/// Operations that member accounts can be given, besides those that only read (user guide, "Delegated
/// administrator for AWS Organizations").
pub(crate) const DELEGABLE: [&str; 9] = [
    "AttachPolicy",
    "CreatePolicy",
    "DeletePolicy",
    "DetachPolicy",
    "DisablePolicyType",
    "EnablePolicyType",
    "TagResource",
    "UntagResource",
    "UpdatePolicy",
];

/// What an organization's resource policy is refused for: a reason of `InvalidInputException`, and why.
pub(crate) type Refused = (&'static str, String);

impl ResourcePolicy {
    /// Reads a policy.
    pub(crate) fn read(id: &str, content: &str) -> Result<Self, Refused> {
        let invalid = |why: String| ("INVALID_RESOURCE_POLICY_JSON", why);
        let json: Value = serde_json::from_str(content).map_err(|error| invalid(error.to_string()))?;
        let document = PolicyDocument::parse(&json).map_err(|error| invalid(error.to_string()))?;
        for statement in &document.statements {
            if statement.principals.is_empty() || !statement.principals.iter().all(|it| is_principal(it)) {
                return Err(("INVALID_PRINCIPAL", "a statement names no account, user or role".to_owned()));
            }
            if let Some(action) = statement.actions.iter().find(|action| !is_delegable(action)) {
                return Err((
                    "UNSUPPORTED_ACTION_IN_RESOURCE_POLICY",
                    format!("{action} cannot be delegated"),
                ));
            }
        }
        Ok(Self { id: id.to_owned(), content: content.to_owned(), document })
    }

    /// Whether it lets somebody of a member account do this to all of these resources.
    pub(crate) fn allows(
        &self,
        principal: &Principal,
        action: &str,
        resources: &[String],
        context: &Context,
    ) -> bool {
        let caller = Caller { arn: &principal.arn, role: principal.role.as_deref() };
        resources.iter().all(|resource| {
            let answer = self.document.answer(caller, action, resource, context);
            matches!(answer, Some(ResourceAnswer::Allow | ResourceAnswer::Delegate))
        })
    }
}

fn is_principal(text: &str) -> bool {
    let is_account = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    text == "*" || is_account || text.starts_with("arn:") && text.contains(":iam::")
}

/// Whether an action, with its wildcards, is of what can be delegated.
fn is_delegable(action: &str) -> bool {
    let Some((service, operation)) = action.split_once(':') else { return action == "*" };
    let reads = ["Describe", "List"].iter().any(|it| operation.starts_with(it));
    service.eq_ignore_ascii_case("organizations")
        && (reads || DELEGABLE.iter().any(|it| like(&operation.to_lowercase(), &it.to_lowercase())))
}
