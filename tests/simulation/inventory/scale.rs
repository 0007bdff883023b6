//! An inventory of a large organization: how many calls it takes, how long, and what it leaves.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use local_aws::Settings;
use local_aws::organization::TYPES;
use local_stack::LocalStack;
use local_states::{Execution, ExecutionStatus};
use models::Ticket;
use muster_tests::{Scenario, on_virtual_time, stack};
use serde_json::{Value, json};

use super::rows;

/// Half of AWS's rates, as the template has it.
const SHARE: f64 = 0.5;
/// What somebody else uses of them.
const TENANT: f64 = 0.4;

fn scenario(accounts: usize) -> Scenario {
    Scenario {
        accounts,
        settings: Settings {
            throttles: true,
            // As long as calls take over a network.
            request_latency: Duration::from_millis(80),
            ..Settings::default()
        },
        ..Scenario::default()
    }
}

/// Calls of Organizations, by operation.
fn calls(stack: &LocalStack) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for call in stack.aws.calls() {
        if let Some(operation) = call.action.strip_prefix("organizations:") {
            *counts.entry(operation.to_owned()).or_default() += 1;
        }
    }
    counts
}

fn pages(items: usize) -> u64 {
    items.div_ceil(20).max(1) as u64
}

/// The fewest calls that can answer what an inventory asks: what is listed page by page, and what has to
/// be asked for one by one.
fn least(stack: &LocalStack) -> BTreeMap<&'static str, u64> {
    let organization = stack.aws.organization();
    let policies: Vec<_> = organization.policies.iter().collect();
    let mut children: BTreeMap<&str, usize> = BTreeMap::from([(organization.root.as_str(), 0)]);
    for unit in &organization.units {
        *children.entry(&unit.parent).or_default() += 1;
        children.entry(&unit.id).or_default();
    }
    let listed: u64 =
        TYPES.iter().map(|&name| pages(policies.iter().filter(|policy| policy.kind == name).count())).sum();
    let effective = rows(stack, "effective_policies").iter().filter(|row| row["source"] == "read").count();
    BTreeMap::from([
        ("DescribeOrganization", 1),
        ("ListRoots", 1),
        ("ListAccounts", pages(organization.accounts.len())),
        ("ListTagsForResource", organization.accounts.len() as u64),
        ("ListOrganizationalUnitsForParent", children.values().map(|&count| pages(count)).sum()),
        ("ListPolicies", listed),
        ("DescribePolicy", policies.len() as u64),
        ("ListTargetsForPolicy", policies.iter().map(|policy| pages(policy.targets.len())).sum()),
        ("ListCreateAccountStatus", pages(organization.requests.len())),
        ("DescribeEffectivePolicy", effective as u64),
    ])
}

/// The rate that is documented for an operation, or assumed where none is.
fn rate(operation: &str) -> f64 {
    match operation {
        "ListAccounts" => 8.0,
        "ListChildren" => 6.0,
        "DescribePolicy" | "DescribeCreateAccountStatus" => 2.0,
        "DescribeOrganization" | "ListRoots" => 1.0,
        _ => 5.0,
    }
}

fn took(execution: &Execution) -> f64 {
    let history = execution.history();
    let events = history.events();
    let begun = events.first().unwrap().at;
    execution.ended().unwrap().duration_since(begun).as_secs_f64()
}

#[test]
fn ten_thousand_accounts_are_read_with_few_calls_in_the_time_that_our_share_of_the_rates_allows() {
    on_virtual_time(async {
        fastrand::seed(1);
        let stack = stack(&scenario(10_000));
        // Twice as many units as the generated organization has.
        stack.aws.change(|_, organization| {
            let more: Vec<_> = organization
                .units
                .iter()
                .take(2_000 - organization.units.len())
                .map(|unit| {
                    let id = format!("{}0", unit.id);
                    local_aws::organization::Unit {
                        path: unit.path.replace(&unit.id, &id),
                        name: format!("{}-twin", unit.name),
                        parent: unit.parent.clone(),
                        id,
                    }
                })
                .collect();
            organization.units.extend(more);
        });
        let alone = alone(&scenario(10_000)).await;
        stack.aws.admit_tenant(TENANT);
        let execution = stack.start_inventory(json!({})).unwrap();
        assert_eq!(execution.finished().await, ExecutionStatus::Succeeded, "{:?}", execution.error());
        assert_eq!(execution.output().unwrap()["result"]["complete"], json!(true));
        assert_eq!(stack.aws.organization().units.len(), 2_000);

        let (made, least) = (calls(&stack), least(&stack));
        let (sum, fewest): (u64, u64) = (made.values().sum(), least.values().sum());
        assert!(sum as f64 <= 1.2 * fewest as f64, "{sum} calls, {fewest} would do: {made:?} {least:?}");
        // Operations have rates of their own, and are read side by side: the slowest decides.
        let slowest = made
            .iter()
            .map(|(operation, &calls)| calls as f64 / (SHARE * rate(operation)))
            .fold(0.0, f64::max);
        let took = took(&execution);
        assert!(took <= 1.15 * slowest, "{took} s for {slowest} s of calls: {made:?}");
        let tenant = stack.aws.tenant();
        let part = |throttled: u64, calls: u64| throttled as f64 / calls.max(1) as f64;
        let (beside_us, by_itself) = (part(tenant.throttled, tenant.calls), alone);
        println!(
            "{sum} calls ({fewest}), {took:.0} s ({slowest:.0}), tenant throttled {beside_us:.4} ({by_itself:.4})"
        );
        assert!(
            beside_us <= 1.1 * by_itself + 0.001,
            "the tenant was throttled {beside_us} instead of {by_itself}"
        );
    });
}

