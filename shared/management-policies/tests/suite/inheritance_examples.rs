//! The six examples of AWS's user guide, with their policies as they are on the page:
//! <https://docs.aws.amazon.com/organizations/latest/userguide/inheritance-examples.html>
//!
//! The root has OU1, with the accounts 111111111111 and 222222222222, and OU2, with 999999999999.

use crate::common::{candidates, known, levels, stored, tag};
use management_policies::{Agreement, Document, PolicyKind, ProblemKind, Reason, check, compare, predict};
use serde_json::{Value, json};

const ACCOUNT_1: &str = "111111111111";
const ACCOUNT_9: &str = "999999999999";

fn policy_a() -> Value {
    json!({
        "tags": {
            "costcenter": {
                "tag_key": { "@@assign": "CostCenter" },
                "tag_value": { "@@assign": ["Development", "Support"] }
            }
        }
    })
}

fn policy_b() -> Value {
    json!({
        "tags": {
            "costcenter": {
                "tag_key": { "@@assign": "CostCenter" },
                "tag_value": { "@@assign": ["Sandbox"] },
                "enforced_for": { "@@assign": ["redshift:*", "dynamodb:table"] }
            }
        }
    })
}

fn policy_c() -> Value {
    json!({
        "tags": {
            "costcenter": {
                "tag_key": { "@@assign": "CostCenter" },
                "tag_value": { "@@append": ["Marketing"] },
                "enforced_for": { "@@append": ["redshift:*", "dynamodb:table"] }
            }
        }
    })
}

/// As the page has it: `enforced_for` stands inside `tag_value`.
fn policy_d_of_the_page() -> Value {
    json!({
        "tags": {
            "costcenter": {
                "tag_key": { "@@assign": "CostCenter" },
                "tag_value": {
                    "@@remove": ["Development", "Marketing"],
                    "enforced_for": { "@@remove": ["redshift:*", "dynamodb:table"] }
                }
            }
        }
    })
}

/// As the page means it, by the effects that it lists: `enforced_for` stands beside `tag_value`.
fn policy_d() -> Value {
    json!({
        "tags": {
            "costcenter": {
                "tag_key": { "@@assign": "CostCenter" },
                "tag_value": { "@@remove": ["Development", "Marketing"] },
                "enforced_for": { "@@remove": ["redshift:*", "dynamodb:table"] }
            }
        }
    })
}

fn policy_e() -> Value {
    json!({
        "tags": {
            "project": {
                "tag_key": {
                    "@@operators_allowed_for_child_policies": ["@@none"],
                    "@@assign": "Project"
                },
                "tag_value": {
                    "@@operators_allowed_for_child_policies": ["@@append"],
                    "@@assign": ["Maintenance", "Escalations"]
                }
            }
        }
    })
}

fn policy_f() -> Value {
    json!({
        "tags": {
            "project": {
                "tag_key": { "@@assign": "PROJECT" },
                "tag_value": { "@@append": ["Escalations - research"] }
            }
        }
    })
}

fn policy_g() -> Value {
    json!({
        "tags": {
            "project": {
                "tag_value": {
                    "@@operators_allowed_for_child_policies": ["@@append"],
                    "@@assign": ["Maintenance"]
                }
            }
        }
    })
}

fn policy_h() -> Value {
    json!({
        "tags": {
            "project": {
                "tag_value": { "@@operators_allowed_for_child_policies": ["@@append", "@@remove"] }
            }
        }
    })
}

fn policy_j() -> Value {
    json!({
        "tags": {
            "project": {
                "tag_key": { "@@assign": "PROJECT" },
                "tag_value": { "@@append": ["Maintenance"] }
            }
        }
    })
}

fn policy_k() -> Value {
    json!({ "tags": { "project": { "tag_key": { "@@assign": "project" } } } })
}

fn effective_document(at: &[(&str, &[(&str, &Document)])]) -> Value {
    levels(PolicyKind::Tag, at).effective().document().expect("everything is known")
}

#[test]
fn example_1_a_child_overwrites_values_and_adds_enforcement() {
    let (a, b) = (tag(&policy_a()), tag(&policy_b()));
    let effective = effective_document(&[("r-root", &[("A", &a)]), ("ou-1", &[("B", &b)]), (ACCOUNT_1, &[])]);
    let page = json!({
        "tags": {
            "costcenter": {
                "tag_key": "CostCenter",
                "tag_value": ["Sandbox"],
                "enforced_for": ["redshift:*", "dynamodb:table"]
            }
        }
    });
    assert_eq!(effective, page);
}

#[test]
fn example_2_a_child_appends_values() {
    let (a, c) = (tag(&policy_a()), tag(&policy_c()));
    let effective = effective_document(&[("r-root", &[("A", &a)]), ("ou-2", &[("C", &c)]), (ACCOUNT_9, &[])]);
    let page = json!({
        "tags": {
            "costcenter": {
                "tag_key": "CostCenter",
                "tag_value": ["Development", "Support", "Marketing"],
                "enforced_for": ["redshift:*", "dynamodb:table"]
            }
        }
    });
    assert_eq!(effective, page);
}

#[test]
fn example_3_an_account_removes_values_and_all_enforcement() {
    let (a, c, d) = (tag(&policy_a()), tag(&policy_c()), tag(&policy_d()));
    let effective =
        effective_document(&[("r-root", &[("A", &a)]), ("ou-2", &[("C", &c)]), (ACCOUNT_9, &[("D", &d)])]);
    // "Compliance is not enforced for the CostCenter tag key", and enforced_for is absent
    let page = json!({ "tags": { "costcenter": { "tag_key": "CostCenter", "tag_value": ["Support"] } } });
    assert_eq!(effective, page);
}

