//! Going on with an earlier run.

use std::time::Duration;

use jiff::SignedDuration;
use local_aws::ec2::Status;
use local_aws::settings::ReportOutcome;
use local_aws::{FaultRule, Settings};
use local_stack::LocalStack;
use local_states::{Execution, ExecutionStatus};
use models::{ItemName, JobRecord, OutcomeStatus};
use muster_tests::{Scenario, on_virtual_time, records, rest, stack};
use serde_json::{Value, json};
use std::sync::Arc;

const MINUTE: Duration = Duration::from_secs(60);

fn faults(rules: &[&str]) -> Vec<FaultRule> {
    rules.iter().map(|rule| rule.parse().unwrap()).collect()
}

/// Runs a request to its end.
async fn ended(stack: &LocalStack, request: Value) -> Arc<Execution> {
    let execution = stack.start_report(request).unwrap();
    execution.finished().await;
    execution
}

fn error(execution: &Execution) -> String {
    execution.error().unwrap().error
}

fn record_of(stack: &LocalStack, item: &str) -> JobRecord {
    let item: ItemName = item.parse().unwrap();
    records(stack).into_iter().find(|record| record.item == item).unwrap()
}

#[test]
fn a_resumed_run_keeps_its_outcome_unless_it_is_to_be_retried() {
    on_virtual_time(async {
        let settings = Settings { report_outcomes: vec![ReportOutcome::Error], ..Settings::default() };
        let stack = stack(&Scenario { settings, ..Scenario::default() });
        let first = ended(&stack, json!({})).await;
        assert_eq!(first.status(), ExecutionStatus::Failed);
        let run = records(&stack)[0].run_id.to_string();

        let again = ended(&stack, json!({"resume": run})).await;
        assert_eq!(error(&again), "JobFailed");
        assert_eq!(stack.aws.reports().len(), 1, "nothing was started again");

        let retried = ended(&stack, json!({"resume": run, "retry": ["failed"]})).await;
        assert_eq!(retried.status(), ExecutionStatus::Succeeded, "{:?}", retried.error());
        let record = &records(&stack)[0];
        assert_eq!((record.attempt, record.earlier.len()), (2, 1));
        assert_eq!(record.outcome().unwrap().status, OutcomeStatus::Succeeded);
        assert!(stack.aws.reports()[1].prefix.ends_with("/attempt-2"));
    });
}

#[test]
fn a_resumed_run_goes_on_with_the_report_it_had_started() {
    on_virtual_time(async {
        let stack = stack(&Scenario::default());
        let first = stack.start_report(json!({})).unwrap();
        tokio::time::sleep(5 * MINUTE).await;
        let run = records(&stack)[0].run_id.to_string();
        let second = stack.start_report(json!({"resume": run})).unwrap();
        tokio::time::sleep(Duration::from_secs(30)).await;
        // Two executions of one run: the first one's end does not take the report from the second.
        stack.aws.states().stop(&first.arn, None, None).unwrap();
        assert_eq!(second.finished().await, ExecutionStatus::Succeeded, "{:?}", second.error());
        assert_eq!(stack.aws.reports().len(), 1);
        assert_eq!(records(&stack).len(), 1);
    });
}

#[test]
fn what_would_be_ignored_beside_resume_is_refused() {
    on_virtual_time(async {
        let settings = Settings { report_outcomes: vec![ReportOutcome::Error], ..Settings::default() };
        let stack = stack(&Scenario { settings, ..Scenario::default() });
        ended(&stack, json!({})).await;
        let run = records(&stack)[0].run_id.to_string();
        for (member, value) in [
            ("dryRun", json!(true)),
            ("wait", json!(false)),
            ("maxAgeHours", json!(2)),
            ("scheduledTime", json!("2026-11-22T03:00:00Z")),
            ("targetId", json!("r-ab12")),
            ("retry", json!(["succeeded"])),
        ] {
            let mut request = json!({"resume": run, "retry": ["failed"]});
            request[member] = value;
            let refused = ended(&stack, request).await;
            assert_eq!(error(&refused), "InvalidRequest", "{member}");
        }
        assert_eq!(stack.aws.reports().len(), 1);
        assert_eq!(records(&stack).len(), 1);
    });
}

#[test]
fn a_dry_run_is_not_resumed_into_a_report() {
    on_virtual_time(async {
        let stack = stack(&Scenario::default());
        ended(&stack, json!({"dryRun": true})).await;
        let run = records(&stack)[0].run_id.to_string();
        let resumed = ended(&stack, json!({"resume": run, "retry": ["skipped"]})).await;
        assert_eq!(error(&resumed), "InvalidRequest");
        assert!(resumed.error().unwrap().cause.contains("was a dry run"));
        assert_eq!(stack.aws.reports().len(), 0);
    });
}

