//! Who may call: most operations are the management account's and its administrators', some are its own,
//! and its resource policy gives member accounts a part (the operations' texts in botocore's model).

use serde_json::Value;

use super::error;
use super::input::Request;
use crate::iam::{Context, Principal};
use crate::organization::Organization;
use crate::organization::resource_policy::DELEGABLE;
use crate::wire::ApiError;

/// "You can only call this operation from the management account."
const MANAGEMENT: [&str; 9] = [
    "CreateAccount",
    "CreateGovCloudAccount",
    "DeleteResourcePolicy",
    "DeregisterDelegatedAdministrator",
    "DisableAWSServiceAccess",
    "EnableAWSServiceAccess",
    "MoveAccount",
    "PutResourcePolicy",
    "RegisterDelegatedAdministrator",
];

pub(super) fn check(
    organization: &Organization,
    caller: &Principal,
    request: Request<'_>,
) -> Result<(), ApiError> {
    let account = caller.account.as_str();
    if !organization.exists || organization.account(account).is_none() {
        return Err(error(
            "AWSOrganizationsNotInUseException",
            "Your account is not a member of an organization.",
        ));
    }
    // Any member may ask for the organization, and for what policies come to in itself.
    let for_members = match request.operation {
        "DescribeOrganization" => true,
        "DescribeEffectivePolicy" => request.optional("TargetId")?.is_none_or(|target| target == account),
        _ => false,
    };
    let only_reads = !DELEGABLE.contains(&request.operation);
    let allowed = for_members
        || account == organization.management_account
        || !MANAGEMENT.contains(&request.operation)
            && (only_reads && organization.administered(account).next().is_some()
                || is_delegated(organization, caller, request));
    match allowed {
        true => Ok(()),
        false => Err(error("AccessDeniedException", "You don't have permissions to access this resource.")),
    }
}

/// Whether the organization's resource policy lets the caller do this. That its account is registered for
/// a service besides is not needed (user guide, "Delegated administrator for AWS Organizations").
fn is_delegated(organization: &Organization, caller: &Principal, request: Request<'_>) -> bool {
    let Some(policy) = &organization.resource_policy else { return false };
    let member = |name: &str| request.body.get(name).and_then(Value::as_str);
    let named = ["PolicyId", "TargetId", "ResourceId", "RootId", "AccountId", "ParentId", "ChildId"];
    let resources: Vec<String> =
        named.iter().filter_map(|name| Some(organization.arn_of(member(name)?))).collect();
    let resources = if resources.is_empty() { vec!["*".to_owned()] } else { resources };
    let of_policy =
        member("PolicyId").or_else(|| member("ResourceId")).and_then(|id| organization.policy(id));
    let kind = of_policy.map(|policy| policy.kind.as_str());
    let kind = kind.or_else(|| ["Type", "PolicyType", "Filter"].iter().find_map(|name| member(name)));
    let context: Context = [
        ("organizations:PolicyType", kind),
        ("aws:PrincipalArn", Some(caller.role.as_ref().unwrap_or(&caller.arn).as_str())),
        ("aws:PrincipalAccount", Some(caller.account.as_str())),
        ("aws:PrincipalOrgID", Some(organization.id.as_str())),
    ]
    .into_iter()
    .filter_map(|(key, value)| Some((key, value?.to_owned())))
    .collect();
    policy.allows(caller, &format!("organizations:{}", request.operation), &resources, &context)
}
