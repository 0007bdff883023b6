//! The types of policies that this crate understands.

use serde::{Deserialize, Serialize};

/// A type of management policy. AWS uses the same word for the type of a policy and for the type of
/// the effective policy that policies of it merge into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PolicyKind {
    /// EC2 policies, formerly called declarative policies.
    #[serde(rename = "DECLARATIVE_POLICY_EC2")]
    DeclarativeEc2,
    /// Tag policies.
    #[serde(rename = "TAG_POLICY")]
    Tag,
}

impl PolicyKind {
    /// The type by the word that AWS Organizations uses; `None` for every other type.
    pub fn from_api(word: &str) -> Option<Self> {
        match word {
            "DECLARATIVE_POLICY_EC2" => Some(Self::DeclarativeEc2),
            "TAG_POLICY" => Some(Self::Tag),
            _ => None,
        }
    }

    /// The word that AWS Organizations uses, for `PolicyType` and for `EffectivePolicyType`.
    pub fn api(self) -> &'static str {
        match self {
            Self::DeclarativeEc2 => "DECLARATIVE_POLICY_EC2",
            Self::Tag => "TAG_POLICY",
        }
    }

    /// The fixed key that every policy of the type starts with.
    pub fn top_key(self) -> &'static str {
        match self {
            Self::DeclarativeEc2 => "ec2_attributes",
            Self::Tag => "tags",
        }
    }
}
