//! What an account's roles and users are, and all of their policies: GetAccountAuthorizationDetails.

use std::collections::{HashMap, HashSet};

use aws_sdk_iam::operation::get_account_authorization_details::GetAccountAuthorizationDetailsOutput;
use aws_sdk_iam::types::{
    AttachedPermissionsBoundary, AttachedPolicy, EntityType, GroupDetail, ManagedPolicyDetail, PolicyDetail,
    RoleDetail, Tag, UserDetail,
};
use errors::{AwsError, JobError};
use runtime::aws::time;

use super::document::decoded;
use super::{Iam, Markers, incomplete, refused, required};
use crate::principal::{CurrentPolicy, Described, Principal, PrincipalKind, Source};

const DETAILS: &str = "iam:GetAccountAuthorizationDetails";
/// As many as a page may have.
const PAGE: i32 = 1_000;
/// Without these, a principal's policies would not be all.
const FILTER: [EntityType; 5] = [
    EntityType::User,
    EntityType::Role,
    EntityType::Group,
    EntityType::LocalManagedPolicy,
    EntityType::AwsManagedPolicy,
];

impl Iam {
    /// The roles and users of the session's account by ARN, each with all the policies that decide by
    /// identity what it may do.
    pub(crate) async fn described(&self) -> Result<Vec<Described>, JobError> {
        let mut account = Account::default();
        let mut markers = Markers::new(DETAILS);
        let mut marker = None;
        loop {
            let call = self.client.get_account_authorization_details().set_filter(Some(FILTER.to_vec()));
            let page = call.max_items(PAGE).set_marker(marker).send().await;
            let mut page = page.map_err(|error| refused(AwsError::new(DETAILS, &error)))?;
            let next = page.marker.take();
            let is_truncated = page.is_truncated;
            account.read(page)?;
            marker = markers.next(is_truncated, next)?;
            if marker.is_none() {
                return account.joined();
            }
        }
    }
}

/// What the pages have told so far, in any order: of a managed policy, the one document that counts.
#[derive(Default)]
struct Account {
    /// Without what their groups have, and without the documents of managed policies.
    principals: Vec<(Described, Vec<String>)>,
    groups: HashMap<String, Vec<CurrentPolicy>>,
    /// By ARN.
    documents: HashMap<String, Option<String>>,
}

impl Account {
    fn read(&mut self, page: GetAccountAuthorizationDetailsOutput) -> Result<(), JobError> {
        for role in page.role_detail_list.unwrap_or_default() {
            self.principals.push((of_role(role)?, Vec::new()));
        }
        for user in page.user_detail_list.unwrap_or_default() {
            self.principals.push(of_user(user)?);
        }
        for group in page.group_detail_list.unwrap_or_default() {
            let (name, policies) = of_group(group)?;
            once(&mut self.groups, name, policies, "a group")?;
        }
        for policy in page.policies.unwrap_or_default() {
            let arn = required(DETAILS, policy.arn.clone(), "a policy without its ARN")?;
            once(&mut self.documents, arn, default_document(&policy), "a policy")?;
        }
        Ok(())
    }

    fn joined(self) -> Result<Vec<Described>, JobError> {
        let mut joined = Vec::with_capacity(self.principals.len());
        for (mut described, groups) in self.principals {
            for group in groups {
                let Some(policies) = self.groups.get(&group) else {
                    return Err(incomplete(
                        DETAILS,
                        &format!("answered a user of the group {group:?}, and no such group"),
                    ));
                };
                described.policies.extend_from_slice(policies);
            }
            for policy in &mut described.policies {
                if let Some(arn) = &policy.arn {
                    policy.document = self.documents.get(arn).cloned().flatten();
                }
            }
            described.policies.sort_by(|a, b| {
                (a.source, &a.group, &a.name, &a.arn).cmp(&(b.source, &b.group, &b.name, &b.arn))
            });
            joined.push(described);
        }
        joined.sort_by(|a, b| a.principal.arn.cmp(&b.principal.arn));
        joined.dedup();
        // One that was made anew or renamed between two pages would be there twice.
        let (mut arns, mut ids) = (HashSet::new(), HashSet::new());
        let twice = joined.iter().find(|it| !arns.insert(&it.principal.arn) || !ids.insert(&it.principal.id));
        match twice {
            None => Ok(joined),
            Some(it) => Err(twice_different(&it.principal.arn)),
        }
    }
}

/// Keeps what is told of a thing, which may be told again.
fn once<T: PartialEq>(
    known: &mut HashMap<String, T>,
    key: String,
    value: T,
    what: &str,
) -> Result<(), JobError> {
    match known.get(&key) {
        None => {
            known.insert(key, value);
            Ok(())
        }
        Some(before) if *before == value => Ok(()),
        Some(_) => Err(twice_different(&format!("{what} ({key})"))),
    }
}

