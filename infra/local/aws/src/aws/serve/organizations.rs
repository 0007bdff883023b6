//! Organizations: its rates, what IAM allows, and the operations.

use serde_json::Value;

use super::{Incoming, Inner};
use crate::iam::{Question, dependents};
use crate::organization::{self, Organizations};
use crate::wire::{ApiError, Response, json};

impl Inner {
    pub(super) fn serve_organizations(&self, incoming: &Incoming) -> Result<Response, ApiError> {
        let (operation, caller) = (&incoming.target.operation, &incoming.principal);
        let body = json::body(&incoming.bytes)?;
        let mut guard = self.settle();
        let world = &mut *guard;
        let now = self.clock.now();
        if caller.sandbox.is_some() {
            let members = world.members.entry(operation.clone()).or_default();
            members.extend(body.as_object().into_iter().flatten().map(|(member, _)| member.clone()));
        }
        if world.settings.throttles && !world.throttle.allows(&caller.account, operation, now) {
            return Err(ApiError::new(
                400,
                "TooManyRequestsException",
                "AWS Organizations can't complete your request at this time. Try again later.",
            ));
        }
        self.allow(caller, &Question::new(&incoming.target.action(), "*"))?;
        self.allow_dependents(incoming, &body)?;
        self.others_before(world, operation, now);
        let mut service = Organizations {
            organization: &mut world.organization,
            settings: &mut world.settings,
            partition: &self.partition,
            now,
        };
        let answer = organization::call(&mut service, caller, operation, &body)?;
        world.keep(operation, &body);
        Ok(json::success(json::Version::V1_1, &incoming.request_id, &answer))
    }

    /// What AWS requires besides, of requests with tags and of those that make a role.
    fn allow_dependents(&self, incoming: &Incoming, body: &Value) -> Result<(), ApiError> {
        let tags = body["Tags"].as_array().is_some_and(|tags| !tags.is_empty());
        let action = incoming.target.action();
        for row in dependents(&action).filter(|row| tags || row.when.as_deref() != Some("tags")) {
            for needed in &row.needs {
                // What roles linked to services are made for is said by this key.
                let question = Question::new(needed, &row.on)
                    .with("iam:AWSServiceName", "organizations.amazonaws.com")
                    .dependent();
                let allowed = self.allow(&incoming.principal, &question);
                allowed.map_err(|denied| match needed.as_str() {
                    "iam:CreateServiceLinkedRole" => {
                        ApiError::new(400, "AccessDeniedForDependencyException", denied.message)
                            .because("ACCESS_DENIED_DURING_CREATE_SERVICE_LINKED_ROLE")
                    }
                    _ => denied,
                })?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
