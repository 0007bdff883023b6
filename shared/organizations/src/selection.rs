//! What of an organization is chosen: by id, by subtree, by the tags of accounts.

use std::collections::{BTreeMap, BTreeSet};

use models::{OrganizationalUnitId, PolicyId, RootId, TargetId};
use serde::{Deserialize, Serialize};

use crate::AccountState;
use crate::snapshot::{PlacedAccount, Snapshot};

/// What is chosen: by any of these.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Selection {
    /// A root, units, accounts or policies themselves.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub ids: BTreeSet<Id>,
    /// A root or units, and all that lies below them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub subtrees: BTreeSet<Subtree>,
    /// Accounts, by key and values of a tag; any value where none is given.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, BTreeSet<String>>,
}

impl Selection {
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty() && self.subtrees.is_empty() && self.tags.is_empty()
    }

    /// Whether the candidate is chosen, and by what.
    pub fn chosen(&self, candidate: Candidate<'_>) -> Chosen {
        let policy = candidate.policy.map(PolicyId::as_str);
        let names = |id: &str| id == candidate.entity.as_str() || Some(id) == policy;
        if let Some(id) = self.ids.iter().find(|id| names(id.as_str())) {
            return Chosen::By(format!("id {}", id.as_str()));
        }
        let lies_within =
            |id: &str| candidate.path.is_some_and(|path| path.split('/').any(|part| part == id));
        if let Some(id) = self.subtrees.iter().find(|id| lies_within(id.as_str())) {
            return Chosen::By(format!("subtree {}", id.as_str()));
        }
        match candidate.account {
            Some(account) if !self.tags.is_empty() => self.tagged(account.tags.as_ref()),
            _ => Chosen::No,
        }
    }

    fn tagged(&self, tags: Option<&BTreeMap<String, String>>) -> Chosen {
        let Some(tags) = tags else { return Chosen::Perhaps };
        let has = |(key, values): &(&String, &BTreeSet<String>)| {
            tags.get(*key).is_some_and(|value| values.is_empty() || values.contains(value))
        };
        self.tags.iter().find(has).map_or(Chosen::No, |(key, _)| Chosen::By(format!("tag {key}")))
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.ids.iter().map(Id::as_str).chain(self.subtrees.iter().map(Subtree::as_str))
    }
}

macro_rules! one_of {
    ($(#[$doc:meta])* $name:ident, $expected:literal, $($of:ty),+) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                let valid = $(text.parse::<$of>().is_ok())||+;
                let shown: String = text.chars().take(128).collect();
                if valid { Ok(Self(text)) } else { Err(format!("{shown:?} is not {}", $expected)) }
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    };
}

one_of! {
    /// An entity or a policy.
    Id, "a root, a unit, an account or a policy (r-ab12, ou-ab12-c3d4e5f6, 012345678901, p-a1b2c3d4)",
    TargetId, PolicyId
}

one_of! {
    /// What others lie below.
    Subtree, "a root or a unit (r-ab12, ou-ab12-c3d4e5f6)", RootId, OrganizationalUnitId
}

/// What is asked about an entity, or about a policy at an entity.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    pub entity: &'a TargetId,
    /// From the organization to the entity itself, where that is known.
    pub path: Option<&'a str>,
    pub policy: Option<&'a PolicyId>,
    /// Of an entity that is an account.
    pub account: Option<&'a PlacedAccount>,
}

/// Whether something is chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chosen {
    /// By what.
    By(String),
    /// By a tag, perhaps: the account's could not be read.
    Perhaps,
    No,
}

/// Why the candidate is left out; `None` if it is not. What cannot be told leaves nothing out.
pub fn left_out(include: &Selection, exclude: &Selection, candidate: Candidate<'_>) -> Option<String> {
    if let Some(AccountState::NotActive(word)) = candidate.account.map(|it| &it.account.state) {
        return Some(format!("the account is {word}"));
    }
    if let Chosen::By(why) = exclude.chosen(candidate) {
        return Some(format!("excluded by {why}"));
    }
    let is_included = include.is_empty() || include.chosen(candidate) != Chosen::No;
    (!is_included).then(|| "not included".to_owned())
}

