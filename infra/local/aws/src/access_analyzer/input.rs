//! What the operations are sent, read member by member: what is unknown is refused by name.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::errors::{Problems, field, validation};
use crate::wire::{ApiError, json};

/// An object of a request's body.
#[derive(Debug, Clone)]
pub(super) struct Object<'a> {
    /// Its own name, and a dot; nothing for the body itself.
    prefix: String,
    members: &'a Map<String, Value>,
}

/// Reads a body.
pub(super) fn body(bytes: &bytes::Bytes) -> Result<Value, ApiError> {
    let value = json::body(bytes).map_err(|error| validation("cannotParse", error.message))?;
    if value.is_object() { Ok(value) } else { Err(validation("cannotParse", "the body is no object")) }
}

impl<'a> Object<'a> {
    /// The body itself, which may have these members.
    pub(super) fn of_body(
        body: &'a Value,
        known: &[&str],
        problems: &mut Problems,
    ) -> Result<Self, ApiError> {
        let members = body.as_object().ok_or_else(|| validation("cannotParse", "the body is no object"))?;
        Ok(Self::new(String::new(), members, known, problems))
    }

    fn new(prefix: String, members: &'a Map<String, Value>, known: &[&str], problems: &mut Problems) -> Self {
        for name in members.keys().filter(|name| !known.contains(&name.as_str())) {
            problems.add(format!("{prefix}{name}"), "is not a member");
        }
        Self { prefix, members }
    }

    pub(super) fn name(&self, member: &str) -> String {
        format!("{}{member}", self.prefix)
    }

    fn get(&self, member: &str) -> Option<&'a Value> {
        self.members.get(member).filter(|value| !value.is_null())
    }

    pub(super) fn has(&self, member: &str) -> bool {
        self.get(member).is_some()
    }

    pub(super) fn text(&self, member: &str, problems: &mut Problems) -> Option<&'a str> {
        let value = self.get(member)?;
        let text = value.as_str();
        if text.is_none() {
            problems.add(self.name(member), "must be a string");
        }
        text
    }

    pub(super) fn required_text(&self, member: &str, problems: &mut Problems) -> Option<&'a str> {
        self.require(member, problems);
        self.text(member, problems)
    }

    fn require(&self, member: &str, problems: &mut Problems) {
        if !self.has(member) {
            problems.add(self.name(member), "is required");
        }
    }

    pub(super) fn boolean(&self, member: &str, problems: &mut Problems) -> Option<bool> {
        let value = self.get(member)?;
        let truth = value.as_bool();
        if truth.is_none() {
            problems.add(self.name(member), "must be a boolean");
        }
        truth
    }

    pub(super) fn time(&self, member: &str, problems: &mut Problems) -> Option<Timestamp> {
        let text = self.text(member, problems)?;
        let time = text.parse().ok();
        if time.is_none() {
            problems.add(self.name(member), "must be a date and time of ISO 8601");
        }
        time
    }

    pub(super) fn required_time(&self, member: &str, problems: &mut Problems) -> Option<Timestamp> {
        self.require(member, problems);
        self.time(member, problems)
    }

    pub(super) fn object(&self, member: &str, known: &[&str], problems: &mut Problems) -> Option<Self> {
        let value = self.get(member)?;
        let Some(members) = value.as_object() else {
            problems.add(self.name(member), "must be an object");
            return None;
        };
        Some(Self::new(format!("{}.", self.name(member)), members, known, problems))
    }

    pub(super) fn required_object(
        &self,
        member: &str,
        known: &[&str],
        problems: &mut Problems,
    ) -> Option<Self> {
        self.require(member, problems);
        self.object(member, known, problems)
    }

    fn list(&self, member: &str, problems: &mut Problems) -> Option<&'a Vec<Value>> {
        let value = self.get(member)?;
        let list = value.as_array();
        if list.is_none() {
            problems.add(self.name(member), "must be a list");
        }
        list
    }

    pub(super) fn texts(&self, member: &str, problems: &mut Problems) -> Option<Vec<String>> {
        let list = self.list(member, problems)?;
        let texts: Option<Vec<_>> = list.iter().map(|it| it.as_str().map(str::to_owned)).collect();
        if texts.is_none() {
            problems.add(self.name(member), "must be a list of strings");
        }
        texts
    }

    /// The objects of a list that must have one at least.
    pub(super) fn required_objects(
        &self,
        member: &str,
        known: &[&str],
        problems: &mut Problems,
    ) -> Vec<Self> {
        self.require(member, problems);
        let Some(list) = self.list(member, problems) else { return Vec::new() };
        if list.is_empty() {
            problems.add(self.name(member), "must have one element at least");
        }
        let mut objects = Vec::with_capacity(list.len());
        for (number, value) in list.iter().enumerate() {
            let name = format!("{}[{number}]", self.name(member));
            match value.as_object() {
                Some(members) => objects.push(Self::new(format!("{name}."), members, known, problems)),
                None => problems.add(name, "must be an object"),
            }
        }
        objects
    }
}

/// The parameters of a URL.
#[derive(Debug)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// Those that an operation knows.
    pub(super) fn parse(query: Option<&str>, known: &[&str]) -> Result<Self, ApiError> {
        let mut parameters = Vec::new();
        for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decoded(name)?, decoded(value)?);
            if !known.contains(&name.as_str()) {
                return Err(field(name, "is not a parameter"));
            }
            parameters.push((name, value));
        }
        Ok(Self(parameters))
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn boolean(&self, name: &str) -> Result<bool, ApiError> {
        match self.get(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(field(name, "must be true or false")),
        }
    }

    /// How many are asked for, from one on.
    pub(super) fn page(&self, name: &str, default: usize) -> Result<usize, ApiError> {
        match self.get(name).map(str::parse) {
            None => Ok(default.max(1)),
            Some(Ok(most)) if most >= 1 => Ok(most),
            Some(_) => Err(field(name, "must be a whole number from 1 on")),
        }
    }
}

/// A part of a URL without its percent encoding.
pub(super) fn decoded(text: &str) -> Result<String, ApiError> {
    let decoded = percent_encoding::percent_decode_str(text).decode_utf8();
    decoded.map(std::borrow::Cow::into_owned).map_err(|_| validation("cannotParse", "the URL is not UTF-8"))
}

/// Whether an ARN is one of the service, with this Region and account where they are given, and what
/// it names begins so.
pub(super) fn is_arn(arn: &str, service: &str, kinds: &[&str]) -> bool {
    let parts: Vec<_> = arn.splitn(6, ':').collect();
    let [prefix, _, of, _, _, resource] = parts[..] else { return false };
    let named = kinds.iter().find_map(|kind| resource.strip_prefix(kind));
    prefix == "arn" && of == service && named.is_some_and(|name| (1..=576).contains(&name.chars().count()))
}

/// The partition and the account of an ARN.
pub(super) fn owner(arn: &str) -> (&str, &str) {
    let mut parts = arn.split(':');
    (parts.nth(1).unwrap_or_default(), parts.nth(2).unwrap_or_default())
}
