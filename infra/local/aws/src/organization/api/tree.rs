//! The organization, its root, and what lies where below it.

use serde_json::{Value, json};

use super::input::Id;
use super::{Read, arn, error, invalid};
use crate::organization::{Organization, Unit};
use crate::wire::ApiError;

impl<'a> Read<'a> {
    /// The root or a unit that the request is about.
    pub(super) fn parent(&self) -> Result<&'a str, ApiError> {
        let parent = self.id("ParentId", Id::Parent)?;
        let exists =
            parent == self.organization.root || self.organization.units.iter().any(|unit| unit.id == parent);
        exists
            .then_some(parent)
            .ok_or_else(|| error("ParentNotFoundException", "You specified a parent that doesn't exist."))
    }

    pub(super) fn describe_organization(&self) -> Value {
        let organization = self.organization;
        let management = organization.accounts.first();
        let of = |resource: String| arn(organization, &resource);
        json!({"Organization": {
            "Id": organization.id,
            "Arn": of(format!("organization/{}", organization.id)),
            "FeatureSet": if organization.all_features { "ALL" } else { "CONSOLIDATED_BILLING" },
            "MasterAccountArn": of(format!("account/{}/{}", organization.id, organization.management_account)),
            "MasterAccountId": organization.management_account,
            "MasterAccountEmail": management.map(|account| account.email.as_str()),
            // Deprecated, and not the whole truth: it names no type but this.
            "AvailablePolicyTypes": [{"Type": "SERVICE_CONTROL_POLICY", "Status": "ENABLED"}],
        }})
    }

    pub(super) fn list_roots(&self) -> Result<Value, ApiError> {
        self.page("Roots", std::iter::once(self.organization), root)
    }

    pub(super) fn list_organizational_units_for_parent(&self) -> Result<Value, ApiError> {
        let parent = self.parent()?;
        let children = self.organization.units.iter().filter(|it| it.parent == parent);
        self.page("OrganizationalUnits", children, |it| unit(self.organization, it))
    }

    pub(super) fn list_children(&self) -> Result<Value, ApiError> {
        let parent = self.parent()?;
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

    pub(super) fn list_parents(&self) -> Result<Value, ApiError> {
        let child = self.id("ChildId", Id::Child)?;
        let accounts = self.organization.accounts.iter().map(|it| (&it.id, &it.parent));
        let units = self.organization.units.iter().map(|it| (&it.id, &it.parent));
        let found = accounts.chain(units).find(|(id, _)| *id == child);
        let (_, parent) = found
            .ok_or_else(|| error("ChildNotFoundException", "You specified a child that doesn't exist."))?;
        let kind = if *parent == self.organization.root { "ROOT" } else { "ORGANIZATIONAL_UNIT" };
        self.page("Parents", std::iter::once(parent), |id| json!({"Id": id, "Type": kind}))
    }

    pub(super) fn list_aws_service_access_for_organization(&self) -> Result<Value, ApiError> {
        self.page(
            "EnabledServicePrincipals",
            self.organization.trusted.iter(),
            |it| json!({"ServicePrincipal": it, "DateEnabled": 1_700_000_000}),
        )
    }
}

fn root(organization: &Organization) -> Value {
    let types = organization.policy_types.iter().map(|it| json!({"Type": it.name, "Status": it.status}));
    json!({
        "Id": organization.root,
        "Arn": arn(organization, &format!("root/{}/{}", organization.id, organization.root)),
        "Name": "Root",
        "PolicyTypes": types.collect::<Vec<_>>(),
    })
}

fn unit(organization: &Organization, unit: &Unit) -> Value {
    json!({
        "Id": unit.id,
        "Arn": arn(organization, &format!("ou/{}/{}", organization.id, unit.id)),
        "Name": unit.name,
        "Path": unit.path,
    })
}
