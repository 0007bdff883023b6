//! The organization itself, its policy types, the services it trusts, and its delegated administrators.

use aws_sdk_organizations::Client;
use aws_sdk_organizations::types::{OrganizationFeatureSet, PolicyType};
use models::{AccountId, OrganizationId, RootId};

use super::Writer;
use crate::refusal::Refusal;
use crate::{answers, rates};

impl Writer {
    /// Makes an organization of the caller's account, which is in none, and answers its id.
    pub async fn create_organization(&self, feature_set: &str) -> Result<OrganizationId, Refusal> {
        let feature_set = &OrganizationFeatureSet::from(feature_set);
        let send = |client: &Client| client.create_organization().feature_set(feature_set.clone()).send();
        let created = self.caller.write(rates::CREATE_ORGANIZATION, send).await?;
        let id = created.organization.as_ref().and_then(|it| it.id());
        // It was made: which it is, is to be looked at.
        answers::id("CreateOrganization", id).map_err(Refusal::Open)
    }

    /// Turns a policy type on. AWS may go on with it after its answer.
    pub async fn enable_policy_type(&self, root: &RootId, kind: &str) -> Result<(), Refusal> {
        let kind = &PolicyType::from(kind);
        let send = |client: &Client| {
            client.enable_policy_type().root_id(root.as_str()).policy_type(kind.clone()).send()
        };
        self.caller.write(rates::ENABLE_POLICY_TYPE, send).await.map(drop)
    }

    /// Turns a policy type off, which detaches every policy of it from everything.
    pub async fn disable_policy_type(&self, root: &RootId, kind: &str) -> Result<(), Refusal> {
        let kind = &PolicyType::from(kind);
        let send = |client: &Client| {
            client.disable_policy_type().root_id(root.as_str()).policy_type(kind.clone()).send()
        };
        self.caller.write(rates::DISABLE_POLICY_TYPE, send).await.map(drop)
    }

    /// Trusts a service with the organization.
    pub async fn enable_service_access(&self, service: &str) -> Result<(), Refusal> {
        let send = |client: &Client| client.enable_aws_service_access().service_principal(service).send();
        self.caller.write(rates::ENABLE_AWS_SERVICE_ACCESS, send).await.map(drop)
    }

    /// Trusts it no more.
    pub async fn disable_service_access(&self, service: &str) -> Result<(), Refusal> {
        let send = |client: &Client| client.disable_aws_service_access().service_principal(service).send();
        self.caller.write(rates::DISABLE_AWS_SERVICE_ACCESS, send).await.map(drop)
    }

    /// Makes an account a delegated administrator for a service.
    pub async fn register_administrator(&self, account: &AccountId, service: &str) -> Result<(), Refusal> {
        let send = |client: &Client| {
            let call = client.register_delegated_administrator();
            call.account_id(account.as_str()).service_principal(service).send()
        };
        self.caller.write(rates::REGISTER_DELEGATED_ADMINISTRATOR, send).await.map(drop)
    }

    /// Makes it none any more.
    pub async fn deregister_administrator(&self, account: &AccountId, service: &str) -> Result<(), Refusal> {
        let send = |client: &Client| {
            let call = client.deregister_delegated_administrator();
            call.account_id(account.as_str()).service_principal(service).send()
        };
        self.caller.write(rates::DEREGISTER_DELEGATED_ADMINISTRATOR, send).await.map(drop)
    }
}
