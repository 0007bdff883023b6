//! The organization, its root, and what lies where below it.

use serde_json::{Value, json};

use super::super::input::Id;
use super::super::{error, invalid};
use super::Read;
use crate::organization::{Organization, Unit};
use crate::wire::ApiError;

impl<'a> Read<'a> {
    /// The root or a unit that the request is about.
    pub(super) fn parent(&self) -> Result<&'a str, ApiError> {
        let parent = self.request.id("ParentId", Id::Parent)?;
        self.organization
            .is_parent(parent)
            .then_some(parent)
            .ok_or_else(|| error("ParentNotFoundException", "You specified a parent that doesn't exist."))
    }

    pub(super) fn describe_organization(&self) -> Value {
        json!({"Organization": organization(self.organization)})
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
        match self.request.text("ChildType")? {
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
        let child = self.request.id("ChildId", Id::Child)?;
        let accounts = self.organization.accounts.iter().map(|it| (&it.id, &it.parent));
        let units = self.organization.units.iter().map(|it| (&it.id, &it.parent));
        let found = accounts.chain(units).find(|(id, _)| *id == child);
        let (_, parent) = found
            .ok_or_else(|| error("ChildNotFoundException", "You specified a child that doesn't exist."))?;
        let kind = if *parent == self.organization.root { "ROOT" } else { "ORGANIZATIONAL_UNIT" };
        self.page("Parents", std::iter::once(parent), |id| json!({"Id": id, "Type": kind}))
    }
}

pub(in super::super) fn organization(organization: &Organization) -> Value {
    let management = organization.accounts.first();
    // Deprecated, and not the whole truth: it names no type but this.
    let types = match organization.all_features {
        true => json!([{"Type": "SERVICE_CONTROL_POLICY", "Status": "ENABLED"}]),
        false => json!([]),
    };
    json!({
        "Id": organization.id,
        "Arn": organization.arn(&format!("organization/{}", organization.id)),
        "FeatureSet": if organization.all_features { "ALL" } else { "CONSOLIDATED_BILLING" },
        "MasterAccountArn": organization.arn_of(&organization.management_account),
        "MasterAccountId": organization.management_account,
        "MasterAccountEmail": management.map(|account| account.email.as_str()),
        "AvailablePolicyTypes": types,
    })
}

pub(in super::super) fn root(organization: &Organization) -> Value {
    let types = organization.policy_types.iter().map(|it| json!({"Type": it.name, "Status": it.status}));
    json!({
        "Id": organization.root,
        "Arn": organization.arn_of(&organization.root),
        "Name": "Root",
        "PolicyTypes": types.collect::<Vec<_>>(),
    })
}

fn unit(organization: &Organization, unit: &Unit) -> Value {
    json!({
        "Id": unit.id,
        "Arn": organization.arn(&format!("ou/{}/{}", organization.id, unit.id)),
        "Name": unit.name,
        "Path": unit.path,
    })
}
