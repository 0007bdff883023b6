//! Callers and their credentials.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::policy::{Context, Effect, PolicyDocument};

/// Who calls.
#[derive(Debug, Clone)]
pub struct Principal {
    pub account: String,
    /// A role's session, or a user.
    pub arn: String,
    /// `None` may do everything: a person at the keyboard, not a role.
    pub policy: Option<Arc<PolicyDocument>>,
    /// The ARN of the role that this is a session of.
    pub role: Option<String>,
    /// The function instance that calls, if one does.
    pub sandbox: Option<u64>,
    /// The function's name.
    pub function: Option<String>,
}

impl Principal {
    /// What the caller's own policies say.
    pub fn decide(&self, action: &str, resource: &str, context: &Context) -> Option<Effect> {
        match &self.policy {
            None => Some(Effect::Allow),
            Some(policy) => policy.decide(&self.arn, action, resource, context),
        }
    }
}

/// A role.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Role {
    /// What it may do.
    pub policy: Arc<PolicyDocument>,
    /// Who may take it on.
    pub trust: PolicyDocument,
}

/// What a caller signs with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    pub access_key_id: String,
    pub secret_access_key: String,
}

/// The secret of every key: these credentials open nothing but the simulation.
const SECRET: &str = "local-aws-has-no-secrets";

/// The credentials that were given out.
#[derive(Debug, Default)]
pub struct Identities(Mutex<HashMap<String, Arc<Principal>>>);

impl Identities {
    /// Gives out credentials for a caller.
    pub fn issue(&self, principal: Principal) -> Credentials {
        let mut issued = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let access_key_id = format!("LOCALKEY{:012}", issued.len() + 1);
        issued.insert(access_key_id.clone(), Arc::new(principal));
        Credentials { access_key_id, secret_access_key: SECRET.to_owned() }
    }

    pub fn principal(&self, access_key_id: &str) -> Option<Arc<Principal>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(access_key_id).cloned()
    }

    pub fn secret(&self, access_key_id: &str) -> Option<&'static str> {
        self.principal(access_key_id).map(|_| SECRET)
    }
}
