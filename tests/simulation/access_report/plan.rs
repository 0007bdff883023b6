//! What is reported on, and what has to be there first.

use std::collections::{BTreeMap, BTreeSet};

use local_aws::access_reports::AccessReportSettings;
use local_stack::{LocalStack, Topology};
use local_states::ExecutionStatus;
use muster_tests::{Scenario, on_virtual_time, records, stack};
use serde_json::{Value, json};

use super::{Access, access, after, inventoried, run, scenario};

fn small() -> Scenario {
    scenario(AccessReportSettings::default())
}

/// The inventories that were made.
fn inventories(stack: &LocalStack) -> usize {
    let executions = stack.aws.states().executions().into_iter();
    executions
        .filter(|it| it.machine.arn.ends_with("-organization-inventory") && !it.arn.contains('/'))
        .count()
}

#[test]
fn a_run_without_an_inventory_makes_one_first_and_the_next_plans_from_it() {
    on_virtual_time(async {
        let stack = stack(&small());
        let first = run(stack, json!({})).await;
        assert_eq!(first.result()["expectedItems"], first.result()["itemsWithData"]);
        assert_eq!(inventories(&first.stack), 1);
        let inventory = first.result()["inventory"]["runId"].clone();
        let second = run(first.stack, json!({})).await;
        assert_eq!(inventories(&second.stack), 1);
        assert_eq!(second.result()["inventory"]["runId"], inventory);
        let newer = run(second.stack, json!({"inventoryMaxAgeHours": 0})).await;
        assert_eq!(inventories(&newer.stack), 2);
        assert_ne!(newer.result()["inventory"]["runId"], inventory);
        tokio::time::sleep(std::time::Duration::from_secs(25 * 3_600)).await;
        let later = run(newer.stack, json!({})).await;
        assert_eq!(inventories(&later.stack), 3);
        assert_eq!(later.result()["expectedItems"], later.result()["itemsWithData"]);
    });
}

#[test]
fn an_inventory_that_fails_ends_the_run_with_its_error() {
    on_virtual_time(async {
        let stack = stack(&small());
        let fault = "deny@organizations:ListRoots".parse().unwrap();
        stack.aws.faults().add(fault);
        let of = run(stack, json!({})).await;
        let (error, cause) = of.error();
        assert_eq!(error, "States.TaskFailed");
        for said in ["organization-inventory", "ended as FAILED with Denied", "organizations:ListRoots"] {
            assert!(cause.contains(said), "{said}: {cause}");
        }
        assert_eq!(of.jobs().len(), 0);
    });
}

#[test]
fn the_estimate_names_entities_calls_time_transitions_and_dollars_before_anything_is_ordered() {
    let of = after(&small(), json!({"dryRun": true}), |_| {});
    let result = of.result();
    assert_eq!(result["wouldStart"], json!(true));
    let estimate = &result["estimate"];
    let again = access(&small(), json!({}));
    assert_eq!(estimate["items"], again.result()["expectedItems"], "{result}");
    for member in ["calls", "seconds", "stateTransitions"] {
        assert!(estimate[member].as_u64() > Some(0), "{member}: {estimate}");
    }
    assert!(estimate["usd"].as_f64() > Some(0.0));
    assert_eq!(of.jobs().len(), 0);
}

/// What stands in the way of every report.
fn refused(change: impl FnOnce(&LocalStack)) -> (String, String) {
    on_virtual_time(async {
        let stack = stack(&small());
        change(&stack);
        inventoried(&stack).await;
        let of = run(stack, json!({})).await;
        assert_eq!(of.jobs().len(), 0);
        of.error()
    })
}

#[test]
fn what_every_report_needs_is_looked_at_before_the_first() {
    let (error, cause) =
        refused(|stack| stack.aws.change(|_, organization| organization.all_features = false));
    assert_eq!(error, "NotEnabled");
    assert!(cause.contains("all features"), "{cause}");
    for status in ["PENDING_ENABLE", "PENDING_DISABLE"] {
        let (error, cause) = refused(|stack| {
            stack.aws.change(|_, organization| {
                let scp = organization.policy_types.iter_mut().find(|it| it.name == "SERVICE_CONTROL_POLICY");
                scp.unwrap().status = status;
            });
        });
        assert_eq!(error, "NotEnabled");
        assert!(cause.contains(status) && cause.contains("SERVICE_CONTROL_POLICY"), "{cause}");
    }
}

