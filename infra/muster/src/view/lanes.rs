//! What came of a run with lanes, or would.

use std::time::Duration;

use comfy_table::CellAlignment;
use models::{Kind, keys};
use serde_json::Value;

use super::result::{indented, row};
use super::{line, number, span, table};
use crate::Done;
use crate::client::{Objects, Stack};
use crate::kinds::{self, Known};

/// The largest file of a table that is read for the sake of a headline.
const COUNTED_BYTES: u64 = 8 * 1024 * 1024;

/// Characters of a row behind its label.
const WIDE: usize = 82;

/// Outcomes of items that are as they should be.
const WELL: [&str; 2] = ["succeeded", "skipped"];

/// What a run would take, as its plan tells; or why that is not known.
pub(super) fn estimate(estimate: &Value, unless: &str) -> Vec<(String, String)> {
    let (Some(seconds), Some(usd)) = (estimate["seconds"].as_u64(), estimate["usd"].as_f64()) else {
        return vec![("estimate".to_owned(), unless.to_owned())];
    };
    let mut lines = vec![("items", counted(&estimate["items"]))];
    let of = estimate["of"].as_object().into_iter().flatten();
    lines.extend(of.map(|(name, count)| ("", format!("{name}: {}", counted(count)))));
    lines.extend([
        ("calls", format!("{} of AWS's APIs", counted(&estimate["calls"]))),
        ("time", format!("about {}", span(Duration::from_secs(seconds)))),
        ("transitions", format!("{} of Step Functions", counted(&estimate["stateTransitions"]))),
        ("cost", format!("about ${usd:.4} at the list prices of us-east-1")),
    ]);
    lines.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Shows what a run published.
pub(super) async fn show(
    stack: &Stack,
    kind: Kind,
    run_id: &str,
    published: &Value,
    manifest_key: &str,
) -> Done {
    let objects = stack.objects()?;
    let manifest = objects.json(manifest_key).await?.unwrap_or_default();
    let files = manifest["files"].as_array().map(Vec::as_slice).unwrap_or_default();
    if let Some(known) = kinds::known(kind) {
        facts(known, published);
        for &(label, table, column) in known.counts {
            count(&objects, files, (label, table, column)).await?;
        }
    }
    row("items", &items(&published["items"], published["lanes"].as_u64()));
    row("coverage", coverage(&published["complete"]));
    for (reason, count) in published["gaps"].as_object().into_iter().flatten() {
        row("", &format!("{} x {reason}", counted(count)));
    }
    if let Some(snapshot) = published["snapshot"].as_str() {
        row("snapshot", &stack.shown(snapshot)?);
    }
    row("manifest", &stack.shown(manifest_key)?);
    tables(stack, files)?;
    if let Some(again) = again(&published["items"], run_id, stack.named().as_deref()) {
        row("again", &again);
    }
    Ok(())
}

/// What a run says of its own coverage.
pub(super) fn coverage(complete: &Value) -> &'static str {
    match complete.as_bool() {
        Some(true) => "complete",
        Some(false) => "INCOMPLETE: what is missing is unknown, and nothing is concluded of it",
        None => "UNKNOWN: the run does not say how much there is",
    }
}

/// Texts in rows of their own, and then all numbers.
fn facts(known: &Known, published: &Value) {
    let mut counts = Vec::new();
    for (label, pointer) in known.facts {
        let fact = published.pointer(pointer).unwrap_or(&Value::Null);
        match fact.as_str() {
            Some(text) => row(label, text),
            None => counts.push(format!("{} {label}", counted(fact))),
        }
    }
    several("seen", &counts);
}

/// A list in as many rows as it takes on a terminal of 100 columns.
fn several(label: &str, list: &[String]) {
    let (mut label, mut shown) = (label, String::new());
    for text in list {
        if !shown.is_empty() && shown.chars().count() + text.chars().count() > WIDE {
            row(std::mem::take(&mut label), &format!("{shown},"));
            shown.clear();
        }
        if !shown.is_empty() {
            shown.push_str(", ");
        }
        shown.push_str(text);
    }
    row(label, &shown);
}

