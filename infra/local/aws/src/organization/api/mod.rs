//! The reads of AWS Organizations (JSON 1.1).
//!
//! * [`tree`]: the organization, its root and units, children and parents.
//! * [`accounts`]: accounts and delegated administrators.
//! * [`policies`]: policies, their attachments and what they come to.
//! * [`requests`]: requests for accounts.
//! * [`input`], [`page`]: what all of them take and answer alike.

mod accounts;
mod input;
mod page;
mod policies;
mod requests;
#[cfg(test)]
mod tests;
mod tree;

use serde_json::Value;

use super::Organization;
use crate::settings::Settings;
use crate::wire::ApiError;

/// Answers one operation. The caller has been authorised.
pub fn call(
    organization: &Organization,
    settings: &Settings,
    caller: &str,
    operation: &str,
    body: &Value,
) -> Result<Value, ApiError> {
    if organization.accounts.iter().all(|account| account.id != caller) {
        return Err(error(
            "AWSOrganizationsNotInUseException",
            "Your account is not a member of an organization.",
        ));
    }
    let request = Read { organization, settings, caller, operation, body };
    // Any member may ask for the organization, and for what policies come to in itself; the rest is
    // for administrators.
    let administrator = caller == organization.management_account
        || organization.delegated.iter().any(|(account, _)| account == caller);
    let for_members = match operation {
        "DescribeOrganization" => true,
        "DescribeEffectivePolicy" => request.optional("TargetId")?.is_none_or(|target| target == caller),
        _ => false,
    };
    if !for_members && !administrator {
        return Err(error("AccessDeniedException", "You don't have permissions to access this resource."));
    }
    match operation {
        "DescribeAccount" => request.describe_account(),
        "DescribeCreateAccountStatus" => request.describe_create_account_status(),
        "DescribeEffectivePolicy" => request.describe_effective_policy(),
        "DescribeOrganization" => Ok(request.describe_organization()),
        "DescribePolicy" => request.describe_policy(),
        "ListAWSServiceAccessForOrganization" => request.list_aws_service_access_for_organization(),
        "ListAccounts" => request.list_accounts(),
        "ListAccountsForParent" => request.list_accounts_for_parent(),
        "ListAccountsWithInvalidEffectivePolicy" => request.list_accounts_with_invalid_effective_policy(),
        "ListChildren" => request.list_children(),
        "ListCreateAccountStatus" => request.list_create_account_status(),
        "ListDelegatedAdministrators" => request.list_delegated_administrators(),
        "ListEffectivePolicyValidationErrors" => request.list_effective_policy_validation_errors(),
        "ListOrganizationalUnitsForParent" => request.list_organizational_units_for_parent(),
        "ListParents" => request.list_parents(),
        "ListPolicies" => request.list_policies(),
        "ListPoliciesForTarget" => request.list_policies_for_target(),
        "ListRoots" => request.list_roots(),
        "ListTagsForResource" => request.list_tags_for_resource(),
        "ListTargetsForPolicy" => request.list_targets_for_policy(),
        other => Err(error("UnknownOperationException", &format!("{other} is not simulated"))),
    }
}

/// A read, authorised.
#[derive(Clone, Copy)]
struct Read<'a> {
    organization: &'a Organization,
    settings: &'a Settings,
    caller: &'a str,
    operation: &'a str,
    body: &'a Value,
}

fn error(code: &str, message: &str) -> ApiError {
    ApiError::new(400, code, message)
}

fn invalid(reason: &'static str) -> ApiError {
    error("InvalidInputException", "You provided invalid values for one or more of the request parameters.")
        .because(reason)
}

fn arn(organization: &Organization, resource: &str) -> String {
    format!("arn:aws:organizations::{}:{resource}", organization.management_account)
}
