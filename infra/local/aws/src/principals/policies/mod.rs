//! What roles and users may do: their own policies, managed ones, their groups'.
//!
//! * [`documents`]: policy documents, AWS's own shortened.
//! * [`managed`]: the managed policies of an account and of AWS.

mod documents;
mod managed;

use jiff::{SignedDuration, Timestamp};

use super::identity::{self, Identity, Slot, linked};
use super::{Member, MemberKind};
use crate::organization::{Account, Organization, mix};
use managed::{Customer, aws_arn};
pub use managed::{ManagedPolicy, PolicyVersion};

/// A policy that is a part of what it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InlinePolicy {
    pub name: String,
    /// JSON, as it was given.
    pub document: String,
}

/// Users with permissions in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    pub arn: String,
    pub name: String,
    pub path: String,
    pub id: String,
    pub created: Timestamp,
    pub inline: Vec<InlinePolicy>,
    /// ARNs of managed policies.
    pub attached: Vec<String>,
}

/// A policy that allows a role or user something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    pub name: String,
    /// Of a managed policy.
    pub arn: Option<String>,
    pub owner: PolicyOwner,
    pub document: String,
}

/// What a policy is attached to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyOwner {
    /// `ROLE`, `USER` or `GROUP`.
    pub kind: &'static str,
    pub name: String,
}

/// What a role or user is given.
#[derive(Debug, Default)]
pub(super) struct Given {
    pub(super) boundary: Option<String>,
    pub(super) inline: Vec<InlinePolicy>,
    pub(super) attached: Vec<String>,
    pub(super) groups: Vec<String>,
}

/// The groups of an account: two with users, and one without anything.
const GROUPS: [(&str, &str); 3] =
    [("developers", "/"), ("operators+oncall=eu,1@corp.example_x", "/ops/"), ("nobody", "/")];

pub(super) fn of_member(identity: &Identity, account: &Account, partition: &str) -> Given {
    let aws = |name: &str| aws_arn(partition, name);
    let own = |customer: Customer| customer.arn(account, partition);
    let inline = |count: usize| inline(identity.key, count);
    let bounded = || Some(own(Customer::Boundary));
    let odd = mix(identity.key ^ 0x0DD).is_multiple_of(2);
    match identity.slot {
        Slot::Program => Given {
            inline: inline(2),
            attached: vec![own(Customer::Deploy), aws("service-role/AWSLambdaBasicExecutionRole")],
            ..Given::default()
        },
        Slot::Bounded => Given {
            boundary: bounded(),
            inline: inline(1),
            attached: if odd { vec![own(Customer::Data)] } else { Vec::new() },
            ..Given::default()
        },
        Slot::ServiceLinked => Given {
            attached: vec![aws(&format!("aws-service-role/{}", linked(identity.round).2))],
            ..Given::default()
        },
        Slot::Grouped => Given {
            inline: if odd { inline(1) } else { Vec::new() },
            groups: GROUPS.iter().take(if odd { 1 } else { 2 }).map(|(name, _)| (*name).to_owned()).collect(),
            ..Given::default()
        },
        Slot::People => {
            let set = ["AdministratorAccess", "ReadOnlyAccess", "PowerUserAccess", "job-function/Billing"];
            let set = set.get(identity.round % set.len()).copied().unwrap_or_default();
            Given { attached: vec![aws(set)], ..Given::default() }
        }
        Slot::HostileUser => Given {
            boundary: bounded(),
            inline: inline(1),
            attached: vec![own(Customer::Read)],
            ..Given::default()
        },
        Slot::HostileRole => {
            Given { inline: inline(1), attached: vec![own(Customer::AllBut)], ..Given::default() }
        }
        Slot::Machine => Given {
            inline: inline(1),
            attached: vec![aws("AmazonSSMManagedInstanceCore"), own(Customer::Data)],
            ..Given::default()
        },
    }
}

