//! Values of a template, with CloudFormation's functions told apart from data.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Number, Value as Json};
use yaml_serde::Value as Yaml;

use super::InvalidTemplate;

#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) enum Value {
    #[default]
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Value>),
    Map(BTreeMap<String, Value>),
    Ref(String),
    GetAtt(String, String),
    Sub(String, BTreeMap<String, Value>),
    Join(String, Box<Value>),
    Split(String, Box<Value>),
    If(String, Box<Value>, Box<Value>),
    Equals(Box<Value>, Box<Value>),
    Not(Box<Value>),
    And(Vec<Value>),
    Or(Vec<Value>),
    Base64(Box<Value>),
}

impl Value {
    pub(crate) fn read(place: &str, yaml: Yaml) -> Result<Self, InvalidTemplate> {
        Ok(match yaml {
            Yaml::Null => Self::Null,
            Yaml::Bool(value) => Self::Bool(value),
            Yaml::Number(number) => Self::Number(
                serde_json::from_str(&number.to_string())
                    .map_err(|error| InvalidTemplate::new(place, error.to_string()))?,
            ),
            Yaml::String(text) => Self::Text(text),
            Yaml::Sequence(items) => {
                Self::List(items.into_iter().map(|item| Self::read(place, item)).collect::<Result<_, _>>()?)
            }
            Yaml::Tagged(tagged) => {
                let tag = tagged.tag.to_string();
                let name = tag.trim_start_matches('!');
                let name = if name == "Ref" { name.to_owned() } else { format!("Fn::{name}") };
                Self::function(place, &name, Self::read(place, tagged.value)?)?
            }
            Yaml::Mapping(members) => {
                let mut map = BTreeMap::new();
                for (name, value) in members {
                    let Yaml::String(name) = name else {
                        return Err(InvalidTemplate::new(place, "a member's name is not a text"));
                    };
                    let value = Self::read(&format!("{place}, {name}"), value)?;
                    map.insert(name, value);
                }
                match map.first_key_value() {
                    Some((name, _)) if map.len() == 1 && (name == "Ref" || name.starts_with("Fn::")) => {
                        let (name, value) = map.pop_first().unwrap_or_default();
                        Self::function(place, &name, value)?
                    }
                    _ => Self::Map(map),
                }
            }
        })
    }

