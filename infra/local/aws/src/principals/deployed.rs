//! Roles that are deployed into an account, as IAM lists them.

use serde_json::{Map, Value, json};

use super::policies::InlinePolicy;
use super::{Member, MemberKind, identity};
use crate::iam::{Effect, PolicyDocument, Role};
use crate::organization::{Account, Organization, mix, mix_text};

impl Member {
    /// The role of this ARN; its account is that of the ARN.
    pub(crate) fn deployed(
        organization: &Organization,
        account: &Account,
        arn: &str,
        role: &Role,
    ) -> Option<Self> {
        let own = arn.splitn(6, ':').nth(5)?.strip_prefix("role")?;
        let (path, name) = own.split_at(own.rfind('/')? + 1);
        let of_name = mix_text(account.key(organization), own);
        let key = mix(of_name);
        let inline = match role.policy.statements.is_empty() {
            true => Vec::new(),
            false => vec![InlinePolicy { name: "deployed".to_owned(), document: text(&role.policy) }],
        };
        Some(Self {
            arn: arn.to_owned(),
            name: name.to_owned(),
            path: path.to_owned(),
            kind: MemberKind::Role,
            created: account.joined,
            id: identity::id("AROA", key),
            account: account.id.clone(),
            tags: Vec::new(),
            boundary: None,
            inline,
            attached: Vec::new(),
            groups: Vec::new(),
            trust: Some(text(&role.trust)),
            instance_profile: false,
            key,
            idle: false,
        })
    }
}

/// The document that a policy was read from, but for what does not count.
fn text(policy: &PolicyDocument) -> String {
    let statements = policy.statements.iter().map(|statement| {
        let mut members = Map::new();
        let effect = if statement.effect == Effect::Allow { "Allow" } else { "Deny" };
        members.insert("Effect".to_owned(), json!(effect));
        members.insert("Action".to_owned(), json!(statement.actions));
        if !statement.resources.is_empty() {
            members.insert("Resource".to_owned(), json!(statement.resources));
        }
        if !statement.principals.is_empty() {
            members.insert("Principal".to_owned(), principals(&statement.principals));
        }
        let mut conditions = Map::new();
        for (operator, key, values) in &statement.conditions {
            let of = conditions.entry(operator.clone()).or_insert_with(|| json!({}));
            of[key] = json!(values);
        }
        if !conditions.is_empty() {
            members.insert("Condition".to_owned(), Value::Object(conditions));
        }
        Value::Object(members)
    });
    json!({"Version": "2012-10-17", "Statement": statements.collect::<Vec<_>>()}).to_string()
}

fn principals(names: &[String]) -> Value {
    if names.iter().any(|name| name == "*") {
        return json!("*");
    }
    let (services, others): (Vec<_>, Vec<_>) = names.iter().partition(|it| it.ends_with(".amazonaws.com"));
    let mut kinds = Map::new();
    for (kind, of) in [("Service", services), ("AWS", others)] {
        if !of.is_empty() {
            kinds.insert(kind.to_owned(), json!(of));
        }
    }
    Value::Object(kinds)
}
