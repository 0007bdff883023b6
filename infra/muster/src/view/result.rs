//! What came of a run.

use std::time::Duration;

use models::Kind;
use serde_json::Value;

use super::{changes, findings, lanes, line, number, say, span, table};
use crate::Done;
use crate::client::{Ended, Stack};
use crate::kinds::{self, Estimate};

/// Characters shown of a value.
const VALUE_SHOWN: usize = 40;

/// Shows the result of a run that succeeded.
pub(crate) async fn result(stack: &Stack, kind: Kind, ended: &Ended, took: Duration) -> Done {
    let result = &ended.output["result"];
    let run_id = ended.output["runId"].as_str().unwrap_or_default();
    let took = times(stack, ended, took);
    // A reused result is shown as that of the run it is of.
    let published = if result["reused"].is_string() { &result["result"] } else { result };
    if published["plan"].is_string() {
        let done = if published["applied"] == true { "applied" } else { "planned" };
        say(&format!("\n{kind}: {done} in {took}\n"));
        row("run", run_id);
        return changes::show(stack, run_id, published).await;
    }
    let Some(manifest_key) = published["manifest"].as_str() else {
        say(&format!("\n{kind}: {} ({took})\n", heading(result)));
        row("run", run_id);
        for (name, value) in without_evidence(kind, result) {
            row(&name, &value);
        }
        return Ok(());
    };
    say(&format!("\n{kind}: succeeded in {took}\n"));
    row("run", run_id);
    let of = result["reused"].as_str();
    if let Some(reused) = of {
        row("reused", reused);
    }
    if kind == Kind::Findings {
        return findings::show(stack, published);
    }
    match published["summary"].as_str() {
        Some(summary_key) => evidence(stack, published, summary_key).await,
        None => lanes::show(stack, kind, of.unwrap_or(run_id), published, manifest_key).await,
    }
}

/// How long a run took: by the stack's clock and, where that is a simulated one, here.
fn times(stack: &Stack, ended: &Ended, took: Duration) -> String {
    let own = match (ended.started, ended.stopped) {
        (Some(started), Some(stopped)) => {
            span(Duration::try_from(stopped.duration_since(started)).unwrap_or_default())
        }
        _ => "an unknown time".to_owned(),
    };
    match stack.simulated {
        true => format!("{own} of simulated time, {} here", span(took)),
        false => own,
    }
}

/// What a run without evidence was.
fn heading(result: &Value) -> &'static str {
    match result["wouldStart"].as_bool() {
        Some(_) => "dry run, nothing was started",
        None => "nothing was to be done",
    }
}

/// What a run without evidence answered, as it is shown.
fn without_evidence(kind: Kind, result: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if let Some(would_start) = result["wouldStart"].as_bool() {
        let known = kinds::known(kind);
        let job = known.map_or("job", |known| known.job);
        let planned = known.map(|known| known.estimate);
        let answer = match (would_start, planned) {
            (true, Some(Estimate::Planned { .. })) => format!("the {job} would be started"),
            // AWS documents a dry run as a check of permissions, and no more.
            (true, _) if kind == Kind::DeclarativePoliciesReport => {
                format!("a {job} would be started, as far as AWS's dry run tells")
            }
            (true, _) => format!("a {job} would be started"),
            (false, _) => format!("no {job} would be started"),
        };
        let mut rows = vec![("answer".to_owned(), answer), ("why".to_owned(), text(&result["why"]))];
        if let (true, Some(Estimate::Planned { unless })) = (would_start, planned) {
            rows.extend(lanes::estimate(&result["estimate"], unless));
        }
        return rows;
    }
    result.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), text(value))).collect()
}

/// Shows what a run published.
async fn evidence(stack: &Stack, published: &Value, summary_key: &str) -> Done {
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

pub(super) fn row(name: &str, value: &str) {
    say(&format!("  {:<11} {}", line(name), line(value)));
}

/// What a coverage allows to be concluded.
fn how_much(coverage: &Value) -> &'static str {
    let no_gaps = coverage["gaps"].as_object().is_none_or(serde_json::Map::is_empty);
    if coverage["expectedAccounts"].is_null() {
        "UNKNOWN: nobody says which accounts there should be, and nothing is concluded"
    } else if no_gaps && coverage["expectedAccounts"] == coverage["seenAccounts"] {
        "complete"
    } else {
        "INCOMPLETE: what is missing is unknown, and nothing is concluded"
    }
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
    row("coverage", how_much(coverage));
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
    indented(&attributes);
}

/// A table among rows.
pub(super) fn indented(table: &comfy_table::Table) {
    say("");
    for line in table.to_string().lines() {
        say(&format!("  {}", line.trim_end()));
    }
    say("");
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_dry_run_is_headed_as_one_and_says_whether_a_report_would_be_started_before_it_says_why() {
        let dry_run = |would_start| json!({"why": "because", "wouldStart": would_start});
        for (would_start, answer) in [
            (true, "a report would be started, as far as AWS's dry run tells"),
            (false, "no report would be started"),
        ] {
            let result = dry_run(would_start);
            assert_eq!(heading(&result), "dry run, nothing was started");
            let shown = [("answer", answer), ("why", "because")];
            assert_eq!(
                without_evidence(Kind::DeclarativePoliciesReport, &result),
                shown.map(|(name, value)| (name.to_owned(), value.to_owned()))
            );
        }
    }

    #[test]
    fn a_run_with_nothing_to_do_shows_what_it_answered() {
        let result = json!({"claimedBy": "arn:x", "waitingFor": {"id": "p-1"}});
        assert_eq!(heading(&result), "nothing was to be done");
        let shown = [("claimedBy", "arn:x"), ("waitingFor", r#"{"id":"p-1"}"#)];
        assert_eq!(
            without_evidence(Kind::OrganizationInventory, &result),
            shown.map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
    }

    #[test]
    fn a_dry_run_of_a_run_with_lanes_says_what_it_would_take_or_why_that_is_not_known() {
        let of = |result: Value| {
            let rows = without_evidence(Kind::OrganizationInventory, &result).into_iter();
            rows.map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>()
        };
        let mut result = json!({"why": "20 items in 6 lanes would be worked through.", "wouldStart": true});
        let unknown = of(result.clone());
        assert_eq!(unknown[0], "answer the inventory would be started");
        assert!(unknown[2].starts_with("estimate none: no inventory"), "{unknown:?}");
        result["estimate"] = json!({"items": 20, "calls": 1234, "seconds": 310, "stateTransitions": 40, "usd": 0.00123,
                "of": {"days by the quota": 2, "principals": 1500}});
        assert_eq!(
            of(result)[2..],
            [
                "items 20",
                " days by the quota: 2",
                " principals: 1,500",
                "calls 1,234 of AWS's APIs",
                "time about 5 min 10 s",
                "transitions 40 of Step Functions",
                "cost about $0.0012 at the list prices of us-east-1"
            ]
        );
    }

    #[test]
    fn coverage_is_complete_only_when_everything_expected_was_seen_and_somebody_says_what_is_expected() {
        let of = |expected: Value, gaps: Value| {
            how_much(&json!({"expectedAccounts": expected, "seenAccounts": 2, "gaps": gaps}))
        };
        assert_eq!(of(json!(2), json!({})), "complete");
        assert!(of(json!(3), json!({})).starts_with("INCOMPLETE"));
        assert!(of(json!(2), json!({"blank cell": {"count": 1}})).starts_with("INCOMPLETE"));
        assert!(of(Value::Null, json!({})).starts_with("UNKNOWN"));
    }
}
