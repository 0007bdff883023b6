//! Reading the members of one object, and refusing the rest.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{InvalidDefinition, Text};
use crate::path::Path;
use crate::template::Template;

/// The members of one object of a definition. What nobody has asked for is refused at the end.
pub(crate) struct Fields<'a> {
    place: String,
    members: &'a Map<String, Value>,
    left: BTreeSet<&'a str>,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(place: impl Into<String>, value: &'a Value) -> Result<Self, InvalidDefinition> {
        let place = place.into();
        match value.as_object() {
            Some(members) => Ok(Self { place, members, left: members.keys().map(String::as_str).collect() }),
            None => Err(InvalidDefinition { place, problem: "is not an object".to_owned() }),
        }
    }

    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    pub(crate) fn error(&self, problem: impl Into<String>) -> InvalidDefinition {
        InvalidDefinition { place: self.place.clone(), problem: problem.into() }
    }

    /// Refuses whatever was not read.
    pub(crate) fn end(self) -> Result<(), InvalidDefinition> {
        match self.left.first() {
            None => Ok(()),
            Some(name) => Err(self.error(format!("the field {name:?} is not supported"))),
        }
    }

    pub(crate) fn ignore(&mut self, name: &str) {
        self.left.remove(name);
    }

    pub(crate) fn optional(&mut self, name: &str) -> Option<&'a Value> {
        self.left.remove(name);
        self.members.get(name)
    }

    fn required(&mut self, name: &str) -> Result<&'a Value, InvalidDefinition> {
        self.optional(name).ok_or_else(|| self.error(format!("{name} is missing")))
    }

    fn wrong(&self, name: &str, expected: &str) -> InvalidDefinition {
        self.error(format!("{name} is not {expected}"))
    }

    pub(crate) fn str(&mut self, name: &str) -> Result<&'a str, InvalidDefinition> {
        let value = self.required(name)?;
        value.as_str().ok_or_else(|| self.wrong(name, "a text"))
    }

    pub(crate) fn optional_str(&mut self, name: &str) -> Result<Option<&'a str>, InvalidDefinition> {
        match self.optional(name) {
            None => Ok(None),
            Some(value) => value.as_str().map(Some).ok_or_else(|| self.wrong(name, "a text")),
        }
    }

    pub(crate) fn optional_u64(&mut self, name: &str) -> Result<Option<u64>, InvalidDefinition> {
        match self.optional(name) {
            None => Ok(None),
            Some(value) => value.as_u64().map(Some).ok_or_else(|| self.wrong(name, "a whole number")),
        }
    }

    pub(crate) fn optional_f64(&mut self, name: &str) -> Result<Option<f64>, InvalidDefinition> {
        match self.optional(name) {
            None => Ok(None),
            Some(value) => value.as_f64().map(Some).ok_or_else(|| self.wrong(name, "a number")),
        }
    }

    pub(crate) fn bool(&mut self, name: &str) -> Result<bool, InvalidDefinition> {
        match self.optional(name) {
            None => Ok(false),
            Some(value) => value.as_bool().ok_or_else(|| self.wrong(name, "a boolean")),
        }
    }

    pub(crate) fn object(&mut self, name: &str) -> Result<&'a Map<String, Value>, InvalidDefinition> {
        let value = self.required(name)?;
        value.as_object().ok_or_else(|| self.wrong(name, "an object"))
    }

    pub(crate) fn array(&mut self, name: &str) -> Result<&'a [Value], InvalidDefinition> {
        match self.optional(name) {
            None => Ok(&[]),
            Some(value) => value.as_array().map(Vec::as_slice).ok_or_else(|| self.wrong(name, "a list")),
        }
    }

    /// An object within this one.
    pub(crate) fn inner(&mut self, name: &str) -> Result<Option<Fields<'a>>, InvalidDefinition> {
        match self.optional(name) {
            None => Ok(None),
            Some(value) => Fields::new(format!("{}, {name}", self.place), value).map(Some),
        }
    }

    pub(crate) fn optional_path(&mut self, name: &str) -> Result<Option<Path>, InvalidDefinition> {
        match self.optional_str(name)? {
            None => Ok(None),
            Some(text) => Path::parse(text).map(Some).map_err(|error| self.error(format!("{name}: {error}"))),
        }
    }

    pub(crate) fn optional_template(&mut self, name: &str) -> Result<Option<Template>, InvalidDefinition> {
        match self.optional(name) {
            None => Ok(None),
            Some(value) => Template::parse(value)
                .map(Some)
                .map_err(|what| self.error(format!("{name}: {what} is not supported"))),
        }
    }

    /// A text in `name`, or at the path in `name` + `Path`.
    pub(crate) fn text(&mut self, name: &str) -> Result<Option<Text>, InvalidDefinition> {
        let literal = self.optional_str(name)?.map(|text| Text::Literal(text.to_owned()));
        let path = self.optional_path(&format!("{name}Path"))?.map(Text::Path);
        match (literal, path) {
            (Some(_), Some(_)) => Err(self.error(format!("{name} and {name}Path exclude each other"))),
            (literal, path) => Ok(literal.or(path)),
        }
    }
}
