//! Accounts and delegated administrators.

use serde_json::{Value, json};

use super::super::error;
use super::super::input::Id;
use super::Read;
use crate::organization::{Account, Organization};
use crate::settings::Settings;
use crate::wire::ApiError;

/// What the retired `Status` can say.
const STATUSES: [&str; 3] = ["ACTIVE", "SUSPENDED", "PENDING_CLOSURE"];

impl<'a> Read<'a> {
    pub(super) fn account(&self, member: &str) -> Result<&'a Account, ApiError> {
        let id = self.request.id(member, Id::Account)?;
        self.organization.account(id).ok_or_else(not_found)
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
}

pub(in super::super) fn not_found() -> ApiError {
    error("AccountNotFoundException", "You specified an account that doesn't exist.")
}

pub(super) fn shown(organization: &Organization, settings: &Settings, account: &Account) -> Value {
    let invited = account.id == organization.management_account;
    let mut shown = json!({
        "Id": account.id,
        "Arn": organization.arn(&format!("account/{}/{}", organization.id, account.id)),
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
