//! Documents of settings and operators (user guide, "Policy syntax and inheritance for management policy
//! types").
//!
//! Each setting has its value below an operator; what lies above the settings has members of its own.
//! Anywhere can be a control of what policies below may do.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::{Checked, Malformed, malformed};

const CONTROL: &str = "@@operators_allowed_for_child_policies";
const ASSIGN: &str = "@@assign";
const CHANGES: [&str; 2] = ["@@append", "@@remove"];
const ALLOWED: [&str; 5] = ["@@all", "@@none", "@@assign", "@@append", "@@remove"];

/// What may be at a place of a document.
#[derive(Debug)]
pub(super) enum Node {
    /// Members of these names.
    Members(&'static [(&'static str, Node)]),
    /// Members of any name, or of those that begin so, each alike.
    Each(&'static str, &'static Node),
    /// One of these words.
    Word(&'static [&'static str]),
    Text,
    /// As a number or as a text: AWS's page shows both.
    Number(RangeInclusive<i64>),
    /// Texts that this is true of.
    List(fn(&str) -> bool),
    /// Whatever there is, with operators.
    Anything,
}

/// A document of a type whose syntax is not looked into: settings and operators.
pub(super) fn check_any(document: &Value) -> Checked {
    check(document, &Node::Anything)?;
    match has_operator(document) {
        true => Ok(()),
        false => malformed("there is no operator"),
    }
}

fn has_operator(value: &Value) -> bool {
    let mut members = value.as_object().into_iter().flatten();
    members.any(|(name, value)| name.starts_with("@@") || has_operator(value))
}

pub(super) fn check(document: &Value, node: &Node) -> Checked {
    at(document, node, "the document")
}

fn at(value: &Value, node: &Node, place: &str) -> Checked {
    let Some(members) = value.as_object().filter(|members| !members.is_empty()) else {
        return malformed(format!("{place} is not an object with members"));
    };
    if let Some(control) = members.get(CONTROL) {
        self::control(control, place)?;
    }
    let is_setting = members.contains_key(ASSIGN) || CHANGES.iter().any(|it| members.contains_key(*it));
    match node {
        Node::Members(known) => {
            below(members, place, |name| known.iter().find(|(it, _)| *it == name).map(|(_, node)| node))
        }
        Node::Each(prefix, node) => below(members, place, |name| name.starts_with(prefix).then_some(*node)),
        Node::Anything if !is_setting => below(members, place, |_| Some(&Node::Anything)),
        _ => setting(members, node, place),
    }
}

fn below<'a>(members: &Map<String, Value>, place: &str, node: impl Fn(&str) -> Option<&'a Node>) -> Checked {
    members.iter().filter(|(name, _)| *name != CONTROL).try_for_each(|(name, value)| {
        match node(name).filter(|_| !name.starts_with("@@")) {
            Some(node) => at(value, node, name),
            None => malformed(format!("{place} has no {name}")),
        }
    })
}

fn setting(members: &Map<String, Value>, node: &Node, place: &str) -> Checked {
    for (name, value) in members.iter().filter(|(name, _)| *name != CONTROL) {
        let of_list = CHANGES.contains(&name.as_str());
        if name != ASSIGN && !of_list {
            return malformed(format!("{place} has no {name}"));
        }
        // "You can use this operator with only multi-valued settings."
        if of_list && (!matches!(node, Node::List(_) | Node::Anything) || !value.is_array()) {
            return malformed(format!("{name} is not of a list at {place}"));
        }
        if !fits(value, node) {
            return malformed(format!("{value} is no value of {place}"));
        }
    }
    Ok(())
}

fn fits(value: &Value, node: &Node) -> bool {
    match node {
        Node::Word(words) => value.as_str().is_some_and(|text| words.contains(&text)),
        Node::Text => value.is_string(),
        Node::Number(range) => {
            let number = value.as_i64().or_else(|| value.as_str()?.parse().ok());
            number.is_some_and(|number| range.contains(&number))
        }
        Node::List(is_item) => {
            value.as_array().is_some_and(|items| items.iter().all(|item| item.as_str().is_some_and(is_item)))
        }
        Node::Anything => match value {
            Value::Array(items) => items.iter().all(|item| !item.is_object() && !item.is_array()),
            value => !value.is_object() && !value.is_null(),
        },
        Node::Members(_) | Node::Each(..) => false,
    }
}

fn control(value: &Value, place: &str) -> Result<(), Malformed> {
    let names = value.as_array().filter(|names| !names.is_empty());
    let known = |name: &Value| name.as_str().is_some_and(|name| ALLOWED.contains(&name));
    match names.is_some_and(|names| names.iter().all(known)) {
        true => Ok(()),
        false => malformed(format!("{CONTROL} of {place} is not a list of operators")),
    }
}
