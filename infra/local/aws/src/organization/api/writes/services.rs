//! Services get access to the organization, and accounts administer them.

use serde_json::Value;

use super::super::input::Id;
use super::super::reads::{accounts, services as read};
use super::super::{constraint, error};
use super::{Write, nothing};
use crate::wire::ApiError;

impl Write<'_> {
    /// That a service has access already is no error of the model's.
    pub(super) fn enable_aws_service_access(&mut self) -> Result<Value, ApiError> {
        let service = self.request.service_principal()?;
        self.with_all_features()?;
        self.organization.trust(service, self.now);
        Ok(nothing())
    }

    pub(super) fn disable_aws_service_access(&mut self) -> Result<Value, ApiError> {
        let service = self.request.service_principal()?;
        let mut needed = self.settings.types_with_service.iter().filter(|(_, it)| it == service);
        if needed.any(|(kind, _)| self.organization.policy_type(kind).is_some()) {
            return Err(constraint(
                "POLICY_TYPE_ENABLED_FOR_THIS_SERVICE",
                "You must disable the policy type before you disable service access.",
            ));
        }
        self.organization.distrust(service);
        Ok(nothing())
    }

    pub(super) fn register_delegated_administrator(&mut self) -> Result<Value, ApiError> {
        let account = self.request.id("AccountId", Id::Account)?;
        let service = self.request.service_principal()?;
        let found = self.organization.account(account).ok_or_else(accounts::not_found)?;
        if account == self.organization.management_account {
            return Err(constraint(
                "CANNOT_REGISTER_MASTER_AS_DELEGATED_ADMINISTRATOR",
                "You can't register the management account as a delegated administrator.",
            ));
        }
        if !["ACTIVE", "PENDING_ACTIVATION"].contains(&found.state) {
            return Err(constraint(
                "CANNOT_REGISTER_SUSPENDED_ACCOUNT_AS_DELEGATED_ADMINISTRATOR",
                "You can't register a suspended account as a delegated administrator.",
            ));
        }
        self.with_all_features()?;
        if !self.organization.is_trusted(service) {
            return Err(constraint(
                "SERVICE_ACCESS_NOT_ENABLED",
                "You must enable service access before you register a delegated administrator.",
            ));
        }
        if self.organization.administered(account).any(|it| it == service) {
            return Err(error(
                "AccountAlreadyRegisteredException",
                "The account is already a delegated administrator for this service.",
            ));
        }
        let most = self.settings.administrators_per_service;
        if self.organization.administrators(service) >= most {
            let reason = match most {
                1 => "DELEGATED_ADMINISTRATOR_EXISTS_FOR_THIS_SERVICE",
                _ => "MAX_DELEGATED_ADMINISTRATORS_FOR_SERVICE_LIMIT_EXCEEDED",
            };
            return Err(constraint(
                reason,
                "The service has as many delegated administrators as it can have.",
            ));
        }
        self.organization.delegate(account, service, self.now);
        Ok(nothing())
    }

    pub(super) fn deregister_delegated_administrator(&mut self) -> Result<Value, ApiError> {
        let account = self.request.id("AccountId", Id::Account)?;
        let service = self.request.service_principal()?;
        self.organization.account(account).ok_or_else(accounts::not_found)?;
        if !self.organization.administered(account).any(|it| it == service) {
            return Err(read::not_registered());
        }
        self.organization.withdraw(account, service);
        Ok(nothing())
    }
}
