//! Makes the calls.

use errors::JobError;
use models::PolicyId;
use organizations::{Refusal, Writer};

use crate::observe::Observer;
use crate::operation::{Operation, Tagged};

/// Makes a call; answers the id of a policy that it made.
pub(crate) async fn perform(
    writer: &Writer,
    observer: &mut Observer,
    call: &Operation,
) -> Result<Option<PolicyId>, Refusal> {
    match call {
        Operation::CreateOrganization { feature_set } => {
            writer.create_organization(feature_set).await.map(drop)?;
        }
        Operation::EnablePolicyType { policy_type } => {
            writer.enable_policy_type(&observer.root().await?, policy_type).await?;
        }
        Operation::DisablePolicyType { policy_type } => {
            writer.disable_policy_type(&observer.root().await?, policy_type).await?;
        }
        Operation::EnableServiceAccess { service } => writer.enable_service_access(service).await?,
        Operation::DisableServiceAccess { service } => writer.disable_service_access(service).await?,
        Operation::RegisterDelegatedAdministrator { account, service } => {
            writer.register_administrator(account, service).await?;
        }
        Operation::DeregisterDelegatedAdministrator { account, service } => {
            writer.deregister_administrator(account, service).await?;
        }
        Operation::PutResourcePolicy { content, tags } => writer.put_resource_policy(content, tags).await?,
        Operation::DeleteResourcePolicy => writer.delete_resource_policy().await?,
        Operation::CreatePolicy { policy_type, name, description, content, tags } => {
            let id = writer.create_policy(policy_type, name, description, content, tags).await?;
            observer.made(policy_type, name, id.clone());
            return Ok(Some(id));
        }
        Operation::UpdatePolicy { policy_type, policy, name, description, content } => {
            let id = observer.id(policy_type, policy).await?;
            let (name, description) = (name.as_deref(), description.as_deref());
            writer.update_policy(&id, name, description, content.as_deref()).await?;
        }
        Operation::DeletePolicy { policy_type, policy } => {
            writer.delete_policy(&observer.id(policy_type, policy).await?).await?;
        }
        Operation::AttachPolicy { policy_type, policy, target } => {
            writer.attach_policy(&observer.id(policy_type, policy).await?, target).await?;
        }
        Operation::DetachPolicy { policy_type, policy, target } => {
            writer.detach_policy(&observer.id(policy_type, policy).await?, target).await?;
        }
        Operation::TagResource { of, tags } => {
            writer.tag(&resource(observer, of).await?, tags).await?;
        }
        Operation::UntagResource { of, keys } => {
            let keys: Vec<_> = keys.iter().cloned().collect();
            writer.untag(&resource(observer, of).await?, &keys).await?;
        }
    }
    Ok(None)
}

async fn resource(observer: &mut Observer, of: &Tagged) -> Result<String, JobError> {
    match of {
        Tagged::Policy { policy_type, policy } => {
            Ok(observer.id(policy_type, policy).await?.as_str().to_owned())
        }
        Tagged::ResourcePolicy => {
            let policy = observer.organization().resource_policy().await?;
            policy.map(|policy| policy.id).ok_or_else(|| {
                JobError::new(
                    models::ErrorName::Outdated,
                    "the organization's resource policy is gone",
                    "Somebody removed it since. Plan again.",
                )
            })
        }
    }
}
