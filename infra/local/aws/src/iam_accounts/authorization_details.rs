//! Users, groups, roles and policies of an account, with all that they are allowed.

use std::collections::BTreeMap;

use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::accessed::second;
use super::api::IamAccounts;
use crate::organization::Account;
use crate::principals::{
    Group, InlinePolicy, ManagedPolicy, Member, MemberKind, customer_managed, groups, managed,
};
use crate::wire::ApiError;
use crate::wire::form::one_of;
use crate::wire::xml::Element;

/// What RFC 3986 lets stand as it is.
const RESERVED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    User,
    Group,
    Role,
    Local,
    Aws,
}

impl Kind {
    const NAMES: [(&'static str, Self); 5] = [
        ("User", Self::User),
        ("Group", Self::Group),
        ("Role", Self::Role),
        ("LocalManagedPolicy", Self::Local),
        ("AWSManagedPolicy", Self::Aws),
    ];
}

/// The kinds that are asked for: all where none is named.
#[derive(Debug, Clone)]
pub(super) struct Filter(Vec<Kind>);

impl Filter {
    pub(super) fn parse(names: &[&str]) -> Result<Self, ApiError> {
        let kind = |name: &&str| one_of("filter", name, Kind::NAMES);
        let mut kinds = names.iter().map(kind).collect::<Result<Vec<_>, _>>()?;
        kinds.sort_unstable();
        kinds.dedup();
        if kinds.is_empty() {
            kinds = Kind::NAMES.map(|(_, kind)| kind).to_vec();
        }
        Ok(Self(kinds))
    }

    /// Its names, in AWS's order.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        Kind::NAMES.iter().filter(|(_, kind)| self.0.contains(kind)).map(|(name, _)| *name)
    }
}

/// All of an account that is asked for, in the order in which it is listed.
pub(super) struct Listed {
    items: Vec<Item>,
    attached: BTreeMap<String, usize>,
    bounding: BTreeMap<String, usize>,
}

enum Item {
    Member(Member),
    Group(Group),
    Policy(ManagedPolicy),
}

