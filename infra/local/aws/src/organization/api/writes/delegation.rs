//! The organization's resource policy.

use serde_json::Value;

use super::super::reads::policies as read;
use super::super::{error, invalid};
use super::{Write, nothing};
use crate::organization::resource_policy::ResourcePolicy;
use crate::wire::ApiError;

impl Write<'_> {
    pub(super) fn put_resource_policy(&mut self) -> Result<Value, ApiError> {
        let content = self.request.required("Content", 1, 40_000)?;
        let tags = self.request.tags()?;
        self.with_all_features()?;
        let present = self.organization.resource_policy.as_ref().map(|policy| policy.id.clone());
        // "Calls with tags apply to the initial creation of the resource policy, otherwise an exception is
        // thrown." Which one is not established.
        if present.is_some() && !tags.is_empty() {
            return Err(invalid("TARGET_NOT_SUPPORTED"));
        }
        let id = match &present {
            Some(id) => id.clone(),
            None => format!("rp-{}", self.organization.new_id(8, 36)),
        };
        let policy = ResourcePolicy::read(&id, content).map_err(|(reason, why)| {
            error("InvalidInputException", &format!("The resource policy is invalid: {why}")).because(reason)
        })?;
        let answer = read::resource_policy(self.organization, &policy);
        self.organization.resource_policy = Some(policy);
        if present.is_none() {
            self.organization.set_tags(&id, tags);
        }
        Ok(answer)
    }

    pub(super) fn delete_resource_policy(&mut self) -> Result<Value, ApiError> {
        let policy = self.organization.resource_policy.take().ok_or_else(read::no_resource_policy)?;
        self.organization.tags.remove(&policy.id);
        Ok(nothing())
    }
}
