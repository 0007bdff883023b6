//! Accounts and delegated administrators.

use serde_json::{Value, json};

use super::input::Id;
use super::{Read, arn, error};
use crate::organization::{Account, Organization};
use crate::settings::Settings;
use crate::wire::ApiError;

/// What the retired `Status` can say.
const STATUSES: [&str; 3] = ["ACTIVE", "SUSPENDED", "PENDING_CLOSURE"];

impl<'a> Read<'a> {
    pub(super) fn account(&self, member: &str) -> Result<&'a Account, ApiError> {
        let id = self.id(member, Id::Account)?;
        let found = self.organization.accounts.iter().find(|it| it.id == id);
        found.ok_or_else(|| error("AccountNotFoundException", "You specified an account that doesn't exist."))
    }

    pub(super) fn describe_account(&self) -> Result<Value, ApiError> {
        let account = self.account("AccountId")?;
        Ok(json!({"Account": shown(self.organization, self.settings, account)}))
    }

    pub(super) fn list_accounts(&self) -> Result<Value, ApiError> {
        self.page("Accounts", self.organization.accounts.iter(), |it| {
            shown(self.organization, self.settings, it)
        })
    }

    pub(super) fn list_accounts_for_parent(&self) -> Result<Value, ApiError> {
        let parent = self.parent()?;
        let children = self.organization.accounts.iter().filter(|it| it.parent == parent);
        self.page("Accounts", children, |it| shown(self.organization, self.settings, it))
    }

    pub(super) fn list_delegated_administrators(&self) -> Result<Value, ApiError> {
        let service = self.optional("ServicePrincipal")?;
        let is_delegated = |id: &str| {
            let mut delegated = self.organization.delegated.iter();
            delegated.any(|(it, of)| it == id && service.is_none_or(|service| service == of))
        };
        let delegated = self.organization.accounts.iter().filter(|it| is_delegated(&it.id));
        self.page("DelegatedAdministrators", delegated, |it| {
            administrator(self.organization, self.settings, it)
        })
    }
}

pub(super) fn shown(organization: &Organization, settings: &Settings, account: &Account) -> Value {
    let invited = account.id == organization.management_account;
    let mut shown = json!({
        "Id": account.id,
        "Arn": arn(organization, &format!("account/{}/{}", organization.id, account.id)),
        "Email": account.email,
        "Name": account.name,
        "State": account.state,
        "JoinedMethod": if invited { "INVITED" } else { "CREATED" },
        "JoinedTimestamp": account.joined.as_second(),
    });
    // It has no words for the states that came after it.
    if settings.account_status && STATUSES.contains(&account.state) {
        shown["Status"] = json!(account.state);
    }
    if settings.account_paths {
        shown["Paths"] = json!([account.path]);
    }
    shown
}

/// A delegated administrator: an account, but for its place in the tree.
fn administrator(organization: &Organization, settings: &Settings, it: &Account) -> Value {
    let mut shown = shown(organization, settings, it);
    if let Some(members) = shown.as_object_mut() {
        members.remove("Paths");
    }
    shown["DelegationEnabledDate"] = json!(it.joined.as_second());
    shown
}
