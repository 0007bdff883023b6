//! Policies: which there are, what they say, where they are attached, and what they come to.

use aws_sdk_organizations::Client;
use aws_sdk_organizations::types::{EffectivePolicyType, PolicySummary, PolicyType as AwsPolicyType};
use errors::JobError;
use jiff::Timestamp;
use models::{AccountId, PolicyId, TargetId};
use runtime::aws::time;
use serde::{Deserialize, Serialize};

use crate::{Organization, Page, answers, pages, rates};

/// A policy, without what it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Policy {
    pub id: PolicyId,
    pub arn: String,
    pub name: String,
    pub description: String,
    /// AWS's own word, such as `SERVICE_CONTROL_POLICY`.
    pub kind: String,
    pub aws_managed: bool,
}

/// Why AWS does not accept what a type's policies come to in an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ValidationError {
    /// Such as `ELEMENTS_TOO_MANY`.
    pub code: String,
    pub message: String,
    pub path: String,
    /// The ids of the policies that it comes from.
    pub policies: Vec<String>,
    pub evaluated: Option<Timestamp>,
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

/// A policy and what it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribedPolicy {
    pub policy: Policy,
    pub content: String,
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

    /// A policy and what it says; `None` where there is none.
    pub async fn policy(&self, id: &PolicyId) -> Result<Option<DescribedPolicy>, JobError> {
        let send = |client: &Client| client.describe_policy().policy_id(id.as_str()).send();
        let described = match self.caller.call(rates::DESCRIBE_POLICY, send).await {
            Err(error) if error.aws().is_some_and(|aws| aws.is("PolicyNotFound")) => return Ok(None),
            described => described?.policy,
        };
        let (summary, content) =
            described.map(|policy| (policy.policy_summary, policy.content)).unwrap_or_default();
        match (summary, content) {
            (Some(summary), Some(content)) => Ok(Some(DescribedPolicy { policy: read(summary)?, content })),
            _ => Err(JobError::defect(format!("DescribePolicy answered no content of {id}"))),
        }
    }

    /// What a policy says.
    pub async fn content(&self, id: &PolicyId) -> Result<String, JobError> {
        let send = |client: &Client| client.describe_policy().policy_id(id.as_str()).send();
        let described = self.caller.call(rates::DESCRIBE_POLICY, send).await?;
        let content = described.policy.and_then(|policy| policy.content);
        content.ok_or_else(|| JobError::defect(format!("DescribePolicy answered no content of {id}")))
    }

    /// One page of the root, units and accounts that a policy is attached to itself.
    pub async fn targets_page(
        &self,
        id: &PolicyId,
        token: Option<String>,
    ) -> Result<Page<TargetId>, JobError> {
        let send = |client: &Client| {
            let targets = client.list_targets_for_policy();
            targets.policy_id(id.as_str()).set_next_token(token.clone()).send()
        };
        let page = self.caller.call(rates::LIST_TARGETS_FOR_POLICY, send).await?;
        let targets = page.targets.unwrap_or_default();
        let targets = targets.iter().map(|it| answers::id("ListTargetsForPolicy", it.target_id()));
        Ok((targets.collect::<Result<_, _>>()?, page.next_token))
    }

    /// The root, units and accounts that a policy is attached to itself.
    pub async fn targets(&self, id: &PolicyId) -> Result<Vec<TargetId>, JobError> {
        pages::all(|token| self.targets_page(id, token)).await
    }

    /// The policies of a type that are attached to this very root, unit or account.
    pub async fn policies_on(&self, target: &str, kind: &str) -> Result<Vec<Policy>, JobError> {
        let filter = &AwsPolicyType::from(kind);
        let policies = pages::all(|token| async move {
            let send = |client: &Client| {
                let policies = client.list_policies_for_target().target_id(target);
                policies.filter(filter.clone()).set_next_token(token.clone()).send()
            };
            let page = self.caller.call(rates::LIST_POLICIES_FOR_TARGET, send).await?;
            Ok((page.policies.unwrap_or_default(), page.next_token))
        })
        .await?;
        policies.into_iter().map(read).collect()
    }

    /// One page of the accounts in which what a type comes to is not valid; none where AWS has no
    /// effective policy of the type.
    pub async fn invalid_accounts_page(
        &self,
        kind: &str,
        token: Option<String>,
    ) -> Result<Page<AccountId>, JobError> {
        let kind = &EffectivePolicyType::from(kind);
        let send = |client: &Client| {
            let accounts = client.list_accounts_with_invalid_effective_policy();
            accounts.policy_type(kind.clone()).set_next_token(token.clone()).send()
        };
        let page = self.caller.call(rates::LIST_ACCOUNTS_WITH_INVALID_EFFECTIVE_POLICY, send).await;
        let Some(page) = unless_not_found(page)? else { return Ok((Vec::new(), None)) };
        let accounts = page.accounts.unwrap_or_default();
        let accounts =
            accounts.iter().map(|it| answers::id("ListAccountsWithInvalidEffectivePolicy", it.id()));
        Ok((accounts.collect::<Result<_, _>>()?, page.next_token))
    }

    /// All of them.
    pub async fn invalid_accounts(&self, kind: &str) -> Result<Vec<AccountId>, JobError> {
        pages::all(|token| self.invalid_accounts_page(kind, token)).await
    }

    /// Why what a type comes to in an account is not valid.
    pub async fn validation_errors(
        &self,
        kind: &str,
        account: &AccountId,
    ) -> Result<Vec<ValidationError>, JobError> {
        let kind = &EffectivePolicyType::from(kind);
        let errors = pages::all(|token| async move {
            let send = |client: &Client| {
                let errors = client.list_effective_policy_validation_errors().account_id(account.as_str());
                errors.policy_type(kind.clone()).set_next_token(token.clone()).send()
            };
            let page = self.caller.call(rates::LIST_EFFECTIVE_POLICY_VALIDATION_ERRORS, send).await?;
            let evaluated = page.evaluation_timestamp.as_ref().and_then(time);
            let errors = page.effective_policy_validation_errors.unwrap_or_default();
            let errors = errors.into_iter().map(|error| ValidationError {
                code: error.error_code.unwrap_or_default(),
                message: error.error_message.unwrap_or_default(),
                path: error.path_to_error.unwrap_or_default(),
                policies: error.contributing_policies.unwrap_or_default(),
                evaluated,
            });
            Ok((errors.collect(), page.next_token))
        })
        .await;
        Ok(unless_not_found(errors)?.unwrap_or_default())
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
        let described = self.caller.call(rates::DESCRIBE_EFFECTIVE_POLICY, send).await;
        let Some(described) = unless_not_found(described)? else { return Ok(EffectivePolicy::NotFound) };
        let effective = described.effective_policy;
        let updated = effective.as_ref().and_then(|it| it.last_updated_timestamp()).and_then(time);
        match effective.and_then(|it| it.policy_content) {
            Some(content) => Ok(EffectivePolicy::Content { content, updated }),
            None => Err(JobError::defect("DescribeEffectivePolicy answered no content")),
        }
    }
}

/// The answer, or nothing where AWS says that there is no effective policy.
fn unless_not_found<T>(answer: Result<T, JobError>) -> Result<Option<T>, JobError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.aws().is_some_and(|aws| aws.is("EffectivePolicyNotFound")) => Ok(None),
        Err(error) => Err(error),
    }
}

fn read(policy: PolicySummary) -> Result<Policy, JobError> {
    Ok(Policy {
        id: answers::id("ListPolicies", policy.id())?,
        arn: policy.arn.unwrap_or_default(),
        name: policy.name.unwrap_or_default(),
        description: policy.description.unwrap_or_default(),
        kind: policy.r#type.map(|kind| kind.as_str().to_owned()).unwrap_or_default(),
        aws_managed: policy.aws_managed,
    })
}
