//! The decision on a call, and the record of what was used.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use super::identity::{Identities, Principal};
use super::policy::{Answer, Caller, Context, Effect, PolicyDocument};

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
    /// either counts. A resource's policy that allows the account leaves it to the caller's.
    pub fn check(&self, principal: &Principal, question: &Question<'_>) -> Result<(), Denied> {
        self.decide(principal, question, |own, resources| {
            own == Some(Effect::Allow) || resources == Some(Answer::Allow)
        })
    }

    /// Between accounts, and for roles in any case, both must allow it.
    pub fn check_both(&self, principal: &Principal, question: &Question<'_>) -> Result<(), Denied> {
        self.decide(principal, question, |own, resources| own == Some(Effect::Allow) && resources.is_some())
    }

    /// `allowed` is asked when nobody denies it.
    fn decide(
        &self,
        principal: &Principal,
        question: &Question<'_>,
        allowed: impl FnOnce(Option<Effect>, Option<Answer>) -> bool,
    ) -> Result<(), Denied> {
        let mut context = question.context.clone();
        context.entry("aws:SecureTransport").or_insert_with(|| "true".to_owned());
        // Of a session it is the role's ARN, with its path.
        let of_session = principal.role.as_ref().unwrap_or(&principal.arn);
        context.entry("aws:PrincipalArn").or_insert_with(|| of_session.clone());
        context.entry("aws:PrincipalAccount").or_insert_with(|| principal.account.clone());
        let own = principal.decide(question.action, question.resource, &context);
        let caller = Caller { arn: &principal.arn, role: principal.role.as_deref() };
        let resources = question
            .resource_policy
            .and_then(|policy| policy.answer(caller, question.action, question.resource, &context));
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
        if resources == Some(Answer::Deny) {
            return denied("a resource-based policy denies it");
        }
        if !allowed(own, resources) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const ROLE: &str = "arn:aws:iam::012345678901:role/path/reader";
    const SESSION: &str = "arn:aws:sts::012345678901:assumed-role/reader/s";

    fn policy(statements: Value) -> PolicyDocument {
        PolicyDocument::parse(&json!({"Statement": statements})).unwrap()
    }

    fn statement(effect: &str, principal: &Value) -> Value {
        json!({"Effect": effect, "Principal": principal, "Action": "s3:GetObject", "Resource": "*"})
    }

    /// A session of a role that may itself do so much.
    fn session(own: Value) -> Principal {
        Principal {
            account: "012345678901".into(),
            arn: SESSION.into(),
            policy: Some(policy(own).into()),
            role: Some(ROLE.into()),
            sandbox: None,
            function: None,
        }
    }

    fn user(own: Value) -> Principal {
        let arn = "arn:aws:iam::012345678901:user/somebody".into();
        Principal { arn, role: None, ..session(own) }
    }

    /// Whether the caller may, with these statements in the resource's policy.
    fn may(caller: &Principal, statements: Value) -> bool {
        let policy = policy(statements);
        let question = Question::new("s3:GetObject", "arn:aws:s3:::b/x").resource_policy(Some(&policy));
        Gate::default().check(caller, &question).is_ok()
    }

    fn reading() -> Value {
        json!({"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::b/*"})
    }

    #[test]
    fn a_resources_policy_that_allows_the_account_leaves_it_to_the_callers_own() {
        for account in ["arn:aws:iam::012345678901:root", "012345678901"] {
            let allowed = statement("Allow", &json!({"AWS": account}));
            for caller in [session(json!([])), user(json!([]))] {
                assert!(!may(&caller, allowed.clone()), "{account} {}", caller.arn);
            }
            for caller in [session(reading()), user(reading())] {
                assert!(may(&caller, allowed.clone()), "{account} {}", caller.arn);
            }
            let named = statement("Allow", &json!({"AWS": ROLE}));
            assert!(may(&session(json!([])), json!([allowed, named])), "{account}, and by name");
            assert!(may(&session(json!([])), json!([named, allowed])), "by name, and {account}");
        }
    }

    #[test]
    fn a_resources_policy_that_names_the_caller_or_everybody_is_enough() {
        let user = user(json!([]));
        for (caller, principal) in [
            (session(json!([])), json!({"AWS": ROLE})),
            (session(json!([])), json!({"AWS": ["arn:aws:iam::999999999999:root", SESSION]})),
            (session(json!([])), json!({"AWS": "*"})),
            (session(json!([])), json!("*")),
            (user.clone(), json!({"AWS": user.arn})),
            (user, json!("*")),
        ] {
            assert!(may(&caller, statement("Allow", &principal)), "{principal}");
        }
        for other in [
            "arn:aws:iam::012345678901:role/reader",
            "arn:aws:iam::012345678901:role/path/other",
            "arn:aws:sts::012345678901:assumed-role/reader/t",
            "arn:aws:iam::999999999999:root",
            "999999999999",
        ] {
            assert!(!may(&session(json!([])), statement("Allow", &json!({"AWS": other}))), "{other}");
        }
    }

    #[test]
    fn a_denial_of_the_account_or_of_the_role_is_one_of_its_sessions() {
        for denied in ["arn:aws:iam::012345678901:root", "012345678901", ROLE, SESSION, "*"] {
            let denial = statement("Deny", &json!({"AWS": denied}));
            assert!(!may(&session(reading()), denial.clone()), "{denied}");
            let allowed = statement("Allow", &json!({"AWS": ROLE}));
            assert!(!may(&session(reading()), json!([allowed, denial])), "{denied}");
        }
        let other = "arn:aws:iam::012345678901:role/path/other";
        assert!(may(&session(reading()), statement("Deny", &json!({"AWS": other}))));
    }

    #[test]
    fn both_policies_may_allow_it_by_the_account() {
        for (own, resources, allowed) in [
            (reading(), json!({"AWS": "arn:aws:iam::012345678901:root"}), true),
            (json!([]), json!({"AWS": "arn:aws:iam::012345678901:root"}), false),
            (reading(), json!({"AWS": "arn:aws:iam::999999999999:root"}), false),
            (reading(), json!({"AWS": ROLE}), true),
        ] {
            let policy = policy(statement("Allow", &resources));
            let question = Question::new("s3:GetObject", "arn:aws:s3:::b/x").resource_policy(Some(&policy));
            let answer = Gate::default().check_both(&session(own), &question);
            assert_eq!(answer.is_ok(), allowed, "{resources}");
        }
    }
}
