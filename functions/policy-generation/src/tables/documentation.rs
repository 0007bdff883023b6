//! The page about this kind, held to the code.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::TABLES;
use super::{conclusion, status};
use crate::request::Request;

fn page() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/policy-generation.md");
    std::fs::read_to_string(path).unwrap()
}

/// The part of the page under a heading.
fn section<'a>(page: &'a str, heading: &str) -> &'a str {
    let (_, rest) = page.split_once(heading).unwrap_or_else(|| panic!("no heading {heading}"));
    &rest[..rest.find("\n#").unwrap_or(rest.len())]
}

/// What the rows of a section's tables begin with, in their order.
fn names(section: &str) -> Vec<&str> {
    section.lines().filter_map(|line| Some(line.strip_prefix("| `")?.split_once('`')?.0)).collect()
}

#[test]
fn the_columns_of_both_tables_are_documented_in_their_order_and_with_their_types() {
    let page = page();
    for table in TABLES {
        let section = section(&page, &format!("\n### `{}`\n", table.name));
        let columns: Vec<&str> = table.columns.iter().map(|column| column.name).collect();
        assert_eq!(names(section), columns, "{}", table.name);
        for column in table.columns {
            let kind = match column.kind {
                table::Kind::Text => "string",
                table::Kind::Integer => "int64",
                table::Kind::Timestamp => "timestamp (ms, UTC)",
                table::Kind::Boolean => "boolean",
            };
            assert!(section.contains(&format!("\n| `{}` | {kind} |", column.name)), "{}", column.name);
        }
    }
}

#[test]
fn every_member_of_the_request_is_documented() {
    let arn = "arn:aws:iam::012345678901:role/reader";
    let selection = json!({"ids": ["012345678901"], "subtrees": ["r-ab12"], "tags": {"stage": []}});
    let filter = json!({"kinds": ["role"], "pathPrefixes": ["/"], "names": ["*"], "tags": {"team": []},
        "olderThanDays": 1});
    let trail = json!({"cloudTrailArn": "arn", "regions": ["eu-central-1"], "allRegions": true});
    let whole = json!({
        "principals": [arn], "accounts": selection, "excludeAccounts": selection, "managementAccount": true,
        "include": filter, "exclude": filter, "windowDays": 90, "validDays": 30,
        "cloudTrailDetails": {"trails": [trail], "accessRole": arn, "startTime": "2026-11-01T00:00:00Z",
            "endTime": "2026-11-02T00:00:00Z"},
        "withoutCloudTrail": true, "clientToken": "mine", "checkNoNewAccess": true, "inventoryMaxAgeHours": 1,
    });
    // Nothing is left out here: what is read is all that is written again.
    let request: Request = serde_json::from_value(whole.clone()).unwrap();
    assert_eq!(serde_json::to_value(&request).unwrap(), whole);
    let Request {
        principals: _,
        accounts: _,
        exclude_accounts: _,
        management_account: _,
        include: _,
        exclude: _,
        window_days: _,
        valid_days: _,
        cloud_trail_details: _,
        without_cloud_trail: _,
        client_token: _,
        check_no_new_access: _,
        inventory_max_age_hours: _,
    } = request;
    let page = page();
    let section = section(&page, "\n## Request\n");
    let documented: BTreeSet<&str> = names(section).into_iter().collect();
    for (member, value) in whole.as_object().unwrap() {
        assert!(documented.contains(member.as_str()), "{member}");
        let nested = match (member.as_str(), value) {
            ("cloudTrailDetails", value) => [value, &value["trails"][0]].map(Value::as_object).to_vec(),
            (_, value) => vec![value.as_object()],
        };
        for name in nested.into_iter().flatten().flat_map(|of| of.keys()) {
            assert!(section.contains(&format!("`{name}`")), "{member}.{name}");
        }
    }
}

#[test]
fn every_word_of_a_conclusion_is_documented_and_no_other() {
    let page = page();
    let section = section(&page, "\n### Access\n");
    use conclusion::Unknown::{ActivityMayNotShowYet, ContradictsItself, PassRoleNotTracked};
    let unknown = [ContradictsItself, ActivityMayNotShowYet, PassRoleNotTracked].map(|it| it.as_str());
    let documented: Vec<&str> = names(section).into_iter().filter(|it| *it != "unknown_because").collect();
    assert_eq!(documented, unknown);
}

#[test]
fn every_status_is_documented_and_why_it_is_not_known() {
    let page = page();
    let documented: BTreeSet<&str> = names(section(&page, "\n### Status\n")).into_iter().collect();
    use status::Unknown::{
        ActivityContradicts, ActivityMayNotShowYet, ActivityWouldNotShow, NotDecided, NothingLeft,
    };
    let unknown = [NotDecided, NothingLeft, ActivityContradicts, ActivityWouldNotShow, ActivityMayNotShowYet]
        .map(|it| it.as_str());
    let statuses =
        ["generated", "no_activity", "valid_policy_exists", "failed", "carried_over", "overdue", "unknown"];
    for word in unknown.iter().chain(&statuses) {
        assert!(documented.contains(word), "{word}");
    }
}
