//! Effective policies lag behind what they are made of: they are published some time after a change.
//!
//! What a change has changed is kept until it is published, and nothing else is: the state as of then is
//! the present state with the changes since then taken back.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};

use super::policies::{Policy, is_inherited};
use super::{Account, Organization};

/// Changes that effective policies do not show yet, and when they showed those before.
#[derive(Debug, Clone, Default)]
pub(crate) struct Publication {
    /// In the order in which they were made.
    waiting: VecDeque<Change>,
    /// When the last change of this was published.
    published: BTreeMap<Subject, Timestamp>,
    /// When a policy type's policies or attachments were last changed.
    changed: BTreeMap<String, Timestamp>,
    /// Which attachment came before which: policy, target, number. Those that were generated have none,
    /// and came before all others in the order of the policies.
    order: BTreeMap<(String, String), u64>,
    attachments: u64,
}

#[derive(Debug, Clone)]
struct Change {
    at: Timestamp,
    kind: String,
    before: Before,
}

/// What was so before a change.
#[derive(Debug, Clone)]
enum Before {
    Content {
        policy: String,
        content: String,
    },
    /// With its number if it was attached.
    Attachment {
        policy: String,
        target: String,
        was: Option<u64>,
    },
    Deleted(Policy),
    Place {
        account: String,
        path: String,
    },
}

/// What a change is of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    Policy(String),
    Target { kind: String, target: String },
    Account(String),
}

impl Change {
    fn subject(&self) -> Subject {
        match &self.before {
            Before::Content { policy, .. } => Subject::Policy(policy.clone()),
            Before::Deleted(policy) => Subject::Policy(policy.id.clone()),
            Before::Attachment { target, .. } => {
                Subject::Target { kind: self.kind.clone(), target: target.clone() }
            }
            Before::Place { account, .. } => Subject::Account(account.clone()),
        }
    }
}

/// A policy at a target, as effective policies show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shown<'a> {
    pub(crate) id: &'a str,
    pub(crate) content: &'a str,
}

impl Publication {
    fn wait(&mut self, at: Timestamp, kind: &str, before: Before) {
        self.waiting.push_back(Change { at, kind: kind.to_owned(), before });
    }

    /// Publishes the changes that are as old as the lag.
    pub(super) fn settle(&mut self, now: Timestamp, lag: SignedDuration) {
        while let Some(due) = self.waiting.front().map(|change| change.at + lag).filter(|due| *due <= now) {
            if let Some(change) = self.waiting.pop_front() {
                self.published.insert(change.subject(), due);
            }
        }
    }

    /// A type that is off has nothing to publish.
    pub(super) fn forget(&mut self, kind: &str, policies: &[Policy]) {
        self.waiting.retain(|change| change.kind != kind);
        self.order.retain(|(policy, _), _| policies.iter().all(|it| it.id != *policy || it.kind != kind));
    }

    /// When a type's policies were last changed.
    pub(crate) fn last_change(&self, kind: &str) -> Option<Timestamp> {
        self.changed.get(kind).copied()
    }

    pub(crate) fn changed(&mut self, kind: &str, at: Timestamp) {
        self.changed.insert(kind.to_owned(), at);
    }

    fn number(&self, policy: &str, target: &str) -> u64 {
        self.order.get(&(policy.to_owned(), target.to_owned())).copied().unwrap_or_default()
    }
}

impl Organization {
    /// Attaches a policy, behind all that are attached.
    pub(crate) fn attach(&mut self, policy: &str, target: &str, at: Timestamp) {
        let Some(it) = self.policies.iter_mut().find(|it| it.id == policy) else { return };
        it.targets.push(target.to_owned());
        let kind = it.kind.clone();
        self.publication.attachments += 1;
        let number = self.publication.attachments;
        self.publication.order.insert((policy.to_owned(), target.to_owned()), number);
        self.attachment_changed(&kind, policy, target, None, at);
    }

    pub(crate) fn detach(&mut self, policy: &str, target: &str, at: Timestamp) {
        let Some(it) = self.policies.iter_mut().find(|it| it.id == policy) else { return };
        it.targets.retain(|it| it != target);
        let kind = it.kind.clone();
        let was = self.publication.number(policy, target);
        self.publication.order.remove(&(policy.to_owned(), target.to_owned()));
        self.attachment_changed(&kind, policy, target, Some(was), at);
    }

    fn attachment_changed(
        &mut self,
        kind: &str,
        policy: &str,
        target: &str,
        was: Option<u64>,
        at: Timestamp,
    ) {
        self.publication.changed(kind, at);
        if is_inherited(kind) {
            let before = Before::Attachment { policy: policy.to_owned(), target: target.to_owned(), was };
            self.publication.wait(at, kind, before);
        }
    }

