//! Policies: what a statement matches. Conditions and elements that are not understood are refused
//! when the policy is read. A variable (`${aws:PrincipalAccount}`) is the value of that condition key.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;

/// Why a policy is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("policy: {0}")]
pub struct InvalidPolicy(pub String);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    Allow,
    Deny,
}

/// Who asks, as the principals of a resource's policy can name them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caller<'a> {
    /// A role's session, or a user.
    pub(crate) arn: &'a str,
    /// The ARN of the role that it is a session of.
    pub(crate) role: Option<&'a str>,
}

/// What a resource's policy says to a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Allow,
    /// It allows the caller's account, which leaves it to the caller's own policies.
    Delegate,
    Deny,
}

/// How a statement's principals name a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Named {
    /// As everybody, by its ARN, or by that of its role.
    Itself,
    /// By its account alone.
    ByAccount,
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    pub effect: Effect,
    pub actions: Vec<String>,
    pub resources: Vec<String>,
    /// ARNs, accounts or `*` of a resource policy; empty in a role's.
    pub principals: Vec<String>,
    /// Operator, key, values.
    pub conditions: Vec<(String, String, Vec<String>)>,
}

/// The statements of a role, or of a bucket.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PolicyDocument {
    pub statements: Vec<Statement>,
}

/// The condition keys of a request.
pub type Context = BTreeMap<&'static str, String>;

const OPERATORS: [&str; 6] =
    ["StringEquals", "StringNotEquals", "StringLike", "ArnLike", "ArnEquals", "Bool"];

/// At the end of an operator: a request without the key matches too.
const IF_EXISTS: &str = "IfExists";

impl PolicyDocument {
    pub fn parse(document: &Value) -> Result<Self, InvalidPolicy> {
        let statements = match &document["Statement"] {
            Value::Array(statements) => statements.iter().map(Statement::parse).collect::<Result<_, _>>()?,
            statement @ Value::Object(_) => vec![Statement::parse(statement)?],
            _ => return Err(InvalidPolicy("Statement is missing".to_owned())),
        };
        Ok(Self { statements })
    }

    pub fn extend(&mut self, other: Self) {
        self.statements.extend(other.statements);
    }

    /// The document with another text for this one; `None` when it does not have it.
    pub(crate) fn replaced(&self, from: &str, to: &str) -> Option<Self> {
        let has = |texts: &[String]| texts.iter().any(|text| text.contains(from));
        let all_of = |statement: &Statement| {
            has(&statement.resources)
                || has(&statement.principals)
                || statement.conditions.iter().any(|(.., values)| has(values))
        };
        if !self.statements.iter().any(all_of) {
            return None;
        }
        let mut replaced = self.clone();
        for statement in &mut replaced.statements {
            let values = statement.conditions.iter_mut().flat_map(|(.., values)| values);
            for text in statement.resources.iter_mut().chain(&mut statement.principals).chain(values) {
                *text = text.replace(from, to);
            }
        }
        Some(replaced)
    }

    /// What the statements that match say: a denial before anything else, `None` when none matches.
    /// An account as principal stands for everybody in it.
    pub fn decide(&self, principal: &str, action: &str, resource: &str, context: &Context) -> Option<Effect> {
        let caller = Caller { arn: principal, role: None };
        self.answer(caller, action, resource, context).map(|answer| match answer {
            Answer::Allow | Answer::Delegate => Effect::Allow,
            Answer::Deny => Effect::Deny,
        })
    }

    /// What the policy, as a resource's, says to a caller: a denial before anything else, `None` when
    /// no statement matches.
    pub(crate) fn answer(
        &self,
        caller: Caller<'_>,
        action: &str,
        resource: &str,
        context: &Context,
    ) -> Option<Answer> {
        let mut answer = None;
        for statement in &self.statements {
            match (statement.matches(caller, action, resource, context), statement.effect) {
                (None, _) => {}
                (Some(_), Effect::Deny) => return Some(Answer::Deny),
                (Some(Named::Itself), Effect::Allow) => answer = Some(Answer::Allow),
                (Some(Named::ByAccount), Effect::Allow) => answer = answer.or(Some(Answer::Delegate)),
            }
        }
        answer
    }
}

