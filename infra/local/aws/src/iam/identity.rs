//! Callers and their credentials.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

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

impl Credentials {
    /// Those of somebody who may do everything in the account.
    pub fn administrator() -> Self {
        Self { access_key_id: "LOCALKEY000000000000".to_owned(), secret_access_key: SECRET.to_owned() }
    }
}

/// The secret of every key: these credentials open nothing but the simulation.
const SECRET: &str = "local-aws-has-no-secrets";

/// Credentials of a role's session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub credentials: Credentials,
    pub token: String,
    pub expires: Timestamp,
}

/// Why credentials do not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCredentials {
    #[error("The security token included in the request is invalid.")]
    Unknown,
    #[error("The security token included in the request is expired")]
    Expired,
}

#[derive(Debug)]
struct Issued {
    principal: Arc<Principal>,
    /// The token that requests must carry, and until when it counts.
    session: Option<(String, Timestamp)>,
}

/// The credentials that were given out.
#[derive(Debug, Default)]
pub struct Identities(Mutex<HashMap<String, Issued>>);

impl Identities {
    /// Gives out credentials for a caller.
    pub fn issue(&self, principal: Principal) -> Credentials {
        self.keep(principal, |_| None).0
    }

    /// Gives out credentials for a role's session that ends.
    pub fn issue_session(&self, principal: Principal, expires: Timestamp) -> Session {
        let (credentials, token) = self.keep(principal, |key| Some((format!("session-of-{key}"), expires)));
        Session { credentials, token: token.unwrap_or_default(), expires }
    }

    fn keep(
        &self,
        principal: Principal,
        session: impl FnOnce(&str) -> Option<(String, Timestamp)>,
    ) -> (Credentials, Option<String>) {
        let mut issued = self.lock();
        let access_key_id = format!("LOCALKEY{:012}", issued.len() + 1);
        let session = session(&access_key_id);
        let token = session.as_ref().map(|(token, _)| token.clone());
        issued.insert(access_key_id.clone(), Issued { principal: Arc::new(principal), session });
        (Credentials { access_key_id, secret_access_key: SECRET.to_owned() }, token)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Issued>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who signs with this key and, if it is a session's, this token.
    pub fn authenticate(
        &self,
        access_key_id: &str,
        token: Option<&str>,
        now: Timestamp,
    ) -> Result<Arc<Principal>, InvalidCredentials> {
        let issued = self.lock();
        let found = issued.get(access_key_id).ok_or(InvalidCredentials::Unknown)?;
        match &found.session {
            Some((expected, _)) if token != Some(expected) => Err(InvalidCredentials::Unknown),
            Some((_, expires)) if now >= *expires => Err(InvalidCredentials::Expired),
            _ => Ok(Arc::clone(&found.principal)),
        }
    }

    /// Lets a caller use these credentials.
    pub fn register(&self, credentials: &Credentials, principal: Principal) {
        let issued = Issued { principal: Arc::new(principal), session: None };
        self.lock().insert(credentials.access_key_id.clone(), issued);
    }

    /// Whose key it is, once the request has been authenticated.
    pub fn principal(&self, access_key_id: &str) -> Option<Arc<Principal>> {
        self.lock().get(access_key_id).map(|issued| Arc::clone(&issued.principal))
    }

    pub fn secret(&self, access_key_id: &str) -> Option<&'static str> {
        self.principal(access_key_id).map(|_| SECRET)
    }
}