#[test]
fn example_3_with_the_page_s_misplaced_setting_is_refused_and_not_understood() {
    let problems = check(PolicyKind::Tag, &policy_d_of_the_page().to_string()).unwrap_err();
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].kind, ProblemKind::Wrong);
    assert_eq!(problems[0].path, "/tags/costcenter/tag_value/enforced_for");

    let (a, c) = (tag(&policy_a()), tag(&policy_c()));
    let d = stored(PolicyKind::Tag, &policy_d_of_the_page());
    let effective = levels(
        PolicyKind::Tag,
        &[("r-root", &[("A", &a)]), ("ou-2", &[("C", &c)]), (ACCOUNT_9, &[("D", &d)])],
    )
    .effective();
    let unknown: Vec<&str> = effective.unknown().map(|(path, _)| path).collect();
    assert_eq!(unknown, ["/tags/costcenter/tag_value", "/tags/costcenter/tag_value/enforced_for"]);
    assert_eq!(known(&effective, "/tags/costcenter/tag_key"), Some(json!("CostCenter")));
}

#[test]
fn example_4_a_child_cannot_change_what_its_parent_locks() {
    let (e, f) = (tag(&policy_e()), tag(&policy_f()));
    let effective = effective_document(&[("r-root", &[("E", &e)]), ("ou-1", &[("F", &f)]), (ACCOUNT_1, &[])]);
    // The page tells the tag key as "project" here, although policy E assigns "Project" and its text
    // says that F cannot change it. The examples before it tell the tag key as it was assigned.
    let consistent = json!({
        "tags": {
            "project": {
                "tag_key": "Project",
                "tag_value": ["Maintenance", "Escalations", "Escalations - research"]
            }
        }
    });
    assert_eq!(effective, consistent);
}

#[test]
fn example_5_child_controls_of_one_level_intersect() {
    let (g, h) = (tag(&policy_g()), tag(&policy_h()));
    let child = |operator: &str, value: &str| {
        let child = tag(&json!({ "tags": { "project": { "tag_value": { operator: [value] } } } }));
        let at: [(&str, &[(&str, &Document)]); 2] =
            [("r-root", &[("G", &g), ("H", &h)]), ("ou-1", &[("child", &child)])];
        known(&levels(PolicyKind::Tag, &at).effective(), "/tags/project/tag_value")
    };
    // "child policies can append values, but not remove values"
    assert_eq!(child("@@append", "Escalations"), Some(json!(["Maintenance", "Escalations"])));
    assert_eq!(child("@@remove", "Maintenance"), Some(json!(["Maintenance"])));
    assert_eq!(child("@@assign", "Escalations"), Some(json!(["Maintenance"])));
}

#[test]
fn example_6_the_order_of_attachment_decides_and_is_not_known() {
    let (j, k) = (tag(&policy_j()), tag(&policy_k()));
    let at = levels(PolicyKind::Tag, &[("r-root", &[("J", &j), ("K", &k)]), (ACCOUNT_1, &[])]);
    let effective = at.effective();
    assert_eq!(candidates(&effective, "/tags/project/tag_key"), [json!("PROJECT"), json!("project")]);
    let (_, unknown) = effective.unknown().next().expect("the tag key is unknown");
    assert_eq!(unknown.because.len(), 1);
    assert_eq!(unknown.because[0].reason, Reason::OrderAtOneLevel);
    assert_eq!(unknown.because[0].target, "r-root");
    assert_eq!(unknown.because[0].policies, ["J", "K"]);
    // the page also tells a value `Escalations`, which neither policy has
    assert_eq!(known(&effective, "/tags/project/tag_value"), Some(json!(["Maintenance"])));

    // what AWS tells settles it: the page tells that the policy attached first prevails (it writes
    // the key with a space before it, " PROJECT")
    let told = json!({ "tags": { "project": { "tag_key": "PROJECT", "tag_value": ["Maintenance"] } } });
    assert_eq!(compare(&effective, &told), Agreement::Agrees);
    assert_eq!(effective.settled_by(&told).document(), Some(told.clone()));
    assert_eq!(predict(&at, &told, &at).document(), Some(told));
}

#[test]
fn the_syntax_page_s_policies_a_and_b_merge_as_the_page_says() {
    // <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_example-tag-policies.html>
    let a = tag(&json!({
        "tags": {
            "CostCenter": {
                "tag_key": {
                    "@@assign": "CostCenter",
                    "@@operators_allowed_for_child_policies": ["@@none"]
                }
            },
            "Project": {
                "tag_key": {
                    "@@assign": "Project",
                    "@@operators_allowed_for_child_policies": ["@@none"]
                }
            }
        }
    }));
    let b = tag(&json!({
        "tags": {
            "CostCenter": { "tag_value": { "@@assign": ["Production", "Test"] } },
            "Project": { "tag_value": { "@@assign": ["A", "B"] } }
        }
    }));
    let page = json!({
        "tags": {
            "Project": { "tag_value": ["A", "B"], "tag_key": "Project" },
            "CostCenter": { "tag_value": ["Production", "Test"], "tag_key": "CostCenter" }
        }
    });
    assert_eq!(effective_document(&[("r-root", &[("A", &a)]), (ACCOUNT_1, &[("B", &b)])]), page);
}
