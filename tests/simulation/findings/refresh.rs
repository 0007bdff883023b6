//! What a run refreshes first, and what it does without.

use std::time::Duration;

use local_aws::settings::ReportOutcome;
use local_aws::{Fault, FaultRule, Settings};
use local_stack::LocalStack;
use local_states::ExecutionStatus;
use muster_tests::{Scenario, on_virtual_time, stack};
use serde_json::json;

use super::{all, find, source, text, without_principals};

const INVENTORY: &str = "organization-inventory";
const REPORT: &str = "declarative-policies-report";
const ACCESS: &str = "organizations-access-report";

/// Executions of each kind so far.
fn executions(stack: &LocalStack) -> [usize; 3] {
    ["InventoryStateMachineArn", "ReportStateMachineArn", "AccessReportStateMachineArn"]
        .map(|output| of_machine(stack, stack.output(output)))
}

fn of_machine(stack: &LocalStack, machine: &str) -> usize {
    let name = machine.rsplit(':').next().unwrap();
    let executions = stack.aws.states().executions();
    executions.iter().filter(|it| it.arn.contains(&format!(":{name}:"))).count()
}

#[test]
fn a_run_refreshes_everything_that_is_missing_once_and_the_next_one_nothing() {
    on_virtual_time(async {
        let stack = stack(&without_principals());
        let first = all(&stack).await;
        assert_eq!(executions(&stack), [1, 1, 1], "the access report makes no inventory of its own");
        for kind in [INVENTORY, REPORT, ACCESS] {
            assert_eq!(source(&first, kind), "complete");
        }
        assert_eq!(source(&first, "policy-generation"), "off");
        assert_eq!(first.result["complete"], true);
        assert!(first.findings.len() > 20 && first.kinds_with("new").len() > 3);
        assert!(first.of("evidence_missing").is_empty(), "what is not part of the stack is not missed");

        let second = all(&stack).await;
        assert_eq!(executions(&stack), [1, 1, 1]);
        assert!(second.drift().values().all(|status| *status == "unchanged"));
        assert_eq!(second.result["comparedWith"], first.findings[0]["run_id"]);
        assert!(second.findings.iter().all(|it| it["runs"] == 2));
    });
}

#[test]
fn without_any_evidence_a_run_says_what_is_missing_and_concludes_nothing() {
    on_virtual_time(async {
        let stack = stack(&without_principals());
        let found = find(&stack, json!({"refresh": "none"})).await;
        assert_eq!(executions(&stack), [0, 0, 0]);
        assert_eq!(found.of("evidence_missing").len(), 3);
        assert_eq!(found.findings.len(), 3, "{:#?}", found.findings);
        assert_eq!(found.result["complete"], false);
    });
}

#[test]
fn only_the_kinds_of_the_request_are_refreshed() {
    on_virtual_time(async {
        let stack = stack(&without_principals());
        let found = find(&stack, json!({"refresh": [INVENTORY]})).await;
        assert_eq!(executions(&stack), [1, 0, 0]);
        assert_eq!((source(&found, INVENTORY), source(&found, REPORT)), ("complete", "missing"));
    });
}

#[test]
fn a_refresh_that_fails_takes_nothing_from_the_others_and_the_last_published_evidence_counts() {
    on_virtual_time(async {
        let stack = stack(&without_principals());
        all(&stack).await;
        stack.aws.clock().sleep(Duration::from_secs(8 * 86_400)).await;
        stack.aws.change(|settings, _| settings.report_outcomes = vec![ReportOutcome::Error]);
        let found = all(&stack).await;
        assert_eq!(executions(&stack), [2, 2, 2]);
        assert_eq!(source(&found, REPORT), "too old");
        assert_eq!(source(&found, INVENTORY), "complete");
        let [old] = found.of("evidence_too_old")[..] else { panic!("{:#?}", found.of("evidence_too_old")) };
        assert_eq!(text(old, "entity_id"), REPORT);
        assert!(!found.of("attribute_ready").is_empty(), "what it said then is said, with its age");
    });
}

#[test]
fn a_report_that_hangs_ends_at_its_own_deadline_and_the_run_goes_on() {
    on_virtual_time(async {
        let settings = Settings { report_outcomes: vec![ReportOutcome::Never], ..Settings::default() };
        let stack = stack(&Scenario { settings, ..without_principals() });
        let begun = stack.aws.clock().now();
        let found = all(&stack).await;
        let took = stack.aws.clock().now().duration_since(begun).as_hours();
        assert!((12..14).contains(&took), "{took} hours");
        assert_eq!(source(&found, REPORT), "missing");
        assert!(!found.of("service_unused").is_empty());
        assert!(found.of("attribute_ready").is_empty());
    });
}

#[test]
fn evidence_that_is_older_than_a_request_allows_is_refreshed() {
    on_virtual_time(async {
        let stack = stack(&without_principals());
        all(&stack).await;
        stack.aws.clock().sleep(Duration::from_secs(3 * 3_600)).await;
        let found = find(&stack, json!({"maxAgeHours": 1})).await;
        assert_eq!(executions(&stack), [2, 2, 2]);
        // The report takes longer than that: what was read beside it is not too old for it.
        assert!(found.of("evidence_too_old").is_empty(), "{:#}", found.result);
    });
}

#[test]
fn a_dry_run_says_what_would_be_run_first() {
    on_virtual_time(async {
        let stack = stack(&without_principals());
        let execution = stack.start_findings(json!({"dryRun": true})).unwrap();
        assert_eq!(execution.finished().await, ExecutionStatus::Succeeded);
        let why = execution.output().unwrap()["result"]["why"].as_str().unwrap().to_owned();
        assert!(why.contains(INVENTORY) && why.contains(REPORT) && why.contains(ACCESS), "{why}");
        assert!(!why.contains("policy-generation"), "{why}");
        assert_eq!(executions(&stack), [0, 0, 0]);
    });
}

#[test]
fn findings_of_one_unit_are_made_of_its_own_report() {
    on_virtual_time(async {
        let stack = stack(&Scenario { accounts: 30, ..without_principals() });
        let unit = stack.aws.organization().units[0].id.clone();
        let found = find(&stack, json!({"targetId": unit})).await;
        assert_eq!(found.result["scope"], unit.as_str());
        let ready = found.of("attribute_ready");
        let units: Vec<_> = ready.iter().map(|it| text(it, "entity_id")).collect();
        assert!(!units.is_empty() && units.iter().all(|it| *it == unit), "{units:?}");
        // Another scope has nothing to be compared with.
        let whole = find(&stack, json!({"refresh": "none"})).await;
        assert_eq!(whole.result["comparedWith"], json!(null));
        assert_eq!(source(&whole, REPORT), "missing");
    });
}

#[test]
fn a_denied_report_does_not_keep_the_run_from_its_end() {
    on_virtual_time(async {
        let fault = FaultRule {
            fault: Fault::Deny,
            operation: Some("ec2:StartDeclarativePoliciesReport".to_owned()),
            nth: 1,
            times: 100,
        };
        let stack = stack(&Scenario { faults: vec![fault], ..without_principals() });
        let found = all(&stack).await;
        assert_eq!(source(&found, REPORT), "missing");
        assert_eq!(found.of("evidence_missing").len(), 1);
    });
}