    pub(crate) fn set_content(&mut self, policy: &str, content: &str, at: Timestamp) {
        let Some(it) = self.policies.iter_mut().find(|it| it.id == policy) else { return };
        let old = std::mem::replace(&mut it.content, content.to_owned());
        let kind = it.kind.clone();
        self.publication.changed(&kind, at);
        if is_inherited(&kind) {
            self.publication.wait(at, &kind, Before::Content { policy: policy.to_owned(), content: old });
        }
    }

    /// Deletes a policy that is attached to nothing; effective policies may show it a while longer.
    pub(crate) fn delete_policy(&mut self, policy: &str, at: Timestamp) {
        let Some(place) = self.policies.iter().position(|it| it.id == policy) else { return };
        let policy = self.policies.remove(place);
        self.tags.remove(&policy.id);
        if is_inherited(&policy.kind) {
            let kind = policy.kind.clone();
            self.publication.wait(at, &kind, Before::Deleted(policy));
        }
    }

    /// Moves an account to a root or unit.
    pub(crate) fn move_account(&mut self, account: &str, parent: &str, at: Timestamp) {
        let above = match self.units.iter().find(|unit| unit.id == parent) {
            Some(unit) => unit.path.clone(),
            None => format!("{}/{}/", self.id, self.root),
        };
        let Some(it) = self.accounts.iter_mut().find(|it| it.id == account) else { return };
        let path = std::mem::replace(&mut it.path, format!("{above}{account}/"));
        parent.clone_into(&mut it.parent);
        self.publication.wait(at, "", Before::Place { account: account.to_owned(), path });
    }

    /// Where an account lies, as effective policies show it.
    pub(crate) fn shown_path<'a>(&'a self, account: &'a Account) -> &'a str {
        let mut waiting = self.publication.waiting.iter();
        let before = waiting.find_map(|change| match &change.before {
            Before::Place { account: id, path } if *id == account.id => Some(path),
            _ => None,
        });
        before.unwrap_or(&account.path)
    }

    /// The policies of a type at a target in the order in which they were attached, as effective policies
    /// show them.
    pub(crate) fn shown_attached<'a>(&'a self, kind: &str, target: &str) -> Vec<Shown<'a>> {
        let waiting = || self.publication.waiting.iter().filter(|change| change.kind == kind);
        let deleted = waiting().filter_map(|change| match &change.before {
            Before::Deleted(policy) => Some(policy),
            _ => None,
        });
        let policies = self.policies.iter().filter(|it| it.kind == kind).chain(deleted);
        let mut shown: Vec<(u64, Shown<'a>)> = policies
            .filter_map(|policy| {
                let before = waiting().find_map(|change| match &change.before {
                    Before::Attachment { policy: id, target: at, was }
                        if *id == policy.id && at == target =>
                    {
                        Some(*was)
                    }
                    _ => None,
                });
                let number = before.unwrap_or_else(|| self.attachment(policy, target))?;
                let content = waiting().find_map(|change| match &change.before {
                    Before::Content { policy: id, content } if *id == policy.id => Some(content),
                    _ => None,
                });
                Some((number, Shown { id: &policy.id, content: content.unwrap_or(&policy.content) }))
            })
            .collect();
        shown.sort_by_key(|(number, _)| *number);
        shown.into_iter().map(|(_, shown)| shown).collect()
    }

    /// The number of an attachment that there is.
    pub(super) fn attachment(&self, policy: &Policy, target: &str) -> Option<u64> {
        let attached = policy.targets.iter().any(|it| it == target);
        attached.then(|| self.publication.number(&policy.id, target))
    }

    /// When the last change was published that an account's effective policy shows.
    pub(crate) fn shown_since(&self, kind: &str, account: &Account) -> Timestamp {
        let published = |subject: &Subject| self.publication.published.get(subject).copied();
        let of_place = published(&Subject::Account(account.id.clone()));
        let way = self.shown_path(account).trim_end_matches('/').split('/').skip(1);
        let of_way = way.flat_map(|target| {
            let at = Subject::Target { kind: kind.to_owned(), target: target.to_owned() };
            let policies = self.shown_attached(kind, target).into_iter();
            let of_policies = policies.filter_map(|it| published(&Subject::Policy(it.id.to_owned())));
            of_policies.chain(published(&at)).collect::<Vec<_>>()
        });
        of_way.chain(of_place).fold(account.joined, Timestamp::max)
    }
}
