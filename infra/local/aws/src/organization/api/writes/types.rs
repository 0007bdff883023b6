//! Policy types are turned on and off.

use serde_json::{Value, json};

use super::super::input::Id;
use super::super::reads::tree;
use super::super::{constraint, error};
use super::{Write, changes_in_progress};
use crate::organization::PendingType;
use crate::wire::ApiError;

impl Write<'_> {
    fn root_type(&self) -> Result<String, ApiError> {
        let root = self.request.id("RootId", Id::Root)?;
        let kind = self.request.policy_type("PolicyType")?;
        match root == self.organization.root {
            true => Ok(kind.to_owned()),
            false => Err(error("RootNotFoundException", "You specified a root that doesn't exist.")),
        }
    }

    /// The root as it is now, with the type on its way.
    fn root(&mut self) -> Value {
        self.organization.settle(self.now, self.settings);
        json!({"Root": tree::root(self.organization)})
    }

    pub(super) fn enable_policy_type(&mut self) -> Result<Value, ApiError> {
        let kind = self.root_type()?;
        self.with_policies()?;
        match (self.organization.policy_type(&kind).map(|it| it.status), self.settings.pending_type) {
            (None, _) => {}
            (Some("PENDING_DISABLE"), PendingType::InProgress) => return Err(changes_in_progress()),
            (Some(_), _) => {
                return Err(error(
                    "PolicyTypeAlreadyEnabledException",
                    "The specified policy type is already enabled in the specified root.",
                ));
            }
        }
        self.published(&kind)?;
        let mut needed = self.settings.types_with_service.iter().filter(|(it, _)| *it == kind);
        if needed.any(|(_, service)| !self.organization.is_trusted(service)) {
            return Err(constraint(
                "SERVICE_ACCESS_NOT_ENABLED",
                "You must enable service access before you enable the policy type.",
            ));
        }
        self.organization.enable_type(&kind, self.now, self.settings);
        Ok(self.root())
    }

    pub(super) fn disable_policy_type(&mut self) -> Result<Value, ApiError> {
        let kind = self.root_type()?;
        self.with_all_features()?;
        match (self.organization.policy_type(&kind).map(|it| it.status), self.settings.pending_type) {
            (Some("ENABLED"), _) => {}
            (Some(_), PendingType::InProgress) => return Err(changes_in_progress()),
            _ => {
                return Err(error(
                    "PolicyTypeNotEnabledException",
                    "The specified policy type isn't currently enabled in this root.",
                ));
            }
        }
        self.published(&kind)?;
        self.organization.disable_type(&kind, self.now, self.settings);
        Ok(self.root())
    }
}
