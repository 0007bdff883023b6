//! The organization: features, trusted access, who may ask.

use aws_sdk_organizations::Client;
use aws_sdk_organizations::types::{OrganizationFeatureSet, PolicyType, PolicyTypeStatus};

use super::account::Caller;
use super::{Check, Verdict};
use crate::Problem;
use crate::client::Stack;

/// The service that the report is of.
const SERVICE: &str = "ec2.amazonaws.com";

pub(super) async fn checks(stack: &Stack, caller: &Caller) -> Vec<Check> {
    let client = Client::new(&stack.sdk);
    let (features, management) = features(&client).await;
    vec![
        features,
        topology(&client, caller, management.as_deref()).await,
        trusted_access(&client).await,
        policy_type(&client).await,
    ]
}

async fn features(client: &Client) -> (Check, Option<String>) {
    const NAME: &str = "all features";
    let described = match client.describe_organization().send().await {
        Ok(described) => described,
        Err(error) => {
            return (Check::refused(NAME, &Problem::aws("organizations:DescribeOrganization")(error)), None);
        }
    };
    let Some(organization) = described.organization() else {
        return (Check::unknown(NAME, "Organizations did not describe the organization"), None);
    };
    let id = organization.id().unwrap_or_default();
    let check = match organization.feature_set() {
        Some(OrganizationFeatureSet::All) => Check::pass(NAME, format!("{id} has all features")),
        Some(other) => Check::fail(
            NAME,
            format!("{id} has {}. Enable all features in the management account.", other.as_str()),
        ),
        None => Check::unknown(NAME, format!("Organizations did not say which features {id} has")),
    };
    (check, organization.master_account_id().map(str::to_owned))
}

/// Whether the account may ask for reports: as the management account, or as a delegate.
async fn topology(client: &Client, caller: &Caller, management: Option<&str>) -> Check {
    const NAME: &str = "topology";
    let Some(account) = caller.account() else {
        return Check::unknown(NAME, "the caller is not known");
    };
    if management == Some(account) {
        return Check::pass(NAME, format!("{account} is the management account"));
    }
    let mut delegated =
        client.list_delegated_administrators().service_principal(SERVICE).into_paginator().send();
    while let Some(page) = delegated.next().await {
        let page = match page {
            Ok(page) => page,
            Err(error) => {
                return Check::refused(
                    NAME,
                    &Problem::aws("organizations:ListDelegatedAdministrators")(error),
                );
            }
        };
        if page.delegated_administrators().iter().any(|it| it.id() == Some(account)) {
            return Check::pass(NAME, format!("{account} is a delegated administrator for {SERVICE}"));
        }
    }
    Check::fail(
        NAME,
        format!(
            "{account} is neither the management account nor a delegated administrator for {SERVICE}. Deploy there, or \
             register it with organization-setup (delegatedAdministrators)."
        ),
    )
}

async fn trusted_access(client: &Client) -> Check {
    const NAME: &str = "trusted access";
    let mut services = client.list_aws_service_access_for_organization().into_paginator().send();
    while let Some(page) = services.next().await {
        let page = match page {
            Ok(page) => page,
            Err(error) => {
                return Check::refused(
                    NAME,
                    &Problem::aws("organizations:ListAWSServiceAccessForOrganization")(error),
                );
            }
        };
        if page.enabled_service_principals().iter().any(|it| it.service_principal() == Some(SERVICE)) {
            return Check::pass(NAME, format!("{SERVICE} is enabled"));
        }
    }
    Check::fail(
        NAME,
        format!(
            "{SERVICE} is not enabled. Enable it with organization-setup (trustedAccess), or in the Organizations console."
        ),
    )
}

async fn policy_type(client: &Client) -> Check {
    const NAME: &str = "policy type";
    let mut roots = client.list_roots().into_paginator().send();
    let mut check = Check::unknown(NAME, "Organizations listed no root");
    while let Some(page) = roots.next().await {
        let page = match page {
            Ok(page) => page,
            Err(error) => return Check::refused(NAME, &Problem::aws("organizations:ListRoots")(error)),
        };
        for root in page.roots() {
            let id = root.id().unwrap_or_default();
            let enabled = root.policy_types().iter().any(|it| {
                it.r#type() == Some(&PolicyType::DeclarativePolicyEc2)
                    && it.status() == Some(&PolicyTypeStatus::Enabled)
            });
            check = match enabled {
                true => Check::pass(NAME, format!("declarative (EC2) policies are enabled on {id}")),
                false => Check {
                    name: NAME,
                    verdict: Verdict::Unknown,
                    text: format!(
                        "declarative (EC2) policies are not enabled on {id}. No policy can be attached before they are \
                         (organization-setup, policyTypes); whether the report needs it AWS does not say."
                    ),
                },
            };
        }
    }
    check
}
