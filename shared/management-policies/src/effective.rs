//! The effective policy of an account, as far as it is known.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::kind::PolicyKind;
use crate::pointer;
use crate::syntax::place::{Empty, Place};
use crate::value::{Same, Scalar, SettingValue};

/// The effective policy of an account: what DescribeEffectivePolicy should tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effective {
    pub(crate) kind: PolicyKind,
    pub(crate) attributes: BTreeMap<String, Attribute>,
    /// The policy keys of a tag policy: in lower case, and as an effective policy writes them.
    pub(crate) spelling: BTreeMap<String, String>,
}

/// What is known about one attribute that is, or may be, in the effective policy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Attribute {
    /// It has this value.
    Known(SettingValue),
    /// What it has is not known.
    Unknown(Unknown),
}

/// What is known about an attribute whose value is not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Unknown {
    /// What it may have, each once.
    pub candidates: Vec<Candidate>,
    /// Whether it can have nothing else.
    pub exhaustive: bool,
    /// Why it is not known.
    pub because: Vec<Because>,
}

/// One possibility of an attribute.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Candidate {
    /// The attribute is not in the effective policy.
    Absent,
    /// The attribute has this value.
    Value(SettingValue),
}

/// Why an attribute is not known, and which policies cause it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Because {
    /// Why.
    pub reason: Reason,
    /// The target that the policies are attached to; empty when it is none in particular.
    pub target: String,
    /// The policies that cause it; empty when it is none in particular.
    pub policies: Vec<String>,
}

/// Why an attribute is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Reason {
    /// Operators of policies at one level come to different values in different orders, and AWS does
    /// not tell in which order the policies were attached. The same holds for operators beside each
    /// other in one policy.
    OrderAtOneLevel,
    /// A policy above has a child control at a group that the attribute is in. The guide does not
    /// say whether that limits the attributes inside.
    ControlOfGroup,
    /// Nothing is left of a list. The guide does not say whether the effective policy then has an
    /// empty list or none, and the two do not mean the same.
    EmptiedList,
    /// A tag policy names a policy key without any rule for it. The guide does not say whether the
    /// effective policy then has it.
    RuleWithoutContent,
    /// A policy has something here whose form AWS does not document.
    NotUnderstood,
    /// There are too many possibilities to list.
    TooManyPossibilities,
    /// What AWS tells of the present effective policy is none of the values that are possible here,
    /// so this attribute cannot be predicted. AWS may not have published the last change yet.
    AwsTellsOtherwise,
}

impl Effective {
    /// The type of the policy.
    pub fn kind(&self) -> PolicyKind {
        self.kind
    }

    /// The attributes, by their RFC 6901 pointers in the effective policy. A policy key of a tag
    /// policy is in lower case in its pointer. What is known to be absent is not among them.
    pub fn attributes(&self) -> &BTreeMap<String, Attribute> {
        &self.attributes
    }

    /// The attributes that are not known, with their pointers.
    pub fn unknown(&self) -> impl Iterator<Item = (&str, &Unknown)> {
        self.attributes.iter().filter_map(|(path, attribute)| match attribute {
            Attribute::Unknown(unknown) => Some((path.as_str(), unknown)),
            Attribute::Known(_) => None,
        })
    }

    /// Whether everything is known.
    pub fn is_known(&self) -> bool {
        self.unknown().next().is_none()
    }

    /// The effective policy in the form of DescribeEffectivePolicy, values without operators, with
    /// sorted keys; `None` while something is unknown. Without any attribute it is `{}`.
    pub fn document(&self) -> Option<Value> {
        let mut tree = Tree::Group(BTreeMap::new());
        for (path, attribute) in &self.attributes {
            let Attribute::Known(value) = attribute else { return None };
            tree.put(pointer::keys(path).enumerate().map(|(depth, key)| self.spelled(depth, key)), value);
        }
        Some(tree.json())
    }

    /// [`Self::document`] as text. Equal effective policies give equal bytes.
    pub fn document_text(&self) -> Option<String> {
        self.document().map(|document| document.to_string())
    }

    fn spelled(&self, depth: usize, key: String) -> String {
        if self.kind == PolicyKind::Tag && depth == 1 {
            return self.spelling.get(&key).cloned().unwrap_or(key);
        }
        key
    }
}

enum Tree<'a> {
    Group(BTreeMap<String, Tree<'a>>),
    Value(&'a SettingValue),
}

impl<'a> Tree<'a> {
    fn put(&mut self, keys: impl Iterator<Item = String>, value: &'a SettingValue) {
        let mut tree = self;
        for key in keys {
            if let Tree::Value(_) = tree {
                *tree = Tree::Group(BTreeMap::new());
            }
            let Tree::Group(members) = tree else { return };
            tree = members.entry(key).or_insert_with(|| Tree::Group(BTreeMap::new()));
        }
        *tree = Tree::Value(value);
    }

    fn json(&self) -> Value {
        match self {
            Tree::Value(value) => value.to_json(),
            // the keys come sorted, so it makes no difference how the map orders them
            Tree::Group(members) => {
                let members = members.iter().map(|(key, tree)| (key.clone(), tree.json()));
                Value::Object(members.collect::<Map<_, _>>())
            }
        }
    }
}

impl Candidate {
    /// What makes two candidates the same.
    pub(crate) fn same(&self) -> Same {
        match self {
            Self::Absent => Same::Absent,
            Self::Value(value) => value.same(),
        }
    }

    /// What the candidate means, for comparing with what AWS tells.
    ///
    /// - No list, and an empty list, of resource types: nothing is enforced or reported.
    /// - Without a tag key: "lowercase is the default case treatment for tag keys".
    /// - Without tag values: "any value (including no value at all) is considered compliant", which
    ///   AWS has been seen to tell as `["*"]`.
    ///
    /// <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_example-tag-policies.html>
    pub(crate) fn meaning(&self, kind: PolicyKind, path: &str) -> Same {
        let same = self.same();
        let place = Place::of(kind, path);
        match (&same, place) {
            (Same::Many(items), Some(Place::Many(Empty::Nothing))) if items.is_empty() => Same::Absent,
            (Same::Many(items), Some(Place::Many(Empty::NoValue)))
                if items.len() == 1 && items.contains("*") =>
            {
                Same::Absent
            }
            (Same::Absent, Some(Place::One)) if kind == PolicyKind::Tag => {
                pointer::keys(path).nth(1).map_or(Same::Absent, Same::One)
            }
            _ => same,
        }
    }
}

/// The attribute of possibilities: known if there is one only. `None` is known to be absent.
pub(crate) fn attribute(
    candidates: Vec<Candidate>,
    exhaustive: bool,
    because: Vec<Because>,
) -> Option<Attribute> {
    match candidates.as_slice() {
        [only] if exhaustive => match only {
            Candidate::Absent => None,
            Candidate::Value(value) => Some(Attribute::Known(value.clone())),
        },
        _ => Some(Attribute::Unknown(Unknown { candidates, exhaustive, because })),
    }
}

/// The tag key in lower case, which is the default.
pub(crate) fn default_tag_key(rule: &str) -> SettingValue {
    SettingValue::One(Scalar::Text(rule.to_owned()))
}
