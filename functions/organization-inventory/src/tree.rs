//! Where everything in the organization lies.

use std::collections::BTreeMap;

use models::AccountId;
use organizations::{Account, Description, Root, Unit};

/// The root, the units, and how to get from one to the other.
#[derive(Debug, Clone)]
pub(crate) struct Tree {
    organization: String,
    root: String,
    /// The parent of each unit.
    parents: BTreeMap<String, String>,
}

/// As deep as AWS lets units lie (five below the root), and some more.
const DEEPEST: usize = 16;

impl Tree {
    pub(crate) fn new<'a>(
        organization: &Description,
        root: &Root,
        units: impl IntoIterator<Item = &'a Unit>,
    ) -> Self {
        Self {
            organization: organization.id.to_string(),
            root: root.id.to_string(),
            parents: units.into_iter().map(|unit| (unit.id.to_string(), unit.parent.clone())).collect(),
        }
    }

    /// The root and the units on the way to `entity`, and itself; `None` if it leads nowhere.
    fn way_to(&self, entity: &str) -> Option<Vec<String>> {
        let mut way = vec![entity.to_owned()];
        let mut last = entity;
        while last != self.root {
            last = self.parents.get(last)?;
            way.push(last.to_owned());
            if way.len() > DEEPEST {
                return None;
            }
        }
        way.reverse();
        Some(way)
    }

    /// The path of a unit: from the organization to itself, ended by a slash.
    pub(crate) fn path_of(&self, unit: &str) -> Option<String> {
        Some(self.path(&self.way_to(unit)?))
    }

    fn path(&self, way: &[String]) -> String {
        format!("{}/{}/", self.organization, way.join("/"))
    }

    /// The root, the units and the account itself, by the account's own path, else by the parent that
    /// was found for it.
    pub(crate) fn way_to_account(
        &self,
        account: &Account,
        parents: &BTreeMap<AccountId, String>,
    ) -> Option<Vec<String>> {
        if let Some(path) = &account.path {
            let mut way: Vec<String> =
                path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
            let leads = way.first() == Some(&self.organization)
                && way.get(1) == Some(&self.root)
                && way.last().map(String::as_str) == Some(account.id.as_str());
            if leads {
                way.remove(0);
                return Some(way);
            }
        }
        let mut way = self.way_to(parents.get(&account.id)?)?;
        way.push(account.id.to_string());
        Some(way)
    }

    pub(crate) fn path_of_account(
        &self,
        account: &Account,
        parents: &BTreeMap<AccountId, String>,
    ) -> Option<String> {
        Some(self.path(&self.way_to_account(account, parents)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use organizations::AccountState;

    fn tree() -> Tree {
        let organization = Description {
            id: "o-exampleorg1".parse().unwrap(),
            arn: String::new(),
            feature_set: "ALL".into(),
            management_account: "000000000001".parse().unwrap(),
        };
        let root = Root {
            id: "r-ab12".parse().unwrap(),
            arn: String::new(),
            name: "Root".into(),
            policy_types: vec![],
        };
        let unit = |id: &str, parent: &str| Unit {
            id: id.parse().unwrap(),
            arn: String::new(),
            name: String::new(),
            parent: parent.into(),
        };
        let units = [unit("ou-ab12-11111111", "r-ab12"), unit("ou-ab12-22222222", "ou-ab12-11111111")];
        Tree::new(&organization, &root, &units)
    }

    fn account(path: Option<&str>) -> Account {
        Account {
            id: "000000000002".parse().unwrap(),
            arn: String::new(),
            name: String::new(),
            email: String::new(),
            state: AccountState::Active,
            path: path.map(str::to_owned),
            joined: None,
            joined_method: None,
        }
    }

    #[test]
    fn a_path_leads_from_the_organization_and_ends_with_a_slash() {
        let path = tree().path_of("ou-ab12-22222222");
        assert_eq!(path.as_deref(), Some("o-exampleorg1/r-ab12/ou-ab12-11111111/ou-ab12-22222222/"));
        assert_eq!(tree().path_of("ou-ab12-99999999"), None);
    }

    #[test]
    fn an_account_lies_where_its_own_path_says_else_where_it_was_found() {
        let own = "o-exampleorg1/r-ab12/ou-ab12-33333333/000000000002/";
        let found = BTreeMap::from([("000000000002".parse().unwrap(), "ou-ab12-22222222".to_owned())]);
        let path = |account| tree().path_of_account(&account, &found);
        assert_eq!(path(account(Some(own))).as_deref(), Some(own));
        let below = "o-exampleorg1/r-ab12/ou-ab12-11111111/ou-ab12-22222222/000000000002/";
        assert_eq!(path(account(None)).as_deref(), Some(below));
        assert_eq!(path(account(Some("o-otherorgani/r-ab12/000000000002/"))).as_deref(), Some(below));
        assert_eq!(tree().path_of_account(&account(None), &BTreeMap::new()), None);
    }
}
