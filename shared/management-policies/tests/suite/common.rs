//! What the tests share: policies, levels, and short ways to look at what comes out.

use management_policies::{
    Attached, Attribute, Candidate, Document, Effective, Level, Levels, PolicyKind, SettingValue, check,
};
use serde_json::Value;

pub(crate) fn tag(content: &Value) -> Document {
    document(PolicyKind::Tag, content)
}

pub(crate) fn document(kind: PolicyKind, content: &Value) -> Document {
    check(kind, &content.to_string()).unwrap_or_else(|problems| panic!("{content}: {problems:#?}"))
}

/// What AWS has stored, whatever the check says of it.
pub(crate) fn stored(kind: PolicyKind, content: &Value) -> Document {
    Document::read_attached(kind, &content.to_string()).unwrap()
}

/// Levels from the root, each with its policies.
pub(crate) fn levels(kind: PolicyKind, levels: &[(&str, &[(&str, &Document)])]) -> Levels {
    let levels = levels.iter().map(|(target, policies)| Level {
        target: (*target).to_owned(),
        attached: policies
            .iter()
            .map(|(policy, document)| Attached {
                policy: (*policy).to_owned(),
                document: (*document).clone(),
            })
            .collect(),
    });
    Levels::new(kind, levels.collect()).unwrap()
}

pub(crate) fn known(effective: &Effective, path: &str) -> Option<Value> {
    match effective.attributes().get(path)? {
        Attribute::Known(value) => Some(value.to_json()),
        Attribute::Unknown(unknown) => panic!("{path} is unknown: {unknown:#?}"),
    }
}

/// The possibilities of an unknown attribute, sorted; `null` for its absence.
pub(crate) fn candidates(effective: &Effective, path: &str) -> Vec<Value> {
    let Some(Attribute::Unknown(unknown)) = effective.attributes().get(path) else {
        panic!("{path} is not unknown: {:#?}", effective.attributes().get(path));
    };
    let mut sorted = unknown.candidates.clone();
    sorted.sort();
    sorted.iter().map(json).collect()
}

pub(crate) fn json(candidate: &Candidate) -> Value {
    match candidate {
        Candidate::Absent => Value::Null,
        Candidate::Value(SettingValue::One(one)) => one.to_json(),
        Candidate::Value(many) => many.to_json(),
    }
}
