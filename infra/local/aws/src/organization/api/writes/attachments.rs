//! Policies are attached and detached.

use serde_json::Value;

use super::super::input::Id;
use super::super::reads::policies as read;
use super::super::{constraint, error, invalid};
use super::{Write, nothing};
use crate::organization::policies::{RCP_FULL_ACCESS, SCP};
use crate::organization::quotas;
use crate::wire::ApiError;

/// A policy, its type, and a place for it.
struct Attachment {
    policy: String,
    kind: String,
    target: String,
    exists: bool,
}

impl Write<'_> {
    fn attachment(&self) -> Result<Attachment, ApiError> {
        let policy = self.policy()?;
        let target = self.request.id("TargetId", Id::Target)?;
        if !self.organization.is_target(target) {
            return Err(read::target_not_found());
        }
        self.with_all_features()?;
        Ok(Attachment {
            policy: policy.id.clone(),
            kind: policy.kind.clone(),
            target: target.to_owned(),
            exists: policy.targets.iter().any(|it| it == target),
        })
    }

    pub(super) fn attach_policy(&mut self) -> Result<Value, ApiError> {
        let Attachment { policy, kind, target, exists } = self.attachment()?;
        if !self.organization.is_attachable(&kind, self.now) {
            return Err(error(
                "PolicyTypeNotEnabledException",
                "The specified policy type isn't currently enabled in this root.",
            ));
        }
        self.published(&kind)?;
        if exists {
            return Err(error(
                "DuplicatePolicyAttachmentException",
                "The selected policy is already attached to the specified target.",
            ));
        }
        if self.organization.attached(&kind, &target).count() >= quotas::attachments(&kind) {
            return Err(constraint(
                "MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED",
                "You have attached the maximum number of policies of this type.",
            ));
        }
        self.organization.attach(&policy, &target, self.now);
        Ok(nothing())
    }

    pub(super) fn detach_policy(&mut self) -> Result<Value, ApiError> {
        let Attachment { policy, kind, target, exists } = self.attachment()?;
        // It "can't be detached" (user guide, "Resource control policies").
        if policy == RCP_FULL_ACCESS {
            return Err(invalid("NON_DETACHABLE_POLICY"));
        }
        if !exists {
            return Err(error(
                "PolicyNotAttachedException",
                "The policy isn't attached to the specified target in the specified root.",
            ));
        }
        self.published(&kind)?;
        // "Every root, OU, and account must have at least one SCP attached."
        if kind == SCP && self.organization.attached(&kind, &target).nth(1).is_none() {
            return Err(constraint(
                "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED",
                "You can't detach the last policy of this type.",
            ));
        }
        self.organization.detach(&policy, &target, self.now);
        Ok(nothing())
    }
}