#[test]
fn a_run_that_could_not_find_its_target_is_begun_anew_when_it_is_resumed() {
    on_virtual_time(async {
        let stack =
            stack(&Scenario { faults: faults(&["deny@organizations:ListRoots"]), ..Scenario::default() });
        let first = ended(&stack, json!({"deadlineHours": 30})).await;
        assert_eq!(error(&first), "Denied");
        let run = record_of(&stack, "request").run_id;

        let resumed = ended(&stack, json!({"resume": run, "retry": ["failed"]})).await;
        assert_eq!(resumed.status(), ExecutionStatus::Succeeded, "{:?}", resumed.error());
        let root = stack.aws.organization().root;
        let record = record_of(&stack, &root);
        assert_eq!((&record.run_id, record.earlier.len()), (&run, 1));
        assert_eq!(record.outcome().unwrap().status, OutcomeStatus::Succeeded);
        assert_eq!(record.deadline.duration_since(resumed.started), SignedDuration::from_hours(30));
        assert_eq!(resumed.output().unwrap()["item"], root);
        assert_eq!(stack.aws.reports().len(), 1);

        let again = ended(&stack, json!({"resume": run, "retry": ["failed"]})).await;
        assert_eq!(again.status(), ExecutionStatus::Succeeded, "it keeps its outcome");
        assert_eq!(stack.aws.reports().len(), 1);
    });
}

#[test]
fn a_dry_run_that_cannot_find_its_target_says_so_and_stays_a_dry_run() {
    on_virtual_time(async {
        let stack =
            stack(&Scenario { faults: faults(&["deny@organizations:ListRoots"]), ..Scenario::default() });
        let dry = ended(&stack, json!({"dryRun": true})).await;
        assert_eq!(dry.status(), ExecutionStatus::Succeeded, "{:?}", dry.error());
        let result = dry.output().unwrap()["result"].clone();
        assert_eq!(result["wouldStart"], false);
        assert!(result["why"].as_str().unwrap().contains("organizations:ListRoots"), "{result}");

        let run = records(&stack)[0].run_id.to_string();
        let resumed = ended(&stack, json!({"resume": run, "retry": ["skipped"]})).await;
        assert_eq!(resumed.output().unwrap()["result"]["wouldStart"], true, "{:?}", resumed.error());
        assert_eq!(stack.aws.reports().len(), 0);
    });
}

#[test]
fn a_report_whose_start_was_stopped_unanswered_is_found_by_whoever_resumes_the_run() {
    on_virtual_time(async {
        let settings = Settings { describe_lag: 10 * MINUTE, ..Settings::default() };
        let faults = faults(&["lost-answer@ec2:StartDeclarativePoliciesReport"]);
        let stack = stack(&Scenario { settings, faults, ..Scenario::default() });
        let first = stack.start_report(json!({})).unwrap();
        tokio::time::sleep(MINUTE).await;
        stack.aws.states().stop(&first.arn, None, None).unwrap();
        tokio::time::sleep(MINUTE).await;
        let record = &records(&stack)[0];
        assert_eq!(record.outcome().unwrap().status, OutcomeStatus::Failed);
        let run = record.run_id.to_string();
        let resumed = ended(&stack, json!({"resume": run, "retry": ["failed"]})).await;
        assert_eq!(resumed.status(), ExecutionStatus::Succeeded, "{:?}", resumed.error());
        assert_eq!(stack.aws.reports().len(), 1, "it was not started twice");
    });
}

#[test]
fn a_report_stopped_before_aws_shows_it_is_cancelled_once_it_does() {
    on_virtual_time(async {
        let settings = Settings { describe_lag: 10 * MINUTE, ..Settings::default() };
        let scenario = Scenario { settings, ..Scenario::default() };
        let stack = stack(&scenario);
        let execution = stack.start_report(json!({})).unwrap();
        tokio::time::sleep(MINUTE).await;
        stack.aws.states().stop(&execution.arn, None, None).unwrap();
        let rest = rest(stack, &scenario, execution).await;
        rest.check("stopped while it was hidden");
        assert_eq!(rest.ours()[0].status, Status::Cancelled);
    });
}

#[test]
fn a_start_that_may_have_worked_is_looked_for_although_its_run_did_not_want_to_wait() {
    on_virtual_time(async {
        let faults = faults(&["server-error@ec2:StartDeclarativePoliciesReport"]);
        let scenario = Scenario { faults, ..Scenario::default() };
        let stack = stack(&scenario);
        let execution = stack.start_report(json!({"wait": false})).unwrap();
        while stack.aws.calls().iter().all(|call| call.action != "ec2:StartDeclarativePoliciesReport") {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        stack.aws.start_foreign_report(60 * MINUTE);
        assert_eq!(execution.finished().await, ExecutionStatus::Succeeded);
        let open = |stack: &LocalStack| stack.aws.storage().keys(stack.bucket(), "open/").len();
        assert_eq!(open(&stack), 1, "the sweep is to look for it");
        let rest = rest(stack, &scenario, execution).await;
        rest.check("skipped with a start that stays open");
        assert_eq!(rest.outcome(), OutcomeStatus::Skipped);
    });
}

#[test]
fn a_complete_report_that_was_not_published_is_collected_by_a_later_run_that_takes_one_as_young() {
    on_virtual_time(async {
        let faults = faults(&["deny@ec2:GetDeclarativePoliciesReportSummary"]);
        let stack = stack(&Scenario { faults, ..Scenario::default() });
        let first = ended(&stack, json!({})).await;
        assert_eq!(error(&first), "Denied");
        let second = ended(&stack, json!({"maxAgeHours": 2})).await;
        assert_eq!(second.status(), ExecutionStatus::Succeeded, "{:?}", second.error());
        let reports = stack.aws.reports();
        assert_eq!(reports.len(), 1, "the first run's report was used");
        let result = second.output().unwrap()["result"].clone();
        assert_eq!((&result["reportId"], &result["complete"]), (&json!(reports[0].id), &json!(true)));
    });
}
