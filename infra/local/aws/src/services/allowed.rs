//! Which services policies allow, a service as a whole.
//!
//! Of service control policies: they are attached in levels, from the root to an account. A service is open when every level
//! allows at least one of its actions, and no policy denies all of them without a condition. That is
//! SCP logic alone: what identities' or resources' policies say does not count.

use std::collections::HashMap;

use serde_json::Value;

use crate::iam::like;

/// The statements of a policy, as far as they decide on whole services.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Statements(Vec<Statement>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Statement {
    allows: bool,
    actions: Patterns,
    /// Whether it is about all actions but these.
    inverted: bool,
    /// Whether it holds for every resource and every request.
    unconditional: bool,
}

impl Statements {
    /// Reads a policy's content; what is no statement is passed over.
    pub(crate) fn parse(content: &str) -> Self {
        let document: Value = serde_json::from_str(content).unwrap_or_default();
        let statements = match &document["Statement"] {
            Value::Array(statements) => statements.iter().filter_map(Statement::parse).collect(),
            statement => Statement::parse(statement).into_iter().collect(),
        };
        Self(statements)
    }

    /// The statements of several policies that count together.
    pub(crate) fn all<'a>(contents: impl Iterator<Item = &'a str>) -> Self {
        Self(contents.flat_map(|content| Self::parse(content).0).collect())
    }

    /// Whether it allows anything at all.
    pub(crate) fn allows_something(&self) -> bool {
        self.0.iter().any(|statement| statement.allows)
    }

    /// Whether it allows at least one action of the service.
    pub(crate) fn grants(&self, service: &str) -> bool {
        self.0.iter().any(|it| it.allows && it.touches(service))
    }

    /// Whether it allows the action, of some resource under some condition, and does not deny it everywhere.
    pub(crate) fn grants_action(&self, service: &str, action: &str) -> bool {
        let action = action.to_ascii_lowercase();
        let about = |it: &Statement| it.actions.of(service).any(|own| like(own, &action)) != it.inverted;
        self.0.iter().any(|it| it.allows && about(it))
            && !self.0.iter().any(|it| !it.allows && it.unconditional && about(it))
    }

    /// Whether it denies every action of the service.
    fn shuts(&self, service: &str) -> bool {
        self.0.iter().any(|it| !it.allows && it.unconditional && it.covers(service))
    }
}

/// Whether the service is open where these policies apply, level by level.
pub(crate) fn is_open<'a>(mut levels: impl Iterator<Item = &'a [Statements]>, service: &str) -> bool {
    levels.all(|policies| policies.iter().any(|policy| policy.grants(service)) && !shuts(policies, service))
}

/// Whether one of these policies denies every action of the service.
pub(crate) fn shuts(policies: &[Statements], service: &str) -> bool {
    policies.iter().any(|policy| policy.shuts(service))
}

impl Statement {
    fn parse(statement: &Value) -> Option<Self> {
        let texts = |value: &Value| -> Vec<String> {
            match value {
                Value::Array(values) => values.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
                value => value.as_str().map(str::to_owned).into_iter().collect(),
            }
        };
        let inverted = statement.get("NotAction").is_some();
        let actions = texts(&statement[if inverted { "NotAction" } else { "Action" }]);
        if actions.is_empty() {
            return None;
        }
        let everything = texts(&statement["Resource"]).iter().any(|resource| resource == "*");
        Some(Self {
            allows: statement["Effect"] == "Allow",
            actions: Patterns::new(&actions),
            inverted,
            unconditional: everything && statement["Condition"].as_object().is_none_or(|it| it.is_empty()),
        })
    }

    /// Whether it is about at least one action of the service.
    fn touches(&self, service: &str) -> bool {
        match self.inverted {
            false => self.actions.of(service).next().is_some(),
            true => !self.actions.of(service).any(is_all),
        }
    }

    /// Whether it is about every action of the service.
    fn covers(&self, service: &str) -> bool {
        match self.inverted {
            false => self.actions.of(service).any(is_all),
            true => self.actions.of(service).next().is_none(),
        }
    }
}

/// Patterns of actions, in lower case, found by the service: some policies have hundreds of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Patterns {
    /// Those of names, by the service that they name.
    named: HashMap<String, Vec<String>>,
    /// Those whose service is a pattern too, with it.
    like: Vec<(String, String)>,
}

