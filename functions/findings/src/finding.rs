//! One finding: what is so, of what, by which evidence.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use models::{Kind, RunId, digest};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::kinds::{FindingKind, Severity};

/// What tells a finding from every other, in every run: made from its kind, entity and attribute, never
/// from values or dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct FindingId(u128);

impl FindingId {
    pub(crate) fn of(kind: FindingKind, entity: &str, attribute: Option<&str>) -> Self {
        // Lengths keep the parts apart whatever is in them.
        let mut hash = Sha256::new();
        for part in [kind.as_str(), entity, attribute.unwrap_or_default()] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        let bytes: [u8; 32] = hash.finalize().into();
        let (first, _) = bytes.split_at(16);
        Self(first.iter().fold(0, |number, byte| number << 8 | u128::from(*byte)))
    }
}

impl fmt::Display for FindingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for FindingId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_hexadecimal =
            text.len() == 32 && text.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'));
        u128::from_str_radix(text, 16)
            .ok()
            .filter(|_| is_hexadecimal)
            .map(Self)
            .ok_or_else(|| format!("{:?} is not the id of a finding (32 hexadecimal digits)", brief(text)))
    }
}

impl TryFrom<String> for FindingId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<FindingId> for String {
    fn from(id: FindingId) -> Self {
        id.to_string()
    }
}

/// What a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EntityType {
    Organization,
    Root,
    OrganizationalUnit,
    Account,
    Principal,
    Policy,
    AccountRequest,
    /// A kind of job that evidence comes from.
    Source,
    /// An entry of the exceptions.
    Exception,
}

impl EntityType {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Organization => "organization",
            Self::Root => "root",
            Self::OrganizationalUnit => "organizational_unit",
            Self::Account => "account",
            Self::Principal => "principal",
            Self::Policy => "policy",
            Self::AccountRequest => "account_request",
            Self::Source => "source",
            Self::Exception => "exception",
        }
    }

    /// Of the id of a root, a unit or an account.
    pub(crate) fn of_target(id: &str) -> Self {
        match id.as_bytes() {
            [b'r', b'-', ..] => Self::Root,
            [b'o', b'u', b'-', ..] => Self::OrganizationalUnit,
            [b'0'..=b'9', ..] => Self::Account,
            _ => Self::Organization,
        }
    }
}

/// Where what a finding says is to be seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Evidence {
    /// The kind of job it comes from; absent for what Muster knows by itself.
    pub(crate) kind: Option<Kind>,
    pub(crate) run_id: Option<RunId>,
    /// The rows: a table and a condition in SQL. Empty where there are none.
    pub(crate) table: String,
    pub(crate) filter: String,
    pub(crate) observed_at: Option<Timestamp>,
    /// Why something beside what the finding says may be unknown; empty where nothing is missing.
    pub(crate) missing: String,
}

/// What is so.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Finding {
    pub(crate) id: FindingId,
    pub(crate) kind: FindingKind,
    pub(crate) severity: Severity,
    pub(crate) entity_type: EntityType,
    pub(crate) entity_id: String,
    pub(crate) entity_name: Option<String>,
    pub(crate) attribute: Option<String>,
    pub(crate) account_id: Option<String>,
    pub(crate) owner: Option<String>,
    /// One sentence.
    pub(crate) text: String,
    /// What the finding's state is made of: when it differs, the finding has changed. No times.
    pub(crate) details: BTreeMap<String, Value>,
    pub(crate) evidence: Evidence,
    /// Findings that say the same of more: where one of these was there before, this is nothing new.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) said_by: Vec<FindingId>,
}

impl Finding {
    pub(crate) fn new(
        kind: FindingKind,
        entity_type: EntityType,
        entity_id: &str,
        attribute: Option<&str>,
        evidence: &Evidence,
    ) -> Self {
        Self {
            id: FindingId::of(kind, entity_id, attribute),
            kind,
            severity: kind.severity(),
            entity_type,
            entity_id: entity_id.to_owned(),
            entity_name: None,
            attribute: attribute.map(str::to_owned),
            account_id: None,
            owner: None,
            text: String::new(),
            details: BTreeMap::new(),
            evidence: evidence.clone(),
            said_by: Vec::new(),
        }
    }

    pub(crate) fn saying(mut self, text: impl Into<String>) -> Self {
        self.text = text.into();
        self
    }

    pub(crate) fn where_rows(mut self, table: &str, filter: impl Into<String>) -> Self {
        self.evidence.table = table.to_owned();
        self.evidence.filter = filter.into();
        self
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.details.insert(name.to_owned(), value.into());
        self
    }

    pub(crate) fn named(mut self, name: Option<&str>) -> Self {
        self.entity_name = name.map(str::to_owned);
        self
    }

    /// What it would have to differ in to have changed.
    pub(crate) fn state(&self) -> String {
        let mut state = digest::sha256(serde_json::to_string(&self.details).unwrap_or_default());
        state.truncate(16);
        state
    }
}

/// The beginning of a text that may be long, and may be hostile.
pub(crate) fn brief(text: &str) -> String {
    match text.char_indices().nth(200) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// A text as SQL writes it.
pub(crate) fn sql(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_made_of_kind_entity_and_attribute_and_of_nothing_else() {
        let id = |entity, attribute| FindingId::of(FindingKind::ServiceUnused, entity, attribute);
        assert_eq!(id("r-ab12", Some("s3")), id("r-ab12", Some("s3")));
        assert_ne!(id("r-ab12", Some("s3")), id("r-ab12", Some("s")));
        assert_ne!(id("r-ab12s", Some("3")), id("r-ab12", Some("s3")));
        assert_ne!(
            id("r-ab12", Some("s3")),
            FindingId::of(FindingKind::AttributeReady, "r-ab12", Some("s3"))
        );
        // It stands in exceptions that people have written: it must never change.
        assert_eq!(id("r-ab12", Some("s3")).to_string(), "36ca7c151d346405439d8efa10eff611");
    }

    #[test]
    fn an_id_is_read_as_it_is_written_and_nothing_else_is() {
        let id = FindingId::of(FindingKind::EvidenceMissing, "x", None);
        assert_eq!(id.to_string().parse(), Ok(id));
        for text in ["", "12", "+0000000000000000000000000000001", "ABCDEF00000000000000000000000000"] {
            assert!(text.parse::<FindingId>().is_err(), "{text}");
        }
    }
}
