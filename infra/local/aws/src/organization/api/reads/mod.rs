//! The operations that read.
//!
//! * [`tree`]: the organization, its root and units, children and parents.
//! * [`accounts`]: accounts; [`requests`]: requests for them.
//! * [`services`]: services with access, and who administers them.
//! * [`policies`]: policies, their attachments and what they come to; tags.

pub(super) mod accounts;
pub(super) mod policies;
pub(super) mod requests;
pub(super) mod services;
pub(super) mod tree;

use serde_json::Value;

use super::input::Request;
use crate::organization::Organization;
use crate::settings::Settings;
use crate::wire::ApiError;

/// A read, authorised.
#[derive(Debug, Clone, Copy)]
pub(super) struct Read<'a> {
    pub(super) organization: &'a Organization,
    pub(super) settings: &'a Settings,
    pub(super) request: Request<'a>,
}

impl Read<'_> {
    /// The answer, where the operation is one that reads.
    pub(super) fn call(&self) -> Option<Result<Value, ApiError>> {
        Some(match self.request.operation {
            "DescribeAccount" => self.describe_account(),
            "DescribeCreateAccountStatus" => self.describe_create_account_status(),
            "DescribeEffectivePolicy" => self.describe_effective_policy(),
            "DescribeOrganization" => Ok(self.describe_organization()),
            "DescribePolicy" => self.describe_policy(),
            "DescribeResourcePolicy" => self.describe_resource_policy(),
            "ListAWSServiceAccessForOrganization" => self.list_aws_service_access_for_organization(),
            "ListAccounts" => self.list_accounts(),
            "ListAccountsForParent" => self.list_accounts_for_parent(),
            "ListAccountsWithInvalidEffectivePolicy" => self.list_accounts_with_invalid_effective_policy(),
            "ListChildren" => self.list_children(),
            "ListCreateAccountStatus" => self.list_create_account_status(),
            "ListDelegatedAdministrators" => self.list_delegated_administrators(),
            "ListDelegatedServicesForAccount" => self.list_delegated_services_for_account(),
            "ListEffectivePolicyValidationErrors" => self.list_effective_policy_validation_errors(),
            "ListOrganizationalUnitsForParent" => self.list_organizational_units_for_parent(),
            "ListParents" => self.list_parents(),
            "ListPolicies" => self.list_policies(),
            "ListPoliciesForTarget" => self.list_policies_for_target(),
            "ListRoots" => self.list_roots(),
            "ListTagsForResource" => self.list_tags_for_resource(),
            "ListTargetsForPolicy" => self.list_targets_for_policy(),
            _ => return None,
        })
    }
}
