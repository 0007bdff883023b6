//! Service and resource control policies (user guide, "SCP syntax" and "RCP syntax").

use serde_json::{Map, Value};

use super::{Checked, malformed};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Service,
    Resource,
}

impl Kind {
    /// The elements that a statement may have: an SCP is about the account's own principals and names
    /// none, an RCP names everybody and every action that it is about.
    fn elements(self) -> &'static [&'static str] {
        match self {
            Self::Service => {
                &["Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"]
            }
            Self::Resource => {
                &["Sid", "Effect", "Principal", "Action", "Resource", "NotResource", "Condition"]
            }
        }
    }
}

pub(super) fn check(document: &Value, kind: Kind) -> Checked {
    let Some(members) = document.as_object() else { return malformed("the document is not an object") };
    if let Some(name) = members.keys().find(|name| !["Version", "Id", "Statement"].contains(&name.as_str())) {
        return malformed(format!("the element {name} is not supported"));
    }
    // "Every SCP must include a Version element with the value 2012-10-17."
    if document["Version"] != "2012-10-17" {
        return malformed("Version is not 2012-10-17");
    }
    let statements = match &document["Statement"] {
        Value::Array(statements) if !statements.is_empty() => statements.as_slice(),
        statement @ Value::Object(_) => std::slice::from_ref(statement),
        _ => return malformed("there is no Statement"),
    };
    statements.iter().try_for_each(|statement| match statement.as_object() {
        Some(members) => statement_of(members, kind),
        None => malformed("a statement is not an object"),
    })
}

fn statement_of(statement: &Map<String, Value>, kind: Kind) -> Checked {
    if let Some(name) = statement.keys().find(|name| !kind.elements().contains(&name.as_str())) {
        return malformed(format!("the element {name} is not supported"));
    }
    match (statement.get("Effect").and_then(Value::as_str), kind) {
        (Some("Deny"), _) | (Some("Allow"), Kind::Service) => {}
        // Only AWS's own RCP allows.
        _ => return malformed("the Effect is not one of this policy type"),
    }
    if kind == Kind::Resource && statement.get("Principal") != Some(&Value::from("*")) {
        return malformed("the Principal is not *");
    }
    let actions = one_of(statement, "Action", "NotAction")?;
    if kind == Kind::Resource && actions.contains(&"*") {
        return malformed("* alone is no Action of this policy type");
    }
    if let Some(action) = actions.iter().find(|action| !is_action(action)) {
        return malformed(format!("{action} is no action"));
    }
    one_of(statement, "Resource", "NotResource")?;
    match statement.get("Condition") {
        None | Some(Value::Object(_)) => Ok(()),
        Some(_) => malformed("the Condition is not an object"),
    }
}

/// The texts of an element that is there either as it is or negated.
fn one_of<'a>(
    statement: &'a Map<String, Value>,
    name: &str,
    negated: &str,
) -> Result<Vec<&'a str>, super::Malformed> {
    let value = match (statement.get(name), statement.get(negated)) {
        (Some(value), None) | (None, Some(value)) => value,
        _ => return malformed(format!("there is not one of {name} and {negated}")),
    };
    let texts: Option<Vec<&str>> = match value {
        Value::String(text) => Some(vec![text]),
        Value::Array(values) => values.iter().map(Value::as_str).collect(),
        _ => None,
    };
    match texts {
        Some(texts) if !texts.is_empty() => Ok(texts),
        _ => malformed(format!("{name} is not texts")),
    }
}

/// `*`, or a service and its actions.
fn is_action(text: &str) -> bool {
    let allowed = |part: &str, more: &[u8]| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || more.contains(&byte))
    };
    text == "*"
        || text
            .split_once(':')
            .is_some_and(|(service, action)| allowed(service, b"-") && allowed(action, b"*?"))
}
