//! A role or user, and the policies that it has.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use models::ItemName;
use serde::{Deserialize, Serialize};

use crate::tables::conclusion::{Conclusion, Unknown, of_service};

/// What sort of principal a policy can be generated for: Access Analyzer takes roles and users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PrincipalKind {
    Role,
    User,
}

impl PrincipalKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Role => "role",
            Self::User => "user",
        }
    }
}

/// A role or user as IAM describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Principal {
    /// IAM's unique id (`AROA…`, `AIDA…`): one that is made anew under the same name has another.
    pub(crate) id: ItemName,
    pub(crate) arn: String,
    pub(crate) name: String,
    pub(crate) path: String,
    pub(crate) kind: PrincipalKind,
    pub(crate) created: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) tags: BTreeMap<String, String>,
    /// Of a role: when it was last used, as `RoleLastUsed` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_used: Option<Timestamp>,
    /// Of a role: where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_region: Option<String>,
}

impl Principal {
    /// Whether AWS made it for one of its services: nobody else can change its policies.
    pub(crate) fn is_service_linked(&self) -> bool {
        self.path.starts_with("/aws-service-role/")
    }
}

/// Where a principal has a policy from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Source {
    Inline,
    Attached,
    /// Of a group that a user is in.
    GroupInline,
    GroupAttached,
    PermissionsBoundary,
}

/// A policy that a principal has at present.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CurrentPolicy {
    pub(crate) source: Source,
    pub(crate) name: String,
    /// Of a managed policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) arn: Option<String>,
    /// Of a group's policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) group: Option<String>,
    /// JSON as IAM has it; absent where it could not be had.
    pub(crate) document: Option<String>,
}

/// How many policies a principal has at present, and how many of them have no document here.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Present {
    pub(crate) by_source: BTreeMap<Source, u64>,
    pub(crate) without_document: u64,
}

impl Present {
    pub(crate) fn of(policies: &[CurrentPolicy]) -> Self {
        let mut present = Self::default();
        for policy in policies {
            *present.by_source.entry(policy.source).or_default() += 1;
            present.without_document += u64::from(policy.document.is_none());
        }
        present
    }
}

/// A principal, and all of its policies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Described {
    pub(crate) principal: Principal,
    pub(crate) policies: Vec<CurrentPolicy>,
}

/// A service that the policies of a principal allow, and its use: service-last-accessed data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GrantedService {
    pub(crate) namespace: String,
    pub(crate) name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) last: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) region: Option<String>,
    /// `TotalAuthenticatedEntities`: 0 or 1 of a role or user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) entities: Option<i64>,
    /// Actions that AWS tracks; absent where it tells of none: it tracks none of the service, or none of
    /// them was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) actions: Option<Vec<TrackedAction>>,
    /// The policies that grant it, by ARN or name; absent where that could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) granted_by: Option<Vec<String>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TrackedAction {
    pub(crate) name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) last: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) region: Option<String>,
}

/// What AWS says is granted to a principal, and when it was used: a completed job's whole answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Access {
    pub(crate) completed: Timestamp,
    pub(crate) services: Vec<GrantedService>,
    /// Why it could not be read which policies grant them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) granting_not_read: Option<String>,
}

/// What of it decides whether a policy is generated, when, and from what.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Activity {
    /// When any service was last used.
    pub(crate) last: Option<Timestamp>,
    /// How many granted services show no use: the count of entities is 0, or absent where nobody tried.
    pub(crate) unused: usize,
    /// Whether nothing can be concluded from silence: no service is granted, so that what others grant (a
    /// bucket's policy) would not show; or the answer contradicts itself.
    pub(crate) tells_nothing: bool,
    /// The Regions in which each service and action was last used.
    pub(crate) regions: BTreeSet<String>,
}

impl Activity {
    pub(crate) fn of(access: &Access) -> Self {
        let is_unused =
            |it: &&GrantedService| it.last.is_none() && it.entities.is_none_or(|count| count == 0);
        let contradicts =
            |it: &GrantedService| of_service(it, false) == Conclusion::Unknown(Unknown::ContradictsItself);
        let regions = access.services.iter().flat_map(|it| {
            let of_actions = it.actions.iter().flatten().filter_map(|action| action.region.clone());
            it.region.clone().into_iter().chain(of_actions)
        });
        Self {
            last: access.services.iter().filter_map(|it| it.last).max(),
            unused: access.services.iter().filter(is_unused).count(),
            tells_nothing: access.services.is_empty() || access.services.iter().any(contradicts),
            regions: regions.collect(),
        }
    }
}
