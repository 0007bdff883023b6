//! Policies: which there are, what they say, where they are attached, and what they come to.

use aws_sdk_organizations::Client;
use aws_sdk_organizations::types::{EffectivePolicyType, PolicySummary, PolicyType as AwsPolicyType};
use errors::JobError;
use jiff::Timestamp;
use models::{AccountId, PolicyId, TargetId};

use crate::{Organization, pages, rates};

/// A policy, without what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    pub id: PolicyId,
    pub arn: String,
    pub name: String,
    pub description: String,
    /// AWS's own word, such as `SERVICE_CONTROL_POLICY`.
    pub kind: String,
    pub aws_managed: bool,
}

/// What a type's policies come to in an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EffectivePolicy {
    Content {
        /// JSON. `{}` where no policy of the type is attached on the way to the account.
        content: String,
        updated: Option<Timestamp>,
    },
    /// AWS says that there is none: the type is off, or the policy is not computed yet.
    NotFound,
}

impl Organization {
    /// The policies of a type, AWS's own among them.
    pub async fn policies(&self, kind: &str) -> Result<Vec<Policy>, JobError> {
        let filter = AwsPolicyType::from(kind);
        let filter = &filter;
        let policies = pages::all(|token| async move {
            let send = |client: &Client| {
                client.list_policies().filter(filter.clone()).set_next_token(token.clone()).send()
            };
            let page = self.caller.call(rates::LIST_POLICIES, send).await?;
            Ok((page.policies.unwrap_or_default(), page.next_token))
        })
        .await?;
        policies.into_iter().map(read).collect()
    }

    /// What a policy says.
    pub async fn content(&self, id: &PolicyId) -> Result<String, JobError> {
        let send = |client: &Client| client.describe_policy().policy_id(id.as_str()).send();
        let described = self.caller.call(rates::DESCRIBE_POLICY, send).await?;
        let content = described.policy.and_then(|policy| policy.content);
        content.ok_or_else(|| JobError::defect(format!("DescribePolicy answered no content of {id}")))
    }

    /// The root, units and accounts that a policy is attached to itself.
    pub async fn targets_of(&self, id: &PolicyId) -> Result<Vec<TargetId>, JobError> {
        let targets = pages::all(|token| async move {
            let send = |client: &Client| {
                let targets = client.list_targets_for_policy();
                targets.policy_id(id.as_str()).set_next_token(token.clone()).send()
            };
            let page = self.caller.call(rates::LIST_TARGETS_FOR_POLICY, send).await?;
            Ok((page.targets.unwrap_or_default(), page.next_token))
        })
        .await?;
        let target = |target: aws_sdk_organizations::types::PolicyTargetSummary| {
            let id = target.target_id.as_deref().unwrap_or_default().parse();
            id.map_err(|error| JobError::defect(format!("ListTargetsForPolicy: {error}")))
        };
        targets.into_iter().map(target).collect()
    }

    /// What a type comes to in an account; in the caller's own without one.
    pub async fn effective_policy(
        &self,
        kind: &str,
        account: Option<&AccountId>,
    ) -> Result<EffectivePolicy, JobError> {
        let kind = EffectivePolicyType::from(kind);
        let send = |client: &Client| {
            let described = client.describe_effective_policy().policy_type(kind.clone());
            described.set_target_id(account.map(|id| id.as_str().to_owned())).send()
        };
        let described = match self.caller.call(rates::DESCRIBE_EFFECTIVE_POLICY, send).await {
            Ok(described) => described,
            Err(error) if error.aws().is_some_and(|aws| aws.is("EffectivePolicyNotFound")) => {
                return Ok(EffectivePolicy::NotFound);
            }
            Err(error) => return Err(error),
        };
        let effective = described.effective_policy;
        let updated = effective.as_ref().and_then(|it| it.last_updated_timestamp());
        let updated = updated.and_then(|at| Timestamp::from_nanosecond(at.as_nanos()).ok());
        match effective.and_then(|it| it.policy_content) {
            Some(content) => Ok(EffectivePolicy::Content { content, updated }),
            None => Err(JobError::defect("DescribeEffectivePolicy answered no content")),
        }
    }
}

fn read(policy: PolicySummary) -> Result<Policy, JobError> {
    let id = policy.id.as_deref().unwrap_or_default().parse();
    Ok(Policy {
        id: id.map_err(|error| JobError::defect(format!("ListPolicies: {error}")))?,
        arn: policy.arn.unwrap_or_default(),
        name: policy.name.unwrap_or_default(),
        description: policy.description.unwrap_or_default(),
        kind: policy.r#type.map(|kind| kind.as_str().to_owned()).unwrap_or_default(),
        aws_managed: policy.aws_managed,
    })
}
