//! What was seen on AWS is among what is possible.
//!
//! In September 2026 somebody attached tag policies to a root and to an account, and published what
//! DescribeEffectivePolicy told then (github.com/radkawar/stackd, `docs/organizations-effective-policies.md`).
//! It is one organization, seen by a third party, so it establishes nothing here; but a computation
//! that excluded it would be wrong. The cases are rebuilt with names of their own.

use management_policies::{Agreement, Document, PolicyKind, compare};
use serde_json::{Map, Value, json};

use crate::common::{levels, stored};

/// Two policies at the root, attached in this order, one at the account, and the values told.
struct Case {
    name: &'static str,
    first: Value,
    second: Value,
    account: Value,
    told: Value,
}

fn case(name: &'static str, first: Value, second: Value, account: Value, told: Value) -> Case {
    Case { name, first, second, account, told }
}

fn cases() -> Vec<Case> {
    const CONTROL: &str = "@@operators_allowed_for_child_policies";
    let none = || Value::Null;
    let assign = |values: Value| json!({ "@@assign": values });
    let append = |values: Value| json!({ "@@append": values });
    let remove = |values: Value| json!({ "@@remove": values });
    let limited = |values: Value, control: &str| json!({ "@@assign": values, CONTROL: [control] });
    vec![
        case("replaced", assign(json!(["r", "b"])), none(), assign(json!(["g"])), json!(["g"])),
        case(
            "appended",
            assign(json!(["r", "b"])),
            none(),
            append(json!(["b", "g"])),
            json!(["r", "b", "g"]),
        ),
        case("removed", assign(json!(["r", "b"])), none(), remove(json!(["r", "x"])), json!(["b"])),
        case("locked", limited(json!(["r"]), "@@none"), none(), assign(json!(["g"])), json!(["r"])),
        case(
            "append-only",
            limited(json!(["r"]), "@@append"),
            none(),
            append(json!(["g"])),
            json!(["r", "g"]),
        ),
        case(
            "not-unlocked",
            limited(json!(["r"]), "@@append"),
            none(),
            limited(json!(["g"]), "@@all"),
            json!(["r"]),
        ),
        case("assigned-twice", assign(json!(["r"])), assign(json!(["b"])), none(), json!(["r"])),
        case("lists-twice", assign(json!(["r", "b"])), assign(json!(["b", "g"])), none(), json!(["r", "b"])),
        case("removed-beside", assign(json!(["r", "b"])), remove(json!(["r"])), none(), json!(["b"])),
        case("append-remove", append(json!(["r"])), remove(json!(["r"])), none(), json!([])),
        case("remove-append", remove(json!(["r"])), append(json!(["r"])), none(), json!([])),
        case("appended-twice", append(json!(["r"])), append(json!(["b"])), none(), json!(["r", "b"])),
        case("assign-append", assign(json!(["r"])), append(json!(["b"])), none(), json!(["r", "b"])),
        case("append-assign", append(json!(["r"])), assign(json!(["b"])), none(), json!(["b", "r"])),
        case(
            "intersection",
            limited(json!(["r"]), "@@append"),
            json!({ CONTROL: ["@@remove"] }),
            append(json!(["g"])),
            json!(["r"]),
        ),
        case("emptied", assign(json!(["r"])), none(), remove(json!(["r"])), json!([])),
        case("nothing-removed", none(), none(), remove(json!(["r"])), json!(["*"])),
        case(
            "numbers",
            assign(json!([12, true, null])),
            none(),
            append(json!(["12", 13])),
            json!(["12", "true", "null", "13"]),
        ),
        case(
            "all-operators",
            json!({ "@@assign": ["r"], "@@append": ["b"], "@@remove": ["r"] }),
            none(),
            none(),
            json!(["b"]),
        ),
        case(
            "all-operators-below",
            assign(json!(["r", "b"])),
            none(),
            json!({ "@@assign": ["g"], "@@append": ["y"], "@@remove": ["g"] }),
            json!(["y"]),
        ),
    ]
}

fn policy(rules: &[(&str, &Value)]) -> Document {
    let rules: Map<String, Value> = rules
        .iter()
        .filter(|(_, operators)| !operators.is_null())
        .map(|(name, operators)| {
            ((*name).to_owned(), json!({ "tag_key": { "@@assign": name }, "tag_value": operators }))
        })
        .collect();
    stored(PolicyKind::Tag, &json!({ "tags": rules }))
}

#[test]
fn every_observed_merge_is_among_the_possible_ones() {
    for Case { name, first, second, account, told } in cases() {
        let (first, second, account) =
            (policy(&[(name, &first)]), policy(&[(name, &second)]), policy(&[(name, &account)]));
        let effective = levels(
            PolicyKind::Tag,
            &[("r", &[("p-2", &first), ("p-1", &second)]), ("a", &[("p-3", &account)])],
        )
        .effective();
        let told = json!({ "tags": { name: { "tag_value": told, "tag_key": name } } });
        assert_eq!(compare(&effective, &told), Agreement::Agrees, "{name}: {effective:#?}");
    }
}

#[test]
fn observed_defaults_and_groups_are_among_the_possible_ones() {
    let root = stored(
        PolicyKind::Tag,
        &json!({
            "tags": {
                "Empty": {},
                "Default": { "tag_value": { "@@assign": ["r"] } },
                "locked-group": {
                    "@@operators_allowed_for_child_policies": ["@@none"],
                    "tag_value": { "@@assign": ["r"] }
                }
            }
        }),
    );
    let account = stored(
        PolicyKind::Tag,
        &json!({
            "tags": {
                "default": { "tag_value": { "@@append": ["b"] } },
                "locked-group": { "tag_value": { "@@assign": ["b"] } }
            }
        }),
    );
    let effective =
        levels(PolicyKind::Tag, &[("r", &[("p-1", &root)]), ("a", &[("p-2", &account)])]).effective();
    let told = json!({
        "tags": {
            "empty": { "tag_value": ["*"], "tag_key": "empty" },
            "default": { "tag_value": ["r", "b"], "tag_key": "default" },
            "locked-group": { "tag_value": ["b"], "tag_key": "locked-group" }
        }
    });
    assert_eq!(compare(&effective, &told), Agreement::Agrees, "{effective:#?}");
}

#[test]
fn an_effective_policy_without_attachments_is_empty() {
    let effective = levels(PolicyKind::Tag, &[("r", &[]), ("a", &[])]).effective();
    assert_eq!(compare(&effective, &json!({})), Agreement::Agrees);
    assert_eq!(effective.document(), Some(json!({})));
}
