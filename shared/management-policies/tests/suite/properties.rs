//! What holds for all policies.

use std::collections::BTreeSet;

use management_policies::{
    Agreement, Attached, Attribute, Document, Effective, Level, Levels, PolicyKind, check,
    check_allowing_not_established, compare, difference, predict,
};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::common::json as value_of;

const CONTROL: &str = "@@operators_allowed_for_child_policies";

fn words() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(prop::sample::select(vec!["a", "b", "c", "d"]).prop_map(str::to_owned), 1..4)
}

fn control() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        json!(["@@all"]),
        json!(["@@none"]),
        json!(["@@append"]),
        json!(["@@assign", "@@append"]),
        json!(["@@append", "@@remove"]),
    ])
}

/// A setting with at most one operator that sets values.
fn list() -> impl Strategy<Value = Value> {
    let operator = prop::sample::select(vec!["@@assign", "@@append", "@@remove"]);
    (prop::option::weighted(0.9, (operator, words())), prop::option::weighted(0.2, control()))
        .prop_filter_map("an operator at least", |(values, control)| {
            let mut members = Map::new();
            if let Some((operator, words)) = values {
                members.insert(operator.to_owned(), json!(words));
            }
            if let Some(control) = control {
                members.insert(CONTROL.to_owned(), control);
            }
            (!members.is_empty()).then_some(Value::Object(members))
        })
}

fn rule(groups: bool) -> impl Strategy<Value = Value> {
    (
        prop::option::of(prop::sample::select(vec!["team", "Team", "TEAM"])),
        prop::option::weighted(0.8, list()),
        if groups { prop::option::weighted(0.3, control()).boxed() } else { Just(None).boxed() },
    )
        .prop_filter_map("something", |(key, list, control)| {
            let mut members = Map::new();
            if let Some(key) = key {
                members.insert("tag_key".to_owned(), json!({ "@@assign": key }));
            }
            if let Some(list) = list {
                members.insert("tag_value".to_owned(), list);
            }
            if let Some(control) = control {
                members.insert(CONTROL.to_owned(), control);
            }
            (!members.is_empty()).then_some(Value::Object(members))
        })
}

/// The contents of the policies of each level.
fn contents(groups: bool) -> impl Strategy<Value = Vec<Vec<Value>>> {
    let content = rule(groups).prop_map(|rule| json!({ "tags": { "team": rule } }));
    prop::collection::vec(prop::collection::vec(content, 0..4), 1..4)
}

fn levels_of(contents: &[Vec<Value>]) -> Levels {
    let levels = contents.iter().enumerate().map(|(depth, contents)| Level {
        target: format!("target-{depth}"),
        attached: contents
            .iter()
            .enumerate()
            .map(|(number, content)| Attached {
                policy: format!("p-{depth}-{number}"),
                document: check(PolicyKind::Tag, &content.to_string()).unwrap(),
            })
            .collect(),
    });
    Levels::new(PolicyKind::Tag, levels.collect()).unwrap()
}

/// Merging as one reads it in the guide, in the given order of attachment, written for this test
/// alone: policy by policy, each operator on what the ones before it left.
fn merged_in_order(contents: &[Vec<Value>], path: &str) -> Option<BTreeSet<String>> {
    let mut allowed: BTreeSet<&str> = BTreeSet::from(["@@assign", "@@append", "@@remove"]);
    let mut values: Option<BTreeSet<String>> = None;
    for level in contents {
        for setting in level.iter().filter_map(|content| content.pointer(path)) {
            for operator in allowed.clone() {
                let Some(words) = setting.get(operator).map(strings) else { continue };
                match operator {
                    "@@assign" => values = Some(words),
                    "@@append" => values.get_or_insert_default().extend(words),
                    _ => values.iter_mut().for_each(|values| values.retain(|value| !words.contains(value))),
                }
            }
        }
        for control in level.iter().filter_map(|content| content.pointer(path)?.get(CONTROL)) {
            let named = strings(control);
            if !named.contains("@@all") {
                allowed.retain(|operator| named.contains(*operator));
            }
        }
    }
    values
}

