//! The reads of AWS Organizations (JSON 1.1).
//!
//! * [`policies`]: policies, their attachments and what they come to.
//! * [`requests`]: requests for accounts.

mod policies;
mod requests;

use serde_json::{Value, json};

use super::{Account, Organization, Unit};
use crate::settings::Settings;
use crate::wire::ApiError;

/// The most items on a page.
const PAGE: usize = 20;

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
    // Any member may ask for the organization; the rest is for administrators.
    let administrator = caller == organization.management_account
        || organization.delegated.iter().any(|(account, _)| account == caller);
    let of_itself =
        operation == "DescribeEffectivePolicy" && body.get("TargetId").is_none_or(|target| *target == caller);
    if operation != "DescribeOrganization" && !of_itself && !administrator {
        return Err(error("AccessDeniedException", "You don't have permissions to access this resource."));
    }
    let request = Read { organization, settings, caller, body };
    match operation {
        "DescribeCreateAccountStatus" => request.describe_create_account_status(),
        "DescribeEffectivePolicy" => request.describe_effective_policy(),
        "DescribePolicy" => request.describe_policy(),
        "ListAccountsWithInvalidEffectivePolicy" => request.list_accounts_with_invalid_effective_policy(),
        "ListChildren" => request.list_children(),
        "ListCreateAccountStatus" => request.list_create_account_status(),
        "ListEffectivePolicyValidationErrors" => request.list_effective_policy_validation_errors(),
        "ListParents" => request.list_parents(),
        "ListPolicies" => request.list_policies(),
        "ListPoliciesForTarget" => request.list_policies_for_target(),
        "ListTagsForResource" => request.list_tags_for_resource(),
        "ListTargetsForPolicy" => request.list_targets_for_policy(),
        "DescribeOrganization" => Ok(json!({"Organization": describe(organization)})),
        "ListRoots" => page(settings, body, "Roots", std::iter::once(organization), root),
        "ListAccounts" => page(settings, body, "Accounts", organization.accounts.iter(), |it| {
            account(organization, settings, it)
        }),
        "ListAccountsForParent" => {
            let parent = parent(organization, body)?;
            let children = organization.accounts.iter().filter(|it| it.parent == parent);
            page(settings, body, "Accounts", children, |it| account(organization, settings, it))
        }
        "ListOrganizationalUnitsForParent" => {
            let parent = parent(organization, body)?;
            let children = organization.units.iter().filter(|it| it.parent == parent);
            page(settings, body, "OrganizationalUnits", children, |it| unit(organization, it))
        }
        "DescribeAccount" => {
            let id = text(body, "AccountId")?;
            let found = organization.accounts.iter().find(|it| it.id == id);
            let found = found.ok_or_else(|| {
                error("AccountNotFoundException", "You specified an account that doesn't exist.")
            })?;
            Ok(json!({"Account": account(organization, settings, found)}))
        }
        "ListDelegatedAdministrators" => {
            let service = body["ServicePrincipal"].as_str();
            let is_delegated = |id: &str| {
                let mut delegated = organization.delegated.iter();
                delegated.any(|(it, of)| it == id && service.is_none_or(|service| service == of))
            };
            let delegated = organization.accounts.iter().filter(|it| is_delegated(&it.id));
            page(settings, body, "DelegatedAdministrators", delegated, |it| {
                administrator_of(organization, settings, it)
            })
        }
        "ListAWSServiceAccessForOrganization" => page(
            settings,
            body,
            "EnabledServicePrincipals",
            organization.trusted.iter(),
            |it| json!({"ServicePrincipal": it, "DateEnabled": 1_700_000_000}),
        ),
        other => Err(error("UnknownOperationException", &format!("{other} is not simulated"))),
    }
}

/// A read, authorised.
#[derive(Clone, Copy)]
struct Read<'a> {
    organization: &'a Organization,
    settings: &'a Settings,
    caller: &'a str,
    body: &'a Value,
}

