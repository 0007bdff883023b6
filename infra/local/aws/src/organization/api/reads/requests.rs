//! Requests for accounts.

use serde_json::{Value, json};

use super::super::input::Id;
use super::super::{error, invalid};
use super::Read;
use crate::organization::AccountRequest;
use crate::wire::ApiError;

const STATES: [&str; 3] = ["IN_PROGRESS", "SUCCEEDED", "FAILED"];

impl Read<'_> {
    pub(super) fn list_create_account_status(&self) -> Result<Value, ApiError> {
        let states = self.request.body["States"].as_array().map(Vec::as_slice).unwrap_or_default();
        let states: Vec<&str> = states.iter().filter_map(Value::as_str).collect();
        if states.iter().any(|state| !STATES.contains(state)) {
            return Err(invalid("INVALID_ENUM"));
        }
        // None named is all of them.
        let requests = self.organization.requests.iter();
        let requests = requests.filter(|it| states.is_empty() || states.contains(&it.state));
        self.page("CreateAccountStatuses", requests, show)
    }

    pub(super) fn describe_create_account_status(&self) -> Result<Value, ApiError> {
        let id = self.request.id("CreateAccountRequestId", Id::Request)?;
        let found = self.organization.requests.iter().find(|it| it.id == id);
        let found = found.ok_or_else(|| {
            error(
                "CreateAccountStatusNotFoundException",
                "You specified a create account request that doesn't exist.",
            )
        })?;
        Ok(json!({"CreateAccountStatus": show(found)}))
    }
}

pub(in super::super) fn show(request: &AccountRequest) -> Value {
    let mut shown = json!({
        "Id": request.id,
        "AccountName": request.name,
        "State": request.state,
        "RequestedTimestamp": request.requested.as_second(),
    });
    if let Some(completed) = request.completed {
        shown["CompletedTimestamp"] = json!(completed.as_second());
    }
    if let Some(account) = &request.account {
        shown["AccountId"] = json!(account);
    }
    if let Some(account) = &request.govcloud {
        shown["GovCloudAccountId"] = json!(account);
    }
    if let Some(failure) = request.failure {
        shown["FailureReason"] = json!(failure);
    }
    shown
}
