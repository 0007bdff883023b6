//! Requests for accounts, and where accounts lie.

use std::collections::BTreeMap;

use aws_sdk_organizations::Client;
use aws_sdk_organizations::types::{CreateAccountStatus, IamUserAccessToBilling};
use errors::JobError;
use models::AccountId;

use super::{Writer, tags};
use crate::rates;
use crate::refusal::Refusal;
use crate::requests::{self, AccountRequest};

/// An account that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAccount {
    pub email: String,
    pub name: String,
    /// The role that the management account takes on there; AWS's own where it is absent.
    pub role_name: Option<String>,
    /// `ALLOW` or `DENY`; AWS's own where it is absent.
    pub iam_user_access_to_billing: Option<String>,
    pub tags: BTreeMap<String, String>,
}

impl Writer {
    /// Asks for an account, once. AWS goes on with it after its answer.
    pub async fn create_account(&self, account: &NewAccount) -> Result<AccountRequest, Refusal> {
        let (billing, with_tags) = (&billing(account), &tags(&account.tags)?);
        let send = |client: &Client| {
            let call = client.create_account().email(&account.email).account_name(&account.name);
            let call = call.set_role_name(account.role_name.clone()).set_tags(with_tags.clone());
            call.set_iam_user_access_to_billing(billing.clone()).send()
        };
        let created = self.caller.write_once(rates::CREATE_ACCOUNT, send).await?;
        read(created.create_account_status, "CreateAccount")
    }

    /// Asks for an account and another beside it in AWS GovCloud (US).
    pub async fn create_gov_cloud_account(&self, account: &NewAccount) -> Result<AccountRequest, Refusal> {
        let (billing, with_tags) = (&billing(account), &tags(&account.tags)?);
        let send = |client: &Client| {
            let call = client.create_gov_cloud_account().email(&account.email).account_name(&account.name);
            let call = call.set_role_name(account.role_name.clone()).set_tags(with_tags.clone());
            call.set_iam_user_access_to_billing(billing.clone()).send()
        };
        let created = self.caller.write_once(rates::CREATE_GOV_CLOUD_ACCOUNT, send).await?;
        read(created.create_account_status, "CreateGovCloudAccount")
    }

    /// Moves an account from the root or unit that it lies in to another.
    pub async fn move_account(&self, account: &AccountId, from: &str, to: &str) -> Result<(), Refusal> {
        let send = |client: &Client| {
            let call = client.move_account().account_id(account.as_str());
            call.source_parent_id(from).destination_parent_id(to).send()
        };
        self.caller.write(rates::MOVE_ACCOUNT, send).await.map(drop)
    }
}

fn billing(account: &NewAccount) -> Option<IamUserAccessToBilling> {
    account.iam_user_access_to_billing.as_deref().map(IamUserAccessToBilling::from)
}

fn read(status: Option<CreateAccountStatus>, operation: &str) -> Result<AccountRequest, Refusal> {
    let status = status.ok_or_else(|| JobError::defect(format!("{operation} answered no status")))?;
    Ok(requests::read(status, operation)?)
}