/// The part of a tenant's calls that is throttled when nobody else calls.
async fn alone(scenario: &Scenario) -> f64 {
    let stack = stack(scenario);
    stack.aws.admit_tenant(TENANT);
    stack.aws.clock().sleep(Duration::from_secs(5_000)).await;
    let tenant = stack.aws.tenant();
    tenant.throttled as f64 / tenant.calls.max(1) as f64
}

#[test]
fn at_fifty_thousand_accounts_tickets_stay_small_and_events_and_objects_do_not_grow_with_them() {
    let left = |accounts| {
        on_virtual_time(async move {
            fastrand::seed(1);
            let stack = stack(&scenario(accounts));
            let execution = stack.start_inventory(json!({"tags": false})).unwrap();
            assert_eq!(execution.finished().await, ExecutionStatus::Succeeded, "{:?}", execution.error());
            assert_eq!(rows(&stack, "accounts").len(), accounts);
            for execution in stack.aws.states().executions() {
                check_tickets(&execution);
            }
            let objects = stack.aws.storage().keys(stack.bucket(), "").len();
            let executions = stack.aws.states().executions();
            let events = executions.iter().map(|it| it.history().events().len()).max().unwrap();
            (objects, events, executions.len())
        })
    };
    let (objects, events, executions) = left(500);
    let (many_objects, many_events, many_executions) = left(50_000);
    println!("objects {objects} and {many_objects}, events {events} and {many_events}");
    assert_eq!(executions, many_executions, "lanes are the same");
    // What grows is the number of invocations of 15 minutes, and of parts of five.
    assert!(many_objects <= objects + 30, "{objects} objects became {many_objects}");
    assert!(many_events < 1_000, "{many_events}");
}

/// Every ticket in an execution's history is below its bound.
fn check_tickets(execution: &Arc<Execution>) {
    for event in execution.history().events() {
        for part in ["input", "output"] {
            let Some(text) = event.details[part].as_str() else { continue };
            let value: Value = serde_json::from_str(text).unwrap_or_default();
            let ticket = value["Payload"].to_string();
            assert!(ticket.len() <= 2 * Ticket::MAX_BYTES, "{} bytes in {}", ticket.len(), event.name);
            if value["Payload"]["schemaVersion"].is_number() {
                assert!(ticket.len() <= Ticket::MAX_BYTES, "{} bytes in {}", ticket.len(), event.name);
            }
        }
    }
}

#[test]
fn a_read_that_dies_goes_on_where_it_was() {
    on_virtual_time(async {
        fastrand::seed(1);
        let stack = stack(&scenario(4_000));
        let execution = stack.start_inventory(json!({"effectivePolicies": "none"})).unwrap();
        // An hour into the tags, well after a checkpoint.
        stack.aws.clock().sleep(Duration::from_secs(1_000)).await;
        stack.aws.faults().add("crash-before@organizations:ListTagsForResource".parse().unwrap());
        assert_eq!(execution.finished().await, ExecutionStatus::Succeeded, "{:?}", execution.error());
        assert_eq!(execution.output().unwrap()["result"]["complete"], json!(true));
        let made = calls(&stack)["ListTagsForResource"];
        // At most what five minutes read is read again.
        assert!((4_000..=4_000 + 5 * 60 * 3).contains(&made), "{made}");
        assert_eq!(calls(&stack)["ListAccounts"], 200);
    });
}
