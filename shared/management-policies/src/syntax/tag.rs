//! Tag policies.
//!
//! <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_example-tag-policies.html>,
//! as read in November 2026. `report_required_tag_for` is named by the API of resource groups tagging:
//! <https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_RequiredTag.html>

use std::collections::BTreeMap;

use crate::json::Node;
use crate::operators::{self, ASSIGN};
use crate::pointer;
use crate::problem::{Problems, shown};
use crate::syntax::items::Items;
use crate::syntax::shape::{Member, Shape};
use crate::value::Scalar;

/// The member of a rule that spells its tag key.
pub(crate) const TAG_KEY: &str = "tag_key";

/// What stands below `tags`.
pub(crate) static TAGS: Shape = Shape::Rules;

/// What stands at a policy key.
pub(crate) static RULE: Shape = Shape::Group(&[
    Member::optional(TAG_KEY, Shape::TagKey),
    Member::optional("tag_value", Shape::List(Items::TagValues)),
    Member::optional("enforced_for", Shape::List(Items::EnforcedFor)),
    Member::optional("report_required_tag_for", Shape::List(Items::RequiredFor)),
]);

/// A key of a tag has at most so many characters.
const LONGEST_KEY: usize = 128;

/// Checks the policy keys of a policy, and that each rule's tag key is its policy key but for case.
pub(crate) fn check_keys(members: &[(String, Node)], path: &str, problems: &mut Problems) {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    for (key, rule) in members.iter().filter(|(key, _)| !operators::is_operator(key)) {
        let at = pointer::join(path, key);
        // "A policy key that uniquely identifies the policy statement", and it is not case sensitive
        match seen.get(&key.to_lowercase()) {
            Some(first) => problems.wrong(
                &at,
                format!("it differs from the policy key {} in case only", shown(first)),
                "each policy key once, whatever its case",
            ),
            None => {
                seen.insert(key.to_lowercase(), key);
            }
        }
        let length = key.chars().count();
        if length == 0 {
            problems.wrong(&at, "the policy key is empty", "the key of a tag");
        } else if length > LONGEST_KEY {
            problems.not_established(
                &at,
                format!("the policy key has {length} characters, more than the key of a tag"),
                format!("at most {LONGEST_KEY} characters"),
            );
        }
        check_tag_key(key, rule, &at, problems);
    }
}

/// "The value for the tag key must match the value for the policy key", but for the capitalization.
fn check_tag_key(policy_key: &str, rule: &Node, path: &str, problems: &mut Problems) {
    let Some(Node::One(Scalar::Text(tag_key))) = member(rule, TAG_KEY).and_then(|key| member(key, ASSIGN))
    else {
        return;
    };
    if tag_key.to_lowercase() != policy_key.to_lowercase() {
        problems.wrong(
            &pointer::join(&pointer::join(path, TAG_KEY), ASSIGN),
            format!("the tag key {} is not the policy key", shown(tag_key)),
            format!("{}, in the case that is wanted", shown(policy_key)),
        );
    }
}

fn member<'a>(node: &'a Node, name: &str) -> Option<&'a Node> {
    match node {
        Node::Object(members) => members.iter().find(|(key, _)| key == name).map(|(_, value)| value),
        Node::One(_) | Node::Many(_) => None,
    }
}
