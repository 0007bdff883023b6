//! Runs with lanes: the same processes serve many lanes side by side.

use std::sync::Arc;
use std::time::Duration;

use local_aws::Settings;
use local_aws::access_analyzer::{PolicyGenerationOutcome, PolicyGenerationState};
use local_stack::{LocalStack, Topology};
use local_states::{Execution, ExecutionStatus};
use models::Kind;
use muster_tests::Scenario;
use serde_json::{Value, json};

use crate::support::{with_fault, with_stack};

/// Small, and at all of AWS's rates: processes pace their calls in real time.
fn scenario() -> Scenario {
    let parameters = [("OrganizationsRateShare".to_owned(), "1".to_owned())].into();
    Scenario { accounts: 12, parameters, ..Scenario::default() }
}

/// The result of a run that has succeeded, whole.
fn whole(execution: &Execution, context: &str) -> Value {
    assert_eq!(execution.status(), ExecutionStatus::Succeeded, "{context}: {:?}", execution.error());
    let result = execution.output().unwrap()["result"].clone();
    assert_eq!(result["items"].get("failed"), None, "{context}: {result}");
    result
}

async fn inventory(stack: &LocalStack) -> Arc<Execution> {
    let execution = stack.start_inventory(json!({})).unwrap();
    execution.finished().await;
    execution
}

/// The tables that are published, and nothing that is left open.
fn tables(stack: &LocalStack) -> Vec<String> {
    let storage = stack.aws.storage();
    assert_eq!(storage.keys(stack.bucket(), "open/"), Vec::<String>::new());
    let keys = storage.keys(stack.bucket(), "tables/");
    let mut tables: Vec<_> = keys.iter().map(|key| key.split('/').nth(1).unwrap().to_owned()).collect();
    tables.dedup();
    tables
}

#[test]
fn an_inventory_is_read_whole_in_both_topologies() {
    for topology in [Topology::Management, Topology::Delegated] {
        with_stack(&Scenario { topology, ..scenario() }, async |stack| {
            let result = whole(&*inventory(&stack).await, "clean");
            assert_eq!((&result["accounts"], &result["complete"]), (&json!(12), &json!(true)), "{result}");
            let tables = tables(&stack);
            for table in ["accounts", "effective_policies", "item_outcomes", "policies", "runs"] {
                assert!(tables.iter().any(|it| it == table), "{table} is not in {tables:?}");
            }
        });
    }
}

#[test]
fn faults_on_the_wire_and_processes_that_die_cost_an_inventory_nothing_but_time() {
    let rules = [
        "lost-answer@organizations:ListAccounts",
        "cut@organizations:DescribePolicy#3",
        "truncate@s3:GetObject#9",
        "crash-after@organizations:ListTagsForResource#7",
        "crash-after@s3:PutObject#14",
        "throttle@organizations:ListPolicies#2*3",
    ];
    for rule in rules {
        with_fault(rule, scenario(), async |stack| {
            let result = whole(&*inventory(&stack).await, rule);
            assert_eq!((&result["accounts"], &result["complete"]), (&json!(12), &json!(true)), "{rule}");
            assert!(!tables(&stack).is_empty());
        });
    }
}

#[test]
fn an_inventory_that_was_stopped_goes_on_when_it_is_resumed() {
    with_stack(&scenario(), async |stack| {
        let execution = stack.start_inventory(json!({})).unwrap();
        let clock = stack.aws.clock().clone();
        clock.sleep(Duration::from_secs(5)).await;
        stack.aws.states().stop(&execution.arn, None, None).unwrap();
        // The sweep closes it on the event of its end.
        clock.sleep(Duration::from_secs(60)).await;
        let records = muster_tests::records(&stack);
        assert!(records[0].outcome().is_some(), "{records:#?}");
        let resumed = json!({"resume": records[0].run_id, "retry": ["failed"]});
        let execution = stack.start_inventory(resumed).unwrap();
        execution.finished().await;
        assert_eq!(whole(&execution, "resumed")["complete"], true);
        assert_eq!(muster_tests::records(&stack).len(), 1);
    });
}