/// Ids of these that the organization does not have: nothing is chosen by them.
pub fn unmatched(selections: &[&Selection], snapshot: &Snapshot) -> Vec<String> {
    let known = |id: &str| match id.parse() {
        Ok(TargetId::Root(root)) => root == snapshot.root.id,
        Ok(TargetId::OrganizationalUnit(unit)) => snapshot.units.contains_key(&unit),
        Ok(TargetId::Account(account)) => snapshot.accounts.contains_key(&account),
        Err(_) => id.parse().is_ok_and(|policy: PolicyId| snapshot.policies.contains_key(&policy)),
    };
    let unknown: BTreeSet<_> =
        selections.iter().flat_map(|selection| selection.names()).filter(|id| !known(id)).collect();
    unknown.into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Account;
    use serde_json::{Value, json};

    const PATH: &str = "o-a1b2c3d4e5/r-ab12/ou-ab12-c3d4e5f6/012345678901";

    fn account(state: AccountState, tags: Option<Value>) -> PlacedAccount {
        PlacedAccount {
            account: Account {
                id: "012345678901".parse().unwrap(),
                arn: String::new(),
                name: String::new(),
                email: String::new(),
                state,
                path: None,
                joined: None,
                joined_method: None,
            },
            path: Some(format!("{PATH}/")),
            tags: tags.map(|tags| serde_json::from_value(tags).unwrap()),
        }
    }

    fn why(request: Value, account: &PlacedAccount, policy: Option<&str>) -> Option<String> {
        let of = |name: &str| serde_json::from_value(request[name].clone()).unwrap_or_default();
        let (include, exclude): (Selection, Selection) = (of("include"), of("exclude"));
        let policy = policy.map(|id| id.parse().unwrap());
        let entity = TargetId::Account(account.account.id.clone());
        let candidate =
            Candidate { entity: &entity, path: Some(PATH), policy: policy.as_ref(), account: Some(account) };
        left_out(&include, &exclude, candidate)
    }

    #[test]
    fn an_entity_is_left_out_by_its_id_its_policy_its_subtree_or_a_tag() {
        let it = account(AccountState::Active, Some(json!({"stage": "prod"})));
        assert_eq!(why(json!({}), &it, None), None);
        for (exclude, policy, because) in [
            (json!({"ids": ["012345678901"]}), None, "id 012345678901"),
            (json!({"ids": ["p-a1b2c3d4"]}), Some("p-a1b2c3d4"), "id p-a1b2c3d4"),
            (json!({"subtrees": ["ou-ab12-c3d4e5f6"]}), None, "subtree ou-ab12-c3d4e5f6"),
            (json!({"tags": {"stage": []}}), None, "tag stage"),
            (json!({"tags": {"stage": ["test", "prod"]}}), None, "tag stage"),
        ] {
            let excluded = why(json!({"exclude": exclude}), &it, policy);
            assert_eq!(excluded, Some(format!("excluded by {because}")));
            // What is excluded stays so, included or not; and what is included by the same is in.
            assert!(why(json!({"exclude": exclude, "include": exclude}), &it, policy).is_some());
            assert_eq!(why(json!({"include": exclude}), &it, policy), None);
        }
        let other = json!({"ids": ["r-ab12"], "subtrees": ["ou-ab12-00000000"], "tags": {"stage": ["test"], "team": []}});
        assert_eq!(why(json!({"exclude": other}), &it, None), None);
        assert_eq!(why(json!({"include": other}), &it, None).as_deref(), Some("not included"));
    }

    #[test]
    fn tags_that_were_not_read_leave_nothing_out() {
        let it = account(AccountState::Unknown, None);
        for request in
            [json!({"exclude": {"tags": {"stage": []}}}), json!({"include": {"tags": {"stage": []}}})]
        {
            assert_eq!(why(request, &it, None), None);
        }
    }

    #[test]
    fn an_account_that_is_not_in_use_is_left_out_with_awss_own_word() {
        let it = account(AccountState::NotActive("SUSPENDED".into()), None);
        assert_eq!(why(json!({}), &it, None).as_deref(), Some("the account is SUSPENDED"));
    }
}
