//! Policies, put together from what was read of each.

use std::collections::BTreeMap;

use models::{PolicyId, TargetId};
use organizations::Policy;

use crate::entry::Entry;

/// A policy, what it says, and where it is attached; or why that is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReadPolicy {
    pub(crate) policy: Policy,
    pub(crate) content: Result<String, String>,
    pub(crate) targets: Result<Vec<TargetId>, String>,
}

/// Policies by their ids.
#[derive(Debug, Default)]
pub(crate) struct Policies {
    read: BTreeMap<PolicyId, ReadPolicy>,
    /// Targets of a list that has not ended.
    partial: BTreeMap<PolicyId, Vec<TargetId>>,
}

const NOT_READ: &str = "they were not read to their end";

impl Policies {
    /// Takes what an entry says of a policy.
    pub(crate) fn take(&mut self, entry: Entry) {
        match entry {
            Entry::Policy { policy, content } => {
                let targets = Err(NOT_READ.to_owned());
                self.read.insert(policy.id.clone(), ReadPolicy { policy, content, targets });
            }
            Entry::Targets { policy, targets, begins, ends } => {
                let partial = self.partial.entry(policy.clone()).or_default();
                if begins {
                    partial.clear();
                }
                partial.extend(targets);
                if ends && let Some(read) = self.read.get_mut(&policy) {
                    read.targets = Ok(std::mem::take(partial));
                }
            }
            Entry::TargetsUnreadable { policy, error } => {
                if let Some(read) = self.read.get_mut(&policy) {
                    read.targets = Err(error);
                }
            }
            _ => {}
        }
    }

    pub(crate) fn into_values(self) -> impl Iterator<Item = ReadPolicy> {
        self.read.into_values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> Policy {
        Policy {
            id: "p-00000001".parse().unwrap(),
            arn: String::new(),
            name: String::new(),
            description: String::new(),
            kind: "TAG_POLICY".into(),
            aws_managed: false,
        }
    }

    fn page(targets: &[&str], begins: bool, ends: bool) -> Entry {
        let targets = targets.iter().map(|target| target.parse().unwrap()).collect();
        Entry::Targets { policy: policy().id, targets, begins, ends }
    }

    fn targets(entries: Vec<Entry>) -> Result<usize, String> {
        let mut policies = Policies::default();
        policies.take(Entry::Policy { policy: policy(), content: Ok("{}".into()) });
        entries.into_iter().for_each(|entry| policies.take(entry));
        policies.into_values().next().unwrap().targets.map(|targets| targets.len())
    }

    #[test]
    fn targets_are_those_of_all_pages_and_unknown_until_the_last() {
        assert_eq!(targets(vec![page(&["r-ab12"], true, true)]), Ok(1));
        assert_eq!(
            targets(vec![page(&["r-ab12"], true, false), page(&["000000000001"], false, true)]),
            Ok(2)
        );
        assert!(targets(vec![page(&["r-ab12"], true, false)]).is_err());
        assert!(targets(vec![]).is_err());
    }

    #[test]
    fn a_list_that_began_again_has_nothing_of_its_first_beginning() {
        let again = vec![
            page(&["000000000002"], true, false),
            page(&["r-ab12"], true, false),
            page(&[], false, true),
        ];
        assert_eq!(targets(again), Ok(1));
    }
}
