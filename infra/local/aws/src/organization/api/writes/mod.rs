//! The operations that write.
//!
//! * [`founding`]: the organization itself.
//! * [`accounts`]: new accounts, and where accounts lie.
//! * [`policies`], [`attachments`], [`types`]: policies, where they are attached, and their types.
//! * [`services`]: trusted access and delegated administrators.
//! * [`delegation`]: the organization's resource policy; [`tags`]: tags.

mod accounts;
mod attachments;
mod delegation;
mod founding;
mod policies;
mod services;
mod tags;
#[cfg(test)]
mod tests;
mod types;

pub(super) use founding::{OPERATION as FOUNDING, create_organization};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::input::Request;
use super::{constraint, error};
use crate::organization::{BillingRefusal, Organization, OrganizationSettings, span};
use crate::wire::ApiError;

/// A write, authorised.
#[derive(Debug)]
pub(super) struct Write<'a> {
    pub(super) organization: &'a mut Organization,
    pub(super) settings: &'a mut OrganizationSettings,
    pub(super) partition: &'a str,
    pub(super) now: Timestamp,
    pub(super) request: Request<'a>,
}

impl Write<'_> {
    pub(super) fn call(&mut self) -> Result<Value, ApiError> {
        self.undisturbed()?;
        let answer = match self.request.operation {
            "AttachPolicy" => self.attach_policy(),
            "CreateAccount" => self.create_account(),
            "CreateGovCloudAccount" => self.create_gov_cloud_account(),
            "CreatePolicy" => self.create_policy(),
            "DeletePolicy" => self.delete_policy(),
            "DeleteResourcePolicy" => self.delete_resource_policy(),
            "DeregisterDelegatedAdministrator" => self.deregister_delegated_administrator(),
            "DetachPolicy" => self.detach_policy(),
            "DisableAWSServiceAccess" => self.disable_aws_service_access(),
            "DisablePolicyType" => self.disable_policy_type(),
            "EnableAWSServiceAccess" => self.enable_aws_service_access(),
            "EnablePolicyType" => self.enable_policy_type(),
            "MoveAccount" => self.move_account(),
            "PutResourcePolicy" => self.put_resource_policy(),
            "RegisterDelegatedAdministrator" => self.register_delegated_administrator(),
            "TagResource" => self.tag_resource(),
            "UntagResource" => self.untag_resource(),
            "UpdatePolicy" => self.update_policy(),
            other => Err(error("UnknownOperationException", &format!("{other} is not simulated"))),
        }?;
        self.organization.last_write = Some(self.now);
        Ok(answer)
    }

    /// Nobody else's write is still at work.
    fn undisturbed(&self) -> Result<(), ApiError> {
        let window = span(self.settings.modification_window);
        let disturbed = self.organization.last_write.is_some_and(|last| self.now < last + window);
        match disturbed {
            false => Ok(()),
            true => Err(error(
                "ConcurrentModificationException",
                "The target of the operation is currently being modified by a different request.",
            )),
        }
    }

    /// No other change of this type's policies is being published.
    fn published(&self, kind: &str) -> Result<(), ApiError> {
        let duration = span(self.settings.policy_change_duration);
        let last = self.organization.publication.last_change(kind);
        match last.is_some_and(|last| self.now < last + duration) {
            false => Ok(()),
            true => Err(changes_in_progress()),
        }
    }

    /// The organization has all features.
    fn with_all_features(&self) -> Result<(), ApiError> {
        match self.organization.all_features {
            true => Ok(()),
            false => Err(constraint(
                "ORGANIZATION_NOT_IN_ALL_FEATURES_MODE",
                "Your organization supports only consolidated billing.",
            )),
        }
    }

    /// The same, of the operations that have an error for a type that cannot be had.
    fn with_policies(&self) -> Result<(), ApiError> {
        match self.settings.consolidated_billing {
            BillingRefusal::NotAvailable if !self.organization.all_features => Err(error(
                "PolicyTypeNotAvailableForOrganizationException",
                "You can't use the specified policy type with the feature set of this organization.",
            )),
            _ => self.with_all_features(),
        }
    }
}

fn changes_in_progress() -> ApiError {
    error("PolicyChangesInProgressException", "Changes to the effective policy are in progress.")
}

/// What operations answer that answer nothing.
fn nothing() -> Value {
    json!({})
}
