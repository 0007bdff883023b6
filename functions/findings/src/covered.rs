//! What a run's evidence covers, so that a finding that is not there any more is known to be resolved, or
//! not known at all.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use jiff::Timestamp;
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
    /// The same, of these attributes alone.
    PlacesAnd {
        places: BTreeSet<String>,
        attributes: BTreeSet<String>,
    },
    /// The same, of each attribute other places.
    ByAttribute(BTreeMap<String, BTreeSet<String>>),
}

/// Of every kind, what the evidence covers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Coverage {
    pub(crate) kinds: BTreeMap<FindingKind, Covered>,
    /// All accounts there are, where that is known: whatever is not among them has left.
    pub(crate) members: Option<Members>,
}

/// The accounts of an organization at a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Members {
    pub(crate) accounts: BTreeSet<AccountId>,
    pub(crate) observed_at: Timestamp,
}

/// A finding of the last run, as far as it has to be known to be looked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sought<'a> {
    pub(crate) kind: FindingKind,
    pub(crate) id: FindingId,
    /// Its account, or else its entity.
    pub(crate) place: &'a str,
    pub(crate) attribute: Option<&'a str>,
    /// When it was so.
    pub(crate) observed_at: Option<Timestamp>,
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
    pub(crate) fn includes(&self, sought: Sought<'_>, unknown: &HashSet<FindingId>) -> bool {
        if self.has_left(sought) {
            return true;
        }
        let is_known = !unknown.contains(&sought.id);
        let attribute = sought.attribute.unwrap_or_default();
        match self.kinds.get(&sought.kind) {
            None | Some(Covered::Nothing) => false,
            Some(Covered::Everything) => true,
            Some(Covered::Ids(ids)) => ids.contains(&sought.id),
            Some(Covered::Places(places)) => is_known && places.contains(sought.place),
            Some(Covered::PlacesAnd { places, attributes }) => {
                is_known && places.contains(sought.place) && attributes.contains(attribute)
            }
            Some(Covered::ByAttribute(places)) => {
                is_known && places.get(attribute).is_some_and(|places| places.contains(sought.place))
            }
        }
    }

    /// Whether a place is an account that is not in the organization any more. One that evidence younger
    /// than the inventory speaks of may have joined since.
    fn has_left(&self, sought: Sought<'_>) -> bool {
        match (&self.members, sought.place.parse::<AccountId>()) {
            (Some(members), Ok(account)) => {
                !members.accounts.contains(&account)
                    && sought.observed_at.is_some_and(|at| at <= members.observed_at)
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: FindingKind = FindingKind::PrincipalUnusedServices;

    fn sought(id: FindingId, place: &str) -> Sought<'_> {
        let observed_at = Some(Timestamp::UNIX_EPOCH);
        Sought { kind: KIND, id, place, attribute: Some("a"), observed_at }
    }

    #[test]
    fn what_is_not_covered_is_never_taken_for_resolved() {
        let id = FindingId::of(KIND, "arn:x", None);
        let other = FindingId::of(KIND, "arn:y", None);
        let none = HashSet::new();
        let places: BTreeSet<String> = ["012345678901".to_owned()].into();
        let mut coverage = Coverage::default();
        assert!(!coverage.includes(sought(id, "012345678901"), &none));
        coverage.set(KIND, Covered::Places(places.clone()));
        assert!(coverage.includes(sought(id, "012345678901"), &none));
        assert!(!coverage.includes(sought(id, "012345678902"), &none), "another account was not read");
        assert!(!coverage.includes(sought(id, "012345678901"), &[id].into()), "it is unknown");
        for (attribute, is_covered) in [("a", true), ("b", false)] {
            let attributes = [attribute.to_owned()].into();
            coverage.set(KIND, Covered::PlacesAnd { places: places.clone(), attributes });
            assert_eq!(coverage.includes(sought(id, "012345678901"), &none), is_covered);
            coverage.set(KIND, Covered::ByAttribute([(attribute.to_owned(), places.clone())].into()));
            assert_eq!(coverage.includes(sought(id, "012345678901"), &none), is_covered);
        }
        coverage.kinds.clear();
        coverage.id(KIND, id);
        assert!(coverage.includes(sought(id, "012345678901"), &none));
        assert!(!coverage.includes(sought(other, "012345678901"), &none));
    }

    #[test]
    fn what_was_said_of_an_account_that_has_left_is_over_and_one_that_is_new_has_not_left() {
        let id = FindingId::of(KIND, "arn:x", None);
        let none = HashSet::new();
        let of = |observed_at| {
            let accounts = ["012345678901".parse().unwrap()].into();
            Coverage { members: Some(Members { accounts, observed_at }), ..Coverage::default() }
        };
        let coverage = of(Timestamp::UNIX_EPOCH);
        assert!(coverage.includes(sought(id, "012345678902"), &none));
        assert!(!coverage.includes(sought(id, "012345678901"), &none));
        assert!(!coverage.includes(sought(id, "r-ab12"), &none));
        let older = of(Timestamp::from_second(-1).unwrap());
        assert!(!older.includes(sought(id, "012345678902"), &none), "it may have joined since");
    }
}
