//! What an inventory publishes is what the organization is.

use std::collections::{BTreeMap, BTreeSet};

use local_aws::Settings;
use local_aws::organization::PolicyType;
use local_stack::Topology;
use muster_tests::Scenario;
use serde_json::{Value, json};

use super::{Inventory, inventory};

fn scenario() -> Scenario {
    Scenario { accounts: 60, suspended_one_in: 9, ..Scenario::default() }
}

fn check_structure(of: &Inventory) {
    let organization = of.stack.aws.organization();
    let accounts = of.rows("accounts");
    assert_eq!(accounts.len(), organization.accounts.len());
    for row in &accounts {
        let account = organization.accounts.iter().find(|it| row["account_id"] == json!(it.id)).unwrap();
        assert_eq!(row["name"], json!(account.name));
        assert_eq!(row["email"], json!(account.email));
        assert_eq!(row["state"], json!(account.state));
        assert_eq!(row["path"], json!(account.path));
        assert_eq!(row["parent_id"], json!(account.parent));
        assert_eq!(row["joined_at"], json!(account.joined.as_millisecond()));
        assert_eq!(row["is_management_account"], json!(account.id == organization.management_account));
    }
    let units = of.rows("organization_units");
    let found: BTreeMap<_, _> = units.iter().map(|row| (row["unit_id"].clone().to_string(), row)).collect();
    assert_eq!(found.len(), organization.units.len());
    for unit in &organization.units {
        let row = found[&json!(unit.id).to_string()];
        assert_eq!(
            (&row["path"], &row["parent_id"], &row["name"]),
            (&json!(unit.path), &json!(unit.parent), &json!(unit.name))
        );
        let below = organization.accounts.iter().filter(|it| it.parent == unit.id).count();
        assert_eq!(row["accounts"], json!(below));
    }
    let types: BTreeSet<_> = of
        .rows("policy_types")
        .iter()
        .map(|row| (row["type"].to_string(), row["status"].to_string()))
        .collect();
    let expected: BTreeSet<_> = organization
        .policy_types
        .iter()
        .map(|it| (json!(it.name).to_string(), json!(it.status).to_string()))
        .collect();
    assert_eq!(types, expected);
    let root = &of.rows("roots")[0];
    assert_eq!(root["organization_id"], json!(organization.id));
    assert_eq!(root["feature_set"], "ALL");
}

fn check_policies(of: &Inventory) {
    let organization = of.stack.aws.organization();
    let policies = of.rows("policies");
    assert_eq!(policies.len(), organization.policies.len());
    let mut attachments = BTreeSet::new();
    for policy in &organization.policies {
        let row = policies.iter().find(|row| row["policy_id"] == json!(policy.id)).unwrap();
        assert_eq!(row["content"], json!(policy.content));
        assert_eq!(row["type"], json!(policy.kind));
        assert_eq!(row["aws_managed"], json!(policy.aws_managed));
        assert_eq!(row["size"], json!(policy.content.chars().count()));
        assert_eq!(row["targets"], json!(policy.targets.len()));
        attachments.extend(
            policy.targets.iter().map(|target| (json!(policy.id).to_string(), json!(target).to_string())),
        );
    }
    let found: BTreeSet<_> = of
        .rows("policy_attachments")
        .iter()
        .map(|row| (row["policy_id"].to_string(), row["target_id"].to_string()))
        .collect();
    assert_eq!(found, attachments);
    let requests = of.rows("account_requests");
    assert_eq!(requests.len(), organization.requests.len());
    for request in &organization.requests {
        let row = requests.iter().find(|row| row["request_id"] == json!(request.id)).unwrap();
        assert_eq!((&row["state"], &row["failure_reason"]), (&json!(request.state), &json!(request.failure)));
    }
}

/// Every account in use, of every type that is enabled, and what the simulation says of it.
fn check_effective(of: &Inventory) {
    let organization = of.stack.aws.organization();
    let rows = of.rows("effective_policies");
    let in_use: Vec<_> = organization.accounts.iter().filter(|it| it.state == "ACTIVE").collect();
    let types: BTreeSet<_> = rows.iter().map(|row| row["type"].as_str().unwrap().to_owned()).collect();
    let enabled: BTreeSet<_> = organization
        .policy_types
        .iter()
        .filter(|it| it.status == "ENABLED")
        .map(|it| it.name.clone())
        .filter(|name| name != "SERVICE_CONTROL_POLICY" && name != "RESOURCE_CONTROL_POLICY")
        .collect();
    assert_eq!(types, enabled);
    assert_eq!(rows.len(), in_use.len() * enabled.len());
    for row in &rows {
        let account = row["account_id"].as_str().unwrap();
        let account = in_use.iter().find(|it| it.id == account).unwrap();
        let expected = organization.effective_policy(row["type"].as_str().unwrap(), account);
        let found: Value = serde_json::from_str(row["content"].as_str().unwrap()).unwrap();
        assert_eq!(found, expected, "{row:?}");
        assert_eq!(row["status"], "content");
    }
}

