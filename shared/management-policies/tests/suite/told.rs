//! Comparing with what AWS tells, settling by it, and differences between effective policies.

use std::collections::BTreeMap;

use management_policies::{
    Agreement, Attribute, AttributeChange, Candidate, Document, Effective, PolicyKind, SettingValue, compare,
    difference,
};
use serde_json::{Value, json};

use crate::common::{levels, stored};

fn of(content: Value) -> Effective {
    let document = stored(PolicyKind::Tag, &content);
    levels(PolicyKind::Tag, &[("r", &[("p-1", &document)])]).effective()
}

fn in_conflict() -> Effective {
    let policy = |value: &str| {
        stored(
            PolicyKind::Tag,
            &json!({
                "tags": {
                    "team": {
                        "tag_value": { "@@assign": [value] },
                        "enforced_for": { "@@assign": ["ec2:instance"] }
                    }
                }
            }),
        )
    };
    let (one, other): (Document, Document) = (policy("a"), policy("b"));
    levels(PolicyKind::Tag, &[("r", &[("p-1", &one), ("p-2", &other)])]).effective()
}

fn team(values: Value) -> Value {
    json!({ "tags": { "team": { "tag_key": "team", "tag_value": values, "enforced_for": ["ec2:instance"] } } })
}

#[test]
fn an_unknown_attribute_agrees_with_each_of_its_possibilities() {
    let computed = in_conflict();
    assert_eq!(compare(&computed, &team(json!(["a"]))), Agreement::Agrees);
    assert_eq!(compare(&computed, &team(json!(["b"]))), Agreement::Agrees);
    let Agreement::Differs(differs) = compare(&computed, &team(json!(["c"]))) else { panic!() };
    assert_eq!(differs.len(), 1);
    assert_eq!(differs[0].path, "/tags/team/tag_value");
    assert!(matches!(differs[0].computed, Some(Attribute::Unknown(_))));
    assert_eq!(differs[0].told, Candidate::Value(SettingValue::from_json(&json!(["c"])).unwrap()));
}

#[test]
fn what_is_missing_or_too_much_on_one_side_differs() {
    let computed = of(json!({ "tags": { "team": { "enforced_for": { "@@assign": ["ec2:instance"] } } } }));
    let Agreement::Differs(differs) = compare(&computed, &json!({})) else { panic!() };
    let paths: Vec<&str> = differs.iter().map(|differs| differs.path.as_str()).collect();
    assert_eq!(paths, ["/tags/team/enforced_for"]);
    let told = json!({
        "tags": {
            "team": { "enforced_for": ["ec2:instance"], "report_required_tag_for": ["ec2:instance"] },
            "stage": { "tag_key": "Stage" }
        }
    });
    let Agreement::Differs(differs) = compare(&computed, &told) else { panic!() };
    let paths: Vec<&str> = differs.iter().map(|differs| differs.path.as_str()).collect();
    assert_eq!(paths, ["/tags/stage/tag_key", "/tags/team/report_required_tag_for"]);
}

#[test]
fn order_spelling_and_defaults_make_no_difference() {
    let computed = of(json!({
        "tags": { "Team": { "tag_value": { "@@assign": ["a", "b"] } }, "Stage": { "tag_key": { "@@assign": "Stage" } } }
    }));
    let told = json!({
        "tags": {
            "TEAM": { "tag_value": ["b", "a"], "enforced_for": [] },
            "stage": { "tag_key": "Stage", "tag_value": ["*"] }
        }
    });
    assert_eq!(compare(&computed, &told), Agreement::Agrees);
    let Agreement::Differs(differs) = compare(
        &computed,
        &json!({ "tags": { "team": { "tag_value": ["a", "b"], "tag_key": "Team" }, "stage": { "tag_key": "Stage" } } }),
    ) else {
        panic!()
    };
    assert_eq!(differs[0].path, "/tags/team/tag_key");
}

#[test]
fn what_cannot_be_bounded_is_undecided() {
    let computed = of(json!({ "tags": { "team": { "tag_value": { "@@merge": ["a"] } } } }));
    let told = json!({ "tags": { "team": { "tag_key": "team", "tag_value": ["a"] } } });
    assert_eq!(compare(&computed, &told), Agreement::Undecided(vec!["/tags/team/tag_value".to_owned()]));
    assert_eq!(computed.settled_by(&told).unknown().count(), 1);
}

#[test]
fn what_is_not_an_effective_policy_is_not_compared() {
    let computed = in_conflict();
    for told in [
        json!([]),
        json!("tags"),
        json!({ "tags": { "team": { "tag_value": [["a"]] } } }),
        json!({ "tags": { "team": { "tag_key": "team" }, "Team": { "tag_key": "Team" } } }),
    ] {
        assert!(matches!(compare(&computed, &told), Agreement::NotReadable(_)), "{told}");
        assert_eq!(computed.settled_by(&told), computed);
    }
}

#[test]
fn only_what_is_among_the_possibilities_settles() {
    let computed = in_conflict();
    assert_eq!(computed.settled_by(&team(json!(["b"]))).document(), Some(team(json!(["b"]))));
    assert_eq!(computed.settled_by(&team(json!(["c"]))), computed);
    // what is known stays, whatever is told
    let mut told = team(json!(["a"]));
    told["tags"]["team"]["enforced_for"] = json!(["s3:bucket"]);
    assert_eq!(computed.settled_by(&told).document(), Some(team(json!(["a"]))));
}

#[test]
fn a_difference_names_what_changes_and_what_may() {
    let before = of(json!({ "tags": { "team": { "tag_value": { "@@assign": ["a", "b"] } } } }));
    assert_eq!(difference(&before, &before), []);
    let reordered = of(json!({ "tags": { "team": { "tag_value": { "@@assign": ["b", "a"] } } } }));
    assert_eq!(difference(&before, &reordered), []);

    let after = of(
        json!({ "tags": { "stage": { "tag_key": { "@@assign": "Stage" } }, "team": { "tag_value": { "@@assign": ["a"] } } } }),
    );
    let one = |value: Value| Some(Attribute::Known(SettingValue::from_json(&value).unwrap()));
    assert_eq!(
        difference(&before, &after),
        [
            AttributeChange {
                path: "/tags/stage/tag_key".to_owned(),
                before: None,
                after: one(json!("Stage"))
            },
            AttributeChange {
                path: "/tags/team/tag_value".to_owned(),
                before: one(json!(["a", "b"])),
                after: one(json!(["a"])),
            },
        ]
    );
}

#[test]
fn what_is_unknown_before_and_after_may_change() {
    let unknown = in_conflict();
    let changes = difference(&unknown, &unknown);
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].path, "/tags/team/tag_value");
}

#[test]
fn accounts_can_be_grouped_by_their_difference() {
    let before = of(json!({ "tags": { "team": { "tag_value": { "@@assign": ["a"] } } } }));
    let after = in_conflict();
    let mut groups: BTreeMap<Vec<AttributeChange>, Vec<&str>> = BTreeMap::new();
    groups.entry(difference(&before, &after)).or_default().push("111111111111");
    groups.entry(difference(&before, &after)).or_default().push("222222222222");
    groups.entry(difference(&after, &before)).or_default().push("333333333333");
    assert_eq!(groups.len(), 2);
    let changes = serde_json::to_string(&difference(&before, &after)).unwrap();
    assert_eq!(serde_json::from_str::<Vec<AttributeChange>>(&changes).unwrap(), difference(&before, &after));
}
