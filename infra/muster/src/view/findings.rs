//! What came of a run of findings: the headline, and where to read on.

use std::time::Duration;

use comfy_table::CellAlignment;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::result::{indented, row};
use super::{line, number, span, table};
use crate::Done;
use crate::client::Stack;

/// The severities, the gravest first.
const SEVERITIES: [&str; 5] = ["critical", "high", "medium", "low", "info"];
/// What became of findings since the last run, and how it is said.
const DRIFT: [(&str, &str); 5] = [
    ("new", "new"),
    ("changed", "changed"),
    ("unchanged", "unchanged"),
    ("resolved", "resolved"),
    ("not_observed", "not observed any more"),
];

pub(super) fn show(stack: &Stack, published: &Value) -> Done {
    row("scope", published["scope"].as_str().unwrap_or_default());
    let at: Option<Timestamp> = published["observedAt"].as_str().and_then(|at| at.parse().ok());
    for (number, source) in published["sources"].as_array().into_iter().flatten().enumerate() {
        row(if number == 0 { "evidence" } else { "" }, &evidence(source, at));
    }
    row("findings", &severities(published));
    row("since", &since(published));
    row("coverage", super::lanes::coverage(&published["complete"]));
    kinds(published["kinds"].as_object());
    row("proposals", &proposals(&published["proposals"]));
    for (label, member) in [
        ("", "/proposals/index"),
        ("json", "/findingsJson"),
        ("csv", "/findingsCsv"),
        ("events", "/events/document"),
        ("report", "/report"),
    ] {
        if let Some(key) = published.pointer(member).and_then(Value::as_str) {
            row(label, &stack.shown(key)?);
        }
    }
    row("tables", &stack.shown("tables/")?);
    Ok(())
}

fn proposals(proposals: &Value) -> String {
    let count = |member: &str| proposals[member].as_u64().map_or_else(|| "?".to_owned(), number);
    match proposals["withheld"].as_u64() {
        Some(0) => format!("{} to review", count("made")),
        _ => format!("{} to review, {} withheld (proposals.json says why)", count("made"), count("withheld")),
    }
}

/// One source, and how old it is.
fn evidence(source: &Value, now: Option<Timestamp>) -> String {
    let text = |member: &str| source[member].as_str().unwrap_or_default();
    let observed = text("observedAt").parse::<Timestamp>().ok();
    let age = now.zip(observed).and_then(|(now, at)| Duration::try_from(now.duration_since(at)).ok());
    let age = age.map(|age| format!(", {} old", span(age))).unwrap_or_default();
    match text("state") {
        "off" => format!("{}: not part of this stack", text("kind")),
        "missing" => format!("{}: MISSING, and nothing is concluded of it", text("kind")),
        "complete" => format!("{}: complete{age}", text("kind")),
        state => format!("{}: {}{age}", text("kind"), state.to_uppercase()),
    }
}

fn severities(published: &Value) -> String {
    let count = |severity: &str| published["severities"][severity].as_u64().filter(|count| *count > 0);
    let counts = SEVERITIES.iter().filter_map(|it| Some(format!("{} {it}", number(count(it)?))));
    let counts: Vec<_> = counts.collect();
    let excepted = published["excepted"].as_u64().filter(|count| *count > 0);
    let excepted = excepted.map(|count| format!("; {} excepted", number(count))).unwrap_or_default();
    let all = number(published["findings"].as_u64().unwrap_or(0));
    if counts.is_empty() {
        format!("{all}{excepted}")
    } else {
        format!("{all}: {}{excepted}", counts.join(", "))
    }
}

fn since(published: &Value) -> String {
    let Some(run) = published["comparedWith"].as_str() else {
        return "no earlier run of this scope to compare with".to_owned();
    };
    let count = |word: &str| published["drift"][word].as_u64().filter(|count| *count > 0);
    let drift: Vec<_> =
        DRIFT.iter().filter_map(|(word, said)| Some(format!("{} {said}", number(count(word)?)))).collect();
    format!("{run}: {}", drift.join(", "))
}

/// The kinds of finding, the gravest first.
fn kinds(kinds: Option<&Map<String, Value>>) {
    let mut rows: Vec<&Value> = kinds.into_iter().flatten().map(|(_, kind)| kind).collect();
    let rank = |kind: &Value| SEVERITIES.iter().position(|it| kind["severity"] == **it);
    rows.sort_by_key(|kind| rank(kind));
    let mut shown = table(["finding", "severity", "number", "new"]);
    for kind in rows {
        let count = |member: &str| kind[member].as_u64().map_or_else(|| "?".to_owned(), number);
        shown.add_row([
            line(kind["title"].as_str().unwrap_or_default()),
            line(kind["severity"].as_str().unwrap_or_default()),
            count("findings"),
            count("new"),
        ]);
    }
    for right in 2..4 {
        if let Some(column) = shown.column_mut(right) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    indented(&shown);
}