#[test]
fn an_inventory_finds_everything_and_says_so() {
    let of = inventory(&scenario(), json!({}), |stack| {
        let pending = PolicyType { name: "BACKUP_POLICY".to_owned(), status: "PENDING_ENABLE" };
        stack.aws.change(|_, organization| organization.policy_types.push(pending));
    });
    let result = of.result();
    assert_eq!(result["complete"], json!(true), "{result}");
    assert_eq!(result["items"].as_object().unwrap().keys().collect::<Vec<_>>(), ["skipped", "succeeded"]);
    check_structure(&of);
    check_policies(&of);
    check_effective(&of);
    let tags = of.rows("accounts").iter().filter(|row| row["tags"].is_string()).count();
    assert_eq!(tags, 60);
    let sources: BTreeSet<_> =
        of.rows("effective_policies").iter().map(|row| row["source"].to_string()).collect();
    assert_eq!(sources, ["\"derived\"", "\"read\""].map(str::to_owned).into());
    assert_eq!(of.rows("runs").len(), 1);
    assert_eq!(of.stack.aws.storage().keys(of.stack.bucket(), "open/"), Vec::<String>::new());
}

#[test]
fn accounts_without_paths_are_found_in_the_tree_and_lists_with_empty_pages_are_whole() {
    let settings =
        Settings { account_paths: false, empty_pages: true, account_status: false, ..Settings::default() };
    let of = inventory(&Scenario { settings, ..scenario() }, json!({}), |_| {});
    assert_eq!(of.result()["complete"], json!(true));
    check_structure(&of);
    check_effective(&of);
}

#[test]
fn from_another_account_the_same_is_read_by_a_role_of_the_management_account() {
    let of = inventory(&Scenario { topology: Topology::Delegated, ..scenario() }, json!({}), |_| {});
    assert_eq!(of.result()["complete"], json!(true));
    check_structure(&of);
    check_policies(&of);
    check_effective(&of);
}

#[test]
fn every_account_is_read_where_all_are_asked_for_and_none_where_none_are() {
    let of = inventory(&scenario(), json!({"effectivePolicies": "all", "tags": false}), |_| {});
    check_effective(&of);
    assert!(of.rows("effective_policies").iter().all(|row| row["source"] == "read"));
    assert!(of.rows("accounts").iter().all(|row| row["tags"].is_null()));
    let none = inventory(&scenario(), json!({"effectivePolicies": "none"}), |_| {});
    assert_eq!(none.result()["complete"], json!(true));
    assert_eq!(none.rows("effective_policies").len(), 0);
}

#[test]
fn the_account_that_asks_may_ask_about_itself_without_a_target() {
    let of = inventory(&scenario(), json!({"targets": ["self"]}), |_| {});
    assert_eq!(of.result()["complete"], json!(true));
    let management = of.stack.aws.organization().management_account;
    let rows = of.rows("effective_policies");
    assert!(!rows.is_empty() && rows.iter().all(|row| row["account_id"] == json!(management)), "{rows:?}");
}

#[test]
fn what_aws_finds_invalid_is_told_with_its_reasons() {
    let settings = Settings { invalid_effective_policies_one_in: 7, ..Settings::default() };
    let of = inventory(&Scenario { settings, ..scenario() }, json!({}), |_| {});
    assert_eq!(of.result()["complete"], json!(true));
    let invalid: BTreeSet<_> = of
        .rows("effective_policies")
        .iter()
        .filter(|row| row["validity"] == "invalid")
        .map(|row| (row["account_id"].to_string(), row["type"].to_string()))
        .collect();
    let errors: BTreeSet<_> = of
        .rows("effective_policy_errors")
        .iter()
        .map(|row| (row["account_id"].to_string(), row["type"].to_string()))
        .collect();
    assert!(!errors.is_empty() && invalid.is_subset(&errors), "{invalid:?} {errors:?}");
}
