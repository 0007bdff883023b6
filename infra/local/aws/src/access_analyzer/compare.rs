//! CheckNoNewAccess: a plain comparison of what two policies allow by their words.
//!
//! AWS reasons about policies; this looks only whether each allowed pair of action and resource is
//! within an allowed pair of the other policy. Denials, conditions and principals that differ count as
//! new access wherever they might be, so that `PASS` is never too kind.

use serde_json::{Value, json};

use crate::iam::like;

/// Statements of a policy that is understood well enough to be compared.
struct Compared<'a> {
    statements: Vec<&'a Value>,
}

/// Why a text is no policy.
pub(super) struct NoPolicy;

fn statements(policy: &Value) -> Result<Vec<&Value>, NoPolicy> {
    let statements = match policy.get("Statement") {
        Some(Value::Array(statements)) => statements.iter().collect(),
        Some(statement @ Value::Object(_)) => vec![statement],
        _ => return Err(NoPolicy),
    };
    let known = |statement: &&Value| {
        matches!(statement["Effect"].as_str(), Some("Allow" | "Deny"))
            && (statement.get("Action").is_some() || statement.get("NotAction").is_some())
    };
    if statements.iter().all(known) { Ok(statements) } else { Err(NoPolicy) }
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(texts) => texts.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

impl Compared<'_> {
    fn with_effect(&self, effect: &str) -> impl Iterator<Item = &Value> {
        self.statements.iter().copied().filter(move |it| it["Effect"] == effect)
    }

    /// Whether a statement that allows stands under conditions that this policy's has too.
    fn allows(&self, statement: &Value, action: &str, resource: &str) -> bool {
        self.with_effect("Allow").any(|own| {
            let within = |patterns: &[String], text: &str| {
                patterns.iter().any(|it| covers(&it.to_ascii_lowercase(), &text.to_ascii_lowercase()))
            };
            let unbound = own.get("Condition").is_none_or(|it| Some(it) == statement.get("Condition"));
            let resources = own.get("Resource").map(texts).unwrap_or_else(|| vec!["*".to_owned()]);
            unbound
                && own.get("Principal") == statement.get("Principal")
                && within(&texts(&own["Action"]), action)
                && resources.iter().any(|it| covers(it, resource))
        })
    }
}

/// Whether a pattern covers all of another: a `?` never covers a `*`.
fn covers(pattern: &str, other: &str) -> bool {
    like(pattern, other) && !(pattern.contains('?') && other.contains('*'))
}

/// The answer to CheckNoNewAccess.
pub(super) fn no_new_access(new: &Value, existing: &Value) -> Result<Value, NoPolicy> {
    let (new, existing) = (statements(new)?, statements(existing)?);
    let (new, existing) = (Compared { statements: new }, Compared { statements: existing });
    let mut reasons = Vec::new();
    for (number, statement) in new.statements.iter().enumerate().filter(|(_, it)| it["Effect"] == "Allow") {
        let plain = ["NotAction", "NotResource", "NotPrincipal"].iter().all(|it| statement.get(it).is_none());
        let resources = statement.get("Resource").map(texts).unwrap_or_else(|| vec!["*".to_owned()]);
        let covered = plain
            && texts(&statement["Action"])
                .iter()
                .all(|action| resources.iter().all(|on| existing.allows(statement, action, on)));
        if !covered {
            let same = existing.statements.contains(statement);
            if !same {
                let mut reason = json!({
                    "description": format!("New access in the statement with index: {number}."),
                    "statementIndex": number,
                });
                if let Some(sid) = statement["Sid"].as_str() {
                    reason["statementId"] = json!(sid);
                    reason["description"] = json!(format!("New access in the statement with sid: {sid}."));
                }
                reasons.push(reason);
            }
        }
    }
    // A denial that is gone may open anything.
    if existing.with_effect("Deny").any(|denial| !new.statements.contains(&denial)) {
        reasons.push(json!({"description": "A statement that denies access is missing."}));
    }
    Ok(match reasons.is_empty() {
        true => json!({
            "result": "PASS",
            "message": "The updated policy does not grant new access compared to the existing policy.",
            "reasons": [],
        }),
        false => json!({
            "result": "FAIL",
            "message": "The modified permissions grant new access compared to your existing policy.",
            "reasons": reasons,
        }),
    })
}
