//! The shape of a policy: groups, and settings at their ends.

use crate::json::Node;
use crate::kind::PolicyKind;
use crate::operators::{self, CHILD_CONTROL};
use crate::pointer;
use crate::problem::{Problems, shown};
use crate::syntax::items::Items;
use crate::syntax::{settings, tag};

/// What AWS documents to stand at a place.
#[derive(Debug)]
pub(crate) enum Shape {
    /// An object with documented members.
    Group(&'static [Member]),
    /// An object whose members are `criteria_1` to `criteria_10`, each a group.
    Numbered,
    /// An object with a member for each policy key of a tag policy.
    Rules,
    /// One of some words.
    Choice(&'static [&'static str]),
    /// A whole number, written as a number or as a string.
    Integer(Range),
    /// A text.
    Text,
    /// The spelling of a tag's key.
    TagKey,
    /// A list.
    List(Items),
}

/// The bounds of a whole number, both included.
#[derive(Debug)]
pub(crate) struct Range {
    pub(crate) least: i64,
    pub(crate) most: i64,
    /// A number between the bounds of which AWS's pages do not agree.
    pub(crate) doubtful: Option<i64>,
}

/// A member of a group.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) name: &'static str,
    pub(crate) required: bool,
    pub(crate) shape: Shape,
}

impl Member {
    pub(crate) const fn required(name: &'static str, shape: Shape) -> Self {
        Self { name, required: true, shape }
    }

    pub(crate) const fn optional(name: &'static str, shape: Shape) -> Self {
        Self { name, required: false, shape }
    }
}

