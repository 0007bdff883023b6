//! The organization's tree: its root with the policy types, and its units.

use aws_sdk_organizations::Client;
use aws_sdk_organizations::types::{ChildType, Root as AwsRoot};
use errors::JobError;
use models::{AccountId, OrganizationId, OrganizationalUnitId, RootId};
use serde::{Deserialize, Serialize};

use crate::{Organization, answers, pages, rates};

/// The organization itself. Its `AvailablePolicyTypes` is deprecated and left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Description {
    pub id: OrganizationId,
    pub arn: String,
    /// `ALL` or `CONSOLIDATED_BILLING`.
    pub feature_set: String,
    pub management_account: AccountId,
}

/// Whether a policy type can be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyType {
    pub name: String,
    /// AWS's own word: `ENABLED`, `PENDING_ENABLE`, `PENDING_DISABLE`, or one of the future. A type that
    /// is off is not listed.
    pub status: String,
}

impl PolicyType {
    pub fn is_enabled(&self) -> bool {
        self.status == "ENABLED"
    }
}

/// The root. What it says of policy types counts; `AvailablePolicyTypes` of the organization is
/// deprecated and not trusted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Root {
    pub id: RootId,
    pub arn: String,
    pub name: String,
    pub policy_types: Vec<PolicyType>,
}

/// An organizational unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Unit {
    pub id: OrganizationalUnitId,
    pub arn: String,
    pub name: String,
    /// The root or unit that it lies in.
    pub parent: String,
}

impl Organization {
    /// The organization itself.
    pub async fn describe(&self) -> Result<Description, JobError> {
        let send = |client: &Client| client.describe_organization().send();
        let described = self.caller.call(rates::DESCRIBE_ORGANIZATION, send).await?;
        let organization = described
            .organization
            .ok_or_else(|| JobError::defect("DescribeOrganization answered no organization"))?;
        Ok(Description {
            id: answers::id("DescribeOrganization", organization.id())?,
            management_account: answers::id("DescribeOrganization", organization.master_account_id())?,
            arn: organization.arn.unwrap_or_default(),
            feature_set: organization.feature_set.map(|it| it.as_str().to_owned()).unwrap_or_default(),
        })
    }

    /// The accounts right below a root or unit, by id.
    pub async fn accounts_in(&self, parent: &str) -> Result<Vec<AccountId>, JobError> {
        let children = pages::all(|token| async move {
            let send = |client: &Client| {
                let children = client.list_children().parent_id(parent).child_type(ChildType::Account);
                children.set_next_token(token.clone()).send()
            };
            let page = self.caller.call(rates::LIST_CHILDREN, send).await?;
            Ok((page.children.unwrap_or_default(), page.next_token))
        })
        .await?;
        children.iter().map(|child| answers::id("ListChildren", child.id())).collect()
    }

    /// The root or unit that an account or unit lies in.
    pub async fn parent_of(&self, child: &str) -> Result<String, JobError> {
        let parents = pages::all(|token| async move {
            let send =
                |client: &Client| client.list_parents().child_id(child).set_next_token(token.clone()).send();
            let page = self.caller.call(rates::LIST_PARENTS, send).await?;
            Ok((page.parents.unwrap_or_default(), page.next_token))
        })
        .await?;
        match parents.as_slice() {
            [parent] => Ok(parent.id.clone().unwrap_or_default()),
            others => Err(JobError::defect(format!("ListParents answered {} parents", others.len()))),
        }
    }

    /// The organization's root. There is exactly one.
    pub async fn root(&self) -> Result<Root, JobError> {
        let mut roots = pages::all(|token| async move {
            let send = |client: &Client| client.list_roots().set_next_token(token.clone()).send();
            let page = self.caller.call(rates::LIST_ROOTS, send).await?;
            Ok((page.roots.unwrap_or_default(), page.next_token))
        })
        .await?;
        match (roots.pop(), roots.len()) {
            (Some(root), 0) => read(root),
            (last, others) => {
                let count = others + usize::from(last.is_some());
                Err(JobError::defect(format!("ListRoots answered {count} roots")))
            }
        }
    }

    /// The units right below a root or unit.
    pub async fn units_of(&self, parent: &str) -> Result<Vec<Unit>, JobError> {
        let units = pages::all(|token| async move {
            let send = |client: &Client| {
                let units = client.list_organizational_units_for_parent();
                units.parent_id(parent).set_next_token(token.clone()).send()
            };
            let page = self.caller.call(rates::LIST_ORGANIZATIONAL_UNITS_FOR_PARENT, send).await?;
            Ok((page.organizational_units.unwrap_or_default(), page.next_token))
        })
        .await?;
        let unit = |unit: aws_sdk_organizations::types::OrganizationalUnit| {
            Ok(Unit {
                id: answers::id("ListOrganizationalUnitsForParent", unit.id())?,
                arn: unit.arn.unwrap_or_default(),
                name: unit.name.unwrap_or_default(),
                parent: parent.to_owned(),
            })
        };
        units.into_iter().map(unit).collect()
    }
}

fn read(root: AwsRoot) -> Result<Root, JobError> {
    let policy_types = root.policy_types().iter().map(|it| PolicyType {
        name: it.r#type().map(|it| it.as_str()).unwrap_or_default().to_owned(),
        status: it.status().map(|it| it.as_str()).unwrap_or_default().to_owned(),
    });
    Ok(Root {
        id: answers::id("ListRoots", root.id())?,
        arn: root.arn().unwrap_or_default().to_owned(),
        name: root.name().unwrap_or_default().to_owned(),
        policy_types: policy_types.collect(),
    })
}