impl Listed {
    pub(super) fn new(iam: &IamAccounts<'_>, account: &Account, filter: &Filter) -> Self {
        let members = iam.members(account);
        let groups = groups(iam.organization, account, iam.partition);
        let (mut attached, mut bounding) = (BTreeMap::new(), BTreeMap::new());
        let of_groups = groups.iter().flat_map(|group| &group.attached);
        for arn in members.iter().flat_map(|member| &member.attached).chain(of_groups) {
            *attached.entry(arn.clone()).or_insert(0) += 1;
        }
        for arn in members.iter().filter_map(|member| member.boundary.as_ref()) {
            *bounding.entry(arn.clone()).or_insert(0) += 1;
        }
        // Of AWS's own policies those that are in use: whether others are listed is not documented.
        let used = attached.keys().chain(bounding.keys()).filter(|arn| arn.contains(":iam::aws:policy/"));
        let aws: Vec<_> =
            used.filter_map(|arn| managed(iam.organization, account, iam.partition, arn)).collect();
        let (users, roles): (Vec<_>, Vec<_>) =
            members.into_iter().partition(|member| member.kind == MemberKind::User);
        let own = customer_managed(iam.organization, account, iam.partition);
        let all: [(Kind, Vec<Item>); 5] = [
            (Kind::User, users.into_iter().map(Item::Member).collect()),
            (Kind::Group, groups.into_iter().map(Item::Group).collect()),
            (Kind::Role, roles.into_iter().map(Item::Member).collect()),
            (Kind::Local, own.into_iter().map(Item::Policy).collect()),
            (Kind::Aws, aws.into_iter().map(Item::Policy).collect()),
        ];
        let items = all.into_iter().filter(|(kind, _)| filter.0.contains(kind)).flat_map(|(_, items)| items);
        Self { items: items.collect(), attached, bounding }
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    /// The four lists of an answer, with these of the items.
    pub(super) fn elements(&self, iam: &IamAccounts<'_>, range: std::ops::Range<usize>) -> Vec<Element> {
        let (mut users, mut groups, mut roles, mut policies) = (vec![], vec![], vec![], vec![]);
        for item in self.items.get(range).unwrap_or_default() {
            match item {
                Item::Member(member) if member.kind == MemberKind::User => users.push(user(member)),
                Item::Member(member) => {
                    roles.push(role(member, member.last_used(iam.organization, iam.now), iam.partition));
                }
                Item::Group(of) => groups.push(group(of)),
                Item::Policy(of) => policies.push(self.policy(of)),
            }
        }
        vec![
            Element::members("UserDetailList", users),
            Element::members("GroupDetailList", groups),
            Element::members("RoleDetailList", roles),
            Element::members("Policies", policies),
        ]
    }

    fn policy(&self, policy: &ManagedPolicy) -> Vec<Element> {
        let count = |of: &BTreeMap<String, usize>| of.get(&policy.arn).copied().unwrap_or(0);
        let updated = policy.versions.iter().map(|version| version.created).max().unwrap_or(policy.created);
        let versions = policy.versions.iter().rev().map(|version| {
            vec![
                Element::text("Document", encoded(&version.document)),
                Element::text("VersionId", &version.id),
                Element::text("IsDefaultVersion", version.default),
                Element::text("CreateDate", second(version.created)),
            ]
        });
        let default = policy.default_version().map(|version| version.id.as_str()).unwrap_or_default();
        vec![
            Element::text("PolicyName", &policy.name),
            Element::text("PolicyId", &policy.id),
            Element::text("Arn", &policy.arn),
            Element::text("Path", &policy.path),
            Element::text("DefaultVersionId", default),
            Element::text("AttachmentCount", count(&self.attached)),
            Element::text("PermissionsBoundaryUsageCount", count(&self.bounding)),
            Element::text("IsAttachable", true),
            Element::text("Description", &policy.description),
            Element::text("CreateDate", second(policy.created)),
            Element::text("UpdateDate", second(updated)),
            Element::members("PolicyVersionList", versions),
        ]
    }
}

fn encoded(document: &str) -> String {
    utf8_percent_encode(document, &RESERVED).to_string()
}

fn user(user: &Member) -> Vec<Element> {
    let mut members = vec![
        Element::text("Path", &user.path),
        Element::text("UserName", &user.name),
        Element::text("UserId", &user.id),
        Element::text("Arn", &user.arn),
        Element::text("CreateDate", second(user.created)),
        inline("UserPolicyList", &user.inline),
        Element::new("GroupList").children(user.groups.iter().map(|name| Element::text("member", name))),
        attached(&user.attached),
    ];
    members.extend(boundary(user));
    members.push(tags(user));
    members
}

fn group(group: &Group) -> Vec<Element> {
    vec![
        Element::text("Path", &group.path),
        Element::text("GroupName", &group.name),
        Element::text("GroupId", &group.id),
        Element::text("Arn", &group.arn),
        Element::text("CreateDate", second(group.created)),
        inline("GroupPolicyList", &group.inline),
        attached(&group.attached),
    ]
}

/// A role; one that was never used has an element of its last use without anything in it.
fn role(role: &Member, last: Option<(Timestamp, String)>, partition: &str) -> Vec<Element> {
    let used = last.into_iter().flat_map(|(at, region)| {
        [Element::text("LastUsedDate", second(at)), Element::text("Region", region)]
    });
    let profiles = role.instance_profile.then(|| {
        vec![
            Element::text("Path", &role.path),
            Element::text("InstanceProfileName", &role.name),
            Element::text("InstanceProfileId", role.id.replacen("AROA", "AIPA", 1)),
            Element::text(
                "Arn",
                format!("arn:{partition}:iam::{}:instance-profile{}{}", role.account, role.path, role.name),
            ),
            Element::text("CreateDate", second(role.created)),
            Element::members("Roles", [head(role)]),
            tags(role),
        ]
    });
    let mut members = head(role);
    members.push(Element::members("InstanceProfileList", profiles));
    members.push(inline("RolePolicyList", &role.inline));
    members.push(attached(&role.attached));
    members.extend(boundary(role));
    members.push(tags(role));
    members.push(Element::new("RoleLastUsed").children(used));
    members
}

/// What a role has wherever it is listed.
fn head(role: &Member) -> Vec<Element> {
    vec![
        Element::text("Path", &role.path),
        Element::text("RoleName", &role.name),
        Element::text("RoleId", &role.id),
        Element::text("Arn", &role.arn),
        Element::text("CreateDate", second(role.created)),
        Element::text("AssumeRolePolicyDocument", encoded(role.trust.as_deref().unwrap_or_default())),
    ]
}

fn inline(name: &'static str, policies: &[InlinePolicy]) -> Element {
    Element::members(
        name,
        policies.iter().map(|policy| {
            vec![
                Element::text("PolicyName", &policy.name),
                Element::text("PolicyDocument", encoded(&policy.document)),
            ]
        }),
    )
}

fn attached(arns: &[String]) -> Element {
    let policy = |arn: &String| {
        let name = arn.rsplit('/').next().unwrap_or_default();
        vec![Element::text("PolicyName", name), Element::text("PolicyArn", arn)]
    };
    Element::members("AttachedManagedPolicies", arns.iter().map(policy))
}

fn boundary(member: &Member) -> Option<Element> {
    let arn = member.boundary.as_ref()?;
    Some(
        Element::new("PermissionsBoundary")
            .child(Element::text("PermissionsBoundaryType", "PermissionsBoundaryPolicy"))
            .child(Element::text("PermissionsBoundaryArn", arn)),
    )
}

fn tags(member: &Member) -> Element {
    let tag =
        |(key, value): &(String, String)| vec![Element::text("Key", key), Element::text("Value", value)];
    Element::members("Tags", member.tags.iter().map(tag))
}
