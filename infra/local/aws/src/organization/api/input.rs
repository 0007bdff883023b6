//! What a request's members may be: present, of their JSON type, and of the model's patterns.
//!
//! Patterns are those of botocore's model, anchored at both ends: its own for targets are not.

use serde_json::Value;

use super::{constraint, error, invalid};
use crate::organization::policies::{is_id, is_inherited, is_type};
use crate::organization::quotas;
use crate::wire::ApiError;

/// A request, and who makes it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request<'a> {
    /// An account.
    pub(super) caller: &'a str,
    pub(super) operation: &'a str,
    pub(super) body: &'a Value,
}

/// What an id is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Id {
    Account,
    /// An account or a unit.
    Child,
    /// The root or a unit.
    Parent,
    Policy,
    /// A request for an account.
    Request,
    /// Whatever can have tags.
    Resource,
    Root,
    /// The root, a unit or an account.
    Target,
}

impl Id {
    fn fits(self, text: &str) -> bool {
        match self {
            Self::Account => is_account(text),
            Self::Child => is_account(text) || is_unit(text),
            Self::Parent => is_root(text) || is_unit(text),
            Self::Policy => is_id(text),
            Self::Request => text.strip_prefix("car-").is_some_and(|rest| is_lower(rest, 8, 32)),
            Self::Resource => Self::Target.fits(text) || is_id(text) || is_resource_policy(text),
            Self::Root => is_root(text),
            Self::Target => is_root(text) || is_unit(text) || is_account(text),
        }
    }

    /// Organizations' word for an id of another form.
    fn reason(self) -> &'static str {
        match self {
            Self::Policy => "INVALID_SYNTAX_POLICY_ID",
            Self::Target => "INVALID_PATTERN_TARGET_ID",
            _ => "INVALID_PATTERN",
        }
    }
}

fn is_lower(text: &str, least: usize, most: usize) -> bool {
    (least..=most).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase())
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_root(text: &str) -> bool {
    text.strip_prefix("r-").is_some_and(|rest| is_lower(rest, 4, 32))
}

fn is_unit(text: &str) -> bool {
    let parts = text.strip_prefix("ou-").and_then(|rest| rest.split_once('-'));
    parts.is_some_and(|(of_root, own)| is_lower(of_root, 4, 32) && is_lower(own, 8, 32))
}

fn is_resource_policy(text: &str) -> bool {
    text.strip_prefix("rp-").is_some_and(|rest| {
        (4..=128).contains(&rest.len())
            && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

impl<'a> Request<'a> {
    /// A member's text, where it has one; `null` is none.
    pub(super) fn optional(&self, name: &str) -> Result<Option<&'a str>, ApiError> {
        match self.body.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(error("SerializationException", &format!("{name} is not a string"))),
        }
    }

    pub(super) fn text(&self, name: &str) -> Result<&'a str, ApiError> {
        self.optional(name)?.ok_or_else(|| invalid("INPUT_REQUIRED"))
    }

    pub(super) fn id(&self, name: &str, of: Id) -> Result<&'a str, ApiError> {
        let id = self.text(name)?;
        if of.fits(id) { Ok(id) } else { Err(invalid(of.reason())) }
    }

    /// A policy type, as a member has it.
    pub(super) fn policy_type(&self, name: &str) -> Result<&'a str, ApiError> {
        let kind = self.text(name)?;
        if is_type(kind) { Ok(kind) } else { Err(invalid("INVALID_ENUM_POLICY_TYPE")) }
    }

    /// A policy type that has an effective policy.
    pub(super) fn inherited_type(&self) -> Result<&'a str, ApiError> {
        let kind = self.policy_type("PolicyType")?;
        if is_inherited(kind) { Ok(kind) } else { Err(invalid("INVALID_ENUM_POLICY_TYPE")) }
    }

    /// A member's text, where it has one, of so many characters.
    pub(super) fn sized(&self, name: &str, least: usize, most: usize) -> Result<Option<&'a str>, ApiError> {
        let text = self.optional(name)?;
        text.map_or(Ok(()), |text| length(text, least, most)).map(|()| text)
    }

    /// A member that must be there, of so many characters.
    pub(super) fn required(&self, name: &str, least: usize, most: usize) -> Result<&'a str, ApiError> {
        self.sized(name, least, most)?.ok_or_else(|| invalid("INPUT_REQUIRED"))
    }

    /// A member that is one of these words, where it is there.
    pub(super) fn word(&self, name: &str, words: &[&str]) -> Result<Option<&'a str>, ApiError> {
        let word = self.optional(name)?;
        match word.is_none_or(|word| words.contains(&word)) {
            true => Ok(word),
            false => Err(invalid("INVALID_ENUM")),
        }
    }

    /// `[\w+=,.@-]*`, 1 to 128 characters.
    pub(super) fn service_principal(&self) -> Result<&'a str, ApiError> {
        let service = self.required("ServicePrincipal", 1, 128)?;
        match service.chars().all(is_name) {
            true if service.ends_with(".amazonaws.com") => Ok(service),
            true => Err(invalid("UNRECOGNIZED_SERVICE_PRINCIPAL")),
            false => Err(invalid("INVALID_PATTERN")),
        }
    }

    fn list(&self, name: &str) -> Result<Option<&'a [Value]>, ApiError> {
        match self.body.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Array(items)) => Ok(Some(items)),
            Some(_) => Err(error("SerializationException", &format!("{name} is not a list"))),
        }
    }

    /// The tags of a request that may have some.
    pub(super) fn tags(&self) -> Result<Vec<(String, String)>, ApiError> {
        self.list("Tags")?.map_or_else(|| Ok(Vec::new()), tags)
    }

    /// The tags of a request that must have some, if only none.
    pub(super) fn required_tags(&self) -> Result<Vec<(String, String)>, ApiError> {
        self.list("Tags")?.map_or_else(|| Err(invalid("INPUT_REQUIRED")), tags)
    }

    pub(super) fn tag_keys(&self) -> Result<Vec<&'a str>, ApiError> {
        let keys = self.list("TagKeys")?.ok_or_else(|| invalid("INPUT_REQUIRED"))?;
        keys.iter().map(|key| tag_key(key.as_str())).collect()
    }
}

