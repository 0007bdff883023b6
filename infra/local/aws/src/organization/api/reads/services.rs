//! Services with trusted access, and the accounts that administer them.

use serde_json::{Value, json};

use super::super::error;
use super::{Read, accounts};
use crate::organization::{Account, Organization};
use crate::wire::ApiError;

impl Read<'_> {
    pub(super) fn list_aws_service_access_for_organization(&self) -> Result<Value, ApiError> {
        self.page(
            "EnabledServicePrincipals",
            self.organization.trusted.iter(),
            |it| json!({"ServicePrincipal": it, "DateEnabled": self.organization.trusted_since(it)}),
        )
    }

    pub(super) fn list_delegated_administrators(&self) -> Result<Value, ApiError> {
        let service = self.request.optional("ServicePrincipal")?;
        let of = |account: &Account| {
            let of_service = |it: &&str| service.is_none_or(|service| service == *it);
            since(self.organization, account, self.organization.administered(&account.id).filter(of_service))
        };
        let delegated = self.organization.accounts.iter().filter_map(|it| Some((it, of(it)?)));
        self.page("DelegatedAdministrators", delegated, |(account, since)| {
            let mut shown = accounts::shown(self.organization, self.settings, account);
            // An administrator is an account, but for its place in the tree.
            if let Some(members) = shown.as_object_mut() {
                members.remove("Paths");
            }
            shown["DelegationEnabledDate"] = json!(since);
            shown
        })
    }

    pub(super) fn list_delegated_services_for_account(&self) -> Result<Value, ApiError> {
        let account = self.account("AccountId")?;
        let mut services = self.organization.administered(&account.id).peekable();
        if services.peek().is_none() {
            return Err(not_registered());
        }
        self.page("DelegatedServices", services, |it| {
            let since = self.organization.delegated_since(account, it);
            json!({"ServicePrincipal": it, "DelegationEnabledDate": since})
        })
    }
}

pub(in super::super) fn not_registered() -> ApiError {
    error(
        "AccountNotRegisteredException",
        "The provided account is not a registered delegated administrator for your organization.",
    )
}

/// Since when an account administers the first of these services; `None` where there is none.
fn since<'a>(
    organization: &Organization,
    account: &Account,
    services: impl Iterator<Item = &'a str>,
) -> Option<i64> {
    services.map(|service| organization.delegated_since(account, service)).min()
}