impl Statement {
    fn parse(statement: &Value) -> Result<Self, InvalidPolicy> {
        let refused = |what: String| Err(InvalidPolicy(what));
        let Some(members) = statement.as_object() else {
            return refused("a statement is not an object".into());
        };
        for name in members.keys() {
            if !matches!(name.as_str(), "Sid" | "Effect" | "Action" | "Resource" | "Principal" | "Condition")
            {
                return refused(format!("the element {name:?} is not supported"));
            }
        }
        let effect = match statement["Effect"].as_str() {
            Some("Allow") => Effect::Allow,
            Some("Deny") => Effect::Deny,
            other => return refused(format!("Effect {other:?}")),
        };
        let principals = match &statement["Principal"] {
            Value::Null => Vec::new(),
            Value::String(text) => vec![text.clone()],
            Value::Object(kinds) => kinds.values().flat_map(texts).collect(),
            other => return refused(format!("Principal {other}")),
        };
        let mut conditions = Vec::new();
        for (operator, keys) in statement["Condition"].as_object().into_iter().flatten() {
            if !OPERATORS.contains(&operator.strip_suffix(IF_EXISTS).unwrap_or(operator)) {
                return refused(format!("the condition operator {operator:?} is not supported"));
            }
            for (key, values) in keys.as_object().into_iter().flatten() {
                conditions.push((operator.clone(), key.clone(), texts(values)));
            }
        }
        let actions = texts(&statement["Action"]);
        if actions.is_empty() {
            return refused("a statement without Action".into());
        }
        let resources = texts(&statement["Resource"]);
        if resources.is_empty() && principals.is_empty() {
            return refused("a statement without Resource and without Principal".into());
        }
        Ok(Self { effect, actions, resources, principals, conditions })
    }

    /// How the statement names the caller, if it is about this call at all.
    fn matches(&self, caller: Caller<'_>, action: &str, resource: &str, context: &Context) -> Option<Named> {
        let by = |pattern: &String| written(pattern, context).is_some_and(|pattern| like(&pattern, resource));
        let about = self.actions.iter().any(|it| like(&it.to_ascii_lowercase(), &action.to_ascii_lowercase()))
            // Only a trust policy has statements without Resource: they are about their role.
            && (self.resources.is_empty() || self.resources.iter().any(by))
            && self.conditions.iter().all(|(operator, key, values)| holds(operator, key, values, context));
        self.names(caller).filter(|_| about)
    }

    /// A policy of the caller's own names nobody: it is about the caller itself.
    fn names(&self, caller: Caller<'_>) -> Option<Named> {
        let named = |it: &String| it == "*" || it == caller.arn || Some(it.as_str()) == caller.role;
        if self.principals.is_empty() || self.principals.iter().any(named) {
            return Some(Named::Itself);
        }
        let account = caller.arn.split(':').nth(4).unwrap_or_default();
        let by_account = |it: &String| {
            it == account || it.strip_suffix(":root").is_some_and(|it| it.ends_with(&format!("::{account}")))
        };
        self.principals.iter().any(by_account).then_some(Named::ByAccount)
    }
}

/// A key's value in the request.
fn value<'a>(context: &'a Context, key: &str) -> Option<&'a String> {
    context.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, value)| value)
}

/// A text with its variables filled in; `None` matches nothing, as the request has no value for one.
fn written<'a>(text: &'a str, context: &Context) -> Option<Cow<'a, str>> {
    let Some((before, rest)) = text.split_once("${") else { return Some(Cow::Borrowed(text)) };
    let (key, after) = rest.split_once('}')?;
    let (value, after) = (value(context, key)?, written(after, context)?);
    Some(Cow::Owned(format!("{before}{value}{after}")))
}

