//! The decision on a call, and the record of what was used.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use super::identity::{Identities, Principal};
use super::policy::{Context, Effect, PolicyDocument};

/// A permission that a role used.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Use {
    /// The role's ARN.
    pub role: String,
    pub action: String,
    pub resource: String,
    /// The condition keys of the request itself.
    pub context: Context,
    /// Nobody called it: AWS requires it for another call.
    pub dependent: bool,
}

/// The caller may not do this.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("User: {principal} is not authorized to perform: {action} on resource: {resource} because {because}")]
pub struct Denied {
    pub principal: String,
    pub action: String,
    pub resource: String,
    pub because: &'static str,
}

/// One question to the gate.
#[derive(Debug, Clone)]
pub struct Question<'a> {
    pub action: &'a str,
    pub resource: &'a str,
    pub context: Context,
    /// The policy of the resource itself, where it has one. Caller and resource are of one account.
    pub resource_policy: Option<&'a PolicyDocument>,
    pub dependent: bool,
}

impl<'a> Question<'a> {
    pub fn new(action: &'a str, resource: &'a str) -> Self {
        Self { action, resource, context: Context::new(), resource_policy: None, dependent: false }
    }

    pub fn dependent(self) -> Self {
        Self { dependent: true, ..self }
    }

    pub fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.context.insert(key, value.into());
        self
    }

    pub fn resource_policy(self, resource_policy: Option<&'a PolicyDocument>) -> Self {
        Self { resource_policy, ..self }
    }
}

/// Decides on calls.
#[derive(Debug, Default)]
pub struct Gate {
    pub identities: Identities,
    used: Mutex<BTreeSet<Use>>,
}

impl Gate {
    /// Within one account, either the caller's policy or the resource's is enough, and a denial in
    /// either counts.
    pub fn check(&self, principal: &Principal, question: &Question<'_>) -> Result<(), Denied> {
        self.decide(principal, question, |own, resources| own.or(resources))
    }

    /// Between accounts, and for roles in any case, both must allow it.
    pub fn check_both(&self, principal: &Principal, question: &Question<'_>) -> Result<(), Denied> {
        self.decide(principal, question, Option::and)
    }

    fn decide(
        &self,
        principal: &Principal,
        question: &Question<'_>,
        together: impl FnOnce(Option<Effect>, Option<Effect>) -> Option<Effect>,
    ) -> Result<(), Denied> {
        let mut context = question.context.clone();
        context.entry("aws:SecureTransport").or_insert_with(|| "true".to_owned());
        // Of a session it is the role's ARN, with its path.
        let of_session = principal.role.as_ref().unwrap_or(&principal.arn);
        context.entry("aws:PrincipalArn").or_insert_with(|| of_session.clone());
        context.entry("aws:PrincipalAccount").or_insert_with(|| principal.account.clone());
        let own = principal.decide(question.action, question.resource, &context);
        let resources = question
            .resource_policy
            .and_then(|policy| policy.decide(&principal.arn, question.action, question.resource, &context));
        let denied = |because| {
            Err(Denied {
                principal: principal.arn.clone(),
                action: question.action.to_owned(),
                resource: question.resource.to_owned(),
                because,
            })
        };
        if own == Some(Effect::Deny) {
            return denied("an identity-based policy denies it");
        }
        if resources == Some(Effect::Deny) {
            return denied("a resource-based policy denies it");
        }
        if together(own, resources) != Some(Effect::Allow) {
            return denied("no policy allows it");
        }
        self.record(principal, question);
        Ok(())
    }

    fn record(&self, principal: &Principal, question: &Question<'_>) {
        if let Some(role) = &principal.role {
            self.used.lock().unwrap_or_else(PoisonError::into_inner).insert(Use {
                role: role.clone(),
                action: question.action.to_owned(),
                resource: question.resource.to_owned(),
                context: question.context.clone(),
                dependent: question.dependent,
            });
        }
    }

    /// What roles have used so far.
    pub fn used(&self) -> BTreeSet<Use> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