/// A number as it is shown; one that is not there is not nought.
fn counted(value: &Value) -> String {
    value.as_u64().map_or_else(|| "?".to_owned(), number)
}

/// How often each value of a table's column occurs, unless its file is large.
async fn count(objects: &Objects, files: &[Value], what: (&str, &str, &str)) -> Done {
    let (label, table, column) = what;
    let begin = keys::table_prefix(table);
    let Some(file) =
        files.iter().find(|file| file["key"].as_str().is_some_and(|key| key.starts_with(&begin)))
    else {
        return Ok(());
    };
    if file["bytes"].as_u64().is_none_or(|bytes| bytes > COUNTED_BYTES) || file["rows"] == 0 {
        return Ok(());
    }
    let counts = objects.count(file["key"].as_str().unwrap_or_default(), column).await?;
    let counts: Vec<_> = counts.iter().map(|(value, count)| format!("{} {value}", number(*count))).collect();
    several(label, &counts);
    Ok(())
}

/// How the items ended.
fn items(outcomes: &Value, lanes: Option<u64>) -> String {
    let outcomes = outcomes.as_object().into_iter().flatten();
    let counts: Vec<_> = outcomes
        .map(|(status, items)| match WELL.contains(&status.as_str()) {
            true => format!("{} {status}", counted(items)),
            false => format!("{} {}", counted(items), status.to_uppercase()),
        })
        .collect();
    format!("{} in {}", counts.join(", "), super::lanes(lanes))
}

/// How the items that did not succeed are done again; `None` when all did.
fn again(outcomes: &Value, run_id: &str, named: Option<&str>) -> Option<String> {
    let open = outcomes.as_object()?.keys().filter(|status| !WELL.contains(&status.as_str()));
    let open: Vec<_> = open.map(String::as_str).collect();
    if open.is_empty() {
        return None;
    }
    Some(match named {
        Some(named) => format!(
            "cargo muster resume {run_id} --retry {} {named} works on these items, once what stood in their way is gone",
            open.join(",")
        ),
        // What it ran on has ended with this process.
        None => format!(
            "on a stack that lasts, cargo muster resume RUN --retry {} works on these items",
            open.join(",")
        ),
    })
}

fn tables(stack: &Stack, files: &[Value]) -> Done {
    let below = format!("below {}", stack.shown(keys::TABLES)?);
    let mut shown = table(["rows", &line(&below)]);
    for file in files {
        let key = file["key"].as_str().unwrap_or_default();
        let name = key.strip_prefix(keys::TABLES).unwrap_or(key);
        shown.add_row([counted(&file["rows"]), line(name)]);
    }
    if let Some(column) = shown.column_mut(0) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    indented(&shown);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn outcomes_that_are_not_as_they_should_be_stand_out() {
        let outcomes = json!({"failed": 2, "skipped": 1, "succeeded": 1700});
        assert_eq!(items(&outcomes, Some(6)), "2 FAILED, 1 skipped, 1,700 succeeded in 6 lanes");
    }

    #[test]
    fn coverage_is_complete_only_where_the_run_says_so() {
        assert_eq!(coverage(&json!(true)), "complete");
        assert!(coverage(&json!(false)).starts_with("INCOMPLETE"));
        assert!(coverage(&Value::Null).starts_with("UNKNOWN"));
    }

    #[test]
    fn what_failed_can_be_done_again_where_the_stack_lasts() {
        assert_eq!(again(&json!({"succeeded": 3, "skipped": 1}), "run", Some("--stack prod")), None);
        let outcomes = json!({"carriedOver": 4, "failed": 2, "succeeded": 3});
        let said = again(&outcomes, "run", Some("--stack prod")).unwrap();
        assert!(
            said.starts_with("cargo muster resume run --retry carriedOver,failed --stack prod "),
            "{said}"
        );
        assert!(!again(&outcomes, "run", None).unwrap().contains(" run "));
    }
}
