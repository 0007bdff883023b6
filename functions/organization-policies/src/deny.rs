//! Whom a service or resource control policy denies something.
//!
//! What a statement denies is not weighed: a principal that must not be locked out is either left out by
//! the statement's condition, or it is denied. A condition whose effect on it is not plain does not leave
//! it out.

use serde_json::{Map, Value};
use wildmatch::WildMatch;

/// Condition operators that let a statement apply to all but the values.
const EXCEPT: [&str; 4] = ["ArnNotEquals", "ArnNotLike", "StringNotEquals", "StringNotLike"];
const PRINCIPAL: &str = "aws:principalarn";

/// The protected principals that some statement of a policy denies something, each with the number of the
/// statement, from 1.
pub(crate) fn denied<'a>(content: &Map<String, Value>, protected: &'a [String]) -> Vec<(&'a str, usize)> {
    let statements = match content.get("Statement") {
        Some(Value::Array(statements)) => statements.iter().collect(),
        Some(statement) => vec![statement],
        None => Vec::new(),
    };
    let denies = statements.iter().enumerate().filter(|(_, statement)| statement["Effect"] == "Deny");
    denies
        .flat_map(|(at, statement)| {
            let denied = protected.iter().filter(|principal| !leaves_out(statement, principal));
            denied.map(move |principal| (principal.as_str(), at + 1))
        })
        .collect()
}

/// Whether a statement's condition lets it apply to no principal of a pattern.
fn leaves_out(statement: &Value, principal: &str) -> bool {
    let conditions = statement["Condition"].as_object().into_iter().flatten();
    // All conditions of a statement have to hold: one that never does is enough.
    conditions
        .filter(|(operator, _)| EXCEPT.contains(&operator.as_str()))
        .flat_map(|(operator, keys)| keys.as_object().into_iter().flatten().map(move |it| (operator, it)))
        .filter(|(_, (key, _))| key.to_lowercase() == PRINCIPAL)
        .any(|(operator, (_, values))| {
            let values = match values {
                Value::Array(values) => values.iter().collect(),
                value => vec![value],
            };
            values.into_iter().filter_map(Value::as_str).any(|value| covers(operator, value, principal))
        })
}

/// Whether every principal of a pattern is among those that a value stands for.
fn covers(operator: &str, value: &str, principal: &str) -> bool {
    match operator {
        "StringNotEquals" => value == principal && !principal.contains(['*', '?']),
        _ if value == principal => true,
        "StringNotLike" => covers_text(value, principal),
        // AWS compares ARNs part by part: no * goes beyond a colon.
        _ => {
            let (values, parts) = (value.splitn(6, ':'), principal.splitn(6, ':'));
            values.clone().count() == parts.clone().count()
                && values.zip(parts).all(|(value, part)| covers_text(value, part))
        }
    }
}

fn covers_text(value: &str, pattern: &str) -> bool {
    // One character does not cover what * stands for.
    if value.contains('?') && pattern.contains('*') {
        return value == pattern;
    }
    // What covers the pattern as a text covers everything that the pattern stands for.
    WildMatch::new(value).matches(pattern)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const BREAK_GLASS: &str = "arn:aws:iam::*:role/BreakGlass";

    fn is_denied(statement: Value) -> bool {
        let content = json!({"Statement": [{"Effect": "Allow", "Action": "*"}, statement]});
        let protected = [BREAK_GLASS.to_owned()];
        let denied = denied(content.as_object().unwrap(), &protected);
        assert!(denied.is_empty() || denied == [(BREAK_GLASS, 2)], "{denied:?}");
        !denied.is_empty()
    }

    #[test]
    fn a_statement_that_denies_everybody_denies_a_protected_principal() {
        assert!(is_denied(json!({"Effect": "Deny", "Action": "ec2:*", "Resource": "*"})));
        assert!(!is_denied(json!({"Effect": "Allow", "Action": "ec2:*", "Resource": "*"})));
    }

    #[test]
    fn a_statement_that_excepts_him_does_not() {
        for value in [json!(BREAK_GLASS), json!(["arn:aws:iam::*:role/*"]), json!("arn:*:iam::*:role/Break*")]
        {
            for operator in ["ArnNotLike", "StringNotLike", "ArnNotEquals"] {
                let condition = json!({operator: {"aws:PrincipalArn": value}});
                assert!(
                    !is_denied(json!({"Effect": "Deny", "Action": "*", "Condition": condition})),
                    "{condition}"
                );
            }
        }
    }

    #[test]
    fn a_condition_that_does_not_plainly_except_him_does_not_help_him() {
        for condition in [
            json!({"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/Other"}}),
            json!({"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::012345678901:role/BreakGlass"}}),
            json!({"ArnLike": {"aws:PrincipalArn": BREAK_GLASS}}),
            json!({"StringNotEquals": {"aws:RequestedRegion": "eu-central-1"}}),
            json!({"StringNotEquals": {"aws:PrincipalArn": BREAK_GLASS}}),
            json!({"ForAnyValue:ArnNotLike": {"aws:PrincipalArn": BREAK_GLASS}}),
            json!({"ArnNotLike": {"aws:PrincipalArn": "arn:*:role/BreakGlass"}}),
            json!({"ArnNotLike": {"aws:PrincipalArn": "*"}}),
        ] {
            let statement = json!({"Effect": "Deny", "Action": "*", "Condition": condition});
            assert!(is_denied(statement.clone()), "{statement}");
        }
    }
}
