//! What came of a run.

use std::time::Duration;

use models::Kind;
use serde_json::Value;

use super::{line, number, say, span, table};
use crate::Done;
use crate::client::{Ended, Stack};

/// Characters shown of a value.
const VALUE_SHOWN: usize = 40;

/// Shows the result of a run that succeeded.
pub(crate) async fn result(stack: &Stack, kind: Kind, ended: &Ended, took: Duration) -> Done {
    let result = &ended.output["result"];
    let run_id = ended.output["runId"].as_str().unwrap_or_default();
    let own = match (ended.started, ended.stopped) {
        (Some(started), Some(stopped)) => {
            span(Duration::try_from(stopped.duration_since(started)).unwrap_or_default())
        }
        _ => "an unknown time".to_owned(),
    };
    let here =
        if stack.simulated { format!(" of simulated time, {} here", span(took)) } else { String::new() };
    // A reused result is shown as that of the run it is of.
    let published = if result["reused"].is_string() { &result["result"] } else { result };
    let Some(summary_key) = published["summary"].as_str() else {
        say(&format!("\n{kind}: nothing was to be done ({own}{here})\n"));
        row("run", run_id);
        for (name, value) in result.as_object().into_iter().flatten() {
            row(name, &value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        }
        return Ok(());
    };
    say(&format!("\n{kind}: succeeded in {own}{here}\n"));
    row("run", run_id);
    if let Some(reused) = result["reused"].as_str() {
        row("reused", reused);
    }
    row("target", published["targetId"].as_str().unwrap_or_default());
    let objects = stack.objects()?;
    if let Some(summary) = objects.json(summary_key).await? {
        show_summary(&summary);
    }
    row("raw", &stack.shown_address(published["raw"].as_str().unwrap_or_default()));
    if let Some(manifest) = objects.json(published["manifest"].as_str().unwrap_or_default()).await? {
        for file in manifest["files"].as_array().into_iter().flatten() {
            row("table", &stack.shown(file["key"].as_str().unwrap_or_default())?);
        }
    }
    row("summary", &stack.shown(summary_key)?);
    Ok(())
}

fn row(name: &str, value: &str) {
    say(&format!("  {name:<11} {}", line(value)));
}

/// The headline of a summary: how much is known, and every attribute.
pub(crate) fn show_summary(summary: &Value) {
    let count = |value: &Value| value.as_u64().map_or_else(|| "?".to_owned(), number);
    let coverage = &summary["coverage"];
    let gaps: Vec<_> = coverage["gaps"].as_object().into_iter().flatten().collect();
    let expected = count(&coverage["expectedAccounts"]);
    row(
        "seen",
        &format!(
            "{} of {expected} accounts, {} Regions, {} rows",
            count(&coverage["seenAccounts"]),
            summary["regions"].as_object().map_or(0, serde_json::Map::len),
            count(&summary["rows"]),
        ),
    );
    let complete = gaps.is_empty() && coverage["expectedAccounts"] == coverage["seenAccounts"];
    row(
        "coverage",
        if complete {
            "complete"
        } else {
            "INCOMPLETE: what is missing is unknown, and nothing is concluded"
        },
    );
    for (reason, gap) in gaps {
        let example = gap["examples"][0].as_str().map(|it| format!(", such as {it}")).unwrap_or_default();
        row("", &format!("{} x {reason}{example}", count(&gap["count"])));
    }
    row(
        "AWS says",
        match summary["awsSummary"]["agrees"].as_bool() {
            Some(true) => "the same, counted on its own",
            Some(false) => "SOMETHING ELSE: see awsSummary in the summary",
            None if summary["awsSummary"]["notCompared"]["count"].as_u64() > Some(0) => {
                "NOT ENOUGH TO COMPARE: see awsSummary in the summary"
            }
            None => "nothing to compare with",
        },
    );
    let mut attributes =
        table(["attribute", "most frequent", "matched", "unmatched", "unknown", "values", ""]);
    for attribute in summary["attributes"].as_array().into_iter().flatten() {
        let most: String =
            attribute["mostFrequent"].as_str().unwrap_or("?").chars().take(VALUE_SHOWN).collect();
        attributes.add_row([
            line(attribute["name"].as_str().unwrap_or_default()),
            line(&most),
            count(&attribute["matchedAccounts"]),
            count(&attribute["unmatchedAccounts"]),
            count(&attribute["unknownAccounts"]),
            count(&attribute["distinctValues"]),
            if attribute["uniform"].is_null() { String::new() } else { "uniform".to_owned() },
        ]);
    }
    for right in 2..6 {
        if let Some(column) = attributes.column_mut(right) {
            column.set_cell_alignment(comfy_table::CellAlignment::Right);
        }
    }
    let text = attributes.to_string();
    say("");
    for line in text.lines() {
        say(&format!("  {}", line.trim_end()));
    }
    say("");
}
