//! Policies at one level, child controls, and what cannot be known about them.

use management_policies::{
    Attribute, Candidate, Document, Effective, Level, Levels, LevelsError, PolicyKind, Reason, SettingValue,
    problems,
};
use serde_json::{Value, json};

use crate::common::{candidates, document, known, levels, stored, tag};

const VALUES: &str = "/tags/team/tag_value";

/// A tag policy with operators at the values of one tag.
fn values(operators: Value) -> Document {
    stored(PolicyKind::Tag, &json!({ "tags": { "team": { "tag_value": operators } } }))
}

/// The effective policy of two policies at the root, and one at the account.
fn merged(one: &Document, other: &Document, account: Option<&Document>) -> Effective {
    let account: Vec<(&str, &Document)> =
        account.map(|document| ("p-account", document)).into_iter().collect();
    levels(PolicyKind::Tag, &[("r-root", &[("p-one", one), ("p-other", other)]), ("111111111111", &account)])
        .effective()
}

fn reasons(effective: &Effective, path: &str) -> Vec<Reason> {
    match effective.attributes().get(path) {
        Some(Attribute::Unknown(unknown)) => unknown.because.iter().map(|because| because.reason).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn equal_assignments_at_one_level_are_known() {
    let one = values(json!({ "@@assign": ["a", "b"] }));
    let other = values(json!({ "@@assign": ["b", "a", "b"] }));
    assert_eq!(known(&merged(&one, &other, None), VALUES), Some(json!(["a", "b"])));
}

#[test]
fn a_number_and_its_text_are_the_same_value() {
    let limit = |value: Value| {
        document(
            PolicyKind::DeclarativeEc2,
            &json!({
                "ec2_attributes": {
                    "instance_metadata_defaults": { "http_put_response_hop_limit": { "@@assign": value } }
                }
            }),
        )
    };
    let (number, text) = (limit(json!(4)), limit(json!("4")));
    let effective =
        levels(PolicyKind::DeclarativeEc2, &[("r", &[("p-1", &number), ("p-2", &text)])]).effective();
    let path = "/ec2_attributes/instance_metadata_defaults/http_put_response_hop_limit";
    assert_eq!(known(&effective, path), Some(json!(4)));
    let effective = levels(PolicyKind::DeclarativeEc2, &[("r", &[("p-1", &text)])]).effective();
    assert_eq!(known(&effective, path), Some(json!("4")));
}

#[test]
fn different_assignments_at_one_level_are_unknown() {
    let one = values(json!({ "@@assign": ["a"] }));
    let other = values(json!({ "@@assign": ["b"] }));
    let effective = merged(&one, &other, None);
    assert_eq!(candidates(&effective, VALUES), [json!(["a"]), json!(["b"])]);
    let Some(Attribute::Unknown(unknown)) = effective.attributes().get(VALUES) else { panic!() };
    assert!(unknown.exhaustive);
    assert_eq!(unknown.because.len(), 1);
    assert_eq!(unknown.because[0].reason, Reason::OrderAtOneLevel);
    assert_eq!(unknown.because[0].target, "r-root");
    assert_eq!(unknown.because[0].policies, ["p-one", "p-other"]);
    assert_eq!(effective.document(), None);
    assert_eq!(effective.document_text(), None);
}

#[test]
fn only_the_policies_that_conflict_are_told() {
    let one = values(json!({ "@@assign": ["a"] }));
    let other = values(json!({ "@@assign": ["b"] }));
    let elsewhere = tag(&json!({ "tags": { "stage": { "tag_value": { "@@assign": ["x"] } } } }));
    let effective =
        levels(PolicyKind::Tag, &[("r", &[("p-1", &one), ("p-2", &other), ("p-3", &elsewhere)])]).effective();
    let (_, unknown) = effective.unknown().next().unwrap();
    assert_eq!(unknown.because[0].policies, ["p-1", "p-2"]);
    assert_eq!(known(&effective, "/tags/stage/tag_value"), Some(json!(["x"])));
}

#[test]
fn appended_values_of_one_level_are_known() {
    let one = values(json!({ "@@append": ["b", "c"] }));
    let other = values(json!({ "@@append": ["a", "b"] }));
    assert_eq!(known(&merged(&one, &other, None), VALUES), Some(json!(["b", "c", "a"])));
}

#[test]
fn appending_and_removing_other_values_at_one_level_is_known() {
    let one = values(json!({ "@@append": ["a"] }));
    let other = values(json!({ "@@remove": ["b"] }));
    assert_eq!(known(&merged(&one, &other, None), VALUES), Some(json!(["a"])));
}

#[test]
fn appending_what_is_removed_at_the_same_level_is_unknown() {
    let root = values(json!({ "@@assign": ["a"] }));
    let one = values(json!({ "@@append": ["b"] }));
    let other = values(json!({ "@@remove": ["b"] }));
    let effective =
        levels(PolicyKind::Tag, &[("r", &[("p-0", &root)]), ("ou", &[("p-1", &one), ("p-2", &other)])])
            .effective();
    assert_eq!(candidates(&effective, VALUES), [json!(["a"]), json!(["a", "b"])]);
    assert_eq!(reasons(&effective, VALUES), [Reason::OrderAtOneLevel]);
}

#[test]
fn appending_beside_an_assignment_is_unknown_unless_the_values_are_assigned_too() {
    let one = values(json!({ "@@assign": ["a"] }));
    let other = values(json!({ "@@append": ["b"] }));
    assert_eq!(candidates(&merged(&one, &other, None), VALUES), [json!(["a"]), json!(["a", "b"])]);
    let other = values(json!({ "@@append": ["a"] }));
    assert_eq!(known(&merged(&one, &other, None), VALUES), Some(json!(["a"])));
}

#[test]
fn operators_beside_each_other_in_one_policy_are_in_conflict_too() {
    let one = values(json!({ "@@assign": ["a"], "@@append": ["b"] }));
    let nothing = tag(&json!({ "tags": { "stage": { "tag_value": { "@@assign": ["x"] } } } }));
    let effective = merged(&one, &nothing, None);
    assert_eq!(candidates(&effective, VALUES), [json!(["a"]), json!(["a", "b"])]);
    let (_, unknown) = effective.unknown().next().unwrap();
    assert_eq!(unknown.because[0].policies, ["p-one"]);
}

#[test]
fn a_level_below_that_assigns_ends_the_doubt() {
    let one = values(json!({ "@@assign": ["a"] }));
    let other = values(json!({ "@@assign": ["b"] }));
    let account = values(json!({ "@@assign": ["c"] }));
    assert_eq!(known(&merged(&one, &other, Some(&account)), VALUES), Some(json!(["c"])));
    let account = values(json!({ "@@append": ["c"] }));
    assert_eq!(
        candidates(&merged(&one, &other, Some(&account)), VALUES),
        [json!(["a", "c"]), json!(["b", "c"])]
    );
}

#[test]
fn a_child_control_does_not_limit_the_policies_beside_it() {
    let one = values(json!({ "@@operators_allowed_for_child_policies": ["@@none"] }));
    let other = values(json!({ "@@assign": ["b"] }));
    assert_eq!(known(&merged(&one, &other, None), VALUES), Some(json!(["b"])));
}

#[test]
fn no_child_gives_back_what_a_parent_took() {
    let none = json!(["@@none"]);
    let all = json!(["@@all"]);
    let root = values(json!({ "@@assign": ["a"], "@@operators_allowed_for_child_policies": none }));
    let ou = values(json!({ "@@operators_allowed_for_child_policies": all }));
    let account = values(json!({ "@@assign": ["b"] }));
    let effective = levels(
        PolicyKind::Tag,
        &[("r", &[("p-1", &root)]), ("ou", &[("p-2", &ou)]), ("a", &[("p-3", &account)])],
    )
    .effective();
    assert_eq!(known(&effective, VALUES), Some(json!(["a"])));
}

#[test]
fn whether_a_child_control_at_a_group_limits_what_is_inside_is_unknown() {
    let root = tag(&json!({
        "tags": {
            "team": {
                "@@operators_allowed_for_child_policies": ["@@none"],
                "tag_value": { "@@assign": ["a"] }
            }
        }
    }));
    let nothing = values(json!({ "@@operators_allowed_for_child_policies": ["@@all"] }));
    let account = values(json!({ "@@assign": ["b"] }));
    let effective = merged(&root, &nothing, Some(&account));
    assert_eq!(candidates(&effective, VALUES), [json!(["a"]), json!(["b"])]);
    let Some(Attribute::Unknown(unknown)) = effective.attributes().get(VALUES) else { panic!() };
    assert_eq!(unknown.because.len(), 1);
    assert_eq!(unknown.because[0].reason, Reason::ControlOfGroup);
    assert_eq!(unknown.because[0].policies, ["p-one"]);
    // without a policy below that it could limit, it makes no difference
    assert_eq!(known(&merged(&root, &nothing, None), VALUES), Some(json!(["a"])));
}

#[test]
fn whether_an_emptied_list_of_values_is_told_is_unknown() {
    let one = values(json!({ "@@assign": ["a"] }));
    let nothing = values(json!({ "@@operators_allowed_for_child_policies": ["@@all"] }));
    let account = values(json!({ "@@remove": ["a"] }));
    let effective = merged(&one, &nothing, Some(&account));
    // no value is acceptable, or every value is
    assert_eq!(candidates(&effective, VALUES), [Value::Null, json!([])]);
    assert_eq!(reasons(&effective, VALUES), [Reason::EmptiedList]);
}

#[test]
fn a_list_of_resource_types_that_is_emptied_or_assigned_empty_is_absent() {
    let enforced = |operators: Value| {
        stored(PolicyKind::Tag, &json!({ "tags": { "team": { "enforced_for": operators } } }))
    };
    let root = enforced(json!({ "@@assign": ["ec2:instance"] }));
    for account in [json!({ "@@remove": ["ec2:instance"] }), json!({ "@@assign": [] })] {
        let account = enforced(account);
        let effective =
            levels(PolicyKind::Tag, &[("r", &[("p-1", &root)]), ("a", &[("p-2", &account)])]).effective();
        assert_eq!(known(&effective, "/tags/team/enforced_for"), None);
    }
}

#[test]
fn values_that_are_assigned_empty_stay_empty() {
    // "This example policy specifies that no values are acceptable for the Color tag key."
    let color = tag(&json!({ "tags": { "Color": { "tag_value": { "@@assign": [] } } } }));
    let effective = levels(PolicyKind::Tag, &[("r", &[("p-1", &color)])]).effective();
    assert_eq!(
        effective.document(),
        Some(json!({ "tags": { "Color": { "tag_key": "color", "tag_value": [] } } }))
    );
}

#[test]
fn removing_what_is_not_inherited_does_nothing() {
    let account = values(json!({ "@@remove": ["a"] }));
    let effective = levels(PolicyKind::Tag, &[("a", &[("p-1", &account)])]).effective();
    assert_eq!(known(&effective, VALUES), None);
    // but whether the rule is in the effective policy at all is not known
    assert_eq!(candidates(&effective, "/tags/team/tag_key"), [Value::Null, json!("team")]);
    assert_eq!(reasons(&effective, "/tags/team/tag_key"), [Reason::RuleWithoutContent]);
}

#[test]
fn policy_keys_are_the_same_in_every_case() {
    let one = tag(&json!({ "tags": { "CostCenter": { "tag_value": { "@@assign": ["a"] } } } }));
    let other = tag(&json!({ "tags": { "costcenter": { "tag_value": { "@@append": ["b"] } } } }));
    let effective =
        levels(PolicyKind::Tag, &[("r", &[("p-1", &one)]), ("a", &[("p-2", &other)])]).effective();
    assert_eq!(
        effective.document_text().unwrap(),
        r#"{"tags":{"costcenter":{"tag_key":"costcenter","tag_value":["a","b"]}}}"#
    );
}

#[test]
fn the_document_has_sorted_keys_and_is_empty_without_policies() {
    let policy = document(
        PolicyKind::DeclarativeEc2,
        &json!({
            "ec2_attributes": {
                "snapshot_block_public_access": { "state": { "@@assign": "unblocked" } },
                "exception_message": { "@@assign": "Ask us." },
                "instance_metadata_defaults": {
                    "http_tokens": { "@@assign": "required" },
                    "http_endpoint": { "@@assign": "enabled" }
                }
            }
        }),
    );
    let effective = levels(PolicyKind::DeclarativeEc2, &[("r", &[("p-1", &policy)]), ("a", &[])]).effective();
    assert_eq!(
        effective.document_text().unwrap(),
        concat!(
            r#"{"ec2_attributes":{"exception_message":"Ask us.","#,
            r#""instance_metadata_defaults":{"http_endpoint":"enabled","http_tokens":"required"},"#,
            r#""snapshot_block_public_access":{"state":"unblocked"}}}"#
        )
    );
    assert_eq!(levels(PolicyKind::DeclarativeEc2, &[]).effective().document_text().unwrap(), "{}");
}

#[test]
fn what_is_stored_in_a_form_that_is_not_documented_makes_its_attribute_unknown_without_bounds() {
    let odd = stored(PolicyKind::Tag, &json!({ "tags": { "team": { "tag_value": { "@@merge": ["a"] } } } }));
    let effective = levels(PolicyKind::Tag, &[("r", &[("p-1", &odd)])]).effective();
    let Some(Attribute::Unknown(unknown)) = effective.attributes().get(VALUES) else { panic!() };
    assert!(!unknown.exhaustive);
    assert_eq!(unknown.because[0].reason, Reason::NotUnderstood);
    assert_eq!(unknown.because[0].policies, ["p-1"]);
}

#[test]
fn an_attribute_that_is_not_documented_merges_by_the_operators() {
    let new = |value: &str| {
        stored(
            PolicyKind::DeclarativeEc2,
            &json!({ "ec2_attributes": { "new": { "mode": { "@@assign": value } } } }),
        )
    };
    let (root, account) = (new("monitor"), new("enforce"));
    let effective =
        levels(PolicyKind::DeclarativeEc2, &[("r", &[("p-1", &root)]), ("a", &[("p-2", &account)])])
            .effective();
    assert_eq!(known(&effective, "/ec2_attributes/new/mode"), Some(json!("enforce")));
}

#[test]
fn levels_refuse_what_is_no_way_from_a_root_to_an_account() {
    let document = values(json!({ "@@assign": ["a"] }));
    let level = |target: &str, policies: &[&str]| Level {
        target: target.to_owned(),
        attached: policies
            .iter()
            .map(|policy| management_policies::Attached {
                policy: (*policy).to_owned(),
                document: document.clone(),
            })
            .collect(),
    };
    let twice = Levels::new(PolicyKind::Tag, vec![level("r", &[]), level("r", &[])]);
    assert_eq!(twice, Err(LevelsError::TargetTwice("r".to_owned())));
    let twice = Levels::new(PolicyKind::Tag, vec![level("r", &["p", "p"])]);
    assert!(matches!(twice, Err(LevelsError::PolicyTwice { .. })));
    let other = Levels::new(PolicyKind::DeclarativeEc2, vec![level("r", &["p"])]);
    assert!(matches!(other, Err(LevelsError::OtherKind { .. })));
    // one policy may be attached at several levels
    Levels::new(PolicyKind::Tag, vec![level("r", &["p"]), level("a", &["p"])]).unwrap();
}

#[test]
fn an_effective_policy_without_a_required_member_or_with_too_many_values_has_problems() {
    let mode = stored(
        PolicyKind::DeclarativeEc2,
        &json!({
            "ec2_attributes": {
                "vpc_block_public_access": { "internet_gateway_block": { "mode": { "@@assign": "off" } } }
            }
        }),
    );
    let images = |operator: &str, from: u64| {
        let ids: Vec<String> = (from..from + 150).map(|id| format!("{id:012}")).collect();
        stored(
            PolicyKind::DeclarativeEc2,
            &json!({
                "ec2_attributes": {
                    "allowed_images_settings": {
                        "state": { "@@assign": "enabled" },
                        "image_criteria": { "criteria_1": { "allowed_image_providers": { operator: ids } } }
                    }
                }
            }),
        )
    };
    let (one, other) = (images("@@assign", 0), images("@@append", 1000));
    let effective = levels(
        PolicyKind::DeclarativeEc2,
        &[("r", &[("p-1", &mode), ("p-2", &one)]), ("a", &[("p-3", &other)])],
    )
    .effective();
    let told: Vec<(String, String)> =
        problems(&effective).into_iter().map(|problem| (problem.path, problem.what)).collect();
    assert_eq!(
        told,
        [
            (
                "/ec2_attributes/vpc_block_public_access/internet_gateway_block".to_owned(),
                "exclusions_allowed is missing, which AWS's guide marks as required".to_owned()
            ),
            (
                "/ec2_attributes/allowed_images_settings/image_criteria/criteria_1/allowed_image_providers"
                    .to_owned(),
                "the list has 300 values".to_owned()
            ),
        ]
    );
    assert_eq!(problems(&levels(PolicyKind::DeclarativeEc2, &[]).effective()), []);
}

#[test]
fn what_is_known_and_unknown_can_be_stored_and_read() {
    let one = values(json!({ "@@assign": ["a"] }));
    let other = values(json!({ "@@assign": ["b"] }));
    let effective = merged(&one, &other, None);
    let text = serde_json::to_string(&effective).unwrap();
    assert_eq!(serde_json::from_str::<Effective>(&text).unwrap(), effective);
    let candidate = Candidate::Value(SettingValue::from_json(&json!(["a", 1])).unwrap());
    assert_eq!(serde_json::to_value(&candidate).unwrap(), json!({ "value": ["a", 1] }));
    assert_eq!(serde_json::to_value(Candidate::Absent).unwrap(), json!("absent"));
}
