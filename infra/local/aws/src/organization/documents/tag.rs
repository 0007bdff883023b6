//! Tag policies (user guide, "Tag policy syntax and examples").

use serde_json::Value;

use super::management::{self, Node};
use super::{Checked, malformed};

const POLICY: Node = Node::Members(&[("tags", Node::Each("", &TAG))]);

const TAG: Node = Node::Members(&[
    ("tag_key", Node::Text),
    ("tag_value", Node::List(is_value)),
    ("enforced_for", Node::List(is_resource_type)),
    ("report_required_for", Node::List(is_resource_type)),
]);

pub(super) fn check(document: &Value) -> Checked {
    management::check(document, &POLICY)?;
    let Some(tags) = document["tags"].as_object() else { return malformed("there are no tags") };
    for (policy_key, tag) in tags.iter().filter(|(name, _)| !name.starts_with("@@")) {
        // "It must match the value for the tag key, except for the case treatment."
        let tag_key = tag["tag_key"]["@@assign"].as_str();
        if tag_key.is_some_and(|key| key.to_lowercase() != policy_key.to_lowercase()) {
            return malformed(format!("the tag key is another than {policy_key}"));
        }
    }
    Ok(())
}

/// "You can use only one wildcard per tag value."
fn is_value(text: &str) -> bool {
    text.matches('*').count() <= 1
}

/// `service:type`, `service:*` or `service:ALL_SUPPORTED`.
fn is_resource_type(text: &str) -> bool {
    text.split_once(':').is_some_and(|(service, kind)| !service.is_empty() && !kind.is_empty())
}
