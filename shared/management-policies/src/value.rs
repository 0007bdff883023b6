//! The values of settings.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;

/// A single value, as it was written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scalar {
    /// A string.
    Text(String),
    /// A number, in JSON's notation.
    Number(String),
    /// A boolean.
    Bool(bool),
    /// `null`.
    Null,
}

impl Scalar {
    /// The value as text, by which values are compared: AWS's own samples write the number 64 as a
    /// number and as a string.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) | Self::Number(text) => Cow::Borrowed(text),
            Self::Bool(true) => Cow::Borrowed("true"),
            Self::Bool(false) => Cow::Borrowed("false"),
            Self::Null => Cow::Borrowed("null"),
        }
    }

    /// The value as JSON.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Text(text) => Value::String(text.clone()),
            Self::Number(text) => serde_json::from_str::<serde_json::Number>(text)
                .map_or_else(|_| Value::String(text.clone()), Value::Number),
            Self::Bool(value) => Value::Bool(*value),
            Self::Null => Value::Null,
        }
    }

    /// `None` for a list or an object.
    pub fn from_json(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Some(Self::Text(text.clone())),
            Value::Number(number) => Some(Self::Number(number.to_string())),
            Value::Bool(value) => Some(Self::Bool(*value)),
            Value::Null => Some(Self::Null),
            Value::Array(_) | Value::Object(_) => None,
        }
    }
}

/// The value of a setting: one, or a list. In JSON it is the value itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SettingValue {
    /// Of a single-valued setting.
    One(Scalar),
    /// Of a multi-valued setting. Its order has no meaning in either type of policy.
    Many(Vec<Scalar>),
}

impl SettingValue {
    /// The value as JSON, in the form of an effective policy.
    pub fn to_json(&self) -> Value {
        match self {
            Self::One(scalar) => scalar.to_json(),
            Self::Many(items) => Value::Array(items.iter().map(Scalar::to_json).collect()),
        }
    }

    /// `None` for an object, and for a list that holds lists or objects.
    pub fn from_json(value: &Value) -> Option<Self> {
        match value {
            Value::Array(items) => items.iter().map(Scalar::from_json).collect::<Option<_>>().map(Self::Many),
            other => Scalar::from_json(other).map(Self::One),
        }
    }

    pub(crate) fn same(&self) -> Same {
        match self {
            Self::One(scalar) => Same::One(scalar.text().into_owned()),
            Self::Many(items) => Same::Many(texts(items)),
        }
    }
}

/// What makes two values the same: their text, and for lists the set of texts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Same {
    Absent,
    One(String),
    Many(BTreeSet<String>),
}

pub(crate) fn texts(items: &[Scalar]) -> BTreeSet<String> {
    items.iter().map(|item| item.text().into_owned()).collect()
}

/// Adds those that are not yet there. `@@append` adds values to the inherited ones, and a value that
/// is already one of them adds nothing.
pub(crate) fn add_missing(items: &mut Vec<Scalar>, more: &[Scalar]) {
    let mut there = texts(items);
    for item in more {
        if there.insert(item.text().into_owned()) {
            items.push(item.clone());
        }
    }
}

/// Takes out those that are there.
pub(crate) fn take_out(items: &mut Vec<Scalar>, out: &[Scalar]) {
    let out = texts(out);
    items.retain(|item| !out.contains(item.text().as_ref()));
}

impl Serialize for SettingValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for SettingValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Self::from_json(&value).ok_or_else(|| de::Error::custom("a setting's value is no object"))
    }
}