fn length(text: &str, least: usize, most: usize) -> Result<(), ApiError> {
    match text.chars().count() {
        count if count < least => Err(invalid("MIN_LENGTH_EXCEEDED")),
        count if count > most => Err(invalid("MAX_LENGTH_EXCEEDED")),
        _ => Ok(()),
    }
}

/// `[\w+=,.@-]`
pub(super) fn is_name(it: char) -> bool {
    it.is_ascii_alphanumeric() || "_+=,.@-".contains(it)
}

/// `[\p{L}\p{Z}\p{N}_.:/=+\-@]`
fn is_tag(it: char) -> bool {
    it.is_alphanumeric() || it.is_whitespace() && !it.is_control() || "_.:/=+-@".contains(it)
}

fn tag_key(key: Option<&str>) -> Result<&str, ApiError> {
    let key = key.ok_or_else(|| invalid("INPUT_REQUIRED"))?;
    length(key, 1, 128)?;
    match key.chars().all(is_tag) {
        // "They're reserved for Amazon Web Services use."
        true if key.to_ascii_lowercase().starts_with("aws:") => Err(invalid("INVALID_SYSTEM_TAGS_PARAMETER")),
        true => Ok(key),
        false => Err(invalid("INVALID_PATTERN")),
    }
}

fn tags(given: &[Value]) -> Result<Vec<(String, String)>, ApiError> {
    let mut tags: Vec<(String, String)> = Vec::new();
    for tag in given {
        let key = tag_key(tag["Key"].as_str())?;
        // "You can set the value to an empty string, but you can't set it to null."
        let value = tag["Value"].as_str().ok_or_else(|| invalid("INPUT_REQUIRED"))?;
        length(value, 0, 256)?;
        if !value.chars().all(is_tag) {
            return Err(invalid("INVALID_PATTERN"));
        }
        if tags.iter().any(|(it, _)| it == key) {
            return Err(invalid("DUPLICATE_TAG_KEY"));
        }
        tags.push((key.to_owned(), value.to_owned()));
    }
    limited(tags)
}

/// As many tags as a resource may have.
pub(super) fn limited(tags: Vec<(String, String)>) -> Result<Vec<(String, String)>, ApiError> {
    match tags.len() <= quotas::TAGS {
        true => Ok(tags),
        false => Err(constraint("MAX_TAG_LIMIT_EXCEEDED", "You have exceeded the number of tags allowed.")),
    }
}
