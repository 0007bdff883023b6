//! A plan of changes, and what came of one that was applied.

use std::time::Duration;

use serde_json::Value;

use super::result::row;
use super::{lines, number, span};
use crate::Done;
use crate::client::Stack;

/// Changes of a wave that are shown one by one.
const SHOWN: usize = 20;

/// Shows what a run has planned or made.
pub(super) async fn show(stack: &Stack, run_id: &str, result: &Value) -> Done {
    let key = result["plan"].as_str().unwrap_or_default();
    let plan: Value = stack.objects()?.json(key).await?.unwrap_or_default();
    let digest = result["digest"].as_str().unwrap_or_default();
    row("plan", &stack.shown(key)?);
    row("digest", digest);
    if let Some(rolled_back) = plan["rollsBack"].as_str() {
        row("takes back", rolled_back);
    }
    for (number, wave) in plan["waves"].as_array().into_iter().flatten().enumerate() {
        waves(number + 1, wave);
    }
    for (policy_type, affected) in plan["details"]["affected"].as_object().into_iter().flatten() {
        let count = |member: &str| affected[member].as_u64().map_or_else(|| "?".to_owned(), number);
        row(
            "affects",
            &format!("{} accounts by {policy_type}, {} of them unknown", count("accounts"), count("unknown")),
        );
    }
    for (setting, standing) in plan["details"]["accountStatus"]["settings"].as_object().into_iter().flatten()
    {
        let count = |member: &str| standing[member].as_u64().map_or_else(|| "?".to_owned(), number);
        row(
            "today",
            &format!(
                "{} comply, {} would change, {} unknown: {setting}",
                count("complies"),
                count("wouldChange"),
                count("unknown")
            ),
        );
    }
    for warning in plan["warnings"].as_array().into_iter().flatten() {
        row("warning", &lines(warning.as_str().unwrap_or_default()));
    }
    let named = stack.named().map(|named| format!(" {named}")).unwrap_or_default();
    if result["applied"] == true {
        let count = |member: &str| result[member].as_u64().map_or_else(|| "?".to_owned(), number);
        row("made", &format!("{} changes, {} were so already", count("made"), count("found")));
        row("back", &format!("cargo muster rollback {run_id}{named}"));
    } else if result["changes"] == 0 {
        row("changes", "none: nothing differs");
    } else {
        let unknown = if result["unknownAccounts"] == 0 { "" } else { " --accept-unknown" };
        row("apply", &format!("cargo muster apply {run_id} --digest {digest}{unknown}{named}"));
    }
    Ok(())
}

fn waves(number: usize, wave: &Value) {
    let changes = wave["changes"].as_array().map(Vec::as_slice).unwrap_or_default();
    let hours = wave["bake"]["hours"].as_u64().unwrap_or(0);
    let alone = match hours {
        0 => String::new(),
        hours => format!(", then left alone for {}", span(Duration::from_secs(hours * 3_600))),
    };
    row(&format!("wave {number}"), &format!("{} changes{alone}", changes.len()));
    for change in changes.iter().take(SHOWN) {
        let call = &change["call"];
        let about = ["policyType", "service", "name", "policy", "account", "target"];
        let about: Vec<&str> = about.iter().filter_map(|member| call[*member].as_str()).collect();
        let operation = call["operation"].as_str().unwrap_or_default();
        row("", &format!("{} {operation} {}", change["number"], about.join(" ")));
    }
    if changes.len() > SHOWN {
        row("", &format!("and {} more", changes.len() - SHOWN));
    }
}