impl<'a> Read<'a> {
    fn text(&self, name: &str) -> Result<&'a str, ApiError> {
        text(self.body, name)
    }

    fn page<T>(
        &self,
        member: &str,
        all: impl Iterator<Item = T>,
        show: impl Fn(T) -> Value,
    ) -> Result<Value, ApiError> {
        page(self.settings, self.body, member, all, show)
    }

    fn list_children(&self) -> Result<Value, ApiError> {
        let parent = parent(self.organization, self.body)?;
        let of = |kind: &'static str| move |id: &'a str| json!({"Id": id, "Type": kind});
        match self.text("ChildType")? {
            "ACCOUNT" => {
                let accounts = self.organization.accounts.iter().filter(|it| it.parent == parent);
                self.page("Children", accounts.map(|it| it.id.as_str()), of("ACCOUNT"))
            }
            "ORGANIZATIONAL_UNIT" => {
                let units = self.organization.units.iter().filter(|it| it.parent == parent);
                self.page("Children", units.map(|it| it.id.as_str()), of("ORGANIZATIONAL_UNIT"))
            }
            _ => Err(invalid("INVALID_ENUM")),
        }
    }

    fn list_parents(&self) -> Result<Value, ApiError> {
        let child = self.text("ChildId")?;
        let accounts = self.organization.accounts.iter().map(|it| (&it.id, &it.parent));
        let units = self.organization.units.iter().map(|it| (&it.id, &it.parent));
        let found = accounts.chain(units).find(|(id, _)| *id == child);
        let (_, parent) = found
            .ok_or_else(|| error("ChildNotFoundException", "You specified a child that doesn't exist."))?;
        let kind = if *parent == self.organization.root { "ROOT" } else { "ORGANIZATIONAL_UNIT" };
        self.page("Parents", std::iter::once(parent), |id| json!({"Id": id, "Type": kind}))
    }
}

fn error(code: &str, message: &str) -> ApiError {
    ApiError::new(400, code, message)
}

fn arn(organization: &Organization, resource: &str) -> String {
    format!("arn:aws:organizations::{}:{resource}", organization.management_account)
}

fn describe(organization: &Organization) -> Value {
    let management = organization.accounts.first();
    json!({
        "Id": organization.id,
        "Arn": arn(organization, &format!("organization/{}", organization.id)),
        "FeatureSet": "ALL",
        "MasterAccountArn": arn(organization, &format!("account/{}/{}", organization.id, organization.management_account)),
        "MasterAccountId": organization.management_account,
        "MasterAccountEmail": management.map(|account| account.email.as_str()),
        "AvailablePolicyTypes": [{"Type": "SERVICE_CONTROL_POLICY", "Status": "ENABLED"}],
    })
}

fn root(organization: &Organization) -> Value {
    json!({
        "Id": organization.root,
        "Arn": arn(organization, &format!("root/{}/{}", organization.id, organization.root)),
        "Name": "Root",
        "PolicyTypes": organization
            .policy_types
            .iter()
            .map(|it| json!({"Type": it.name, "Status": it.status}))
            .collect::<Vec<_>>(),
    })
}

fn account(organization: &Organization, settings: &Settings, account: &Account) -> Value {
    let mut shown = json!({
        "Id": account.id,
        "Arn": arn(organization, &format!("account/{}/{}", organization.id, account.id)),
        "Email": account.email,
        "Name": account.name,
        "State": account.state,
        "JoinedMethod": "CREATED",
        "JoinedTimestamp": account.joined.as_second(),
    });
    if settings.account_status {
        shown["Status"] = json!(account.state);
    }
    if settings.account_paths {
        shown["Paths"] = json!([account.path]);
    }
    shown
}

/// A delegated administrator: an account, but for its place in the tree.
fn administrator_of(organization: &Organization, settings: &Settings, it: &Account) -> Value {
    let mut shown = account(organization, settings, it);
    if let Some(members) = shown.as_object_mut() {
        members.remove("Paths");
    }
    shown["DelegationEnabledDate"] = json!(it.joined.as_second());
    shown
}

fn unit(organization: &Organization, unit: &Unit) -> Value {
    json!({
        "Id": unit.id,
        "Arn": arn(organization, &format!("ou/{}/{}", organization.id, unit.id)),
        "Name": unit.name,
        "Path": unit.path,
    })
}

fn parent<'a>(organization: &Organization, body: &'a Value) -> Result<&'a str, ApiError> {
    let parent = text(body, "ParentId")?;
    let exists = parent == organization.root || organization.units.iter().any(|unit| unit.id == parent);
    exists
        .then_some(parent)
        .ok_or_else(|| error("ParentNotFoundException", "You specified a parent that doesn't exist."))
}

fn text<'a>(body: &'a Value, name: &str) -> Result<&'a str, ApiError> {
    body[name].as_str().ok_or_else(|| invalid("INPUT_REQUIRED"))
}

fn invalid(reason: &'static str) -> ApiError {
    error("InvalidInputException", "You provided invalid values for one or more of the request parameters.")
        .because(reason)
}

