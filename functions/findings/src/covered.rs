//! What a run's evidence covers, so that a finding that is not there any more is known to be resolved, or
//! not known at all.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use models::AccountId;
use serde::{Deserialize, Serialize};

use crate::finding::FindingId;
use crate::kinds::FindingKind;

/// Of one kind of finding, what the evidence says something about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Covered {
    #[default]
    Nothing,
    Everything,
    /// These findings: they are so, or they are not.
    Ids(BTreeSet<FindingId>),
    /// Everything about these accounts, or other places, but what is listed as unknown.
    Places(BTreeSet<String>),
}

/// Of every kind, what the evidence covers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Coverage {
    pub(crate) kinds: BTreeMap<FindingKind, Covered>,
    /// All accounts there are, where that is known: whatever is not among them has left.
    pub(crate) members: Option<BTreeSet<AccountId>>,
}

impl Coverage {
    pub(crate) fn set(&mut self, kind: FindingKind, covered: Covered) {
        self.kinds.insert(kind, covered);
    }

    /// Counts a finding among those that the evidence says something about.
    pub(crate) fn id(&mut self, kind: FindingKind, id: FindingId) {
        match self.kinds.entry(kind).or_insert_with(|| Covered::Ids(BTreeSet::new())) {
            Covered::Ids(ids) => drop(ids.insert(id)),
            covered => *covered = Covered::Ids([id].into()),
        }
    }

    /// Whether the evidence would show a finding, if it were so. `unknown` are those about which nothing
    /// can be said although their place is covered.
    pub(crate) fn includes(
        &self,
        kind: FindingKind,
        id: FindingId,
        place: &str,
        unknown: &HashSet<FindingId>,
    ) -> bool {
        if self.has_left(place) {
            return true;
        }
        match self.kinds.get(&kind) {
            None | Some(Covered::Nothing) => false,
            Some(Covered::Everything) => true,
            Some(Covered::Ids(ids)) => ids.contains(&id),
            Some(Covered::Places(places)) => places.contains(place) && !unknown.contains(&id),
        }
    }

    /// Whether a place is an account that is not in the organization any more.
    fn has_left(&self, place: &str) -> bool {
        match (&self.members, place.parse::<AccountId>()) {
            (Some(members), Ok(account)) => !members.contains(&account),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: FindingKind = FindingKind::PrincipalUnusedServices;

    #[test]
    fn what_is_not_covered_is_never_taken_for_resolved() {
        let id = FindingId::of(KIND, "arn:x", None);
        let other = FindingId::of(KIND, "arn:y", None);
        let none = HashSet::new();
        let mut coverage = Coverage::default();
        assert!(!coverage.includes(KIND, id, "012345678901", &none));
        coverage.set(KIND, Covered::Places(["012345678901".to_owned()].into()));
        assert!(coverage.includes(KIND, id, "012345678901", &none));
        assert!(!coverage.includes(KIND, id, "012345678902", &none), "another account was not read");
        assert!(!coverage.includes(KIND, id, "012345678901", &[id].into()), "it is unknown");
        coverage.kinds.clear();
        coverage.id(KIND, id);
        assert!(coverage.includes(KIND, id, "012345678901", &none));
        assert!(!coverage.includes(KIND, other, "012345678901", &none));
    }

    #[test]
    fn what_was_said_of_an_account_that_has_left_is_over() {
        let id = FindingId::of(KIND, "arn:x", None);
        let members = Some(["012345678901".parse().unwrap()].into());
        let coverage = Coverage { members, ..Coverage::default() };
        assert!(coverage.includes(KIND, id, "012345678902", &HashSet::new()));
        assert!(!coverage.includes(KIND, id, "012345678901", &HashSet::new()));
        assert!(!coverage.includes(KIND, id, "r-ab12", &HashSet::new()));
    }
}
