//! A policy's content, as far as it takes part in merging.

use std::collections::{BTreeMap, BTreeSet};

use crate::json::{self, Node};
use crate::kind::PolicyKind;
use crate::operators::{self, APPEND, ASSIGN, CHILD_CONTROL, Operators, REMOVE};
use crate::pointer;
use crate::problem::{Problem, Problems};
use crate::syntax::place::Place;
use crate::value::{Scalar, SettingValue};

/// The content of one policy of a known type.
///
/// Two documents are equal when they merge alike, however they are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    kind: PolicyKind,
    /// What stands at a place, by its pointer; the policy key of a tag policy is in lower case there.
    entries: BTreeMap<String, Entry>,
    /// The policy keys of a tag policy: in lower case, and as they are written.
    rules: BTreeMap<String, BTreeSet<String>>,
}

/// What stands at one place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) assign: Option<SettingValue>,
    pub(crate) append: Option<Vec<Scalar>>,
    pub(crate) remove: Option<Vec<Scalar>>,
    /// What policies at lower levels may use.
    pub(crate) children: Option<Operators>,
    /// Something here is not of a form that AWS documents: what it does is not known.
    pub(crate) opaque: bool,
    /// What is not understood of it, so that another is not taken for the same.
    pub(crate) not_understood: Vec<Node>,
}

impl Entry {
    /// Whether it sets a value, as far as that can be told.
    pub(crate) fn sets_values(&self) -> bool {
        self.assign.is_some() || self.append.is_some() || self.remove.is_some() || self.opaque
    }
}

impl Document {
    /// Reads the content of a policy that AWS has stored already.
    ///
    /// AWS has accepted it, so nothing is refused for its meaning: what does not have a documented
    /// form makes the attributes unknown that it could affect.
    ///
    /// # Errors
    ///
    /// When the content is not JSON, is no object, has a key twice, or is nested too deep.
    pub fn read_attached(kind: PolicyKind, content: &str) -> Result<Self, Vec<Problem>> {
        read_object(content).map(|node| Self::of(kind, &node))
    }

    /// The policy's type.
    pub fn kind(&self) -> PolicyKind {
        self.kind
    }

    pub(crate) fn entries(&self) -> &BTreeMap<String, Entry> {
        &self.entries
    }

    pub(crate) fn rules(&self) -> &BTreeMap<String, BTreeSet<String>> {
        &self.rules
    }

    pub(crate) fn of(kind: PolicyKind, node: &Node) -> Self {
        let mut document = Self { kind, entries: BTreeMap::new(), rules: BTreeMap::new() };
        document.walk(node, "", 0, false);
        document
    }

    fn walk(&mut self, node: &Node, path: &str, depth: usize, under_values: bool) {
        let Node::Object(members) = node else {
            // a value without an operator, which no policy type has
            let not_understood = vec![node.clone()];
            self.put(path, Entry { opaque: true, not_understood, ..Entry::default() }, node);
            return;
        };
        let mut entry = Entry { opaque: under_values, ..Entry::default() };
        let place = Place::of(self.kind, path);
        for (key, value) in members.iter().filter(|(key, _)| operators::is_operator(key)) {
            entry.take(key, value, place);
        }
        // the guide does not say what a value beside other settings does; and the whole has none
        let beside = entry.sets_values() && members.iter().any(|(key, _)| !operators::is_operator(key));
        entry.opaque |= beside || (path.is_empty() && entry.sets_values());
        let under_values = under_values || entry.sets_values();
        if members.iter().any(|(key, _)| operators::is_operator(key)) || under_values {
            self.put(path, entry, node);
        }
        for (key, value) in members.iter().filter(|(key, _)| !operators::is_operator(key)) {
            let key = self.key(key, depth, path);
            self.walk(value, &pointer::join(path, &key), depth + 1, under_values);
        }
    }

    /// The key by which a place is found: policy keys of tag policies are not case sensitive.
    /// <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_example-tag-policies.html>
    fn key(&mut self, key: &str, depth: usize, path: &str) -> String {
        if self.kind != PolicyKind::Tag || depth != 1 || path != "/tags" {
            return key.to_owned();
        }
        let lower = key.to_lowercase();
        self.rules.entry(lower.clone()).or_default().insert(key.to_owned());
        lower
    }

    fn put(&mut self, path: &str, entry: Entry, node: &Node) {
        match self.entries.get_mut(path) {
            // two policy keys that differ in case only: which one counts is not known
            Some(there) => {
                there.opaque = true;
                there.not_understood.push(node.clone());
            }
            None => {
                self.entries.insert(path.to_owned(), entry);
            }
        }
    }
}

impl Entry {
    fn take(&mut self, key: &str, value: &Node, place: Option<Place>) {
        let understood = match key {
            CHILD_CONTROL => {
                self.children = control(value);
                self.children.is_some()
            }
            ASSIGN => {
                self.assign = assigned(value, place);
                self.assign.is_some()
            }
            APPEND => {
                self.append = listed(value, place);
                self.append.is_some()
            }
            REMOVE => {
                self.remove = listed(value, place);
                self.remove.is_some()
            }
            _ => false,
        };
        self.opaque |= !understood;
        if !understood {
            self.not_understood.push(Node::Object(vec![(key.to_owned(), value.clone())]));
        }
    }
}

fn control(value: &Node) -> Option<Operators> {
    let words = value.scalars()?;
    let words: Vec<&str> = words
        .iter()
        .map(|word| match word {
            Scalar::Text(text) => Some(text.as_str()),
            Scalar::Number(_) | Scalar::Bool(_) | Scalar::Null => None,
        })
        .collect::<Option<_>>()?;
    Operators::named(words)
}

fn assigned(value: &Node, place: Option<Place>) -> Option<SettingValue> {
    match (value, place) {
        (Node::One(scalar), Some(Place::One) | None) => Some(SettingValue::One(scalar.clone())),
        (Node::Many(_), Some(Place::Many(_)) | None) => value.scalars().map(SettingValue::Many),
        _ => None,
    }
}

fn listed(value: &Node, place: Option<Place>) -> Option<Vec<Scalar>> {
    if place == Some(Place::One) { None } else { value.scalars() }
}

/// Reads a content that must be one JSON object without repeated keys.
pub(crate) fn read_object(content: &str) -> Result<Node, Vec<Problem>> {
    let mut problems = Problems::default();
    match json::read(content) {
        Err(message) => problems.wrong("", format!("it cannot be read: {message}"), "one JSON object"),
        Ok(read) => {
            for path in &read.repeated {
                problems.wrong(path, "the key is there more than once", "every key of an object once");
            }
            if !matches!(read.node, Node::Object(_)) {
                problems.wrong("", format!("it is {}", read.node.what()), "one JSON object");
            }
            if problems.is_empty() {
                return Ok(read.node);
            }
        }
    }
    Err(problems.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &str) -> Document {
        Document::read_attached(PolicyKind::DeclarativeEc2, content).unwrap()
    }

    #[test]
    fn what_is_not_understood_is_not_equal_to_something_else_that_is_not() {
        let of = |value: &str| read(&format!(r#"{{"ec2_attributes": {{"of_the_future": {value}}}}}"#));
        for (one, other) in [
            (r#"{"@@assign": [{"a": 1}]}"#, r#"{"@@assign": [{"a": 2}]}"#),
            (r#""a""#, r#""b""#),
            (r#"{"@@replace": "a"}"#, r#"{"@@replace": "b"}"#),
        ] {
            assert_eq!(of(one), of(one));
            assert_ne!(of(one), of(other));
        }
    }
}