fn inline(key: u64, count: usize) -> Vec<InlinePolicy> {
    let names = ["own", "a+b=c,d.e@f_g-h"];
    let policy = |(number, name): (usize, &&str)| InlinePolicy {
        name: (*name).to_owned(),
        document: documents::drawn(mix(key ^ mix(number as u64 + 7))),
    };
    names.iter().take(count).enumerate().map(policy).collect()
}

/// The groups of an account.
pub(crate) fn groups(organization: &Organization, account: &Account, partition: &str) -> Vec<Group> {
    let group = |(number, (name, path)): (usize, &(&str, &str))| {
        let key = mix(account.key(organization) ^ mix(number as u64).rotate_left(41));
        let (inline, attached) = match number {
            0 => (inline(key, 1), vec![Customer::Read.arn(account, partition)]),
            1 => (Vec::new(), vec![aws_arn(partition, "ReadOnlyAccess")]),
            _ => (Vec::new(), Vec::new()),
        };
        Group {
            arn: format!("arn:{partition}:iam::{}:group{path}{name}", account.id),
            name: (*name).to_owned(),
            path: (*path).to_owned(),
            id: identity::id("AGPA", key),
            created: account.joined + SignedDuration::from_hours(2),
            inline,
            attached,
        }
    };
    GROUPS.iter().enumerate().map(group).collect()
}

/// The managed policies of an account itself, by their numbers.
pub(crate) fn customer_managed(
    organization: &Organization,
    account: &Account,
    partition: &str,
) -> Vec<ManagedPolicy> {
    Customer::ALL.iter().map(|it| it.policy(organization, account, partition)).collect()
}

/// A managed policy, of this account or of AWS.
pub(crate) fn managed(
    organization: &Organization,
    account: &Account,
    partition: &str,
    arn: &str,
) -> Option<ManagedPolicy> {
    managed::aws(partition, arn).or_else(|| {
        let named = Customer::ALL.iter().find(|it| it.arn(account, partition) == arn);
        named.map(|it| it.policy(organization, account, partition))
    })
}

impl Member {
    /// Every policy that allows it something: its own inline ones, those attached to it, and those of
    /// its groups. A boundary allows nothing.
    pub fn policies(&self, organization: &Organization) -> Vec<Held> {
        let Some(account) = organization.accounts.iter().find(|it| it.id == self.account) else {
            return Vec::new();
        };
        let partition = self.partition();
        let kind = if self.kind == MemberKind::Role { "ROLE" } else { "USER" };
        let owner = PolicyOwner { kind, name: self.name.clone() };
        let mut held = held(organization, account, partition, &owner, &self.inline, &self.attached);
        if !self.groups.is_empty() {
            for group in groups(organization, account, partition) {
                if self.groups.contains(&group.name) {
                    held.extend(group.policies(organization, account, partition));
                }
            }
        }
        held
    }
}

impl Group {
    /// Every policy that allows its users something.
    pub(crate) fn policies(
        &self,
        organization: &Organization,
        account: &Account,
        partition: &str,
    ) -> Vec<Held> {
        let owner = PolicyOwner { kind: "GROUP", name: self.name.clone() };
        held(organization, account, partition, &owner, &self.inline, &self.attached)
    }
}

fn held(
    organization: &Organization,
    account: &Account,
    partition: &str,
    owner: &PolicyOwner,
    inline: &[InlinePolicy],
    attached: &[String],
) -> Vec<Held> {
    let own = inline.iter().map(|policy| Held {
        name: policy.name.clone(),
        arn: None,
        owner: owner.clone(),
        document: policy.document.clone(),
    });
    let managed = attached.iter().filter_map(|arn| {
        let policy = managed(organization, account, partition, arn)?;
        Some(Held {
            document: policy.default_version()?.document.clone(),
            name: policy.name,
            arn: Some(arn.clone()),
            owner: owner.clone(),
        })
    });
    own.chain(managed).collect()
}
