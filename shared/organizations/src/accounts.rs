//! The accounts below a root, below an organizational unit, or one.

use std::collections::BTreeMap;

use aws_sdk_organizations::Client;
use aws_sdk_organizations::types::Account as AwsAccount;
use errors::JobError;
use jiff::Timestamp;
use models::{AccountId, TargetId};
use runtime::aws::time;
use serde::{Deserialize, Serialize};

use crate::{Organization, Page, answers, pages, rates};

/// Whether an account is in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AccountState {
    Active,
    /// Suspended, closing, closed or not yet activated, in AWS's own word.
    NotActive(String),
    /// AWS said nothing, or a word of the future. Never taken for inactive.
    Unknown,
}

impl AccountState {
    /// AWS's own word, where it said one that is known.
    pub fn word(&self) -> Option<&str> {
        match self {
            Self::Active => Some("ACTIVE"),
            Self::NotActive(word) => Some(word),
            Self::Unknown => None,
        }
    }
}

/// A member of the organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    pub id: AccountId,
    pub arn: String,
    pub name: String,
    pub email: String,
    pub state: AccountState,
    /// From the organization to the account itself, ended by a slash. AWS answers it since 2025; absent
    /// where it does not.
    pub path: Option<String>,
    pub joined: Option<Timestamp>,
    /// `INVITED` or `CREATED`, or a word of the future.
    pub joined_method: Option<String>,
}

impl Organization {
    /// The accounts at or below `target`, by id, in whatever state.
    pub async fn accounts(&self, target: &TargetId) -> Result<BTreeMap<AccountId, Account>, JobError> {
        let all = self.list_accounts().await?;
        let members = match target {
            TargetId::Root(_) => all,
            TargetId::Account(id) => {
                all.into_iter().filter(|account| account.id() == Some(id.as_str())).collect()
            }
            TargetId::OrganizationalUnit(unit) => {
                if all.iter().all(|account| !account.paths().is_empty()) {
                    let segment = format!("/{unit}/");
                    let below =
                        |account: &AwsAccount| account.paths().iter().any(|path| path.contains(&segment));
                    all.into_iter().filter(below).collect()
                } else {
                    // `Paths` is recent: where it is missing, the tree is walked.
                    self.accounts_below(unit.as_str()).await?
                }
            }
        };
        members
            .into_iter()
            .map(|account| read(account).map(|account| (account.id.clone(), account)))
            .collect()
    }

    async fn list_accounts(&self) -> Result<Vec<AwsAccount>, JobError> {
        pages::all(|token| self.list_accounts_page(token)).await
    }

    async fn list_accounts_page(&self, token: Option<String>) -> Result<Page<AwsAccount>, JobError> {
        let send = |client: &Client| client.list_accounts().set_next_token(token.clone()).send();
        let page = self.caller.call(rates::LIST_ACCOUNTS, send).await?;
        Ok((page.accounts.unwrap_or_default(), page.next_token))
    }

    /// One page of all accounts.
    pub async fn accounts_page(&self, token: Option<String>) -> Result<Page<Account>, JobError> {
        let (accounts, next) = self.list_accounts_page(token).await?;
        Ok((accounts.into_iter().map(read).collect::<Result<_, _>>()?, next))
    }

    /// The tags of an account, by key.
    pub async fn tags_of(&self, account: &AccountId) -> Result<BTreeMap<String, String>, JobError> {
        self.tags_on(account.as_str()).await
    }

    /// One account as it is now.
    pub async fn account(&self, id: &AccountId) -> Result<Account, JobError> {
        let send = |client: &Client| client.describe_account().account_id(id.as_str()).send();
        let described = self.caller.call(rates::DESCRIBE_ACCOUNT, send).await?;
        let account =
            described.account.ok_or_else(|| JobError::defect("DescribeAccount answered no account"))?;
        read(account)
    }

    async fn accounts_below(&self, unit: &str) -> Result<Vec<AwsAccount>, JobError> {
        let mut accounts = Vec::new();
        let mut parents = vec![unit.to_owned()];
        while let Some(parent) = parents.pop() {
            accounts.extend(self.children_of(&parent).await?);
            parents.extend(self.units_of(&parent).await?.into_iter().map(|unit| unit.id.to_string()));
        }
        Ok(accounts)
    }

    /// The accounts right below a root or unit.
    async fn children_of(&self, parent: &str) -> Result<Vec<AwsAccount>, JobError> {
        pages::all(|token| async move {
            let send = |client: &Client| {
                client.list_accounts_for_parent().parent_id(parent).set_next_token(token.clone()).send()
            };
            let page = self.caller.call(rates::LIST_ACCOUNTS_FOR_PARENT, send).await?;
            Ok((page.accounts.unwrap_or_default(), page.next_token))
        })
        .await
    }
}

fn read(account: AwsAccount) -> Result<Account, JobError> {
    let id = answers::id("ListAccounts", account.id())?;
    // `Status` was retired in favour of `State`; where AWS still answers only the old one, it counts.
    let word = account.state().map(|state| state.as_str()).or(account.status().map(|status| status.as_str()));
    let state = match word {
        Some("ACTIVE") => AccountState::Active,
        Some(word @ ("PENDING_ACTIVATION" | "SUSPENDED" | "PENDING_CLOSURE" | "CLOSED")) => {
            AccountState::NotActive(word.to_owned())
        }
        _ => AccountState::Unknown,
    };
    Ok(Account {
        id,
        state,
        joined: account.joined_timestamp().and_then(time),
        // An account lies in one place; `Paths` is a list all the same.
        path: account.paths().first().cloned(),
        joined_method: account.joined_method().map(|method| method.as_str().to_owned()),
        arn: account.arn.unwrap_or_default(),
        name: account.name.unwrap_or_default(),
        email: account.email.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_organizations::types::AccountState as AwsState;
    use aws_sdk_organizations::types::AccountStatus;

    fn state(state: Option<&str>, status: Option<&str>) -> AccountState {
        let account = AwsAccount::builder()
            .id("012345678901")
            .set_state(state.map(AwsState::from))
            .set_status(status.map(AccountStatus::from))
            .build();
        read(account).unwrap().state
    }

    #[test]
    fn the_state_of_an_account_is_its_state_else_its_status_else_unknown() {
        assert_eq!(state(Some("ACTIVE"), Some("SUSPENDED")), AccountState::Active);
        assert_eq!(state(None, Some("SUSPENDED")), AccountState::NotActive("SUSPENDED".into()));
        assert_eq!(state(None, None), AccountState::Unknown);
        assert_eq!(state(Some("HIBERNATING"), None), AccountState::Unknown);
    }
}
