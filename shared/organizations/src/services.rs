//! The services that the organization trusts, its delegated administrators, and its resource policy.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_organizations::Client;
use errors::JobError;
use models::AccountId;

use crate::{Organization, answers, pages, rates};

/// The service principal whose trusted access says that AWS Control Tower manages the organization.
pub const CONTROL_TOWER: &str = "controltower.amazonaws.com";

impl Organization {
    /// The service principals that have trusted access.
    pub async fn trusted_services(&self) -> Result<BTreeSet<String>, JobError> {
        let services = pages::all(|token| async move {
            let send = |client: &Client| {
                client.list_aws_service_access_for_organization().set_next_token(token.clone()).send()
            };
            let page = self.caller.call(rates::LIST_AWS_SERVICE_ACCESS_FOR_ORGANIZATION, send).await?;
            Ok((page.enabled_service_principals.unwrap_or_default(), page.next_token))
        })
        .await?;
        Ok(services.into_iter().filter_map(|service| service.service_principal).collect())
    }

    /// The delegated administrators of a service.
    pub async fn administrators(&self, service: &str) -> Result<BTreeSet<AccountId>, JobError> {
        let accounts = pages::all(|token| async move {
            let send = |client: &Client| {
                let administrators = client.list_delegated_administrators().service_principal(service);
                administrators.set_next_token(token.clone()).send()
            };
            let page = self.caller.call(rates::LIST_DELEGATED_ADMINISTRATORS, send).await?;
            Ok((page.delegated_administrators.unwrap_or_default(), page.next_token))
        })
        .await?;
        accounts.iter().map(|account| answers::id("ListDelegatedAdministrators", account.id())).collect()
    }

    /// The services that an account is a delegated administrator for.
    pub async fn services_of(&self, account: &AccountId) -> Result<BTreeSet<String>, JobError> {
        let services = pages::all(|token| async move {
            let send = |client: &Client| {
                let services = client.list_delegated_services_for_account().account_id(account.as_str());
                services.set_next_token(token.clone()).send()
            };
            let page = self.caller.call(rates::LIST_DELEGATED_SERVICES_FOR_ACCOUNT, send).await;
            let page = match page {
                // It is none, for any service: a member that is not registered, or no member at all.
                Err(error)
                    if error
                        .aws()
                        .is_some_and(|aws| aws.is("AccountNotRegistered") || aws.is("AccountNotFound")) =>
                {
                    return Ok((Vec::new(), None));
                }
                page => page?,
            };
            Ok((page.delegated_services.unwrap_or_default(), page.next_token))
        })
        .await?;
        Ok(services.into_iter().filter_map(|service| service.service_principal).collect())
    }

    /// The organization's resource policy, if it has one.
    pub async fn resource_policy(&self) -> Result<Option<ResourcePolicy>, JobError> {
        let send = |client: &Client| client.describe_resource_policy().send();
        let described = match self.caller.call(rates::DESCRIBE_RESOURCE_POLICY, send).await {
            Err(error) if error.aws().is_some_and(|aws| aws.is("ResourcePolicyNotFound")) => return Ok(None),
            described => described?,
        };
        let policy = described
            .resource_policy
            .ok_or_else(|| JobError::defect("DescribeResourcePolicy answered no policy"))?;
        let id = policy.resource_policy_summary.and_then(|summary| summary.id).unwrap_or_default();
        let content =
            policy.content.ok_or_else(|| JobError::defect("DescribeResourcePolicy answered no content"))?;
        Ok(Some(ResourcePolicy { id, content }))
    }

    /// The tags of whatever can have them, by key.
    pub async fn tags_on(&self, resource: &str) -> Result<BTreeMap<String, String>, JobError> {
        let tags = pages::all(|token| async move {
            let send = |client: &Client| {
                client.list_tags_for_resource().resource_id(resource).set_next_token(token.clone()).send()
            };
            let page = self.caller.call(rates::LIST_TAGS_FOR_RESOURCE, send).await?;
            Ok((page.tags.unwrap_or_default(), page.next_token))
        })
        .await?;
        Ok(tags.into_iter().map(|tag| (tag.key, tag.value)).collect())
    }
}

/// The organization's resource policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourcePolicy {
    /// Such as `rp-…`: what tags of it are set on.
    pub id: String,
    pub content: String,
}
