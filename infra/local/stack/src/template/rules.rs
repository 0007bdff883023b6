//! Rules: what must hold of a template's parameters together before anything is made.

use super::resolve::Resolver;
use super::value::Value;
use super::{InvalidTemplate, text};

/// One assertion of a rule.
#[derive(Debug, Clone)]
pub(super) struct Assertion {
    assert: Value,
    description: String,
}

/// The assertions of a rule as it is declared.
pub(super) fn read(name: &str, rule: Value) -> Result<Vec<Assertion>, InvalidTemplate> {
    let mut members = rule.into_map(name)?;
    let assertions = match members.remove("Assertions") {
        Some(Value::List(assertions)) if members.is_empty() => assertions,
        _ => {
            return Err(InvalidTemplate::new(
                name,
                "a rule of anything but a list of Assertions is not supported",
            ));
        }
    };
    assertions.into_iter().map(|assertion| one(name, assertion)).collect()
}

fn one(name: &str, assertion: Value) -> Result<Assertion, InvalidTemplate> {
    let mut members = assertion.into_map(name)?;
    let assert = members.remove("Assert").ok_or_else(|| InvalidTemplate::new(name, "has no Assert"))?;
    let description = text(members.remove("AssertDescription"));
    match members.keys().next() {
        Some(other) => Err(InvalidTemplate::new(name, format!("the attribute {other} is not supported"))),
        None => Ok(Assertion { assert, description: description.unwrap_or_default() }),
    }
}

/// Refuses parameters that a rule is broken by.
pub(super) fn check(name: &str, rule: &[Assertion], resolver: &Resolver<'_>) -> Result<(), InvalidTemplate> {
    for Assertion { assert, description } in rule {
        if !resolver.truth(name, assert)? {
            return Err(InvalidTemplate::new(name, description.as_str()));
        }
    }
    Ok(())
}
