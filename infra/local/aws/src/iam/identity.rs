//! Callers and their credentials.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

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
    /// Somebody who may do everything in an account.
    #[cfg(test)]
    pub(crate) fn administrator(account: &str) -> Self {
        Self {
            account: account.to_owned(),
            arn: format!("arn:aws:iam::{account}:user/Admin"),
            policy: None,
            role: None,
            sandbox: None,
            function: None,
        }
    }

    /// What the caller's own policies say.
    pub fn decide(&self, action: &str, resource: &str, context: &Context) -> Option<Effect> {
        match &self.policy {
            None => Some(Effect::Allow),
            Some(policy) => policy.decide(&self.arn, action, resource, context),
        }
    }
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

/// For how long credentials are known that have expired: whoever signs with them is told so.
const KNOWN_EXPIRED: SignedDuration = SignedDuration::from_hours(1);

#[derive(Debug, Default)]
struct Keys {
    /// By access key id.
    issued: HashMap<String, Issued>,
    /// How many were given out.
    count: u64,
    /// How many were left when those that had long expired were forgotten.
    left: usize,
}

/// The credentials that were given out.
#[derive(Debug, Default)]
pub struct Identities(Mutex<Keys>);

impl Identities {
    /// Gives out credentials for a caller.
    pub fn issue(&self, principal: Principal) -> Credentials {
        self.keep(principal, |_| None).0
    }

    /// Gives out credentials for a role's session that ends.
    pub fn issue_session(&self, principal: Principal, expires: Timestamp, now: Timestamp) -> Session {
        self.forget(now);
        let (credentials, token) = self.keep(principal, |key| Some((format!("session-of-{key}"), expires)));
        Session { credentials, token: token.unwrap_or_default(), expires }
    }

    fn keep(
        &self,
        principal: Principal,
        session: impl FnOnce(&str) -> Option<(String, Timestamp)>,
    ) -> (Credentials, Option<String>) {
        let mut keys = self.lock();
        keys.count += 1;
        let access_key_id = format!("LOCALKEY{:012}", keys.count);
        let session = session(&access_key_id);
        let token = session.as_ref().map(|(token, _)| token.clone());
        keys.issued.insert(access_key_id.clone(), Issued { principal: Arc::new(principal), session });
        (Credentials { access_key_id, secret_access_key: SECRET.to_owned() }, token)
    }

    /// Forgets sessions that have long expired, whenever there are twice as many as were left before:
    /// lanes of thousands of accounts take on a role in every step.
    fn forget(&self, now: Timestamp) {
        let mut keys = self.lock();
        if keys.issued.len() < 2 * keys.left.max(1_000) {
            return;
        }
        keys.issued.retain(|_, issued| match &issued.session {
            Some((_, expires)) => now.duration_since(*expires) < KNOWN_EXPIRED,
            None => true,
        });
        keys.left = keys.issued.len();
    }

    fn lock(&self) -> MutexGuard<'_, Keys> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who signs with this key and, if it is a session's, this token.
    pub fn authenticate(
        &self,
        access_key_id: &str,
        token: Option<&str>,
        now: Timestamp,
    ) -> Result<Arc<Principal>, InvalidCredentials> {
        let keys = self.lock();
        let found = keys.issued.get(access_key_id).ok_or(InvalidCredentials::Unknown)?;
        match &found.session {
            Some((expected, _)) if token != Some(expected) => Err(InvalidCredentials::Unknown),
            Some((_, expires)) if now >= *expires => Err(InvalidCredentials::Expired),
            _ => Ok(Arc::clone(&found.principal)),
        }
    }

    /// Lets a caller use these credentials.
    pub fn register(&self, credentials: &Credentials, principal: Principal) {
        let issued = Issued { principal: Arc::new(principal), session: None };
        self.lock().issued.insert(credentials.access_key_id.clone(), issued);
    }

    /// Whose key it is, once the request has been authenticated.
    pub fn principal(&self, access_key_id: &str) -> Option<Arc<Principal>> {
        self.lock().issued.get(access_key_id).map(|issued| Arc::clone(&issued.principal))
    }

    pub fn secret(&self, access_key_id: &str) -> Option<&'static str> {
        self.principal(access_key_id).map(|_| SECRET)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_that_have_long_expired_are_forgotten_and_the_others_stay() {
        let identities = Identities::default();
        let caller = Principal {
            account: "012345678901".into(),
            arn: "arn:aws:sts::012345678901:assumed-role/reader/s".into(),
            policy: None,
            role: None,
            sandbox: None,
            function: None,
        };
        let own = identities.issue(caller.clone());
        let begin = Timestamp::UNIX_EPOCH;
        let at = |minute: i64| begin + SignedDuration::from_mins(minute);
        let mut last = None;
        for minute in 0..10_000 {
            last = Some(identities.issue_session(caller.clone(), at(minute + 60), at(minute)));
        }
        assert!(identities.lock().issued.len() <= 2_000, "{}", identities.lock().issued.len());
        let last = last.unwrap();
        let key = last.credentials.access_key_id;
        assert_eq!(key, "LOCALKEY000000010001", "no key is given out twice");
        let who = |now| identities.authenticate(&key, Some(&last.token), now).map(drop);
        assert_eq!(who(at(9_999)), Ok(()));
        assert_eq!(who(at(9_999 + 60)), Err(InvalidCredentials::Expired));
        assert!(identities.authenticate(&own.access_key_id, None, at(9_999)).is_ok());
    }
}