impl Patterns {
    fn new(actions: &[String]) -> Self {
        let mut patterns = Self::default();
        for action in actions {
            let action = action.to_ascii_lowercase();
            let (of, name) = action.split_once(':').unwrap_or((&action, &action));
            match of.contains(['*', '?']) {
                false => patterns.named.entry(of.to_owned()).or_default().push(name.to_owned()),
                true => patterns.like.push((of.to_owned(), name.to_owned())),
            }
        }
        patterns
    }

    /// The patterns of names of a service's actions.
    fn of(&self, service: &str) -> impl Iterator<Item = &str> {
        let named = self.named.get(service).into_iter().flatten();
        let like = self.like.iter().filter(move |(of, _)| of == "*" || like(of, service));
        named.chain(like.map(|(_, name)| name)).map(String::as_str)
    }
}

/// Whether a pattern of names is all of them.
fn is_all(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn scp(statement: Value) -> Statements {
        Statements::parse(&json!({"Version": "2012-10-17", "Statement": statement}).to_string())
    }

    fn open(levels: &[&[Statements]], service: &str) -> bool {
        is_open(levels.iter().copied(), service)
    }

    fn everything() -> Statements {
        scp(json!({"Effect": "Allow", "Action": "*", "Resource": "*"}))
    }

    #[test]
    fn every_level_must_allow_an_action_of_the_service() {
        let storage = scp(json!([{"Effect": "Allow", "Action": ["S3:Get*", "kms:*"], "Resource": "*"}]));
        let (root, unit) = (&[everything()][..], &[storage.clone()][..]);
        assert!(open(&[root, unit], "s3") && open(&[root, unit], "kms"));
        assert!(!open(&[root, unit], "ec2") && !open(&[unit, root], "ec2"));
        assert!(!open(&[root, unit], "s3express"), "a name that begins alike is another service");
        assert!(open(&[root, &[storage, everything()]], "ec2"), "one policy of the level is enough");
        assert!(!open(&[root, &[]], "s3"), "a level without a policy allows nothing");
    }

    #[test]
    fn a_denial_of_all_actions_shuts_a_service_and_one_of_some_does_not() {
        for (denied, shut) in [
            (json!("*"), true),
            (json!(["ec2:*", "S3:*"]), true),
            (json!("s3:**"), true),
            (json!("s3:Delete*"), false),
            (json!("ec2:*"), false),
        ] {
            let policy = scp(json!({"Effect": "Deny", "Action": denied, "Resource": "*"}));
            assert_eq!(!open(&[&[everything(), policy]], "s3"), shut, "{denied}");
        }
    }

    #[test]
    fn a_denial_of_all_but_some_shuts_what_it_does_not_name() {
        let policy =
            scp(json!({"Effect": "Deny", "NotAction": ["iam:*", "s3:GetObject", "a4b"], "Resource": "*"}));
        let level = [everything(), policy];
        assert!(open(&[&level], "iam") && open(&[&level], "s3") && !open(&[&level], "ec2"));
        let but = scp(json!({"Effect": "Allow", "NotAction": ["iam:*", "s3:GetObject"], "Resource": "*"}));
        let level = [but];
        assert!(!open(&[&level], "iam") && open(&[&level], "s3") && open(&[&level], "ec2"));
    }

    #[test]
    fn a_denial_with_a_condition_or_of_some_resources_shuts_nothing() {
        for (resource, condition) in [
            (json!("*"), json!({"StringNotEquals": {"aws:RequestedRegion": "eu-central-1"}})),
            (json!("arn:aws:s3:::secret/*"), json!({})),
        ] {
            let policy = scp(
                json!({"Effect": "Deny", "Action": "s3:*", "Resource": resource, "Condition": condition}),
            );
            assert!(open(&[&[everything(), policy]], "s3"));
        }
    }

    #[test]
    fn content_that_is_no_policy_allows_nothing_and_denies_nothing() {
        for content in ["", "[]", "{}", r#"{"Statement": "x"}"#, r#"{"Statement": [{"Effect": "Allow"}]}"#] {
            let policy = Statements::parse(content);
            assert!(!policy.allows_something() && !policy.shuts("s3"), "{content}");
        }
    }
}
