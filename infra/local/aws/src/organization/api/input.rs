//! What a request's members may be: present, of their JSON type, and of the model's patterns.
//!
//! Patterns are those of botocore's model, anchored at both ends: its own for targets are not.

use serde_json::Value;

use super::{Read, error, invalid};
use crate::organization::policies::{is_id, is_inherited, is_type};
use crate::wire::ApiError;

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
            Self::Resource => Self::Target.fits(text) || is_id(text),
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

impl<'a> Read<'a> {
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
}