    fn function(place: &str, name: &str, argument: Self) -> Result<Self, InvalidTemplate> {
        let malformed = || InvalidTemplate::new(place, format!("the arguments of {name} are malformed"));
        let text = |value: &Self| match value {
            Self::Text(text) => Some(text.clone()),
            Self::Bool(value) => Some(value.to_string()),
            Self::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let mut list = match argument {
            Self::List(items) => items,
            single => vec![single],
        };
        let first = list.first().and_then(text);
        let mut take =
            |count: usize| (list.len() == count).then(|| std::mem::take(&mut list)).ok_or_else(malformed);
        Ok(match name {
            "Ref" => {
                take(1)?;
                Self::Ref(first.ok_or_else(malformed)?)
            }
            "Fn::GetAtt" => {
                let (resource, attribute) = match (first.ok_or_else(malformed)?, list.get(1).and_then(text)) {
                    (resource, Some(attribute)) => (resource, attribute),
                    (dotted, None) => match dotted.split_once('.') {
                        Some((resource, attribute)) => (resource.to_owned(), attribute.to_owned()),
                        None => return Err(malformed()),
                    },
                };
                Self::GetAtt(resource, attribute)
            }
            "Fn::Sub" => {
                let names = match list.get(1).cloned() {
                    None => BTreeMap::new(),
                    Some(Self::Map(names)) => names,
                    Some(_) => return Err(malformed()),
                };
                Self::Sub(first.ok_or_else(malformed)?, names)
            }
            "Fn::Join" | "Fn::Split" => {
                let second = Box::new(take(2)?.pop().ok_or_else(malformed)?);
                let delimiter = first.ok_or_else(malformed)?;
                if name == "Fn::Join" {
                    Self::Join(delimiter, second)
                } else {
                    Self::Split(delimiter, second)
                }
            }
            "Fn::If" => {
                let mut parts = take(3)?;
                let (otherwise, then) =
                    (parts.pop().ok_or_else(malformed)?, parts.pop().ok_or_else(malformed)?);
                Self::If(first.ok_or_else(malformed)?, Box::new(then), Box::new(otherwise))
            }
            "Fn::Equals" => {
                let mut parts = take(2)?;
                let (right, left) = (parts.pop().ok_or_else(malformed)?, parts.pop().ok_or_else(malformed)?);
                Self::Equals(Box::new(left), Box::new(right))
            }
            "Fn::And" | "Fn::Or" => match list.len() {
                // AWS takes two to ten.
                2..=10 if name == "Fn::And" => Self::And(list),
                2..=10 => Self::Or(list),
                _ => return Err(malformed()),
            },
            "Fn::Not" => Self::Not(Box::new(take(1)?.pop().ok_or_else(malformed)?)),
            "Fn::Base64" => Self::Base64(Box::new(take(1)?.pop().ok_or_else(malformed)?)),
            other => {
                return Err(InvalidTemplate::new(place, format!("the function {other} is not supported")));
            }
        })
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn into_map(self, place: &str) -> Result<BTreeMap<String, Self>, InvalidTemplate> {
        match self {
            Self::Map(map) => Ok(map),
            Self::Null => Ok(BTreeMap::new()),
            _ => Err(InvalidTemplate::new(place, "is not a map")),
        }
    }

    /// The value as JSON, when no function is in it.
    pub(crate) fn literal(self, place: &str) -> Result<Json, InvalidTemplate> {
        Ok(match self {
            Self::Null => Json::Null,
            Self::Bool(value) => Json::Bool(value),
            Self::Number(number) => Json::Number(number),
            Self::Text(text) => Json::String(text),
            Self::List(items) => {
                Json::Array(items.into_iter().map(|item| item.literal(place)).collect::<Result<_, _>>()?)
            }
            Self::Map(members) => Json::Object(
                members.into_iter().map(|(name, value)| Ok((name, value.literal(place)?))).collect::<Result<
                    Map<_, _>,
                    InvalidTemplate,
                >>(
                )?,
            ),
            _ => return Err(InvalidTemplate::new(place, "a function cannot stand here")),
        })
    }

    /// These defaults with `over` laid over them, member by member, as SAM's Globals are.
    pub(crate) fn merged_with(self, over: Self) -> Self {
        match (self, over) {
            (Self::Map(mut defaults), Self::Map(over)) => {
                for (name, value) in over {
                    let merged = match defaults.remove(&name) {
                        Some(default) => default.merged_with(value),
                        None => value,
                    };
                    defaults.insert(name, merged);
                }
                Self::Map(defaults)
            }
            (defaults, Self::Null) => defaults,
            (_, over) => over,
        }
    }

    /// Collects the names of what is referred to.
    pub(crate) fn referred(&self, names: &mut BTreeSet<String>) {
        match self {
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(_) => {}
            Self::List(items) => items.iter().for_each(|item| item.referred(names)),
            Self::Map(members) => members.values().for_each(|value| value.referred(names)),
            Self::Ref(name) | Self::GetAtt(name, _) => {
                names.insert(name.clone());
            }
            Self::Sub(text, given) => {
                names.extend(
                    placeholders(text)
                        .filter(|name| !given.contains_key(*name))
                        .map(|name| name.split('.').next().unwrap_or(name).to_owned()),
                );
                given.values().for_each(|value| value.referred(names));
            }
            Self::Join(_, value) | Self::Split(_, value) | Self::Not(value) | Self::Base64(value) => {
                value.referred(names);
            }
            Self::If(condition, then, otherwise) => {
                names.insert(condition.clone());
                then.referred(names);
                otherwise.referred(names);
            }
            Self::Equals(left, right) => {
                left.referred(names);
                right.referred(names);
            }
            Self::And(values) | Self::Or(values) => values.iter().for_each(|value| value.referred(names)),
        }
    }
}

/// The names in `${…}`, but for `${!…}`.
pub(crate) fn placeholders(text: &str) -> impl Iterator<Item = &str> {
    text.split("${")
        .skip(1)
        .filter_map(|rest| rest.split_once('}'))
        .map(|(name, _)| name)
        .filter(|name| !name.starts_with('!'))
}