#[test]
fn an_access_report_makes_its_inventory_and_reads_every_report() {
    with_stack(&scenario(), async |stack| {
        let execution = stack.start_access_report(json!({})).unwrap();
        execution.finished().await;
        let result = whole(&execution, "access report");
        assert!(result["expectedItems"].as_u64() > Some(5), "{result}");
        assert_eq!(
            (&result["itemsWithData"], &result["mode"]),
            (&result["expectedItems"], &json!("session"))
        );
        assert!(tables(&stack).iter().any(|table| table == "service_access"));
    });
}

/// Two accounts besides the management account, with two principals each that policies can be generated
/// for: access is waited for in real time.
fn few_principals() -> Scenario {
    let mut settings = Settings::default();
    settings.principals.number = 2;
    settings.iam_accounts.job_duration = Duration::from_millis(500);
    Scenario { accounts: 3, settings, ..scenario() }
}

/// A generation of policies has found whatever there is, and everybody who is active has a policy.
fn generated(stack: &LocalStack, execution: &Execution, context: &str) {
    let result = whole(execution, context);
    assert_eq!(
        (&result["complete"], &result["accountsRead"]),
        (&json!(true), &json!(2)),
        "{context}: {result}"
    );
    assert!(result["generated"].as_u64() > Some(1), "{context}: {result}");
    let tables = tables(stack);
    for table in ["generated_policies", "item_outcomes", "principal_access", "runs"] {
        assert!(tables.iter().any(|it| it == table), "{context}: {table} is not in {tables:?}");
    }
    let output = execution.output().unwrap();
    let folder = format!("runs/{}/policies/", output["runId"].as_str().unwrap());
    let kept = stack.aws.storage().keys(stack.bucket(), &folder);
    let kept = kept.iter().filter(|key| !key.ends_with(".current.json")).count() as u64;
    assert_eq!(Some(kept), result["generated"].as_u64(), "{context}");
}

#[test]
fn policies_are_generated_whole_in_both_topologies() {
    for topology in [Topology::Management, Topology::Delegated] {
        with_stack(&Scenario { topology, ..few_principals() }, async |stack| {
            let execution = stack.start_policy_generation(json!({"checkNoNewAccess": true})).unwrap();
            execution.finished().await;
            generated(&stack, &execution, "clean");
        });
    }
}

#[test]
fn faults_on_the_wire_and_processes_that_die_generate_no_policy_twice() {
    let rules = [
        "lost-answer@access-analyzer:StartPolicyGeneration",
        "crash-after@access-analyzer:StartPolicyGeneration#2",
        "truncate@access-analyzer:GetGeneratedPolicy#3",
        "cut@iam:GetServiceLastAccessedDetails#2",
        "throttle@sts:AssumeRole#2*2",
    ];
    for rule in rules {
        with_fault(rule, few_principals(), async |stack| {
            let execution = stack.start_policy_generation(json!({})).unwrap();
            execution.finished().await;
            generated(&stack, &execution, rule);
            let jobs = stack.aws.policy_generations().len() as u64;
            assert_eq!(Some(jobs), execution.output().unwrap()["result"]["generated"].as_u64(), "{rule}");
        });
    }
}

#[test]
fn a_generation_of_a_run_that_was_stopped_is_cancelled_and_ordered_again_when_it_is_resumed() {
    let mut scenario = few_principals();
    let two_hours = PolicyGenerationOutcome::Slow(Duration::from_secs(2 * 3_600));
    scenario.settings.access_analyzer.outcomes = vec![two_hours];
    with_stack(&scenario, async |stack| {
        let execution = stack.start_policy_generation(json!({})).unwrap();
        let clock = stack.aws.clock().clone();
        while stack.aws.policy_generations().is_empty() {
            clock.sleep(Duration::from_secs(1)).await;
        }
        stack.aws.states().stop(&execution.arn, None, None).unwrap();
        clock.sleep(Duration::from_secs(45 * 60)).await;
        let jobs = stack.aws.policy_generations();
        assert!(jobs.len() == 1 && jobs[0].state == PolicyGenerationState::Canceled, "{jobs:?}");
        let records = muster_tests::records(&stack);
        let own = records.iter().find(|record| record.kind == Kind::PolicyGeneration).unwrap();
        assert!(own.outcome().is_some(), "{own:#?}");
        let resumed = json!({"resume": own.run_id, "retry": ["failed"]});
        let execution = stack.start_policy_generation(resumed).unwrap();
        execution.finished().await;
        generated(&stack, &execution, "resumed");
    });
}
