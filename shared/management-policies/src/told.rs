//! What AWS tells of an effective policy, and whether it agrees with what is computed.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::effective::{Attribute, Candidate, Effective};
use crate::json::MAX_DEPTH;
use crate::kind::PolicyKind;
use crate::pointer;
use crate::value::SettingValue;

/// The settings of an effective policy that AWS tells.
#[derive(Debug)]
pub(crate) struct Told {
    values: BTreeMap<String, SettingValue>,
}

impl Told {
    /// Reads the content of DescribeEffectivePolicy. The error says what is not of its form.
    pub(crate) fn read(kind: PolicyKind, told: &Value) -> Result<Self, String> {
        if !told.is_object() {
            return Err("an effective policy is an object".to_owned());
        }
        let mut read = Self { values: BTreeMap::new() };
        read.walk(kind, told, "", 0)?;
        Ok(read)
    }

    fn walk(&mut self, kind: PolicyKind, value: &Value, path: &str, depth: usize) -> Result<(), String> {
        if depth > MAX_DEPTH {
            return Err(format!("an effective policy is not nested more than {MAX_DEPTH} levels deep"));
        }
        let Value::Object(members) = value else {
            let value = SettingValue::from_json(value)
                .ok_or_else(|| format!("{path} is no value of an effective policy"))?;
            self.values.insert(path.to_owned(), value);
            return Ok(());
        };
        let rules = kind == PolicyKind::Tag && path == "/tags";
        let mut seen = BTreeSet::new();
        for (key, value) in members {
            let key = if rules { key.to_lowercase() } else { key.clone() };
            let at = pointer::join(path, &key);
            if !seen.insert(key) {
                return Err(format!("{at} is there more than once, in different cases"));
            }
            self.walk(kind, value, &at, depth + 1)?;
        }
        Ok(())
    }

    /// The attributes that AWS tells, with their pointers.
    pub(crate) fn candidates(&self) -> impl Iterator<Item = (&str, Candidate)> {
        self.values.iter().map(|(path, value)| (path.as_str(), Candidate::Value(value.clone())))
    }

    /// What AWS tells of one attribute.
    pub(crate) fn candidate(&self, path: &str) -> Candidate {
        self.values.get(path).cloned().map_or(Candidate::Absent, Candidate::Value)
    }
}

/// Whether what is computed agrees with what AWS tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Agreement {
    /// Every attribute agrees: it is what is known, or among what is possible.
    Agrees,
    /// Some attributes are other than they can be.
    Differs(Vec<Disagreement>),
    /// Nothing differs, but of these attributes not every possibility is known, and AWS tells none
    /// of the known ones.
    Undecided(Vec<String>),
    /// What AWS tells is not of the form of an effective policy.
    NotReadable(String),
}

/// An attribute that AWS tells otherwise.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Disagreement {
    /// The attribute's pointer.
    pub path: String,
    /// What is computed; `None` where the attribute should be absent.
    pub computed: Option<Attribute>,
    /// What AWS tells.
    pub told: Candidate,
}

/// Compares a computed effective policy with the content that DescribeEffectivePolicy tells.
///
/// Lists are compared without their order, values by their text, the policy keys of tag policies
/// without case. A tag key that is told in lower case, or not at all, agrees with the default;
/// `["*"]` as the values of a tag agrees with none, for both accept every value.
pub fn compare(computed: &Effective, told: &Value) -> Agreement {
    let told = match Told::read(computed.kind, told) {
        Ok(told) => told,
        Err(message) => return Agreement::NotReadable(message),
    };
    let mut differs = Vec::new();
    let mut undecided = Vec::new();
    let paths: BTreeSet<&String> = computed.attributes.keys().chain(told.values.keys()).collect();
    for path in paths {
        let attribute = computed.attributes.get(path);
        let candidate = told.candidate(path);
        let possible = match attribute {
            None => is(computed.kind, path, &Candidate::Absent, &candidate),
            Some(Attribute::Known(value)) => {
                is(computed.kind, path, &Candidate::Value(value.clone()), &candidate)
            }
            Some(Attribute::Unknown(unknown)) => {
                let among = unknown.candidates.iter().any(|one| is(computed.kind, path, one, &candidate));
                if !among && !unknown.exhaustive {
                    undecided.push(path.clone());
                    continue;
                }
                among
            }
        };
        if !possible {
            let computed = attribute.cloned();
            differs.push(Disagreement { path: path.clone(), computed, told: candidate });
        }
    }
    match (differs.is_empty(), undecided.is_empty()) {
        (false, _) => Agreement::Differs(differs),
        (true, false) => Agreement::Undecided(undecided),
        (true, true) => Agreement::Agrees,
    }
}

fn is(kind: PolicyKind, path: &str, one: &Candidate, other: &Candidate) -> bool {
    one.meaning(kind, path) == other.meaning(kind, path)
}

impl Effective {
    /// This effective policy with every unknown attribute settled to what AWS tells, if that is
    /// among its possibilities; otherwise the attribute stays unknown. What is known stays as it is.
    pub fn settled_by(&self, told: &Value) -> Self {
        let Ok(told) = Told::read(self.kind, told) else { return self.clone() };
        let mut settled = self.clone();
        for (path, unknown) in self.unknown() {
            let candidate = told.candidate(path);
            if !unknown.candidates.iter().any(|one| is(self.kind, path, one, &candidate)) {
                continue;
            }
            match candidate {
                Candidate::Absent => settled.attributes.remove(path),
                Candidate::Value(value) => {
                    settled.attributes.insert(path.to_owned(), Attribute::Known(value))
                }
            };
        }
        settled
    }
}
