//! What an ARN names in an account, and whose use of services counts for it.

use super::api::IamAccounts;
use crate::organization::Account;
use crate::principals::{self, Group, Held, ManagedPolicy, Member, MemberKind};
use crate::services::{Statements, is_open};
use crate::wire::ApiError;
use crate::wire::form::constraint;

/// What an ARN names.
#[derive(Debug, Clone)]
pub(super) enum Source {
    Member(Box<Member>),
    Group(Box<Group>),
    Policy(Box<ManagedPolicy>),
}

/// An ARN of IAM's, of this partition.
#[derive(Debug, Clone, Copy)]
pub(super) struct IamArn<'a> {
    pub(super) text: &'a str,
    pub(super) kind: &'a str,
    account: &'a str,
}

impl<'a> IamArn<'a> {
    /// The ARN, if it is of one of these kinds. That another is `InvalidInput`, as the model has it, and
    /// one of another length a validation error.
    pub(super) fn parse(text: &'a str, partition: &str, kinds: &[&str]) -> Result<Self, ApiError> {
        if !(20..=2048).contains(&text.len()) {
            return Err(constraint("arn", text, "20 to 2048 characters"));
        }
        let invalid = || ApiError::new(400, "InvalidInput", format!("ARN {text} is not valid."));
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let ["arn", of, "iam", "", account, resource] = parts[..] else { return Err(invalid()) };
        let (kind, name) = resource.split_once('/').ok_or_else(invalid)?;
        if of != partition || name.is_empty() || !kinds.contains(&kind) {
            return Err(invalid());
        }
        Ok(Self { text, kind, account })
    }

    /// Whether it is of this account, or AWS's own.
    pub(super) fn is_of(&self, account: &str) -> bool {
        self.account == account || (self.account == "aws" && self.kind == "policy")
    }
}

impl IamAccounts<'_> {
    /// All roles and users of an account, those that are deployed last.
    pub(super) fn members(&self, account: &Account) -> Vec<Member> {
        let mut members = principals::of_account(self.organization, account, self.partition, self.principals);
        for arn in self.roles.in_account(&account.id) {
            members.extend(self.deployed(account, &arn));
        }
        members
    }

    fn deployed(&self, account: &Account, arn: &str) -> Option<Member> {
        Member::deployed(self.organization, account, arn, &self.roles.get(arn)?)
    }

    /// What the ARN names in this account, if there is such a one.
    pub(super) fn source(&self, account: &Account, arn: IamArn<'_>) -> Option<Source> {
        match arn.kind {
            "role" | "user" => principals::find(self.organization, arn.text, self.principals)
                .or_else(|| self.deployed(account, arn.text))
                .map(|member| Source::Member(Box::new(member))),
            "group" => principals::groups(self.organization, account, self.partition)
                .into_iter()
                .find(|group| group.arn == arn.text)
                .map(|group| Source::Group(Box::new(group))),
            _ => principals::managed(self.organization, account, self.partition, arn.text)
                .map(|policy| Source::Policy(Box::new(policy))),
        }
    }

    /// The roles and users whose use counts: itself, a group's users, or to whom the policy is attached.
    pub(super) fn entities(&self, account: &Account, source: &Source) -> Vec<Member> {
        let mut members = match source {
            Source::Member(member) => return vec![(**member).clone()],
            Source::Group(_) | Source::Policy(_) => self.members(account),
        };
        match source {
            Source::Member(_) => {}
            Source::Group(group) => members.retain(|it| it.groups.contains(&group.name)),
            Source::Policy(policy) => {
                let groups = principals::groups(self.organization, account, self.partition);
                let by_group: Vec<_> =
                    groups.into_iter().filter(|it| it.attached.contains(&policy.arn)).collect();
                members.retain(|it| {
                    it.attached.contains(&policy.arn)
                        || by_group.iter().any(|group| it.groups.contains(&group.name))
                });
            }
        }
        members
    }

    /// The policies that allow it something.
    pub(super) fn policies(&self, account: &Account, source: &Source) -> Vec<Held> {
        match source {
            Source::Member(member) => member.policies(self.organization),
            Source::Group(group) => group.policies(self.organization, account, self.partition),
            Source::Policy(_) => Vec::new(),
        }
    }

    /// Which services it allows.
    pub(super) fn allowed(&self, account: &Account, source: &Source) -> Allowed {
        let held = self.policies(account, source);
        let own = match source {
            Source::Policy(policy) => policy.default_version().map(|version| version.document.as_str()),
            Source::Member(_) | Source::Group(_) => None,
        };
        Allowed([Statements::all(held.iter().map(|policy| policy.document.as_str()).chain(own))])
    }
}

/// Which services are allowed, by policies that count together.
#[derive(Debug)]
pub(super) struct Allowed([Statements; 1]);

impl Allowed {
    pub(super) fn has(&self, namespace: &str) -> bool {
        is_open(std::iter::once(self.0.as_slice()), namespace)
    }
}

/// As in a list of entities.
pub(super) fn entity_type(kind: MemberKind) -> &'static str {
    match kind {
        MemberKind::Role => "ROLE",
        MemberKind::User => "USER",
    }
}
