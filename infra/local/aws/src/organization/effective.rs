//! What a policy type comes to in an account: the policies on the way from the root to it, merged by
//! the operators of Organizations' management policies.
//!
//! From the root down, each level changes what came from above: the first `@@assign` in the order of
//! attachment, then every `@@append`, then every `@@remove`; of a list that nothing is left of nothing is
//! shown. A control
//! (`@@operators_allowed_for_child_policies`) limits what lower levels may do from its place in the
//! document on; controls of several levels intersect.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

const CONTROLS: &str = "@@operators_allowed_for_child_policies";
const ASSIGN: &str = "@@assign";
const APPEND: &str = "@@append";
const REMOVE: &str = "@@remove";

/// The operators that a level may use; nothing limits them where there is none.
type Allowed = Option<BTreeSet<String>>;

/// The documents of each level, from the root to the account, at one place of the document.
struct Place<'a> {
    levels: Vec<Vec<&'a Value>>,
    allowed: Vec<Allowed>,
}

/// The effective policy of documents, level by level from the root, in the order of attachment.
pub(crate) fn merge(levels: &[Vec<&Value>]) -> Value {
    let place = Place { levels: levels.to_vec(), allowed: vec![None; levels.len()] };
    place.merged().unwrap_or_else(|| json!({}))
}

impl<'a> Place<'a> {
    fn merged(mut self) -> Option<Value> {
        self.apply_controls();
        let docs = || self.levels.iter().flatten();
        if docs().any(|doc| [ASSIGN, APPEND, REMOVE].iter().any(|operator| doc.get(operator).is_some())) {
            return self.value();
        }
        let names: BTreeSet<&str> = docs()
            .filter_map(|doc| doc.as_object())
            .flat_map(|members| members.keys())
            .map(String::as_str)
            .filter(|name| !name.starts_with("@@"))
            .collect();
        let members: Map<_, _> = names
            .into_iter()
            .filter_map(|name| Some((name.to_owned(), self.below(name).merged()?)))
            .collect();
        (!members.is_empty()).then_some(Value::Object(members))
    }

    fn below(&self, name: &str) -> Self {
        let levels = self.levels.iter().map(|docs| docs.iter().filter_map(|doc| doc.get(name)).collect());
        Self { levels: levels.collect(), allowed: self.allowed.clone() }
    }

    /// What the documents at this place allow those below them.
    fn apply_controls(&mut self) {
        let mut from_above: Allowed = None;
        for (docs, allowed) in self.levels.iter().zip(&mut self.allowed) {
            *allowed = both(allowed.take(), from_above.clone());
            for control in docs.iter().filter_map(|doc| doc.get(CONTROLS)) {
                from_above = both(from_above, operators(control));
            }
        }
    }

    fn value(&self) -> Option<Value> {
        let mut value: Option<Value> = None;
        for (docs, allowed) in self.levels.iter().zip(&self.allowed) {
            let may = |operator: &str| allowed.as_ref().is_none_or(|allowed| allowed.contains(operator));
            let of = |operator: &'static str| {
                docs.iter().filter_map(move |doc| doc.get(operator)).filter(move |_| may(operator))
            };
            if let Some(assigned) = of(ASSIGN).next() {
                value = Some(assigned.clone());
            }
            for appended in of(APPEND) {
                let mut items = list(value.take());
                for item in list(Some(appended.clone())) {
                    if !items.contains(&item) {
                        items.push(item);
                    }
                }
                value = Some(Value::Array(items));
            }
            for removed in of(REMOVE) {
                let removed = list(Some(removed.clone()));
                // Where nothing has been said there is nothing to remove.
                value = value.map(|value| {
                    let items = list(Some(value)).into_iter().filter(|item| !removed.contains(item));
                    Value::Array(items.collect())
                });
                // Of a list that has nothing left nothing is shown (user guide, inheritance example 3).
                value = value.filter(|value| value.as_array().is_none_or(|items| !items.is_empty()));
            }
        }
        value
    }
}

fn both(one: Allowed, other: Allowed) -> Allowed {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.intersection(&other).cloned().collect()),
        (one, other) => one.or(other),
    }
}

fn operators(control: &Value) -> Allowed {
    let names: BTreeSet<String> = control
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|name| name.as_str().map(str::to_owned))
        .collect();
    match names.contains("@@all") {
        true => None,
        false => Some(names.into_iter().filter(|name| name != "@@none").collect()),
    }
}

fn list(value: Option<Value>) -> Vec<Value> {
    match value {
        None => Vec::new(),
        Some(Value::Array(items)) => items,
        Some(other) => vec![other],
    }
}

#[cfg(test)]
mod examples;

#[cfg(test)]
mod tests {
    use super::*;

    fn effective(levels: &[&[Value]]) -> Value {
        let levels: Vec<Vec<&Value>> = levels.iter().map(|docs| docs.iter().collect()).collect();
        merge(&levels)
    }

    #[test]
    fn the_account_has_what_the_levels_above_it_say_unless_one_below_says_otherwise() {
        let root = json!({"ec2_attributes": {
            "serial_console_access": {"status": {"@@assign": "disabled"}},
            "image_block_public_access": {"state": {"@@assign": "block_new_sharing"}},
        }});
        let unit = json!({"ec2_attributes": {"serial_console_access": {"status": {"@@assign": "enabled"}}}});
        assert_eq!(
            effective(&[&[root], &[], &[unit]]),
            json!({"ec2_attributes": {
                "serial_console_access": {"status": "enabled"},
                "image_block_public_access": {"state": "block_new_sharing"},
            }})
        );
        assert_eq!(effective(&[&[], &[]]), json!({}));
    }

    #[test]
    fn lists_are_appended_to_and_removed_from_after_the_first_assignment_of_a_level() {
        let values =
            |operator: &str, values: Value| json!({"tags": {"team": {"tag_value": {operator: values}}}});
        let root = [values(ASSIGN, json!(["a", "b"])), values(ASSIGN, json!(["never"]))];
        let unit = [values(REMOVE, json!(["a"])), values(APPEND, json!(["b", "c"]))];
        assert_eq!(effective(&[&root, &unit]), json!({"tags": {"team": {"tag_value": ["b", "c"]}}}));
    }

    #[test]
    fn removing_from_a_list_that_nobody_has_made_makes_none() {
        let removal = json!({"tags": {"team": {"tag_value": {REMOVE: ["a"]}}}});
        assert_eq!(effective(&[&[removal]]), json!({}));
    }

    #[test]
    fn a_control_limits_every_level_below_it_from_its_place_on() {
        let root = json!({"tags": {"team": {
            "tag_key": {"@@assign": "Team", "@@operators_allowed_for_child_policies": ["@@none"]},
            "tag_value": {"@@assign": ["a"], "@@operators_allowed_for_child_policies": ["@@append"]},
        }}});
        let below = json!({"tags": {"team": {
            "tag_key": {"@@assign": "TEAM"}, "tag_value": {"@@assign": ["x"], "@@append": ["b"]},
        }}});
        assert_eq!(
            effective(&[&[root], std::slice::from_ref(&below), std::slice::from_ref(&below)]),
            json!({"tags": {"team": {"tag_key": "Team", "tag_value": ["a", "b"]}}})
        );
        let everything = json!({"tags": {"@@operators_allowed_for_child_policies": ["@@none"],
            "team": {"tag_key": {"@@assign": "Team"}}}});
        let other = json!({"tags": {"cost": {"tag_key": {"@@assign": "Cost"}}}});
        assert_eq!(effective(&[&[everything], &[other]]), json!({"tags": {"team": {"tag_key": "Team"}}}));
    }
}
