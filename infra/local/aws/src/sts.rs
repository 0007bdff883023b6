//! STS: who calls, and taking on a role, of this account or another.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::iam::{Gate, Principal, Question, Role};
use crate::organization::Organization;
use crate::wire::ApiError;
use crate::wire::query::Form;
use crate::wire::xml::Element;

pub(crate) const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// What the operation works on.
pub(crate) struct Sts<'a> {
    pub(crate) gate: &'a Gate,
    pub(crate) roles: &'a BTreeMap<String, Role>,
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
        let mut question = Question::new("sts:AssumeRole", arn).resource_policy(role.map(|role| &role.trust));
        if self.organization.accounts.iter().any(|account| account.id == caller.account) {
            question = question.with("aws:PrincipalOrgID", self.organization.id.as_str());
        }
        // One answer, whether the role does not exist, does not trust the caller or may not be taken on.
        let role = role.filter(|_| self.gate.check_both(caller, &question).is_ok()).ok_or_else(|| {
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
            policy: Some(role.policy.clone()),
            role: Some(arn.to_owned()),
            sandbox: caller.sandbox,
            function: caller.function.clone(),
        };
        let expires = self.now + SignedDuration::from_secs(seconds);
        let issued = self.gate.identities.issue_session(principal, expires);
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
