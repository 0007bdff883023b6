//! What of a run can be shown to anybody.

use std::sync::LazyLock;

use models::Failure;
use regex_lite::Regex;
use serde_json::{Value, json};

/// Plain values longer than this are texts that somebody wrote, not a vocabulary.
const LONGEST_WORD: usize = 48;

/// What stands for an account, and what it is replaced by. Names of objects join ids with `_`, which
/// `\b` takes for a part of a word: what stands before an id is told by itself, and kept.
static IDENTIFIERS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    [
        (r"arn:[A-Za-z0-9_-]*:[^\s,;]*", "<arn>"),
        (r"s3://[^\s,;]*", "<object>"),
        (r"[^\s@]+@[^\s@]+\.[^\s@]+", "<email>"),
        (r"(^|[^0-9A-Za-z])ou-[0-9a-z]{4,32}-[a-z0-9]{8,32}", "${1}<unit>"),
        (r"(^|[^0-9A-Za-z])r-[0-9a-z]{4,32}", "${1}<root>"),
        (r"(^|[^0-9A-Za-z])o-[a-z0-9]{10,32}", "${1}<organization>"),
        (r"[0-9]{10,}", "<account>"),
    ]
    .into_iter()
    .filter_map(|(pattern, name)| Regex::new(pattern).ok().map(|regex| (regex, name)))
    .collect()
});

/// A text without what stands for an account.
pub(super) fn text(text: &str) -> String {
    IDENTIFIERS
        .iter()
        .fold(text.to_owned(), |text, (regex, name)| regex.replace_all(&text, *name).into_owned())
}

/// An error's name and its cause.
pub(super) fn error(failure: &Failure) -> Value {
    json!({"error": text(&failure.error), "cause": text(&failure.cause)})
}

/// The shape of a value: words of a vocabulary stay, what somebody wrote goes.
fn value(value: &str) -> String {
    match serde_json::from_str::<Value>(value) {
        Ok(json @ (Value::Object(_) | Value::Array(_))) => shape(&json).to_string(),
        _ if value.chars().count() > LONGEST_WORD || value.contains(char::is_whitespace) => {
            format!("<text of {} characters>", value.chars().count())
        }
        _ => text(value),
    }
}

fn shape(json: &Value) -> Value {
    match json {
        Value::Object(members) => members
            .iter()
            .map(|(name, member)| (text(name), shape(member)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Value::Array(elements) => elements.iter().take(1).map(shape).collect(),
        Value::String(_) => json!("<text>"),
        Value::Number(_) => json!("<number>"),
        Value::Bool(_) | Value::Null => json.clone(),
    }
}

/// The header, the grain and the vocabulary of a report.
pub(super) fn report(summary: &Value) -> Value {
    let header: Vec<_> = summary["layout"]["header"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(text)
        .collect();
    let attributes: Vec<_> = summary["attributes"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|attribute| {
            let values = attribute["values"].as_array().into_iter().flatten();
            let mut values: Vec<_> = values.filter_map(|it| it["value"].as_str()).map(value).collect();
            values.sort();
            values.dedup();
            json!({
                "name": text(attribute["name"].as_str().unwrap_or_default()),
                "values": values,
                "distinctValues": attribute["distinctValues"],
                "unknownCells": attribute["unknownCells"],
            })
        })
        .collect();
    let gaps = summary["coverage"]["gaps"].as_object().into_iter().flatten();
    let gaps: serde_json::Map<_, _> =
        gaps.map(|(reason, gap)| (text(reason), gap["count"].clone())).collect();
    json!({
        "header": header,
        "layoutHash": summary["layout"]["hash"],
        "grain": summary["layout"]["grain"],
        "attributes": attributes,
        "regionsPerAccount": summary["regionsPerAccount"],
        "gaps": gaps,
        "agreesWithAwsSummary": summary["awsSummary"]["agrees"],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_stands_for_an_account_is_left() {
        let hostile =
            "arn:aws:iam::123456789012:role/x in 123456789012 of ou-ab12-c3d4e5f6, a@example.com, s3://b/k";
        assert_eq!(text(hostile), "<arn> in <account> of <unit>, <email> <object>");
    }

    #[test]
    fn the_target_in_the_name_of_an_object_is_replaced_too() {
        for (target, shown) in
            [("123456789012", "<account>"), ("ou-ab12-c3d4e5f6", "<unit>"), ("r-ab12", "<root>")]
        {
            let name = |target: &str| format!("raw/x/ec2_{target}_p-3a15b49961_20261121T0700Z.csv");
            assert_eq!(text(&name(target)), name(shown));
        }
        assert_eq!(
            text("the server-side error of run 20261121T063000Z-9f86d081"),
            "the server-side error of run 20261121T063000Z-9f86d081"
        );
    }

    #[test]
    fn a_vocabulary_stays_and_texts_go() {
        assert_eq!(value("block-new-sharing"), "block-new-sharing");
        assert_eq!(value("Ask the platform team"), "<text of 21 characters>");
        assert_eq!(
            value(r#"{"state":"enabled","providers":["123456789012","amazon"],"days":3}"#),
            r#"{"days":"<number>","providers":["<text>"],"state":"<text>"}"#
        );
    }

    #[test]
    fn a_report_is_shown_by_its_header_grain_and_vocabulary() {
        let summary = json!({
            "layout": {"header": ["account_id", "x"], "hash": "ab", "grain": "wide"},
            "attributes": [{"name": "x", "values": [{"value": "on", "cells": 3}], "distinctValues": 1, "unknownCells": 0}],
            "coverage": {"gaps": {"blank cell": {"count": 2, "examples": ["123456789012"]}}},
            "awsSummary": {"agrees": true},
        });
        let shared = report(&summary);
        assert_eq!(shared["attributes"][0]["values"], json!(["on"]));
        assert_eq!(shared["gaps"], json!({"blank cell": 2}));
        assert!(!shared.to_string().contains("123456789012"));
    }
}