fn strings(value: &Value) -> BTreeSet<String> {
    match value {
        Value::Array(items) => items.iter().map(|item| item.as_str().unwrap().to_owned()).collect(),
        one => BTreeSet::from([one.as_str().unwrap().to_owned()]),
    }
}

/// What an attribute may be; `None` for its absence.
fn possible(effective: &Effective, path: &str) -> Vec<Option<BTreeSet<String>>> {
    match effective.attributes().get(path) {
        None => vec![None],
        Some(Attribute::Known(value)) => vec![Some(strings(&value.to_json()))],
        Some(Attribute::Unknown(unknown)) => {
            assert!(unknown.exhaustive, "{unknown:#?}");
            unknown
                .candidates
                .iter()
                .map(value_of)
                .map(|value| (!value.is_null()).then(|| strings(&value)))
                .collect()
        }
    }
}

/// What AWS would tell, if it attached in the given order.
fn told(contents: &[Vec<Value>]) -> Value {
    let key = merged_in_order(contents, "/tags/team/tag_key").and_then(|keys| keys.into_iter().next());
    let mut rule = Map::new();
    rule.insert("tag_key".to_owned(), json!(key.unwrap_or_else(|| "team".to_owned())));
    if let Some(values) = merged_in_order(contents, "/tags/team/tag_value") {
        rule.insert("tag_value".to_owned(), json!(values));
    }
    json!({ "tags": { "team": rule } })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_order_of_attachment_comes_to_something_that_is_possible(
        (contents, shuffled) in contents(false).prop_flat_map(|contents| {
            let shuffled: Vec<_> = contents.iter().map(|level| Just(level.clone()).prop_shuffle()).collect();
            (Just(contents), shuffled)
        })
    ) {
        let effective = levels_of(&contents).effective();
        let values = merged_in_order(&shuffled, "/tags/team/tag_value");
        let possible_values = possible(&effective, "/tags/team/tag_value");
        prop_assert!(possible_values.contains(&values), "{values:?} of {possible_values:?}");
        let keys = merged_in_order(&shuffled, "/tags/team/tag_key");
        let possible_keys = possible(&effective, "/tags/team/tag_key");
        let default = Some(BTreeSet::from(["team".to_owned()]));
        prop_assert!(possible_keys.contains(&keys) || keys.is_none() && possible_keys.contains(&default));
    }

    #[test]
    fn what_is_told_in_an_order_agrees_and_settles_a_prediction_of_no_change(
        (contents, shuffled) in contents(false).prop_flat_map(|contents| {
            let shuffled: Vec<_> = contents.iter().map(|level| Just(level.clone()).prop_shuffle()).collect();
            (Just(contents), shuffled)
        })
    ) {
        prop_assume!(contents.iter().any(|level| !level.is_empty()));
        let levels = levels_of(&contents);
        let told = told(&shuffled);
        let effective = levels.effective();
        prop_assert_eq!(compare(&effective, &told), Agreement::Agrees);
        let predicted = predict(&levels, &told, &levels);
        prop_assert_eq!(compare(&predicted, &told), Agreement::Agrees);
        let settled = effective.settled_by(&told);
        prop_assert!(settled.is_known());
        prop_assert_eq!(compare(&settled, &told), Agreement::Agrees);
        // a prediction never says less than the policies alone
        prop_assert!(predicted.unknown().count() <= effective.unknown().count());
    }

    #[test]
    fn the_order_in_which_policies_are_given_never_matters(
        contents in contents(true), seed in any::<u64>()
    ) {
        let levels = levels_of(&contents);
        let shuffled: Vec<Level> = levels
            .levels()
            .iter()
            .map(|level| {
                let mut attached = level.attached.clone();
                let turns = usize::try_from(seed % 7).unwrap() % attached.len().max(1);
                attached.rotate_left(turns);
                if seed % 2 == 0 {
                    attached.reverse();
                }
                Level { target: level.target.clone(), attached }
            })
            .collect();
        let shuffled = Levels::new(PolicyKind::Tag, shuffled).unwrap();
        prop_assert_eq!(levels.effective(), shuffled.effective());
        prop_assert_eq!(levels.effective(), levels.effective());
    }

    #[test]
    fn no_policy_below_changes_what_a_parent_locks(
        values in words(), contents in contents(true)
    ) {
        let lock = json!({
            "tags": {
                "team": {
                    "tag_key": { "@@assign": "Team", CONTROL: ["@@none"] },
                    "tag_value": { "@@assign": values, CONTROL: ["@@none"] }
                }
            }
        });
        let mut all = vec![vec![lock.clone()]];
        let alone = levels_of(&all).effective();
        all.extend(contents);
        let effective = levels_of(&all).effective();
        prop_assert_eq!(difference(&alone, &effective), vec![]);
        prop_assert!(effective.is_known());
    }

    #[test]
    fn a_known_effective_policy_agrees_with_its_own_document(contents in contents(false)) {
        let effective = levels_of(&contents).effective();
        if let Some(document) = effective.document() {
            prop_assert_eq!(compare(&effective, &document), Agreement::Agrees);
            prop_assert_eq!(difference(&effective, &effective), vec![]);
            let text = effective.document_text().unwrap();
            prop_assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), document);
        }
    }

    #[test]
    fn every_content_that_is_accepted_can_be_merged(text in near_policies()) {
        for kind in [PolicyKind::DeclarativeEc2, PolicyKind::Tag] {
            let strict = check(kind, &text);
            let lenient = check_allowing_not_established(kind, &text);
            prop_assert!(strict.is_err() || lenient.is_ok());
            if let Ok((document, problems)) = lenient {
                prop_assert_eq!(strict.is_ok(), problems.is_empty());
                prop_assert_eq!(&document, &Document::read_attached(kind, &text).unwrap());
                let levels = Levels::new(kind, vec![Level {
                    target: "r".to_owned(),
                    attached: vec![Attached { policy: "p".to_owned(), document }],
                }])
                .unwrap();
                let effective = levels.effective();
                if strict.is_ok() {
                    // one policy alone leaves nothing open but a rule that comes to nothing
                    prop_assert!(effective.unknown().all(|(path, _)| path.ends_with("/tag_key")));
                }
            }
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        let _ = check(PolicyKind::Tag, &text);
        let _ = Document::read_attached(PolicyKind::DeclarativeEc2, &text);
    }
}

