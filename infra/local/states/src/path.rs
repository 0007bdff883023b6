//! JSONPath, as far as it addresses one place: `$`, `$.a.b`, `$['a']`, `$.a[0]`, and the same of the
//! context object (`$$`). Wildcards, filters and functions are refused.

use serde_json::{Map, Value};

/// A path to one place in the state's input or in the context object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    pub context: bool,
    steps: Vec<Step>,
    text: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Member(String),
    Element(usize),
}

/// A path that is not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a path to one place ($.a.b, $['a'], $.a[0] or $$.a)")]
pub struct InvalidPath(pub String);

impl Path {
    pub fn parse(text: &str) -> Result<Self, InvalidPath> {
        let invalid = || InvalidPath(text.to_owned());
        let (context, mut rest) = match (text.strip_prefix("$$"), text.strip_prefix('$')) {
            (Some(rest), _) => (true, rest),
            (None, Some(rest)) => (false, rest),
            (None, None) => return Err(invalid()),
        };
        let mut steps = Vec::new();
        while !rest.is_empty() {
            let step;
            (step, rest) = Self::step(rest).ok_or_else(invalid)?;
            steps.push(step);
        }
        Ok(Self { context, steps, text: text.to_owned() })
    }

    fn step(rest: &str) -> Option<(Step, &str)> {
        if let Some(rest) = rest.strip_prefix('.') {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            let (name, rest) = rest.split_at(end);
            let plain = |it: char| it.is_alphanumeric() || it == '_' || it == '-';
            return (!name.is_empty() && name.chars().all(plain))
                .then(|| (Step::Member(name.to_owned()), rest));
        }
        let (inside, rest) = rest.strip_prefix('[')?.split_once(']')?;
        let quoted = inside.strip_prefix('\'').and_then(|inside| inside.strip_suffix('\''));
        match quoted {
            Some(name) if !name.contains(['\'', '\\']) => Some((Step::Member(name.to_owned()), rest)),
            Some(_) => None,
            None => inside.parse().ok().map(|index| (Step::Element(index), rest)),
        }
    }

    /// What lies at the path, if anything does.
    pub fn get<'a>(&self, value: &'a Value) -> Option<&'a Value> {
        self.steps.iter().try_fold(value, |value, step| match step {
            Step::Member(name) => value.as_object()?.get(name),
            Step::Element(index) => value.as_array()?.get(*index),
        })
    }

    /// Puts `new` at the path, making objects on the way. `None` when the path leads through
    /// something else than an object.
    pub fn put(&self, value: Value, new: Value) -> Option<Value> {
        fn put(steps: &[Step], value: Value, new: Value) -> Option<Value> {
            let Some((step, rest)) = steps.split_first() else { return Some(new) };
            let Step::Member(name) = step else { return None };
            let mut members = match value {
                Value::Object(members) => members,
                Value::Null => Map::new(),
                _ => return None,
            };
            let inner = put(rest, members.remove(name).unwrap_or(Value::Null), new)?;
            members.insert(name.clone(), inner);
            Some(Value::Object(members))
        }
        put(&self.steps, value, new)
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the path may be written to: of the state's data, by members only.
    pub fn is_reference(&self) -> bool {
        !self.context && self.steps.iter().all(|step| matches!(step, Step::Member(_)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_path_finds_its_place_or_nothing() {
        let data = json!({"a": {"b": [1, {"c d": 2}]}});
        let get = |path: &str| Path::parse(path).unwrap().get(&data).cloned();
        assert_eq!(get("$"), Some(data.clone()));
        assert_eq!(get("$.a.b[0]"), Some(json!(1)));
        assert_eq!(get("$['a'].b[1]['c d']"), Some(json!(2)));
        assert_eq!(get("$.a.x"), None);
        assert_eq!(get("$.a.b[9]"), None);
    }

    #[test]
    fn paths_to_many_places_are_refused() {
        for path in [
            "",
            "a",
            "$..a",
            "$.a[*]",
            "$.a[?(@.b)]",
            "$.a[0:1]",
            "$.",
            "$.a b",
            "States.Format('x')",
            "$[-1]",
        ] {
            assert!(Path::parse(path).is_err(), "{path}");
        }
    }

    #[test]
    fn a_result_is_put_beside_what_is_there() {
        let put = |path: &str, value| Path::parse(path).unwrap().put(value, json!(1));
        assert_eq!(put("$.a.b", json!({"c": 2})), Some(json!({"c": 2, "a": {"b": 1}})));
        assert_eq!(put("$", json!({"c": 2})), Some(json!(1)));
        assert_eq!(put("$.a", json!("text")), None);
    }
}
