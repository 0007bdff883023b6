//! Policies are made, changed and deleted.

use serde_json::Value;

use super::super::input::Id;
use super::super::reads::policies as read;
use super::super::{constraint, error, invalid};
use super::{Write, nothing};
use crate::organization::policies::Policy;
use crate::organization::{documents, quotas};
use crate::wire::ApiError;

impl Write<'_> {
    /// The policy that the request is about.
    pub(super) fn policy(&self) -> Result<&Policy, ApiError> {
        let id = self.request.id("PolicyId", Id::Policy)?;
        self.organization.policy(id).ok_or_else(read::not_found)
    }

    /// The same, if it is not AWS's.
    fn own_policy(&self) -> Result<&Policy, ApiError> {
        let policy = self.policy()?;
        if policy.aws_managed { Err(invalid("IMMUTABLE_POLICY")) } else { Ok(policy) }
    }

    pub(super) fn create_policy(&mut self) -> Result<Value, ApiError> {
        let kind = self.request.policy_type("Type")?;
        let name = self.request.required("Name", 1, 128)?;
        let description = self.request.required("Description", 0, 512)?;
        let content = self.request.required("Content", 1, usize::MAX)?;
        let tags = self.request.tags()?;
        self.with_policies()?;
        is_document(kind, content)?;
        self.has_a_name_of_its_own(kind, name, None)?;
        let own = self.organization.policies.iter().filter(|it| it.kind == kind && !it.aws_managed).count();
        if own >= quotas::policies(kind) {
            return Err(constraint(
                "POLICY_NUMBER_LIMIT_EXCEEDED",
                "You have exceeded the number of policies.",
            ));
        }
        let id = format!("p-{}", self.organization.new_id(10, 36));
        let policy = Policy {
            id: id.clone(),
            name: name.to_owned(),
            description: description.to_owned(),
            kind: kind.to_owned(),
            content: content.to_owned(),
            aws_managed: false,
            targets: Vec::new(),
        };
        let answer = read::described(self.organization, &policy);
        self.organization.policies.push(policy);
        self.organization.set_tags(&id, tags);
        Ok(answer)
    }

    pub(super) fn update_policy(&mut self) -> Result<Value, ApiError> {
        let policy = self.own_policy()?;
        let (id, kind) = (policy.id.clone(), policy.kind.clone());
        let name = self.request.sized("Name", 1, 128)?;
        let description = self.request.sized("Description", 0, 512)?;
        let content = self.request.sized("Content", 1, usize::MAX)?;
        self.with_all_features()?;
        self.published(&kind)?;
        content.map_or(Ok(()), |content| is_document(&kind, content))?;
        name.map_or(Ok(()), |name| self.has_a_name_of_its_own(&kind, name, Some(&id)))?;
        if let Some(content) = content {
            self.organization.set_content(&id, content, self.now);
        }
        let policy =
            self.organization.policies.iter_mut().find(|it| it.id == id).ok_or_else(read::not_found)?;
        if let Some(name) = name {
            name.clone_into(&mut policy.name);
        }
        // An empty one leaves what there is, as was observed.
        if let Some(description) = description.filter(|text| !text.is_empty()) {
            description.clone_into(&mut policy.description);
        }
        let policy = self.policy()?;
        Ok(read::described(self.organization, policy))
    }

    pub(super) fn delete_policy(&mut self) -> Result<Value, ApiError> {
        let policy = self.own_policy()?;
        if !policy.targets.is_empty() {
            return Err(error("PolicyInUseException", "The policy is attached to one or more entities."));
        }
        let id = policy.id.clone();
        self.organization.delete_policy(&id, self.now);
        Ok(nothing())
    }

    /// No other policy of the type is called so.
    fn has_a_name_of_its_own(&self, kind: &str, name: &str, id: Option<&str>) -> Result<(), ApiError> {
        let mut others = self.organization.policies.iter().filter(|it| Some(it.id.as_str()) != id);
        match others.any(|it| it.kind == kind && it.name == name) {
            false => Ok(()),
            true => Err(error("DuplicatePolicyException", "A policy with the same name already exists.")),
        }
    }
}

/// The content is of the type, and not too large.
fn is_document(kind: &str, content: &str) -> Result<(), ApiError> {
    if content.chars().count() > quotas::content(kind) {
        return Err(constraint(
            "POLICY_CONTENT_LIMIT_EXCEEDED",
            "The policy is larger than the maximum size.",
        ));
    }
    documents::check(kind, content).map_err(|why| {
        let why = format!("The provided policy document doesn't meet the requirements of {kind}: {}", why.0);
        error("MalformedPolicyDocumentException", &why)
    })
}
