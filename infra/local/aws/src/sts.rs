//! STS: who calls, and taking on a role, of this account or another.

use jiff::{SignedDuration, Timestamp};

use crate::iam::{Gate, Principal, Question, Roles};
use crate::organization::Organization;
use crate::wire::ApiError;
use crate::wire::query::Form;
use crate::wire::xml::Element;

pub(crate) const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// What the operation works on.
pub(crate) struct Sts<'a> {
    pub(crate) gate: &'a Gate,
    pub(crate) roles: &'a Roles,
    pub(crate) organization: &'a Organization,
    pub(crate) partition: &'a str,
    pub(crate) now: Timestamp,
}

impl Sts<'_> {
    /// Answers one operation with the members of its result.
    pub(crate) fn call(
        &self,
        caller: &Principal,
        operation: &str,
        form: &Form,
    ) -> Result<Vec<Element>, ApiError> {
        match operation {
            // No permission is needed for it.
            "GetCallerIdentity" => {
                return Ok(vec![
                    Element::text("Arn", &caller.arn),
                    Element::text("UserId", "AIDALOCALUSER00000001"),
                    Element::text("Account", &caller.account),
                ]);
            }
            "AssumeRole" => {}
            other => {
                let message = format!("Could not find operation {other} for version 2011-06-15");
                return Err(ApiError::new(400, "InvalidAction", message));
            }
        }
        let known = ["Action", "Version", "RoleArn", "RoleSessionName", "DurationSeconds"];
        if let Some(name) = form.unknown(&known) {
            return Err(invalid(format!("the parameter {name} is not simulated")));
        }
        self.assume_role(caller, form)
    }

    fn assume_role(&self, caller: &Principal, form: &Form) -> Result<Vec<Element>, ApiError> {
        let member = |name: &str| {
            form.get(name)
                .filter(|value| !value.is_empty())
                .ok_or_else(|| invalid(format!("{name} is missing")))
        };
        let (arn, session) = (member("RoleArn")?, member("RoleSessionName")?);
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
        if !(2..=64).contains(&session.len()) || !session.bytes().all(allowed) {
            return Err(invalid("roleSessionName must satisfy the pattern [\\w+=,.@-]*, 2 to 64 characters"));
        }
        let seconds = match form.get("DurationSeconds").map(str::parse) {
            None => 3_600,
            Some(Ok(seconds @ 900..=43_200)) => seconds,
            Some(_) => return Err(invalid("durationSeconds must be from 900 to 43200")),
        };
        let role = self.roles.get(arn);
        let mut question =
            Question::new("sts:AssumeRole", arn).resource_policy(role.as_ref().map(|role| &*role.trust));
        if self.organization.exists && self.organization.account(&caller.account).is_some() {
            question = question.with("aws:PrincipalOrgID", self.organization.id.as_str());
        }
        // One answer, whether the role does not exist, does not trust the caller or may not be taken on.
        let allowed = self.gate.check_both(caller, &question).is_ok();
        let role = role.clone().filter(|_| allowed).ok_or_else(|| {
            let message = format!(
                "User: {} is not authorized to perform: sts:AssumeRole on resource: {arn}",
                caller.arn
            );
            ApiError::new(403, "AccessDenied", message)
        })?;
        let account = arn.split(':').nth(4).unwrap_or_default();
        let name = arn.rsplit('/').next().unwrap_or_default();
        let session_arn = format!("arn:{}:sts::{account}:assumed-role/{name}/{session}", self.partition);
        let principal = Principal {
            account: account.to_owned(),
            arn: session_arn.clone(),
            policy: Some(role.policy),
            role: Some(arn.to_owned()),
            sandbox: caller.sandbox,
            function: caller.function.clone(),
        };
        let expires = self.now + SignedDuration::from_secs(seconds);
        let issued = self.gate.identities.issue_session(principal, expires, self.now);
        Ok(vec![
            Element::new("AssumedRoleUser")
                .child(Element::text("AssumedRoleId", format!("AROALOCALROLE00000001:{session}")))
                .child(Element::text("Arn", session_arn)),
            Element::new("Credentials")
                .child(Element::text("AccessKeyId", issued.credentials.access_key_id))
                .child(Element::text("SecretAccessKey", issued.credentials.secret_access_key))
                .child(Element::text("SessionToken", issued.token))
                .child(Element::text("Expiration", issued.expires.strftime("%Y-%m-%dT%H:%M:%SZ"))),
        ])
    }
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new(400, "ValidationError", message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{InvalidCredentials, PolicyDocument, Role};
    use crate::organization::{Shape, generate};
    use serde_json::{Value, json};

    const ROLE: &str = "arn:aws:iam::000000000001:role/path/reader";

    fn policy(statement: Value) -> PolicyDocument {
        PolicyDocument::parse(&json!({"Statement": [statement]})).unwrap()
    }

    /// Asks for the role with a trust policy's conditions; `may` is what the caller's role allows.
    fn ask(
        gate: &Gate,
        may: &str,
        conditions: impl FnOnce(&Organization) -> Value,
        form: &str,
    ) -> Result<Vec<Element>, ApiError> {
        let organization = generate(&Shape { accounts: 3, ..Shape::default() }, Timestamp::UNIX_EPOCH);
        let account = organization.accounts[1].id.clone();
        let trust = policy(json!({"Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": {"AWS": format!("arn:aws:iam::{account}:root")}, "Condition": conditions(&organization)}));
        let roles = Roles::default();
        roles.put(ROLE, Role { trust: trust.into(), ..Role::default() });
        let caller = Principal {
            arn: format!("arn:aws:sts::{account}:assumed-role/start/x"),
            policy: Some(
                policy(json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": may})).into(),
            ),
            role: Some(format!("arn:aws:iam::{account}:role/muster/start")),
            account,
            sandbox: None,
            function: None,
        };
        let sts = Sts {
            gate,
            roles: &roles,
            organization: &organization,
            partition: "aws",
            now: Timestamp::UNIX_EPOCH,
        };
        sts.call(&caller, "AssumeRole", &Form::parse(&form.to_owned().into()))
    }

    const FORM: &str =
        "Action=AssumeRole&RoleArn=arn:aws:iam::000000000001:role/path/reader&RoleSessionName=run-1";

    #[test]
    fn the_callers_policy_and_the_trust_policy_must_both_allow_it() {
        let here = |organization: &Organization| {
            json!({"StringEquals": {"aws:PrincipalOrgID": organization.id},
                "ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/muster/*"}})
        };
        let gate = Gate::default();
        assert!(ask(&gate, ROLE, here, FORM).is_ok());
        let code = |answer: Result<_, ApiError>| answer.map(drop).map_err(|error| error.code);
        let denied = Err("AccessDenied".to_owned());
        assert_eq!(code(ask(&gate, "arn:aws:iam::000000000001:role/other", here, FORM)), denied);
        let elsewhere = |_: &Organization| json!({"StringEquals": {"aws:PrincipalOrgID": "o-somewhere01"}});
        assert_eq!(code(ask(&gate, ROLE, elsewhere, FORM)), denied);
        let another =
            |_: &Organization| json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/start"}});
        assert_eq!(code(ask(&gate, ROLE, another, FORM)), denied, "the path belongs to the ARN");
        assert_eq!(code(ask(&gate, "*", here, &FORM.replace("reader", "nobody"))), denied);
    }

    #[test]
    fn sessions_have_a_name_and_a_duration_within_bounds() {
        for (more, ok) in [
            ("&DurationSeconds=900", true),
            ("&DurationSeconds=899", false),
            ("&DurationSeconds=43201", false),
            ("&RoleSessionName=a:b", false),
            ("&RoleSessionName=x", false),
            ("&ExternalId=x", false),
        ] {
            let answer = ask(&Gate::default(), "*", |_| json!({}), &format!("{FORM}{more}"));
            assert_eq!(answer.is_ok(), ok, "{more}: {answer:?}");
        }
    }

    #[test]
    fn a_sessions_credentials_need_their_token_and_expire() {
        let gate = Gate::default();
        let expires = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(1);
        let principal = Principal {
            account: "000000000001".into(),
            arn: "arn:aws:sts::000000000001:assumed-role/reader/run-1".into(),
            policy: None,
            role: None,
            sandbox: None,
            function: None,
        };
        let session = gate.identities.issue_session(principal, expires, Timestamp::UNIX_EPOCH);
        let key = &session.credentials.access_key_id;
        let who = |token, now| gate.identities.authenticate(key, token, now).map(drop);
        let (token, early) = (Some(session.token.as_str()), Timestamp::UNIX_EPOCH);
        assert_eq!(who(token, early), Ok(()));
        assert_eq!(who(None, early), Err(InvalidCredentials::Unknown));
        assert_eq!(who(Some("another"), early), Err(InvalidCredentials::Unknown));
        assert_eq!(who(token, expires), Err(InvalidCredentials::Expired));
    }
}