#[test]
fn a_role_of_another_account_than_the_management_account_is_denied_with_what_to_do() {
    on_virtual_time(async {
        let parameters =
            [("AccessReportRoleArn".into(), "arn:aws:iam::111122223333:role/report".into())].into();
        let stack = stack(&Scenario { topology: Topology::Delegated, parameters, ..small() });
        inventoried(&stack).await;
        let of = run(stack, json!({})).await;
        let (error, cause) = of.error();
        assert_eq!(error, "Denied");
        assert!(cause.contains("111122223333") && cause.contains("management-roles.yaml"), "{cause}");
    });
}

fn excluded(of: &Access) -> BTreeSet<String> {
    let outcomes = of.outcomes().into_iter();
    outcomes.filter(|(_, (status, _))| status == "skipped").map(|(item, _)| item).collect()
}

/// The list of what was left out, with the reasons.
fn list(of: &Access) -> BTreeMap<String, String> {
    let key = of.result()["excluded"]["list"].as_str().unwrap().to_owned();
    let text = of.stack.aws.storage().read(of.stack.bucket(), &key).unwrap();
    let lines = std::str::from_utf8(&text).unwrap().lines();
    lines
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|line| (line["item"].as_str().unwrap().to_owned(), line["because"].as_str().unwrap().to_owned()))
        .collect()
}

#[test]
fn what_is_left_out_by_id_subtree_and_tag_is_listed_with_its_reason() {
    let organization = access(&small(), json!({"targets": ["root"]})).stack.aws.organization();
    let unit = organization.units[0].clone();
    let account =
        organization.accounts.iter().find(|it| it.state == "ACTIVE" && it.parent != unit.id).unwrap();
    let exclude = json!({"ids": [account.id], "subtrees": [unit.id]});
    let request = json!({"targets": ["organizationalUnits", "accounts"], "exclude": exclude});
    let of = access(&small(), request);
    let list = list(&of);
    assert_eq!(list.keys().cloned().collect::<BTreeSet<_>>(), excluded(&of));
    assert_eq!(of.result()["excluded"]["count"], json!(list.len()));
    for it in &organization.accounts {
        let because = match it {
            it if it.state != "ACTIVE" => Some("the account is SUSPENDED".to_owned()),
            it if it.id == account.id => Some(format!("excluded by id {}", it.id)),
            it if it.path.contains(&unit.id) => Some(format!("excluded by subtree {}", unit.id)),
            _ => None,
        };
        assert_eq!(list.get(&it.id), because.as_ref(), "{}", it.id);
    }
    for it in &organization.units {
        assert_eq!(list.contains_key(&it.id), it.path.contains(&unit.id), "{}", it.path);
    }
    assert!(of.jobs().iter().all(|job| !job.entity_path.contains(&unit.id)));
}

#[test]
fn what_is_not_included_is_left_out_and_ids_that_are_not_there_are_told() {
    let root = access(&small(), json!({"targets": ["root"]})).stack.aws.organization().root;
    let of = access(&small(), json!({"include": {"ids": [root, "999999999999"]}}));
    assert_eq!(of.result()["unmatched"], json!(["999999999999"]));
    let names: BTreeSet<_> =
        of.jobs().iter().map(|job| job.entity_path.rsplit('/').next().unwrap().to_owned()).collect();
    assert_eq!(names, [root].into());
    assert!(list(&of).values().all(|why| why == "not included" || why == "the account is SUSPENDED"));
    let nothing = access(&small(), json!({"include": {"ids": ["999999999999"]}}));
    assert_eq!(nothing.error().0, "InvalidRequest");
}

#[test]
fn a_choice_by_tags_plans_from_an_inventory_that_has_them() {
    on_virtual_time(async {
        let stack = stack(&small());
        let without = stack.start_inventory(json!({"tags": false, "effectivePolicies": "none"})).unwrap();
        assert_eq!(without.finished().await, ExecutionStatus::Succeeded);
        let of =
            run(stack, json!({"targets": ["root", "accounts"], "exclude": {"tags": {"no-such-key": []}}}))
                .await;
        assert_eq!(inventories(&of.stack), 2, "one with tags is made");
        assert_eq!(
            of.result()["excluded"]["count"],
            of.result()["excluded"]["because"]["the account is SUSPENDED"]
        );
    });
}

#[test]
fn policies_that_the_inventory_could_not_read_are_a_gap() {
    on_virtual_time(async {
        let stack = stack(&small());
        stack.aws.faults().add("deny@organizations:ListPolicies".parse().unwrap());
        inventoried(&stack).await;
        let of = run(stack, json!({})).await;
        assert_eq!(of.result()["complete"], json!(false));
        assert!(
            of.result()["gaps"]["the inventory could not list all policies"].as_u64() > Some(0),
            "{}",
            of.result()
        );
        assert_eq!(records(&of.stack).len(), 2);
    });
}
