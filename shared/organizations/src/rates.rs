//! How often AWS lets an account call each operation.
//!
//! Source: Organizations user guide, "Quotas for AWS Organizations", throttle limits for an account.
//! The same bucket serves Control Tower, Identity Center, the console and everybody else, so
//! [`Pace`](crate::pace::Pace) uses only a share of it.

/// An operation and AWS's rate for it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Operation {
    pub name: &'static str,
    /// Calls a second.
    pub per_second: f64,
    /// Calls at once, after a pause.
    pub burst: f64,
}

const fn operation(name: &'static str, per_second: f64, burst: f64) -> Operation {
    Operation { name, per_second, burst }
}

/// What is assumed of an operation that AWS names no rate for: that of most lists, or of writes to
/// policies. A throttle lowers it, as it does any other.
const fn unlisted(name: &'static str) -> Operation {
    operation(name, 5.0, 8.0)
}

const fn unlisted_write(name: &'static str) -> Operation {
    operation(name, 2.0, 3.0)
}

pub const ATTACH_POLICY: Operation = operation("AttachPolicy", 2.0, 3.0);
pub const CREATE_ACCOUNT: Operation = operation("CreateAccount", 0.1, 3.0);
pub const CREATE_GOV_CLOUD_ACCOUNT: Operation = operation("CreateGovCloudAccount", 0.1, 3.0);
pub const CREATE_ORGANIZATION: Operation = operation("CreateOrganization", 1.0, 1.0);
pub const CREATE_POLICY: Operation = operation("CreatePolicy", 2.0, 3.0);
pub const DELETE_POLICY: Operation = operation("DeletePolicy", 2.0, 3.0);
pub const DELETE_RESOURCE_POLICY: Operation = unlisted_write("DeleteResourcePolicy");
pub const DEREGISTER_DELEGATED_ADMINISTRATOR: Operation = unlisted_write("DeregisterDelegatedAdministrator");
pub const DESCRIBE_ACCOUNT: Operation = operation("DescribeAccount", 20.0, 30.0);
pub const DESCRIBE_CREATE_ACCOUNT_STATUS: Operation = operation("DescribeCreateAccountStatus", 2.0, 2.0);
pub const DESCRIBE_EFFECTIVE_POLICY: Operation = unlisted("DescribeEffectivePolicy");
pub const DESCRIBE_ORGANIZATION: Operation = operation("DescribeOrganization", 1.0, 2.0);
pub const DESCRIBE_POLICY: Operation = operation("DescribePolicy", 2.0, 2.0);
pub const DESCRIBE_RESOURCE_POLICY: Operation = unlisted("DescribeResourcePolicy");
pub const DETACH_POLICY: Operation = operation("DetachPolicy", 2.0, 3.0);
pub const DISABLE_AWS_SERVICE_ACCESS: Operation = unlisted_write("DisableAWSServiceAccess");
pub const DISABLE_POLICY_TYPE: Operation = operation("DisablePolicyType", 1.0, 1.0);
pub const ENABLE_AWS_SERVICE_ACCESS: Operation = operation("EnableAWSServiceAccess", 1.0, 2.0);
pub const ENABLE_POLICY_TYPE: Operation = operation("EnablePolicyType", 1.0, 1.0);
pub const LIST_ACCOUNTS: Operation = operation("ListAccounts", 8.0, 12.0);
pub const LIST_ACCOUNTS_FOR_PARENT: Operation = operation("ListAccountsForParent", 5.0, 8.0);
pub const LIST_ACCOUNTS_WITH_INVALID_EFFECTIVE_POLICY: Operation =
    unlisted("ListAccountsWithInvalidEffectivePolicy");
pub const LIST_AWS_SERVICE_ACCESS_FOR_ORGANIZATION: Operation =
    operation("ListAWSServiceAccessForOrganization", 1.0, 3.0);
pub const LIST_CHILDREN: Operation = operation("ListChildren", 6.0, 10.0);
pub const LIST_CREATE_ACCOUNT_STATUS: Operation = operation("ListCreateAccountStatus", 5.0, 8.0);
pub const LIST_DELEGATED_ADMINISTRATORS: Operation = operation("ListDelegatedAdministrators", 5.0, 8.0);
pub const LIST_DELEGATED_SERVICES_FOR_ACCOUNT: Operation =
    operation("ListDelegatedServicesForAccount", 1.0, 3.0);
pub const LIST_EFFECTIVE_POLICY_VALIDATION_ERRORS: Operation =
    unlisted("ListEffectivePolicyValidationErrors");
pub const LIST_ORGANIZATIONAL_UNITS_FOR_PARENT: Operation =
    operation("ListOrganizationalUnitsForParent", 5.0, 8.0);
pub const LIST_PARENTS: Operation = operation("ListParents", 5.0, 8.0);
pub const LIST_POLICIES: Operation = operation("ListPolicies", 5.0, 8.0);
pub const LIST_POLICIES_FOR_TARGET: Operation = operation("ListPoliciesForTarget", 5.0, 8.0);
pub const LIST_ROOTS: Operation = operation("ListRoots", 1.0, 2.0);
pub const LIST_TAGS_FOR_RESOURCE: Operation = unlisted("ListTagsForResource");
pub const LIST_TARGETS_FOR_POLICY: Operation = operation("ListTargetsForPolicy", 5.0, 8.0);
pub const MOVE_ACCOUNT: Operation = unlisted_write("MoveAccount");
pub const PUT_RESOURCE_POLICY: Operation = unlisted_write("PutResourcePolicy");
pub const REGISTER_DELEGATED_ADMINISTRATOR: Operation = unlisted_write("RegisterDelegatedAdministrator");
pub const TAG_RESOURCE: Operation = unlisted_write("TagResource");
pub const UNTAG_RESOURCE: Operation = unlisted_write("UntagResource");
pub const UPDATE_POLICY: Operation = operation("UpdatePolicy", 2.0, 3.0);
