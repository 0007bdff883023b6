//! Managed policies: those that an account has made itself, with their versions, and AWS's.

use jiff::{SignedDuration, Timestamp};

use super::documents;
use crate::organization::{Account, Organization, mix_text};
use crate::principals::identity;

/// A managed policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagedPolicy {
    pub arn: String,
    pub name: String,
    pub path: String,
    pub id: String,
    pub description: String,
    pub created: Timestamp,
    /// At most five, the oldest first.
    pub versions: Vec<PolicyVersion>,
}

/// A version of a managed policy; one is the default, which counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyVersion {
    /// `v1`, `v2`, …; those that were deleted are left out.
    pub id: String,
    /// JSON, as it was given.
    pub document: String,
    pub default: bool,
    pub created: Timestamp,
}

impl ManagedPolicy {
    pub fn default_version(&self) -> Option<&PolicyVersion> {
        self.versions.iter().find(|version| version.default)
    }
}

/// What every account has made itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Customer {
    Deploy,
    Read,
    /// Bounds permissions, and is attached to nobody.
    Boundary,
    Data,
    AllBut,
    Unattached,
}

impl Customer {
    pub(super) const ALL: [Self; 6] =
        [Self::Deploy, Self::Read, Self::Boundary, Self::Data, Self::AllBut, Self::Unattached];

    fn name_and_path(self, account: &Account) -> (String, String) {
        let (team, _) = identity::team(account);
        let (name, path) = match self {
            Self::Deploy => (format!("{team}-deploy"), "/".to_owned()),
            Self::Read => (format!("read.everything=+{team}"), format!("/{team}/")),
            Self::Boundary => (format!("boundary,developers@{team}"), "/".to_owned()),
            Self::Data => ("data_pipeline".to_owned(), "/data/eu=1/".to_owned()),
            Self::AllBut => ("all-but-identity".to_owned(), "/".to_owned()),
            Self::Unattached => ("not-attached".to_owned(), "/".to_owned()),
        };
        (name, path)
    }

    pub(super) fn arn(self, account: &Account, partition: &str) -> String {
        let (name, path) = self.name_and_path(account);
        format!("arn:{partition}:iam::{}:policy{path}{name}", account.id)
    }

    /// The numbers of its versions, and which of them is the default.
    fn versions(self) -> (std::ops::RangeInclusive<usize>, usize) {
        match self {
            Self::Deploy => (1..=3, 3),
            Self::Boundary => (1..=2, 2),
            Self::Data => (4..=8, 7),
            Self::Read | Self::AllBut | Self::Unattached => (1..=1, 1),
        }
    }

    fn document(self, version: usize) -> String {
        match self {
            Self::Deploy => documents::deploy(version),
            Self::Read => documents::read(),
            Self::Boundary => documents::boundary(version),
            Self::Data => documents::data(version),
            Self::AllBut => documents::all_but(&["iam:*", "organizations:*", "account:*"]),
            Self::Unattached => documents::everything(),
        }
    }

    pub(super) fn policy(
        self,
        organization: &Organization,
        account: &Account,
        partition: &str,
    ) -> ManagedPolicy {
        let (name, path) = self.name_and_path(account);
        let arn = self.arn(account, partition);
        let (numbers, default) = self.versions();
        let created = account.joined + SignedDuration::from_hours(3);
        let version = |number: usize| PolicyVersion {
            id: format!("v{number}"),
            document: self.document(number),
            default: number == default,
            created: created + SignedDuration::from_hours(i64::try_from(number).unwrap_or(0) - 1),
        };
        let key = mix_text(account.key(organization), &name);
        ManagedPolicy {
            id: identity::id("ANPA", key),
            description: format!("{name}, of <the platform> & \"others\""),
            created,
            versions: numbers.map(version).collect(),
            arn,
            name,
            path,
        }
    }
}

/// The ARN of one of AWS's own policies, by its path and name.
pub(super) fn aws_arn(partition: &str, name: &str) -> String {
    format!("arn:{partition}:iam::aws:policy/{name}")
}

/// One of AWS's own policies.
pub(super) fn aws(partition: &str, arn: &str) -> Option<ManagedPolicy> {
    let own = arn.strip_prefix(&aws_arn(partition, ""))?;
    let document = documents::aws(own)?;
    let (path, name) = match own.rsplit_once('/') {
        Some((path, name)) => (format!("/{path}/"), name),
        None => ("/".to_owned(), own),
    };
    let created = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * 16_470);
    Some(ManagedPolicy {
        arn: arn.to_owned(),
        name: name.to_owned(),
        path,
        id: identity::id("ANPA", mix_text(0, own)),
        description: format!("{name}, by AWS"),
        created,
        versions: vec![PolicyVersion { id: "v1".to_owned(), document, default: true, created }],
    })
}
