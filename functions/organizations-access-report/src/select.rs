//! What is left out, and why.

use std::collections::BTreeMap;

use models::{PolicyId, TargetId};
use organizations::AccountState;
use organizations::snapshot::{PlacedAccount, Snapshot};

use crate::entity::EntityPath;
use crate::request::{Request, Selection};

/// What is asked about one report.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate<'a> {
    pub(crate) entity: &'a TargetId,
    pub(crate) path: Option<&'a EntityPath>,
    pub(crate) policy: Option<&'a PolicyId>,
    /// Of an entity that is an account.
    pub(crate) account: Option<&'a PlacedAccount>,
}

/// Why a report is not ordered; `None` if it is.
pub(crate) fn excluded(request: &Request, candidate: Candidate<'_>) -> Option<String> {
    if let Some(AccountState::NotActive(word)) = candidate.account.map(|it| &it.account.state) {
        return Some(format!("the account is {word}"));
    }
    if let Some(why) = chosen(&request.exclude, candidate).certain() {
        return Some(format!("excluded by {why}"));
    }
    let is_included = request.include.is_empty() || chosen(&request.include, candidate).possible();
    (!is_included).then(|| "not included".to_owned())
}

/// Whether something is chosen.
enum Chosen {
    By(String),
    /// By a tag, perhaps: the account's could not be read.
    Perhaps,
    No,
}

impl Chosen {
    fn certain(self) -> Option<String> {
        match self {
            Self::By(why) => Some(why),
            Self::Perhaps | Self::No => None,
        }
    }

    fn possible(&self) -> bool {
        !matches!(self, Self::No)
    }
}

fn chosen(selection: &Selection, candidate: Candidate<'_>) -> Chosen {
    let policy = candidate.policy.map(PolicyId::as_str);
    let names = |id: &str| id == candidate.entity.as_str() || Some(id) == policy;
    if let Some(id) = selection.ids.iter().find(|id| names(id.as_str())) {
        return Chosen::By(format!("id {}", id.as_str()));
    }
    let lies_within = |id: &str| candidate.path.is_some_and(|path| path.is_within(id));
    if let Some(id) = selection.subtrees.iter().find(|id| lies_within(id.as_str())) {
        return Chosen::By(format!("subtree {}", id.as_str()));
    }
    match candidate.account {
        Some(account) if !selection.tags.is_empty() => tagged(selection, account.tags.as_ref()),
        _ => Chosen::No,
    }
}

fn tagged(selection: &Selection, tags: Option<&BTreeMap<String, String>>) -> Chosen {
    let Some(tags) = tags else { return Chosen::Perhaps };
    let has = |(key, values): &(&String, &std::collections::BTreeSet<String>)| {
        tags.get(*key).is_some_and(|value| values.is_empty() || values.contains(value))
    };
    selection.tags.iter().find(has).map_or(Chosen::No, |(key, _)| Chosen::By(format!("tag {key}")))
}

/// Ids of the request that the organization does not have: nothing is chosen by them.
pub(crate) fn unmatched(request: &Request, snapshot: &Snapshot) -> Vec<String> {
    let known = |id: &str| match id.parse() {
        Ok(TargetId::Root(root)) => root == snapshot.root.id,
        Ok(TargetId::OrganizationalUnit(unit)) => snapshot.units.contains_key(&unit),
        Ok(TargetId::Account(account)) => snapshot.accounts.contains_key(&account),
        Err(_) => id.parse().is_ok_and(|policy: PolicyId| snapshot.policies.contains_key(&policy)),
    };
    let of = |selection: &Selection| {
        let ids = selection.ids.iter().map(|id| id.as_str().to_owned());
        ids.chain(selection.subtrees.iter().map(|id| id.as_str().to_owned())).collect::<Vec<_>>()
    };
    let mut unknown: Vec<_> =
        [of(&request.include), of(&request.exclude)].concat().into_iter().filter(|id| !known(id)).collect();
    unknown.sort();
    unknown.dedup();
    unknown
}

#[cfg(test)]
mod tests {
    use super::*;
    use organizations::Account;
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
        let request: Request = serde_json::from_value(request).unwrap();
        let path = PATH.parse().unwrap();
        let policy = policy.map(|id| id.parse().unwrap());
        let entity = TargetId::Account(account.account.id.clone());
        excluded(
            &request,
            Candidate { entity: &entity, path: Some(&path), policy: policy.as_ref(), account: Some(account) },
        )
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
