//! AWS Organizations (JSON 1.1).
//!
//! * [`reads`], [`writes`]: the operations.
//! * [`permission`]: who may call them.
//! * [`input`], [`page`]: what all of them take and answer alike.

mod input;
mod page;
mod permission;
mod reads;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod writes;

use input::Request;
use jiff::Timestamp;
use reads::Read;
use serde_json::Value;
use writes::Write;

use super::Organization;
use crate::iam::Principal;
use crate::settings::Settings;
use crate::wire::ApiError;

/// What the operations work on.
#[derive(Debug)]
pub(crate) struct Organizations<'a> {
    pub(crate) organization: &'a mut Organization,
    pub(crate) settings: &'a mut Settings,
    pub(crate) partition: &'a str,
    pub(crate) now: Timestamp,
}

/// Answers one operation. IAM has allowed it to the caller.
pub(crate) fn call(
    service: &mut Organizations<'_>,
    caller: &Principal,
    operation: &str,
    body: &Value,
) -> Result<Value, ApiError> {
    let request = Request { caller: &caller.account, operation, body };
    let Organizations { organization, settings, partition, now } = service;
    organization.settle(*now, &settings.organization);
    if operation == writes::FOUNDING {
        return writes::create_organization(organization, request, *now);
    }
    permission::check(organization, caller, request)?;
    let read = Read { organization, settings, request };
    if let Some(answer) = read.call() {
        return answer;
    }
    let settings = &mut settings.organization;
    let answer = Write { organization, settings, partition, now: *now, request }.call()?;
    // What takes no time is done.
    organization.settle(*now, settings);
    Ok(answer)
}

fn error(code: &str, message: &str) -> ApiError {
    ApiError::new(400, code, message)
}

fn invalid(reason: &'static str) -> ApiError {
    error("InvalidInputException", "You provided invalid values for one or more of the request parameters.")
        .because(reason)
}

/// A limit or a condition of the organization's stands against it.
fn constraint(reason: &'static str, message: &str) -> ApiError {
    error("ConstraintViolationException", message).because(reason)
}
