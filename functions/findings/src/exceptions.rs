//! `exceptions.json` in the bucket: what somebody has decided to live with, why, and until when.

use errors::JobError;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use models::ErrorName;
use serde::{Deserialize, Serialize};
use store::Store;
use wildmatch::WildMatch;

use crate::finding::{Finding, FindingId, brief};
use crate::kinds::FindingKind;

/// Where it lies.
pub(crate) const KEY: &str = "exceptions.json";
/// So many bytes at the most.
const MOST_BYTES: u64 = 4 * 1024 * 1024;
const MOST_CHARACTERS: usize = 1_000;

/// What somebody has decided to live with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Exception {
    /// The finding, by its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) finding: Option<FindingId>,
    /// Or a kind of finding, and its entities by their ids, with `*` and `?`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<FindingKind>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) entity: Option<String>,
    /// With a kind: only this attribute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) attribute: Option<String>,
    pub(crate) reason: String,
    /// Who answers for it.
    pub(crate) owner: String,
    /// The last day on which it counts, in UTC.
    pub(crate) expires: Date,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Document {
    exceptions: Vec<Exception>,
}

impl Exception {
    fn check(&self) -> Result<(), String> {
        match (&self.finding, &self.kind, &self.entity) {
            (Some(_), None, None) if self.attribute.is_none() => {}
            (None, Some(_), Some(_)) => {}
            _ => return Err("names either a finding, or a kind and an entity".to_owned()),
        }
        for (name, text) in [("reason", &self.reason), ("owner", &self.owner)] {
            if text.trim().is_empty() {
                return Err(format!("has no {name}"));
            }
            if text.chars().count() > MOST_CHARACTERS {
                return Err(format!("has a {name} of more than {MOST_CHARACTERS} characters"));
            }
        }
        Ok(())
    }

    /// What it excepts, in words: its identity from run to run.
    pub(crate) fn about(&self) -> String {
        match (&self.finding, &self.kind, &self.entity) {
            (Some(finding), ..) => finding.to_string(),
            (None, Some(kind), entity) => {
                let entity = entity.as_deref().unwrap_or("*");
                let attribute = self.attribute.as_ref().map(|it| format!(" {it}")).unwrap_or_default();
                format!("{} {entity}{attribute}", kind.as_str())
            }
            _ => String::new(),
        }
    }

    /// Whether its last day is over.
    fn has_expired(&self, now: Timestamp) -> bool {
        let end = self.expires.checked_add(1.day()).and_then(|day| day.to_zoned(TimeZone::UTC));
        end.map_or(true, |end| end.timestamp() <= now)
    }

    fn applies_to(&self, finding: &Finding) -> bool {
        if let Some(id) = &self.finding {
            return *id == finding.id;
        }
        self.kind == Some(finding.kind)
            && self.entity.as_ref().is_some_and(|entity| WildMatch::new(entity).matches(&finding.entity_id))
            && (self.attribute.is_none() || self.attribute == finding.attribute)
    }
}

/// The exceptions that there are.
#[derive(Debug, Default)]
pub(crate) struct Exceptions {
    valid: Vec<Exception>,
    pub(crate) expired: Vec<Exception>,
    /// Why none of them could be read. Then none is honoured.
    pub(crate) unreadable: Option<String>,
}

impl Exceptions {
    pub(crate) async fn load(store: &Store, now: Timestamp) -> Result<Self, JobError> {
        let object = match store.get_at_most(KEY, MOST_BYTES).await {
            Ok(object) => object,
            Err(error) if error.name() == ErrorName::InvalidRequest => {
                return Ok(Self { unreadable: Some(error.to_string()), ..Self::default() });
            }
            Err(error) => return Err(error),
        };
        Ok(object.map_or_else(Self::default, |object| Self::read(&object.bytes, now)))
    }

