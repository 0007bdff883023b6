//! Requests for new accounts, and what became of them.

use aws_sdk_organizations::Client;
use aws_sdk_organizations::types::{CreateAccountState, CreateAccountStatus};
use errors::JobError;
use jiff::Timestamp;
use models::{AccountId, AccountRequestId};
use runtime::aws::time;
use serde::{Deserialize, Serialize};

use crate::{Organization, Page, answers, pages, rates};

/// A request for a new account. AWS keeps no email address of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountRequest {
    pub id: AccountRequestId,
    pub account_name: String,
    /// `IN_PROGRESS`, `SUCCEEDED` or `FAILED`, or a word of the future.
    pub state: String,
    pub requested: Option<Timestamp>,
    pub completed: Option<Timestamp>,
    pub account: Option<AccountId>,
    pub gov_cloud_account: Option<AccountId>,
    /// AWS's own word, such as `EMAIL_ALREADY_EXISTS`.
    pub failure_reason: Option<String>,
}

impl Organization {
    /// One page of all requests that AWS remembers, in whatever state.
    pub async fn account_requests_page(
        &self,
        token: Option<String>,
    ) -> Result<Page<AccountRequest>, JobError> {
        self.requests_page(None, token).await
    }

    /// All requests that AWS remembers in these states, such as `IN_PROGRESS`.
    pub async fn account_requests(&self, states: &[&str]) -> Result<Vec<AccountRequest>, JobError> {
        let states: Vec<_> = states.iter().map(|state| CreateAccountState::from(*state)).collect();
        pages::all(|token| self.requests_page(Some(states.clone()), token)).await
    }

    async fn requests_page(
        &self,
        states: Option<Vec<CreateAccountState>>,
        token: Option<String>,
    ) -> Result<Page<AccountRequest>, JobError> {
        let send = |client: &Client| {
            let requests = client.list_create_account_status().set_states(states.clone());
            requests.set_next_token(token.clone()).send()
        };
        let page = self.caller.call(rates::LIST_CREATE_ACCOUNT_STATUS, send).await?;
        let requests = page.create_account_statuses.unwrap_or_default();
        let requests = requests.into_iter().map(|request| read(request, "ListCreateAccountStatus"));
        Ok((requests.collect::<Result<_, _>>()?, page.next_token))
    }

    /// What became of a request by now.
    pub async fn account_request(&self, id: &AccountRequestId) -> Result<AccountRequest, JobError> {
        let send = |client: &Client| {
            client.describe_create_account_status().create_account_request_id(id.as_str()).send()
        };
        let described = self.caller.call(rates::DESCRIBE_CREATE_ACCOUNT_STATUS, send).await?;
        let status = described.create_account_status;
        let status =
            status.ok_or_else(|| JobError::defect("DescribeCreateAccountStatus answered no status"))?;
        read(status, "DescribeCreateAccountStatus")
    }
}

pub(crate) fn read(status: CreateAccountStatus, operation: &str) -> Result<AccountRequest, JobError> {
    let account = |id: Option<&str>| id.map(|id| answers::id(operation, Some(id))).transpose();
    Ok(AccountRequest {
        id: answers::id(operation, status.id())?,
        account: account(status.account_id())?,
        gov_cloud_account: account(status.gov_cloud_account_id())?,
        requested: status.requested_timestamp().and_then(time),
        completed: status.completed_timestamp().and_then(time),
        account_name: status.account_name.unwrap_or_default(),
        state: status.state.map(|it| it.as_str().to_owned()).unwrap_or_default(),
        failure_reason: status.failure_reason.map(|it| it.as_str().to_owned()),
    })
}