fn holds(operator: &str, key: &str, values: &[String], context: &Context) -> bool {
    let found = value(context, key);
    let values: Vec<_> = values.iter().filter_map(|value| written(value, context)).collect();
    let (operator, if_exists) = match operator.strip_suffix(IF_EXISTS) {
        Some(operator) => (operator, true),
        None => (operator, false),
    };
    match (operator, found) {
        ("StringNotEquals", None) => true,
        (_, None) if if_exists => true,
        (_, None) => false,
        ("StringNotEquals", Some(found)) => !values.iter().any(|value| value == found),
        ("StringLike" | "ArnLike" | "ArnEquals", Some(found)) => {
            values.iter().any(|value| like(value, found))
        }
        ("Bool", Some(found)) => values.iter().any(|value| value.eq_ignore_ascii_case(found)),
        (_, Some(found)) => values.iter().any(|value| value == found),
    }
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Bool(truth) => vec![truth.to_string()],
        Value::Array(values) => values.iter().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

/// IAM's wildcards: `*` is any text, `?` any character.
pub(crate) fn like(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(it) if *it == '?' || *it == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    p = at + 1;
                    t = from + 1;
                    star = Some((at, t));
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|it| *it == '*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn decide(document: Value, action: &str, resource: &str, context: &Context) -> Option<Effect> {
        let principal = "arn:aws:sts::012345678901:assumed-role/r/s";
        PolicyDocument::parse(&document).unwrap().decide(principal, action, resource, context)
    }

    #[test]
    fn a_denial_comes_before_everything() {
        let document = json!({"Statement": [
            {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::b/*"},
            {"Effect": "Deny", "Action": ["s3:PutObject"], "Resource": "arn:aws:s3:::b/tables/*"},
        ]});
        let context = Context::new();
        assert_eq!(
            decide(document.clone(), "s3:PutObject", "arn:aws:s3:::b/runs/x", &context),
            Some(Effect::Allow)
        );
        assert_eq!(
            decide(document.clone(), "s3:PutObject", "arn:aws:s3:::b/tables/x", &context),
            Some(Effect::Deny)
        );
        assert_eq!(decide(document, "s3:PutObject", "arn:aws:s3:::c/x", &context), None);
    }

    #[test]
    fn conditions_need_their_key_and_one_of_their_values() {
        let document = json!({"Statement": {"Effect": "Allow", "Principal": {"AWS": "012345678901"},
            "Action": "s3:PutObject", "Resource": "*",
            "Condition": {"StringEquals": {"aws:CalledViaLast": ["a.amazonaws.com", "b.amazonaws.com"]}}}});
        let with = |value: &str| Context::from([("aws:CalledViaLast", value.to_owned())]);
        assert_eq!(
            decide(document.clone(), "s3:PutObject", "x", &with("b.amazonaws.com")),
            Some(Effect::Allow)
        );
        assert_eq!(decide(document.clone(), "s3:PutObject", "x", &with("c.amazonaws.com")), None);
        assert_eq!(decide(document, "s3:PutObject", "x", &Context::new()), None);
    }

    #[test]
    fn a_condition_that_ends_in_if_exists_holds_for_a_request_without_the_key() {
        let document = json!({"Statement": {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*",
            "Condition": {"StringLikeIfExists": {"s3:prefix": "runs/*"}}}});
        let with = |prefix: &str| Context::from([("s3:prefix", prefix.to_owned())]);
        let ask = |context: &Context| decide(document.clone(), "s3:ListBucket", "x", context);
        assert_eq!(ask(&with("runs/1")), Some(Effect::Allow));
        assert_eq!(ask(&with("raw/1")), None);
        assert_eq!(ask(&Context::new()), Some(Effect::Allow));
    }

    #[test]
    fn a_variable_is_the_value_of_its_key_and_matches_nothing_without_one() {
        let document = json!({"Statement": {"Effect": "Allow", "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::b/${aws:PrincipalAccount}/*", "Condition": {"StringLike":
                {"aws:PrincipalArn": "arn:aws:iam::${aws:PrincipalAccount}:role/r*"}}}});
        let ask = |account: Option<&str>, arn: &str, key: &str| {
            let mut context = Context::from([("aws:PrincipalArn", arn.to_owned())]);
            context.extend(account.map(|account| ("aws:PrincipalAccount", account.to_owned())));
            decide(document.clone(), "s3:GetObject", &format!("arn:aws:s3:::b/{key}"), &context)
        };
        let (one, reader) = (Some("012345678901"), "arn:aws:iam::012345678901:role/reader");
        assert_eq!(ask(one, reader, "012345678901/x"), Some(Effect::Allow));
        assert_eq!(ask(one, reader, "123456789012/x"), None);
        assert_eq!(ask(one, "arn:aws:iam::123456789012:role/reader", "012345678901/x"), None);
        assert_eq!(ask(None, reader, "012345678901/x"), None);
        assert_eq!(ask(None, reader, "${aws:PrincipalAccount}/x"), None);
    }

    #[test]
    fn what_is_not_understood_is_refused_by_name() {
        for (statement, name) in [
            (json!({"Effect": "Allow", "NotAction": "x", "Resource": "*"}), "NotAction"),
            (json!({"Effect": "Allow", "Action": "x"}), "Resource"),
            (
                json!({"Effect": "Allow", "Action": "x", "Resource": "*", "Condition": {"IpAddress": {}}}),
                "IpAddress",
            ),
        ] {
            let error = PolicyDocument::parse(&json!({"Statement": [statement]})).unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
        }
    }

    #[test]
    fn wildcards_match_as_iams() {
        assert!(
            like("arn:aws:s3:::b/*", "arn:aws:s3:::b/a/b")
                && like("*", "")
                && like("a?c", "abc")
                && like("a*b*c", "axxbyyc")
        );
        assert!(!like("a?c", "ac") && !like("b", "bb") && !like("a*b", "axc"));
    }
}
