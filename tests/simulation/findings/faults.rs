//! Runs of findings that meet faults: they end, with the same findings, or close.

use local_aws::Fault;
use local_aws::lambda::Delivery;
use local_states::ExecutionStatus;
use muster_tests::{Scenario, faults_at, on_virtual_time, stack};
use serde_json::{Value, json};

use super::{all, find, without_principals};

/// What a run over evidence that is there finds, without what differs from run to run.
fn outcome(scenario: &Scenario) -> (Vec<String>, Vec<local_aws::aws::Call>) {
    fastrand::seed(scenario.seed);
    on_virtual_time(async {
        let stack = stack(&Scenario { faults: Vec::new(), ..scenario.clone() });
        all(&stack).await;
        let before = stack.aws.calls().len();
        for rule in &scenario.faults {
            stack.aws.faults().add(rule.clone());
        }
        let found = find(&stack, json!({"refresh": "none"})).await;
        let said = |it: &Value| format!("{} {} {}", it["finding_id"], it["status"], it["details"]);
        let calls = stack.aws.calls().split_off(before);
        (found.findings.iter().map(said).collect(), calls)
    })
}

#[test]
fn a_run_finds_the_same_whatever_happens_to_one_of_its_calls() {
    let scenario = Scenario { accounts: 6, ..without_principals() };
    let (expected, calls) = outcome(&scenario);
    assert!(expected.len() > 10);
    for fault in [Fault::LostAnswer, Fault::CrashAfter, Fault::CrashBefore, Fault::ServerError] {
        for (rule, context) in faults_at(&calls, fault, 1, (0, 3)) {
            let (found, _) = outcome(&Scenario { faults: vec![rule], ..scenario.clone() });
            assert_eq!(found, expected, "{context}");
        }
    }
}

#[test]
fn every_step_may_be_made_twice() {
    let scenario = Scenario { accounts: 6, ..without_principals() };
    let (expected, _) = outcome(&scenario);
    let (found, _) = outcome(&Scenario { delivery: Delivery::Twice, ..scenario });
    assert_eq!(found, expected);
}

#[test]
fn a_run_that_is_stopped_is_closed_and_what_it_refreshed_is_published() {
    on_virtual_time(async {
        let stack = stack(&without_principals());
        let execution = stack.start_findings(json!({})).unwrap();
        stack.aws.clock().sleep(std::time::Duration::from_secs(600)).await;
        stack.aws.states().stop(&execution.arn, None, None).unwrap();
        stack.aws.clock().sleep(std::time::Duration::from_secs(8 * 3_600)).await;
        let keys = |prefix: &str| stack.aws.storage().keys(stack.bucket(), prefix);
        assert_eq!(keys("open/"), Vec::<String>::new());
        assert!(keys("findings/").is_empty() && !keys("tables/accounts/").is_empty());
        let record = muster_tests::records(&stack).into_iter().find(|it| it.kind == models::Kind::Findings);
        let run = record.unwrap().run_id;
        let resumed = stack.start_findings(json!({"resume": run, "retry": ["failed"]})).unwrap();
        assert_eq!(resumed.finished().await, ExecutionStatus::Succeeded, "{:?}", resumed.error());
    });
}

#[test]
fn a_run_that_is_resumed_after_its_evaluation_makes_nothing_a_second_time() {
    on_virtual_time(async {
        let stack = stack(&without_principals());
        let keys = |prefix: &str| stack.aws.storage().keys(stack.bucket(), prefix);
        let execution = stack.start_findings(json!({})).unwrap();
        while !keys("runs/").iter().any(|key| key.ends_with("evaluation.json")) {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        stack.aws.states().stop(&execution.arn, None, None).unwrap();
        stack.aws.clock().sleep(std::time::Duration::from_secs(3_600)).await;
        let records = muster_tests::records(&stack).into_iter();
        let run = records.filter(|it| it.kind == models::Kind::Findings).map(|it| it.run_id).next().unwrap();
        let resumed = stack.start_findings(json!({"resume": run, "retry": ["failed"]})).unwrap();
        assert_eq!(resumed.finished().await, ExecutionStatus::Succeeded, "{:?}", resumed.error());
        for kind in ["organization-inventory", "declarative-policies-report", "organizations-access-report"] {
            assert_eq!(keys(&format!("published/{kind}/")).len(), 1, "{kind}");
        }
        assert_eq!(keys("published/findings/").len(), 1);
    });
}

#[test]
fn a_schedule_that_is_delivered_twice_makes_one_run() {
    on_virtual_time(async {
        let mut scenario = without_principals();
        scenario.parameters.insert("FindingsScheduleState".to_owned(), "ENABLED".to_owned());
        let stack = stack(&scenario);
        let due = stack.aws.clock().now();
        for _ in 0..2 {
            for execution in stack.deliver_schedule(due).unwrap() {
                assert_eq!(execution.finished().await, ExecutionStatus::Succeeded);
            }
        }
        let published = stack.aws.storage().keys(stack.bucket(), "published/findings/");
        assert_eq!(published.len(), 1, "{published:?}");
    });
}