/// JSON that is made of the words of policies, so that some of it is a policy.
fn near_policies() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just(json!({ "@@assign": "enabled" })),
        Just(json!({ "@@assign": "disabled" })),
        Just(json!({ "@@assign": ["a"] })),
        Just(json!({ "@@append": ["ec2:instance"] })),
        Just(json!({ "@@remove": ["amazon"] })),
        Just(json!({ "@@assign": 4 })),
        Just(json!({ CONTROL: ["@@none"] })),
        Just(json!({ "@@assign": "a", CONTROL: ["@@all"] })),
        Just(json!("enabled")),
        Just(json!([])),
    ];
    let keys = prop::sample::select(vec![
        "tag_key",
        "tag_value",
        "enforced_for",
        "a",
        "status",
        "state",
        "serial_console_access",
        "instance_metadata_defaults",
        "http_endpoint",
        "http_put_response_hop_limit",
        "exception_message",
        "unknown",
        "@@assign",
        CONTROL,
    ]);
    let tree = leaf.prop_recursive(3, 24, 4, move |inner| {
        prop::collection::vec((keys.clone(), inner), 1..4).prop_map(|members| {
            Value::Object(members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
        })
    });
    (prop::sample::select(vec!["tags", "ec2_attributes"]), tree)
        .prop_map(|(top, tree)| json!({ top: tree }).to_string())
}
