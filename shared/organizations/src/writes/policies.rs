//! Policies and their attachments, the resource policy, tags.

use std::collections::BTreeMap;

use aws_sdk_organizations::Client;
use aws_sdk_organizations::types::PolicyType;
use models::PolicyId;

use super::{Writer, tags};
use crate::refusal::Refusal;
use crate::{answers, rates};

impl Writer {
    /// Makes a policy, and answers its id.
    pub async fn create_policy(
        &self,
        kind: &str,
        name: &str,
        description: &str,
        content: &str,
        with_tags: &BTreeMap<String, String>,
    ) -> Result<PolicyId, Refusal> {
        let (kind, with_tags) = (&PolicyType::from(kind), &tags(with_tags)?);
        let send = |client: &Client| {
            let call = client.create_policy().r#type(kind.clone()).name(name).description(description);
            call.content(content).set_tags(with_tags.clone()).send()
        };
        let created = self.caller.write(rates::CREATE_POLICY, send).await?;
        let summary = created.policy.and_then(|policy| policy.policy_summary);
        let id = summary.as_ref().and_then(|summary| summary.id());
        // It was made: which it is, is to be looked at.
        answers::id("CreatePolicy", id).map_err(Refusal::Open)
    }

    /// Changes a policy. AWS keeps a description that is given empty as it was.
    pub async fn update_policy(
        &self,
        id: &PolicyId,
        name: Option<&str>,
        description: Option<&str>,
        content: Option<&str>,
    ) -> Result<(), Refusal> {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let send = |client: &Client| {
            let call = client.update_policy().policy_id(id.as_str()).set_name(owned(name));
            call.set_description(owned(description)).set_content(owned(content)).send()
        };
        self.caller.write(rates::UPDATE_POLICY, send).await.map(drop)
    }

    /// Removes a policy that is attached to nothing.
    pub async fn delete_policy(&self, id: &PolicyId) -> Result<(), Refusal> {
        let send = |client: &Client| client.delete_policy().policy_id(id.as_str()).send();
        self.caller.write(rates::DELETE_POLICY, send).await.map(drop)
    }

    /// Attaches a policy to a root, a unit or an account.
    pub async fn attach_policy(&self, id: &PolicyId, target: &str) -> Result<(), Refusal> {
        let send = |client: &Client| client.attach_policy().policy_id(id.as_str()).target_id(target).send();
        self.caller.write(rates::ATTACH_POLICY, send).await.map(drop)
    }

    /// Detaches it.
    pub async fn detach_policy(&self, id: &PolicyId, target: &str) -> Result<(), Refusal> {
        let send = |client: &Client| client.detach_policy().policy_id(id.as_str()).target_id(target).send();
        self.caller.write(rates::DETACH_POLICY, send).await.map(drop)
    }

    /// Sets the organization's resource policy, which says what delegated administrators may do.
    pub async fn put_resource_policy(
        &self,
        content: &str,
        with_tags: &BTreeMap<String, String>,
    ) -> Result<(), Refusal> {
        let with_tags = &tags(with_tags)?;
        let send = |client: &Client| {
            client.put_resource_policy().content(content).set_tags(with_tags.clone()).send()
        };
        self.caller.write(rates::PUT_RESOURCE_POLICY, send).await.map(drop)
    }

    /// Removes it.
    pub async fn delete_resource_policy(&self) -> Result<(), Refusal> {
        let send = |client: &Client| client.delete_resource_policy().send();
        self.caller.write(rates::DELETE_RESOURCE_POLICY, send).await.map(drop)
    }

    /// Sets tags of a root, unit, account, policy, or of the resource policy.
    pub async fn tag(&self, resource: &str, with: &BTreeMap<String, String>) -> Result<(), Refusal> {
        let with = &tags(with)?;
        let send =
            |client: &Client| client.tag_resource().resource_id(resource).set_tags(with.clone()).send();
        self.caller.write(rates::TAG_RESOURCE, send).await.map(drop)
    }

    /// Removes tags.
    pub async fn untag(&self, resource: &str, keys: &[String]) -> Result<(), Refusal> {
        let send = |client: &Client| {
            client.untag_resource().resource_id(resource).set_tag_keys(Some(keys.to_vec())).send()
        };
        self.caller.write(rates::UNTAG_RESOURCE, send).await.map(drop)
    }
}
