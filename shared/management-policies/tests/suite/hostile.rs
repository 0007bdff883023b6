//! Contents that nobody writes by accident: no panic, and no work without bound.

use std::time::{Duration, Instant};

use management_policies::{Attribute, Document, PolicyKind, Problem, check, compare, predict};
use serde_json::{Value, json};

use crate::common::{levels, stored};

const KINDS: [PolicyKind; 2] = [PolicyKind::DeclarativeEc2, PolicyKind::Tag];

fn refused(content: &str) -> Vec<Problem> {
    let mut all = Vec::new();
    for kind in KINDS {
        all.extend(check(kind, content).expect_err(content));
        assert!(Document::read_attached(kind, content).is_err(), "{content}");
    }
    all
}

#[test]
fn what_is_no_json_object_is_refused() {
    for content in
        ["", " ", "{", "null", "[]", "\"tags\"", "1", "{} {}", "{\"tags\": }", "{'tags': {}}", "\u{feff}{}"]
    {
        refused(content);
    }
}

#[test]
fn keys_that_come_twice_are_refused_wherever_they_are() {
    let problems = refused(r#"{"tags": {"a": {"tag_value": {"@@assign": ["x"], "@@assign": ["y"]}}}}"#);
    assert_eq!(problems[0].path, "/tags/a/tag_value/@@assign");
    assert_eq!(problems[0].what, "the key is there more than once");
    refused(r#"{"tags": {}, "tags": {}}"#);
    // written differently, and the same key
    refused(r#"{"tags": {"a": {}, "\u0061": {}}}"#);
    refused(r#"{"tags": {"a": [{"x": 1}, {"y": 1, "y": 2}]}}"#);
}

#[test]
fn very_deep_contents_are_refused() {
    for depth in [40, 200, 100_000] {
        let nested = format!("{}{}", "{\"a\":".repeat(depth), "}".repeat(depth));
        refused(&nested);
        refused(&format!("{{\"tags\": {}{}}}", "[".repeat(depth), "]".repeat(depth)));
    }
}

#[test]
fn lone_surrogates_and_huge_numbers_are_refused() {
    refused(r#"{"tags": {"\ud800": {}}}"#);
    refused(r#"{"tags": {"a": {"tag_value": {"@@assign": ["\udfff"]}}}}"#);
    refused(r#"{"tags": {"a": {"tag_value": {"@@assign": [1e999]}}}}"#);
    let huge = "9".repeat(300);
    for number in [huge.as_str(), "1e300", "-9223372036854775809", "18446744073709551616"] {
        let content = format!(
            r#"{{"ec2_attributes": {{"instance_metadata_defaults": {{"http_put_response_hop_limit": {{"@@assign": {number}}}}}}}}}"#
        );
        check(PolicyKind::DeclarativeEc2, &content).unwrap_err();
    }
}

#[test]
fn very_wide_contents_take_time_in_proportion() {
    let started = Instant::now();
    let rules: Vec<String> =
        (0..50_000).map(|n| format!(r#""k{n}": {{"tag_value": {{"@@assign": ["a", "b"]}}}}"#)).collect();
    let wide = format!(r#"{{"tags": {{{}}}}}"#, rules.join(","));
    let document = check(PolicyKind::Tag, &wide).unwrap();
    let effective = levels(PolicyKind::Tag, &[("r", &[("p-1", &document)])]).effective();
    assert!(effective.is_known());
    let values: Vec<String> = (0..50_000).map(|n| format!("\"v{n}\"")).collect();
    let long = format!(r#"{{"tags": {{"a": {{"tag_value": {{"@@assign": [{}]}}}}}}}}"#, values.join(","));
    check(PolicyKind::Tag, &long).unwrap();
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}

#[test]
fn many_policies_in_conflict_at_every_level_end_in_a_bounded_unknown() {
    let started = Instant::now();
    let documents: Vec<Document> = (0..10)
        .map(|n| {
            stored(
                PolicyKind::Tag,
                &json!({
                    "tags": {
                        "a": {
                            "tag_value": {
                                "@@append": [format!("v{n}"), format!("v{}", n + 1), "x"],
                                "@@remove": [format!("v{}", n + 2), "x"]
                            }
                        }
                    }
                }),
            )
        })
        .collect();
    let names: Vec<String> = (0..10).map(|n| format!("p-{n}")).collect();
    let attached: Vec<(&str, &Document)> = names.iter().map(String::as_str).zip(&documents).collect();
    let targets = ["r", "ou-1", "ou-2", "ou-3", "ou-4", "ou-5", "account"];
    let at: Vec<(&str, &[(&str, &Document)])> =
        targets.iter().map(|target| (*target, attached.as_slice())).collect();
    let levels = levels(PolicyKind::Tag, &at);
    let effective = levels.effective();
    let Some(Attribute::Unknown(unknown)) = effective.attributes().get("/tags/a/tag_value") else { panic!() };
    assert!(!unknown.exhaustive);
    assert!(unknown.candidates.len() <= 600, "{}", unknown.candidates.len());
    let told = json!({ "tags": { "a": { "tag_key": "a", "tag_value": ["v1"] } } });
    predict(&levels, &told, &levels);
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}

#[test]
fn stored_contents_of_any_form_are_merged_without_a_conclusion() {
    let odd = [
        json!({}),
        json!({ "@@assign": "x" }),
        json!({ "tags": null }),
        json!({ "tags": { "@@append": [] } }),
        json!({ "tags": { "a": { "@@remove": ["x"], "tag_value": { "@@assign": ["x"] } } } }),
        json!({ "tags": { "a": { "tag_value": { "@@assign": { "b": 1 } } } } }),
        json!({ "tags": { "a": { "tag_value": "x" } } }),
        json!({ "tags": { "A": { "tag_value": { "@@assign": ["x"] } }, "a": { "tag_value": { "@@assign": ["y"] } } } }),
        json!({ "tags": { "a": { "tag_key": { "@@assign": ["a"] } } } }),
        json!({ "tags": { "a": { "tag_value": { "@@operators_allowed_for_child_policies": "no" } } } }),
        json!({ "ec2_attributes": { "new": { "@@assign": 1 } } }),
    ];
    for kind in KINDS {
        for one in &odd {
            for other in &odd {
                let (one, other) = (stored(kind, one), stored(kind, other));
                let levels = levels(kind, &[("r", &[("p-1", &one)]), ("a", &[("p-2", &other)])]);
                let effective = levels.effective();
                for told in [json!({}), json!([]), json!({ "tags": { "a": { "tag_value": [["x"]] } } })] {
                    compare(&effective, &told);
                    effective.settled_by(&told);
                    predict(&levels, &told, &levels);
                }
            }
        }
    }
}

#[test]
fn what_aws_tells_may_be_nested_deep() {
    let mut told = json!("x");
    for _ in 0..100 {
        told = json!({ "a": told });
    }
    let effective = levels(PolicyKind::Tag, &[]).effective();
    assert!(matches!(compare(&effective, &told), management_policies::Agreement::NotReadable(_)));
    assert_eq!(
        compare(&effective, &Value::Null),
        management_policies::Agreement::NotReadable("an effective policy is an object".to_owned())
    );
}
