//! The request of a report.

use std::collections::BTreeMap;

use models::{BucketName, KeyPrefix, TargetId};
use serde::{Deserialize, Serialize};

/// What a report is to be of, and where it is to be delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// A root, an organizational unit or an account; the stack's default target, else the
    /// organization's root, where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_id: Option<TargetId>,
    /// The stack's bucket where it is absent. Others must be named in the stack's parameter
    /// `ReportBucketArns`, which also lets the role write there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3_bucket: Option<BucketName>,
    /// What the object's key begins with; the run's id follows it. In the stack's bucket it must lie
    /// under `raw/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3_prefix: Option<KeyPrefix>,
    /// Tags of the report itself.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
}

/// Tags by EC2's rules: at most 50 with Muster's own, keys of 1 to 127 and values of at most 256
/// characters, letters, digits, spaces and `+-=._:/@`; `aws:` is AWS's, `muster:` Muster's.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<String, String>", into = "BTreeMap<String, String>")]
pub struct Tags(BTreeMap<String, String>);

/// A tag that EC2 would refuse.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTags {
    #[error("{count} tags are more than {} (EC2 allows 50, one is Muster's)", Tags::MOST)]
    TooMany { count: usize },
    #[error("tag key {0:?} begins with {1}, which is reserved")]
    Reserved(String, &'static str),
    #[error("tag key {0:?} must have 1 to 127 characters")]
    KeyLength(String),
    #[error("the value of tag {0:?} has more than 256 characters")]
    ValueLength(String),
    #[error("tag {0:?} has a character that EC2 does not allow (letters, digits, spaces and +-=._:/@)")]
    Character(String),
}

impl Tags {
    const MOST: usize = 49;

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

impl TryFrom<BTreeMap<String, String>> for Tags {
    type Error = InvalidTags;

    fn try_from(tags: BTreeMap<String, String>) -> Result<Self, InvalidTags> {
        if tags.len() > Self::MOST {
            return Err(InvalidTags::TooMany { count: tags.len() });
        }
        for (key, value) in &tags {
            let shown = || key.chars().take(128).collect::<String>();
            for reserved in ["aws:", "muster:"] {
                if key.to_ascii_lowercase().starts_with(reserved) {
                    return Err(InvalidTags::Reserved(shown(), reserved));
                }
            }
            if !(1..=127).contains(&key.chars().count()) {
                return Err(InvalidTags::KeyLength(shown()));
            }
            if value.chars().count() > 256 {
                return Err(InvalidTags::ValueLength(shown()));
            }
            let allowed = |it: char| it.is_alphanumeric() || it == ' ' || "+-=._:/@".contains(it);
            if !key.chars().chain(value.chars()).all(allowed) {
                return Err(InvalidTags::Character(shown()));
            }
        }
        Ok(Self(tags))
    }
}

impl From<Tags> for BTreeMap<String, String> {
    fn from(tags: Tags) -> Self {
        tags.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn parse(request: Value) -> Result<Request, String> {
        serde_json::from_value(request).map_err(|error| error.to_string())
    }

    #[test]
    fn every_member_is_read_and_written_back() {
        let request = json!({
            "targetId": "ou-ab12-c3d4e5f6",
            "s3Bucket": "evidence-bucket",
            "s3Prefix": "raw/reports",
            "tags": {"team": "platform", "Größe": "a b+c"},
        });
        assert_eq!(serde_json::to_value(parse(request.clone()).unwrap()).unwrap(), request);
        assert_eq!(serde_json::to_value(parse(json!({})).unwrap()).unwrap(), json!({}));
    }

    #[test]
    fn unknown_and_malformed_members_are_refused() {
        for request in [
            json!({"target": "r-ab12"}),
            json!({"targetId": "r-ab12/"}),
            json!({"targetId": ["r-ab12"]}),
            json!({"s3Bucket": "Not_A_Bucket"}),
            json!({"s3Prefix": "/raw"}),
            json!({"tags": ["a"]}),
            json!({"tags": {"a": 1}}),
        ] {
            assert!(parse(request.clone()).is_err(), "{request}");
        }
    }

    #[test]
    fn tags_follow_ec2s_rules_and_muster_keeps_its_own_prefix() {
        for (tags, problem) in [
            (json!({"aws:x": ""}), "reserved"),
            (json!({"AWS:x": ""}), "reserved"),
            (json!({"muster:run-id": "x"}), "reserved"),
            (json!({"": "x"}), "1 to 127"),
            (json!({"k".repeat(128): "x"}), "1 to 127"),
            (json!({"k": "v".repeat(257)}), "256"),
            (json!({"k": "a\nb"}), "character"),
            (json!({"k": "<b>"}), "character"),
        ] {
            let error = parse(json!({"tags": tags})).unwrap_err();
            assert!(error.contains(problem), "{tags}: {error}");
        }
        let many: serde_json::Map<_, _> = (0..50).map(|number| (format!("k{number}"), json!(""))).collect();
        assert!(parse(json!({"tags": many})).unwrap_err().contains("more than 49"));
    }
}