    fn read(bytes: &[u8], now: Timestamp) -> Self {
        let unreadable = |why: String| Self { unreadable: Some(brief(&why)), ..Self::default() };
        let document: Document = match serde_json::from_slice(bytes) {
            Ok(document) => document,
            Err(error) => return unreadable(format!("{KEY}: {error}")),
        };
        for (number, exception) in (1..).zip(&document.exceptions) {
            if let Err(problem) = exception.check() {
                return unreadable(format!("{KEY}: exception {number} {problem}"));
            }
        }
        let (expired, valid) = document.exceptions.into_iter().partition(|it| it.has_expired(now));
        Self { valid, expired, unreadable: None }
    }

    /// The exception that a finding is covered by.
    pub(crate) fn of(&self, finding: &Finding) -> Option<&Exception> {
        self.valid.iter().find(|exception| exception.applies_to(finding))
    }

    /// Whether one of them is about this.
    pub(crate) fn has(&self, about: &str) -> bool {
        self.valid.iter().any(|exception| exception.about() == about)
    }

    pub(crate) fn len(&self) -> usize {
        self.valid.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{EntityType, Evidence};
    use serde_json::{Value, json};

    fn finding(entity: &str) -> Finding {
        let evidence = Evidence {
            kind: None,
            run_id: None,
            table: String::new(),
            filter: String::new(),
            observed_at: None,
            missing: String::new(),
        };
        Finding::new(
            FindingKind::ServiceUnused,
            EntityType::OrganizationalUnit,
            entity,
            Some("s3"),
            &evidence,
        )
    }

    fn read(exceptions: Value) -> Exceptions {
        let now = "2026-11-30T12:00:00Z".parse().unwrap();
        Exceptions::read(&serde_json::to_vec(&json!({"exceptions": exceptions})).unwrap(), now)
    }

    fn exception(more: Value) -> Value {
        let mut exception =
            json!({"reason": "it is a sandbox", "owner": "platform", "expires": "2026-11-30"});
        exception.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        exception
    }

    #[test]
    fn an_exception_covers_a_finding_by_its_id_or_by_kind_and_entity() {
        let one = finding("ou-ab12-c3d4e5f6");
        for more in [
            json!({"finding": one.id}),
            json!({"kind": "service_unused", "entity": "ou-ab12-*"}),
            json!({"kind": "service_unused", "entity": "*", "attribute": "s3"}),
        ] {
            assert!(read(json!([exception(more.clone())])).of(&one).is_some(), "{more}");
        }
        for more in [
            json!({"finding": finding("other").id}),
            json!({"kind": "attribute_ready", "entity": "*"}),
            json!({"kind": "service_unused", "entity": "ou-ab1?-x*"}),
            json!({"kind": "service_unused", "entity": "*", "attribute": "ec2"}),
        ] {
            assert!(read(json!([exception(more.clone())])).of(&one).is_none(), "{more}");
        }
    }

    #[test]
    fn an_exception_counts_to_the_end_of_its_last_day_and_no_longer() {
        let of = |expires: &str| {
            let exceptions = read(json!([exception(
                json!({"kind": "service_unused", "entity": "*", "expires": expires})
            )]));
            (exceptions.of(&finding("x")).is_some(), exceptions.expired.len())
        };
        assert_eq!(of("2026-11-30"), (true, 0));
        assert_eq!(of("2026-11-29"), (false, 1));
    }

    #[test]
    fn exceptions_that_are_not_valid_are_refused_as_a_whole_and_say_why() {
        let exception = |more| read(json!([exception(more)])).unreadable.unwrap_or_default();
        assert!(exception(json!({"kind": "service_unused"})).contains("exception 1 names either"));
        assert!(
            exception(json!({"kind": "service_unused", "entity": "*", "reason": " "})).contains("no reason")
        );
        assert!(exception(json!({"kind": "nothing", "entity": "*"})).contains("nothing"));
        assert!(exception(json!({"kind": "service_unused", "entity": "*", "until": 1})).contains("until"));
        let broken = Exceptions::read(b"{", Timestamp::UNIX_EPOCH).unreadable.unwrap();
        assert!(broken.contains("EOF") || broken.contains("JSON"), "{broken}");
    }
}
