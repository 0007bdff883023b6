//! AWS's own examples (user guide, "Inheritance examples").

use serde_json::{Value, json};

use super::merge;

/// What these policies come to, level by level from the root, in the order of their attachment.
fn effective(levels: &[&[&Value]]) -> Value {
    merge(&levels.iter().map(|documents| documents.to_vec()).collect::<Vec<_>>())
}

fn costcenter(members: Value) -> Value {
    json!({"tags": {"costcenter": members}})
}

fn project(members: Value) -> Value {
    json!({"tags": {"project": members}})
}

fn policy_a() -> Value {
    costcenter(json!({
        "tag_key": {"@@assign": "CostCenter"},
        "tag_value": {"@@assign": ["Development", "Support"]},
    }))
}

fn policy_c() -> Value {
    costcenter(json!({
        "tag_key": {"@@assign": "CostCenter"},
        "tag_value": {"@@append": ["Marketing"]},
        "enforced_for": {"@@append": ["redshift:*", "dynamodb:table"]},
    }))
}

#[test]
fn example_1_allow_child_policies_to_overwrite_only_tag_values() {
    let policy_b = costcenter(json!({
        "tag_key": {"@@assign": "CostCenter"},
        "tag_value": {"@@assign": ["Sandbox"]},
        "enforced_for": {"@@assign": ["redshift:*", "dynamodb:table"]},
    }));
    assert_eq!(
        effective(&[&[&policy_a()], &[&policy_b], &[]]),
        costcenter(json!({
            "tag_key": "CostCenter",
            "tag_value": ["Sandbox"],
            "enforced_for": ["redshift:*", "dynamodb:table"],
        }))
    );
}

#[test]
fn example_2_append_new_values_to_inherited_tags() {
    assert_eq!(
        effective(&[&[&policy_a()], &[&policy_c()], &[]]),
        costcenter(json!({
            "tag_key": "CostCenter",
            "tag_value": ["Development", "Support", "Marketing"],
            "enforced_for": ["redshift:*", "dynamodb:table"],
        }))
    );
}

/// Of the list that policy D leaves nothing of, the effective policy has nothing: "Compliance is not
/// enforced for the CostCenter tag key", and the page shows no `enforced_for`.
#[test]
fn example_3_remove_values_from_inherited_tags() {
    let policy_d = costcenter(json!({
        "tag_key": {"@@assign": "CostCenter"},
        "tag_value": {"@@remove": ["Development", "Marketing"]},
        "enforced_for": {"@@remove": ["redshift:*", "dynamodb:table"]},
    }));
    assert_eq!(
        effective(&[&[&policy_a()], &[&policy_c()], &[&policy_d]]),
        costcenter(json!({"tag_key": "CostCenter", "tag_value": ["Support"]}))
    );
}

/// The page writes the `enforced_for` of policy D inside of its `tag_value`, where it is no setting, and
/// yet shows what it does as one. Here it does nothing there; as a policy's content it is malformed.
#[test]
fn example_3_as_the_page_writes_it_leaves_what_is_enforced() {
    let policy_d = costcenter(json!({
        "tag_key": {"@@assign": "CostCenter"},
        "tag_value": {
            "@@remove": ["Development", "Marketing"],
            "enforced_for": {"@@remove": ["redshift:*", "dynamodb:table"]},
        },
    }));
    assert_eq!(
        effective(&[&[&policy_a()], &[&policy_c()], &[&policy_d]]),
        costcenter(json!({
            "tag_key": "CostCenter",
            "tag_value": ["Support"],
            "enforced_for": ["redshift:*", "dynamodb:table"],
        }))
    );
}

/// The page says that policy F "attempts to change the case treatment, but it can't", and then shows a
/// `tag_key` of `project`, which neither policy has. Here it is what policy E says. It also says that
/// children "can overwrite or append" values, where policy E allows them to append alone.
#[test]
fn example_4_restrict_changes_to_child_policies() {
    let policy_e = project(json!({
        "tag_key": {"@@operators_allowed_for_child_policies": ["@@none"], "@@assign": "Project"},
        "tag_value": {
            "@@operators_allowed_for_child_policies": ["@@append"],
            "@@assign": ["Maintenance", "Escalations"],
        },
    }));
    let policy_f = project(json!({
        "tag_key": {"@@assign": "PROJECT"},
        "tag_value": {"@@append": ["Escalations - research"]},
    }));
    assert_eq!(
        effective(&[&[&policy_e], &[&policy_f], &[]]),
        project(json!({
            "tag_key": "Project",
            "tag_value": ["Maintenance", "Escalations", "Escalations - research"],
        }))
    );
    let overwriting = project(json!({"tag_value": {"@@assign": ["Mine"]}}));
    assert_eq!(
        effective(&[&[&policy_e], &[&overwriting], &[]]),
        project(json!({"tag_key": "Project", "tag_value": ["Maintenance", "Escalations"]}))
    );
}

/// "The intersection of the allowed operators is used": a child can append, and not remove.
#[test]
fn example_5_conflicts_with_child_control_operators() {
    let policy_g = project(json!({
        "tag_value": {
            "@@operators_allowed_for_child_policies": ["@@append"],
            "@@assign": ["Maintenance"],
        },
    }));
    let policy_h = project(json!({
        "tag_value": {"@@operators_allowed_for_child_policies": ["@@append", "@@remove"]},
    }));
    let child = |operator: &str, value: &str| project(json!({"tag_value": {operator: [value]}}));
    let below = |child: &Value| effective(&[&[&policy_g, &policy_h], &[child], &[]]);
    let values = |values: &[&str]| project(json!({"tag_value": values}));
    assert_eq!(below(&child("@@append", "More")), values(&["Maintenance", "More"]));
    assert_eq!(below(&child("@@remove", "Maintenance")), values(&["Maintenance"]));
    assert_eq!(below(&child("@@assign", "Mine")), values(&["Maintenance"]));
    // In either order.
    let removing = child("@@remove", "Maintenance");
    assert_eq!(effective(&[&[&policy_h, &policy_g], &[&removing], &[]]), values(&["Maintenance"]));
}

/// "The tag key PROJECT is used in the effective tag policy because the policy that defined it was attached
/// to the organization root first." The page shows it with a space before it, and a value `Escalations`
/// that neither policy has; here is neither.
#[test]
fn example_6_conflicts_with_appending_values_at_the_same_level() {
    let policy_j = project(json!({
        "tag_key": {"@@assign": "PROJECT"},
        "tag_value": {"@@append": ["Maintenance"]},
    }));
    let policy_k = project(json!({"tag_key": {"@@assign": "project"}}));
    assert_eq!(
        effective(&[&[&policy_j, &policy_k], &[]]),
        project(json!({"tag_key": "PROJECT", "tag_value": ["Maintenance"]}))
    );
    assert_eq!(effective(&[&[&policy_k, &policy_j], &[]])["tags"]["project"]["tag_key"], "project");
}

#[test]
fn a_list_that_was_emptied_is_there_again_when_something_is_appended() {
    let values = |operator: &str, value: &str| costcenter(json!({"tag_value": {operator: [value]}}));
    let levels = [values("@@assign", "a"), values("@@remove", "a"), values("@@append", "b")];
    let [root, unit, account] = &levels;
    assert_eq!(effective(&[&[root], &[unit], &[]]), json!({}));
    assert_eq!(effective(&[&[root], &[unit], &[account]]), costcenter(json!({"tag_value": ["b"]})));
}
