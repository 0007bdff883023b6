//! What a change does to an account.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::effective::{Attribute, Effective};

/// An attribute that changes, or may change. Lists of these can be compared, sorted and hashed, so
/// that accounts are grouped by the same difference.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttributeChange {
    /// The attribute's pointer.
    pub path: String,
    /// What it is before; `None` when it is known to be absent.
    pub before: Option<Attribute>,
    /// What it is after; `None` when it is known to be absent.
    pub after: Option<Attribute>,
}

/// The attributes that change, in the order of their pointers.
///
/// An attribute that is unknown before or after is always among them, even if the same values are
/// possible: that it stays the same is not known.
pub fn difference(before: &Effective, after: &Effective) -> Vec<AttributeChange> {
    let paths: BTreeSet<&String> = before.attributes.keys().chain(after.attributes.keys()).collect();
    paths
        .into_iter()
        .filter_map(|path| {
            let (one, other) = (before.attributes.get(path), after.attributes.get(path));
            let same = match (one, other) {
                (Some(Attribute::Known(one)), Some(Attribute::Known(other))) => one.same() == other.same(),
                _ => false,
            };
            (!same).then(|| AttributeChange {
                path: path.clone(),
                before: one.cloned(),
                after: other.cloned(),
            })
        })
        .collect()
}