impl Shape {
    /// What stands one key deeper.
    pub(crate) fn member(&self, key: &str) -> Option<&'static Shape> {
        match self {
            Self::Group(members) => {
                members.iter().find(|member| member.name == key).map(|member| &member.shape)
            }
            Self::Numbered => is_criteria(key).then_some(&super::declarative::CRITERIA),
            Self::Rules => (!operators::is_operator(key)).then_some(&tag::RULE),
            Self::Choice(_) | Self::Integer(_) | Self::Text | Self::TagKey | Self::List(_) => None,
        }
    }

    /// The documented members of a group of EC2 policies, by name.
    pub(crate) fn members(&self) -> Vec<(String, &'static Shape)> {
        match self {
            Self::Group(members) => {
                members.iter().map(|member| (member.name.to_owned(), &member.shape)).collect()
            }
            Self::Numbered => {
                let names = (1..=MOST_CRITERIA).map(|number| format!("{CRITERIA_PREFIX}{number}"));
                names.map(|name| (name, &super::declarative::CRITERIA)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The most values of a list, where AWS documents it.
    pub(crate) fn most(&self) -> Option<usize> {
        match self {
            Self::List(items) => items.most(),
            _ => None,
        }
    }

    fn is_group(&self) -> bool {
        matches!(self, Self::Group(_) | Self::Numbered | Self::Rules)
    }

    /// What may stand there, for messages.
    fn allowed(&self) -> String {
        match self {
            Self::Rules => "policy keys".to_owned(),
            Self::Group(members) => {
                let names: Vec<&str> = members.iter().map(|member| member.name).collect();
                names.join(", ")
            }
            Self::Numbered => "criteria_1 to criteria_10".to_owned(),
            Self::Choice(words) => words.join(", "),
            Self::Integer(range) => format!("a whole number from {} to {}", range.least, range.most),
            Self::Text => "a text".to_owned(),
            Self::TagKey => "the policy key, in the case that is wanted".to_owned(),
            Self::List(items) => items.allowed().to_owned(),
        }
    }
}

const CRITERIA_PREFIX: &str = "criteria_";
const MOST_CRITERIA: u8 = 10;

fn is_criteria(key: &str) -> bool {
    let number = key.strip_prefix(CRITERIA_PREFIX).filter(|number| !number.starts_with(['0', '+']));
    number
        .and_then(|number| number.parse::<u8>().ok())
        .is_some_and(|number| (1..=MOST_CRITERIA).contains(&number))
}

/// The required members of a group that has some.
pub(crate) fn required_members(shape: &Shape) -> impl Iterator<Item = &'static str> {
    let members: &'static [Member] = match shape {
        Shape::Group(members) => members,
        _ => &[],
    };
    members.iter().filter(|member| member.required).map(|member| member.name)
}

/// Checks the whole of a policy: its one key, and what is below.
pub(crate) fn check_top(kind: PolicyKind, node: &Node, problems: &mut Problems) {
    let Node::Object(members) = node else { return };
    let top = kind.top_key();
    if !members.iter().any(|(key, _)| key == top) {
        problems.wrong("", format!("the key {top} is missing"), format!("the one key {top}"));
    }
    for (key, value) in members {
        let path = pointer::join("", key);
        if key == top {
            check(super::below_top(kind), value, &path, problems);
        } else {
            problems.wrong(&path, "a policy of this type does not have the key", format!("only {top}"));
        }
    }
}

/// Checks what stands at a place against the shape that it should have.
pub(crate) fn check(shape: &'static Shape, node: &Node, path: &str, problems: &mut Problems) {
    match node {
        Node::Object(members) if shape.is_group() => check_group(shape, members, path, problems),
        Node::Object(members) => settings::check(shape, members, path, problems),
        other if shape.is_group() => {
            problems.wrong(
                path,
                format!("it is {}", other.what()),
                format!("an object with {}", shape.allowed()),
            );
        }
        other => {
            problems.wrong(
                path,
                format!("it is {} without an operator", other.what()),
                format!("an object such as {{\"@@assign\": …}}, with {}", shape.allowed()),
            );
        }
    }
}

fn check_group(shape: &'static Shape, members: &[(String, Node)], path: &str, problems: &mut Problems) {
    if members.is_empty() {
        problems.not_established(path, "the object is empty", shape.allowed());
    }
    if matches!(shape, Shape::Rules) {
        tag::check_keys(members, path, problems);
    }
    for (key, value) in members {
        let at = pointer::join(path, key);
        if key == CHILD_CONTROL {
            settings::check_control(value, &at, problems);
        } else if operators::is_operator(key) {
            let what = if operators::sets_values(key) {
                format!("{key} stands at a group of settings")
            } else {
                format!("{} is no operator", shown(key))
            };
            problems.wrong(&at, what, format!("here only {CHILD_CONTROL}, and {}", shape.allowed()));
        } else if let Some(member) = shape.member(key) {
            check(member, value, &at, problems);
        } else {
            problems.not_established(
                &at,
                format!("AWS's guide does not document {}", shown(key)),
                shape.allowed(),
            );
        }
    }
    check_required(shape, members, path, problems);
}

/// AWS's page marks some members as required. Whether a policy that only builds on one above, by
/// `@@append`, `@@remove` or a child control, must repeat them, it does not say.
fn check_required(shape: &'static Shape, members: &[(String, Node)], path: &str, problems: &mut Problems) {
    for name in required_members(shape) {
        if members.is_empty() || members.iter().any(|(key, _)| key == name) {
            continue;
        }
        let what = format!("{name} is missing, which AWS's guide marks as required");
        let allowed = format!("{name} with {}", shape.member(name).map(Shape::allowed).unwrap_or_default());
        if members.iter().all(|(_, value)| builds_on_parent(value)) {
            problems.not_established(path, what, allowed);
        } else {
            problems.wrong(path, what, allowed);
        }
    }
}

fn builds_on_parent(node: &Node) -> bool {
    match node {
        Node::Object(members) => {
            members.iter().all(|(key, value)| key != operators::ASSIGN && builds_on_parent(value))
        }
        Node::One(_) | Node::Many(_) => true,
    }
}