fn twice_different(what: &str) -> JobError {
    incomplete(DETAILS, &format!("answered {what} twice, and each time differently"))
}

fn of_role(role: RoleDetail) -> Result<Described, JobError> {
    let last = role.role_last_used;
    let principal = Principal {
        id: id(role.role_id)?,
        arn: required(DETAILS, role.arn, "a role without its ARN")?,
        name: required(DETAILS, role.role_name, "a role without its name")?,
        path: required(DETAILS, role.path, "a role without its path")?,
        kind: PrincipalKind::Role,
        created: role.create_date.as_ref().and_then(time),
        tags: tags(role.tags),
        last_used: last.as_ref().and_then(|it| it.last_used_date.as_ref()).and_then(time),
        last_region: last.and_then(|it| it.region).filter(|region| !region.is_empty()),
    };
    let mut policies = inline(role.role_policy_list, None)?;
    policies.extend(attached(role.attached_managed_policies, None)?);
    policies.extend(boundary(role.permissions_boundary)?);
    Ok(Described { principal, policies })
}

/// A user, and the names of its groups.
fn of_user(user: UserDetail) -> Result<(Described, Vec<String>), JobError> {
    let principal = Principal {
        id: id(user.user_id)?,
        arn: required(DETAILS, user.arn, "a user without its ARN")?,
        name: required(DETAILS, user.user_name, "a user without its name")?,
        path: required(DETAILS, user.path, "a user without its path")?,
        kind: PrincipalKind::User,
        created: user.create_date.as_ref().and_then(time),
        tags: tags(user.tags),
        // Of users, IAM keeps the last sign-in to the console only, which is something else.
        last_used: None,
        last_region: None,
    };
    let mut policies = inline(user.user_policy_list, None)?;
    policies.extend(attached(user.attached_managed_policies, None)?);
    policies.extend(boundary(user.permissions_boundary)?);
    Ok((Described { principal, policies }, user.group_list.unwrap_or_default()))
}

fn of_group(group: GroupDetail) -> Result<(String, Vec<CurrentPolicy>), JobError> {
    let name = required(DETAILS, group.group_name, "a group without its name")?;
    let mut policies = inline(group.group_policy_list, Some(&name))?;
    policies.extend(attached(group.attached_managed_policies, Some(&name))?);
    Ok((name, policies))
}

fn id(id: Option<String>) -> Result<models::ItemName, JobError> {
    let id = required(DETAILS, id, "a principal without its id")?;
    id.parse().map_err(JobError::defect)
}

fn tags(tags: Option<Vec<Tag>>) -> std::collections::BTreeMap<String, String> {
    tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect()
}

fn inline(policies: Option<Vec<PolicyDetail>>, group: Option<&str>) -> Result<Vec<CurrentPolicy>, JobError> {
    let policy = |it: PolicyDetail| {
        Ok(CurrentPolicy {
            source: if group.is_some() { Source::GroupInline } else { Source::Inline },
            name: required(DETAILS, it.policy_name, "an inline policy without its name")?,
            arn: None,
            group: group.map(str::to_owned),
            document: it.policy_document.as_deref().and_then(decoded),
        })
    };
    policies.unwrap_or_default().into_iter().map(policy).collect()
}

fn attached(
    policies: Option<Vec<AttachedPolicy>>,
    group: Option<&str>,
) -> Result<Vec<CurrentPolicy>, JobError> {
    let policy = |it: AttachedPolicy| {
        Ok(CurrentPolicy {
            source: if group.is_some() { Source::GroupAttached } else { Source::Attached },
            name: required(DETAILS, it.policy_name, "an attached policy without its name")?,
            arn: Some(required(DETAILS, it.policy_arn, "an attached policy without its ARN")?),
            group: group.map(str::to_owned),
            document: None,
        })
    };
    policies.unwrap_or_default().into_iter().map(policy).collect()
}

fn boundary(boundary: Option<AttachedPermissionsBoundary>) -> Result<Option<CurrentPolicy>, JobError> {
    let Some(boundary) = boundary else { return Ok(None) };
    let arn = required(DETAILS, boundary.permissions_boundary_arn, "a permissions boundary without its ARN")?;
    Ok(Some(CurrentPolicy {
        source: Source::PermissionsBoundary,
        // Nothing else tells it.
        name: arn.rsplit('/').next().unwrap_or_default().to_owned(),
        arn: Some(arn),
        group: None,
        document: None,
    }))
}

/// The document of the version that is in force; `None` where not exactly one is.
fn default_document(policy: &ManagedPolicyDetail) -> Option<String> {
    let default = policy.default_version_id();
    let mut versions = policy
        .policy_version_list()
        .iter()
        .filter(|it| it.is_default_version || (default.is_some() && it.version_id() == default));
    match (versions.next(), versions.next()) {
        (Some(version), None) => version.document().and_then(decoded),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
