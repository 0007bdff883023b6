//! The roles that a stack needs in other accounts: those of `infra/roles`.

use std::collections::BTreeMap;

use local_aws::Aws;
use local_aws::access_analyzer::{self, TrailSettings};
use local_aws::iam::RoleSet;
use local_aws::organization::Organization;

use crate::deploy;
use crate::template::{InvalidTemplate, Resolved, Surroundings, Template};

/// Where the roles of `infra/roles/member-roles.yaml` are. Without more, in every account that is active
/// but the management account, as a service-managed StackSet makes them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MemberRoles {
    /// Whether the management account has them too.
    pub in_management_account: bool,
    /// Accounts that have neither of them.
    pub without: Vec<String>,
    /// Accounts without Access Analyzer's.
    pub without_access_role: Vec<String>,
}

/// The output of the template that names Access Analyzer's role.
const ACCESS_ROLE: &str = "AccessRoleArn";

/// What the parameters of the roles' templates have in common: who may take them on.
fn trusted(
    stack: &Surroundings,
    organization: &Organization,
    parameters: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let mut given = BTreeMap::from([
        ("StackAccountId".to_owned(), stack.account.clone()),
        ("OrganizationId".to_owned(), organization.id.clone()),
        ("StackName".to_owned(), stack.stack.clone()),
    ]);
    given.extend(parameters.get("RolePath").map(|path| ("StackRolePath".to_owned(), path.clone())));
    given
}

/// The roles in the management account that a stack in another account needs.
pub(crate) fn management(
    template: &Template,
    stack: &Surroundings,
    organization: &Organization,
    parameters: &BTreeMap<String, String>,
) -> Result<Resolved, InvalidTemplate> {
    let account = organization.management_account.clone();
    let surroundings = Surroundings { stack: format!("{}-roles", stack.stack), account, ..stack.clone() };
    let mut given = trusted(stack, organization, parameters);
    // What the stack may change is said in the same words in both places.
    let same = parameters.iter().filter(|(name, _)| name.starts_with("Enable"));
    given.extend(same.map(|(name, value)| (name.clone(), value.clone())));
    template.resolve(&surroundings, &given)
}

/// The roles of member accounts, resolved for [whichever account](RoleSet::ACCOUNT) it is.
pub(crate) fn member(
    template: &Template,
    stack: &Surroundings,
    organization: &Organization,
    parameters: &BTreeMap<String, String>,
    trail: &TrailSettings,
) -> Result<Resolved, InvalidTemplate> {
    let surroundings = Surroundings {
        stack: format!("{}-member-roles", stack.stack),
        account: RoleSet::ACCOUNT.to_owned(),
        ..stack.clone()
    };
    let mut given = trusted(stack, organization, parameters);
    let arn = access_analyzer::trail(trail, organization, &stack.partition, &stack.region);
    given.extend([
        ("TrailArn".to_owned(), arn),
        ("LogBucketName".to_owned(), trail.bucket.name.clone()),
        ("LogKmsKeyArn".to_owned(), trail.bucket.key.clone().unwrap_or_default()),
    ]);
    template.resolve(&surroundings, &given)
}

/// Makes the roles in the management account.
pub(crate) fn put_management(aws: &Aws, resolved: &Resolved) -> Result<(), InvalidTemplate> {
    for (arn, role) in deploy::roles(resolved)? {
        aws.put_role(&arn, role);
    }
    Ok(())
}

/// Makes the roles of member accounts.
pub(crate) fn put_member(
    aws: &Aws,
    resolved: &Resolved,
    members: &MemberRoles,
) -> Result<(), InvalidTemplate> {
    let organization = aws.organization();
    let management = &organization.management_account;
    let accounts = organization
        .accounts
        .iter()
        .filter(|account| account.state == "ACTIVE")
        .filter(|account| members.in_management_account || account.id != *management)
        .map(|account| account.id.clone())
        .collect();
    let roles = deploy::roles(resolved)?;
    let all: Vec<String> = roles.keys().map(|arn| arn.replace(RoleSet::ACCOUNT, "*")).collect();
    aws.put_role_set(RoleSet { roles, accounts });
    let delete = |arn: &String, account: &str| aws.delete_role(&arn.replace('*', account));
    for account in &members.without {
        all.iter().for_each(|arn| delete(arn, account));
    }
    for account in &members.without_access_role {
        resolved.outputs.get(ACCESS_ROLE).into_iter().for_each(|arn| delete(arn, account));
    }
    Ok(())
}
