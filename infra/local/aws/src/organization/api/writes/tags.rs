//! Tags of accounts, units, roots and policies.

use serde_json::Value;

use super::super::input::{Id, limited};
use super::super::invalid;
use super::super::reads::policies as read;
use super::{Write, nothing};
use crate::wire::ApiError;

impl<'a> Write<'a> {
    /// The resource that the request is about. What AWS's own policies answer is not established.
    fn resource(&self) -> Result<&'a str, ApiError> {
        let id = self.request.id("ResourceId", Id::Resource)?;
        if !read::is_taggable(self.organization, id) {
            return Err(read::target_not_found());
        }
        match self.organization.policy(id).is_some_and(|policy| policy.aws_managed) {
            true => Err(invalid("TARGET_NOT_SUPPORTED")),
            false => Ok(id),
        }
    }

    pub(super) fn tag_resource(&mut self) -> Result<Value, ApiError> {
        let id = self.resource()?;
        let more = self.request.required_tags()?;
        let tags = limited(self.organization.tags_with(id, more))?;
        self.organization.set_tags(id, tags);
        Ok(nothing())
    }

    pub(super) fn untag_resource(&mut self) -> Result<Value, ApiError> {
        let id = self.resource()?;
        let keys = self.request.tag_keys()?;
        self.organization.remove_tags(id, &keys);
        Ok(nothing())
    }
}
