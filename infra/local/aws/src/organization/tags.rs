//! Tags of accounts, units, roots and policies: those that were generated, until somebody sets others.

use std::collections::BTreeMap;

use super::Organization;

/// The tags that were set, by resource. What is not here has the tags that it was generated with.
pub(crate) type Tags = BTreeMap<String, Vec<(String, String)>>;

impl Organization {
    /// The tags of a root, unit, account or policy. Generated ones tell an account's team and stage, and
    /// policies of AWS's have none.
    pub(crate) fn tags(&self, id: &str) -> Vec<(&str, &str)> {
        if let Some(tags) = self.tags.get(id) {
            return tags.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        }
        if self.policy(id).is_some_and(|policy| policy.aws_managed) {
            return Vec::new();
        }
        match self.account(id) {
            Some(account) => {
                let mut parts = account.name.split('-');
                let (team, stage) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
                [("team", team), ("stage", stage)]
                    .into_iter()
                    .filter(|(_, value)| !value.is_empty())
                    .collect()
            }
            None => vec![("owner", "platform")],
        }
    }

    /// Gives a resource these tags and no others.
    pub(crate) fn set_tags(&mut self, id: &str, tags: Vec<(String, String)>) {
        self.tags.insert(id.to_owned(), tags);
    }

    /// The tags of a resource with these besides, a key's new value instead of its old one.
    pub(crate) fn tags_with(&self, id: &str, more: Vec<(String, String)>) -> Vec<(String, String)> {
        let mut tags = owned(self.tags(id));
        for (key, value) in more {
            match tags.iter_mut().find(|(it, _)| *it == key) {
                Some((_, old)) => *old = value,
                None => tags.push((key, value)),
            }
        }
        tags
    }

    /// Takes the tags of these keys from a resource.
    pub(crate) fn remove_tags(&mut self, id: &str, keys: &[&str]) {
        let mut tags = owned(self.tags(id));
        tags.retain(|(key, _)| !keys.contains(&key.as_str()));
        self.set_tags(id, tags);
    }
}

fn owned(tags: Vec<(&str, &str)>) -> Vec<(String, String)> {
    tags.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}