/// One page of a list. With empty pages on, every other page holds nothing and carries a token.
fn page<T>(
    settings: &Settings,
    body: &Value,
    member: &str,
    all: impl Iterator<Item = T>,
    show: impl Fn(T) -> Value,
) -> Result<Value, ApiError> {
    let size = match body.get("MaxResults").map(Value::as_u64) {
        None => PAGE,
        Some(Some(size @ 1..=20)) => usize::try_from(size).unwrap_or(PAGE),
        Some(Some(0)) => return Err(invalid("MIN_VALUE_EXCEEDED")),
        Some(_) => return Err(invalid("MAX_VALUE_EXCEEDED")),
    };
    let token = match body.get("NextToken") {
        None | Some(Value::Null) => "0-full",
        Some(token) => token.as_str().unwrap_or_default(),
    };
    let not_ours = || invalid("INVALID_NEXT_TOKEN");
    let (from, kind) = token.split_once('-').ok_or_else(not_ours)?;
    let from: usize = from.parse().map_err(|_| not_ours())?;
    let mut rest = all.skip(from).peekable();
    if settings.empty_pages && kind == "full" && rest.peek().is_some() {
        return Ok(json!({member: [], "NextToken": format!("{from}-next")}));
    }
    let items: Vec<Value> = rest.by_ref().take(size).map(show).collect();
    let mut answer = json!({member: items});
    if rest.peek().is_some() {
        answer["NextToken"] = json!(format!("{}-full", from + size));
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::organization::{Shape, generate};
    use jiff::Timestamp;

    fn organization() -> Organization {
        generate(&Shape { accounts: 90, ..Shape::default() }, Timestamp::UNIX_EPOCH)
    }

    fn all(
        settings: &Settings,
        organization: &Organization,
        operation: &str,
        member: &str,
        body: Value,
    ) -> Vec<Value> {
        let (mut items, mut body) = (Vec::new(), body);
        loop {
            let page =
                call(organization, settings, &organization.management_account, operation, &body).unwrap();
            items.extend(page[member].as_array().unwrap().clone());
            match page.get("NextToken") {
                Some(token) => body["NextToken"] = token.clone(),
                None => return items,
            }
        }
    }

    #[test]
    fn every_account_is_listed_once_with_and_without_empty_pages() {
        let organization = organization();
        for empty_pages in [false, true] {
            let settings = Settings { empty_pages, ..Settings::default() };
            let accounts =
                all(&settings, &organization, "ListAccounts", "Accounts", json!({"MaxResults": 7}));
            assert_eq!(accounts.len(), 90);
            assert!(accounts.iter().all(|it| it["Paths"][0].as_str().unwrap().ends_with('/')));
        }
    }

    #[test]
    fn only_administrators_may_list_and_page_sizes_are_bounded() {
        let organization = organization();
        let settings = Settings::default();
        let member = organization.accounts[3].id.clone();
        let code = |caller: &str, operation: &str, body: Value| {
            call(&organization, &settings, caller, operation, &body).map(drop).map_err(|it| it.code)
        };
        assert_eq!(code(&member, "ListRoots", json!({})), Err("AccessDeniedException".into()));
        assert_eq!(code(&member, "DescribeOrganization", json!({})), Ok(()));
        assert_eq!(
            code("999999999999", "ListRoots", json!({})),
            Err("AWSOrganizationsNotInUseException".into())
        );
        for (body, reason) in [
            (json!({"MaxResults": 0}), "MIN_VALUE_EXCEEDED"),
            (json!({"MaxResults": 21}), "MAX_VALUE_EXCEEDED"),
            (json!({"NextToken": ""}), "INVALID_NEXT_TOKEN"),
        ] {
            let management = &organization.management_account;
            let refused = call(&organization, &settings, management, "ListAccounts", &body).unwrap_err();
            assert_eq!((refused.code.as_str(), refused.reason), ("InvalidInputException", Some(reason)));
        }
    }

    #[test]
    fn a_delegated_administrator_is_shown_once_with_its_date_and_without_its_place() {
        let mut organization = organization();
        let delegated = organization.accounts[2].id.clone();
        organization.delegated = vec![
            (delegated.clone(), "guardduty.amazonaws.com".into()),
            (delegated.clone(), "ec2.amazonaws.com".into()),
        ];
        let list = |body| {
            let settings = Settings::default();
            all(&settings, &organization, "ListDelegatedAdministrators", "DelegatedAdministrators", body)
        };
        let shown = list(json!({}));
        assert_eq!(shown.len(), 1);
        assert_eq!(shown[0]["Id"], delegated);
        assert!(shown[0]["DelegationEnabledDate"].is_number() && shown[0].get("Paths").is_none());
        assert_eq!(list(json!({"ServicePrincipal": "ec2.amazonaws.com"})), shown);
        assert!(list(json!({"ServicePrincipal": "config.amazonaws.com"})).is_empty());
    }
}
