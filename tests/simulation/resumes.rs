//! Going on with an earlier run.

use std::time::Duration;

use jiff::SignedDuration;
use local_aws::ec2::Status;
use local_aws::lambda::Delivery;
use local_aws::s3::Bucket;
use local_aws::settings::ReportOutcome;
use local_aws::{FaultRule, Settings};
use local_stack::LocalStack;
use local_states::{Execution, ExecutionStatus};
use models::{ItemName, JobRecord, OutcomeStatus};
use muster_tests::{Scenario, closed, on_virtual_time, records, rest, stack};
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

/// Organizations refuses to say what the root is, once.
fn denied_the_root() -> Scenario {
    Scenario { faults: faults(&["deny@organizations:ListRoots"]), ..Scenario::default() }
}

#[test]
fn a_run_that_could_not_find_its_target_is_begun_anew_when_it_is_resumed() {
    on_virtual_time(async {
        let stack = stack(&denied_the_root());
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
        let stack = stack(&denied_the_root());
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

/// A run whose report failed, and its id.
async fn failed(stack: &LocalStack, request: Value) -> String {
    let execution = ended(stack, request).await;
    assert_eq!(execution.status(), ExecutionStatus::Failed);
    records(stack)[0].run_id.to_string()
}

#[test]
fn a_step_that_resumes_may_run_beside_itself() {
    for seed in 1..=20 {
        on_virtual_time(async {
            let settings = Settings {
                report_outcomes: vec![ReportOutcome::Error],
                request_latency: Duration::from_millis(40),
                ..Settings::default()
            };
            let stack = stack(&Scenario { settings, seed, ..Scenario::default() });
            let run = failed(&stack, json!({})).await;
            stack.aws.lambda().deliver(Delivery::TwiceAtOnce);
            let resumed = ended(&stack, json!({"resume": run, "retry": ["failed"]})).await;
            assert_eq!(resumed.status(), ExecutionStatus::Succeeded, "seed {seed}: {:?}", resumed.error());
            let record = &records(&stack)[0];
            assert_eq!((record.attempt, stack.aws.reports().len()), (2, 2), "seed {seed}");
        });
    }
}

#[test]
fn a_step_that_is_repeated_does_not_reopen_the_outcome_it_has_just_recorded() {
    on_virtual_time(async {
        let stack = stack(&Scenario { in_the_way: Some(600 * MINUTE), ..Scenario::default() });
        let first = ended(&stack, json!({"wait": false})).await;
        assert_eq!(first.status(), ExecutionStatus::Succeeded);
        let run = records(&stack)[0].run_id.to_string();
        // Longer than the SDK's own attempts: the state machine repeats the step.
        stack.aws.faults().add("server-error@s3:DeleteObject#1*4".parse().unwrap());
        let resumed = ended(&stack, json!({"resume": run, "retry": ["skipped"]})).await;
        assert_eq!(resumed.status(), ExecutionStatus::Succeeded, "{:?}", resumed.error());
        let record = &records(&stack)[0];
        assert_eq!((record.attempt, record.earlier.len()), (2, 1));
    });
}

#[test]
fn a_resumed_run_keeps_its_own_deadline_unless_it_is_given_another() {
    on_virtual_time(async {
        let outcomes = vec![ReportOutcome::Error, ReportOutcome::Error];
        let settings = Settings { report_outcomes: outcomes, ..Settings::default() };
        let stack = stack(&Scenario { settings, ..Scenario::default() });
        let run = failed(&stack, json!({"deadlineHours": 72})).await;
        for (given, hours) in [(json!({}), 72), (json!({"deadlineHours": 5}), 5)] {
            let mut request = json!({"resume": run, "retry": ["failed"]});
            request.as_object_mut().unwrap().extend(given.as_object().unwrap().clone());
            let resumed = ended(&stack, request).await;
            let left = records(&stack)[0].deadline.duration_since(resumed.started);
            assert_eq!(left.as_hours(), hours, "{left}");
        }
    });
}

#[test]
fn what_was_started_is_waited_for_and_ended_although_its_bucket_is_no_longer_allowed() {
    for stopped in [false, true] {
        on_virtual_time(async {
            let mut scenario =
                Scenario { request: json!({"s3Bucket": "our-reports"}), ..Scenario::default() };
            scenario.parameters.insert("ReportBucketArns".into(), "arn:aws:s3:::our-reports".into());
            let stack = stack(&scenario);
            let bucket = Bucket {
                owner: stack.aws.account().into(),
                region: stack.aws.region().into(),
                ..Bucket::default()
            };
            stack.aws.storage().create_bucket("our-reports", bucket).unwrap();
            let execution = stack.start_report(scenario.request.clone()).unwrap();
            tokio::time::sleep(MINUTE).await;
            // Deployed again without it; what the roles may do is another matter.
            for function in stack.aws.lambda().functions() {
                let mut config = (*function).clone();
                config.environment.insert("MUSTER_REPORT_BUCKET_ARNS".into(), String::new());
                stack.aws.lambda().deploy(config);
            }
            if stopped {
                stack.aws.states().stop(&execution.arn, None, None).unwrap();
                tokio::time::sleep(MINUTE).await;
                assert_eq!(stack.aws.reports()[0].status, Status::Cancelled);
                assert_eq!(stack.aws.storage().keys(stack.bucket(), "open/").len(), 0);
            } else {
                assert_eq!(execution.finished().await, ExecutionStatus::Succeeded, "{:?}", execution.error());
            }
        });
    }
}

#[test]
fn a_run_that_ended_while_its_target_was_looked_for_starts_nothing_any_more() {
    let mut late = 0;
    for seed in 1..=10 {
        on_virtual_time(async {
            // The SDK pauses between its attempts, some time that is drawn; meanwhile the run is
            // stopped and, if the pause is long enough, swept.
            fastrand::seed(seed);
            let faults = faults(&["throttle@organizations:ListRoots#1*2"]);
            let scenario = Scenario { faults, ..Scenario::default() };
            let stack = stack(&scenario);
            let execution = stack.start_report(json!({})).unwrap();
            while stack.aws.calls().iter().all(|call| call.action != "organizations:ListRoots") {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            stack.aws.states().stop(&execution.arn, None, None).unwrap();
            let rest = rest(stack, &scenario, execution).await;
            assert_eq!(rest.keys("open/").len(), 0, "seed {seed}");
            for record in &rest.records {
                let failure = record.outcome().unwrap().failure.clone().unwrap();
                assert_eq!(failure.error, "Stopped", "seed {seed}: {}", record.item);
            }
            if rest.records.iter().any(|record| record.item.as_str() == "request") {
                late += 1;
                assert_eq!(rest.ours().len(), 0, "seed {seed}: it was over");
            }
        });
    }
    assert!(late > 0, "with no seed the sweep comes first");
}

#[test]
fn a_marker_stays_while_a_run_is_taken_up_as_it_is_being_closed() {
    for seed in 1..=10 {
        on_virtual_time(async {
            // The marker is removed late: the SDK pauses between its attempts, some time that is drawn.
            fastrand::seed(seed);
            let faults = faults(&["throttle@s3:DeleteObject#1*2"]);
            let stack = stack(&Scenario { faults, ..Scenario::default() });
            let execution = stack.start_report(json!({})).unwrap();
            tokio::time::sleep(MINUTE).await;
            stack.aws.states().stop(&execution.arn, None, None).unwrap();
            closed(&stack).await;
            let run = records(&stack)[0].run_id.to_string();
            stack.start_report(json!({"resume": run, "retry": ["failed"]})).unwrap();
            tokio::time::sleep(MINUTE).await;
            assert!(records(&stack)[0].outcome().is_none(), "seed {seed}: it runs again");
            let open = stack.aws.storage().keys(stack.bucket(), "open/").len();
            assert_eq!(open, 1, "seed {seed}: and the sweep knows of it");
        });
    }
}

#[test]
fn an_execution_whose_attempt_was_left_behind_starts_nothing() {
    on_virtual_time(async {
        let stack = stack(&Scenario { in_the_way: Some(100 * MINUTE), ..Scenario::default() });
        let first = stack.start_report(json!({})).unwrap();
        tokio::time::sleep(MINUTE).await;
        let run = records(&stack)[0].run_id.to_string();
        let second = stack.start_report(json!({"resume": run})).unwrap();
        tokio::time::sleep(MINUTE).await;
        stack.aws.states().stop(&second.arn, None, None).unwrap();
        closed(&stack).await;
        let third = ended(&stack, json!({"resume": run, "retry": ["failed"]})).await;
        assert_eq!(third.status(), ExecutionStatus::Succeeded, "{:?}", third.error());
        assert_eq!(first.finished().await, ExecutionStatus::Failed);
        assert!(first.error().unwrap().cause.contains("at attempt 2"), "{:?}", first.error());
        let ours: Vec<_> =
            stack.aws.reports().into_iter().filter(|report| report.bucket == stack.bucket()).collect();
        assert_eq!(ours.len(), 1);
        assert!(ours[0].prefix.ends_with("/attempt-2"));
    });
}

#[test]
fn a_report_that_came_to_light_is_gone_on_with_when_its_run_is_resumed() {
    on_virtual_time(async {
        let settings = Settings { describe_lag: 10 * MINUTE, ..Settings::default() };
        let faults = faults(&["lost-answer@ec2:StartDeclarativePoliciesReport"]);
        let stack = stack(&Scenario { settings, faults, ..Scenario::default() });
        let first = stack.start_report(json!({})).unwrap();
        tokio::time::sleep(MINUTE).await;
        stack.aws.states().stop(&first.arn, None, None).unwrap();
        tokio::time::sleep(10 * MINUTE).await;
        let run = records(&stack)[0].run_id.to_string();
        let resumed = ended(&stack, json!({"resume": run, "retry": ["failed"]})).await;
        assert_eq!(resumed.status(), ExecutionStatus::Succeeded, "{:?}", resumed.error());
        assert_eq!((stack.aws.reports().len(), records(&stack)[0].attempt), (1, 1));
    });
}

#[test]
fn a_report_that_may_run_is_not_left_behind_for_one_that_could_be_used_instead() {
    on_virtual_time(async {
        let settings =
            Settings { describe_lag: 10 * MINUTE, report_duration: 2 * MINUTE, ..Settings::default() };
        let faults = faults(&["lost-answer@ec2:StartDeclarativePoliciesReport#2"]);
        let stack = stack(&Scenario { settings, faults, ..Scenario::default() });
        let earlier = stack.start_report(json!({})).unwrap();
        tokio::time::sleep(150 * Duration::from_secs(1)).await;
        stack.aws.states().stop(&earlier.arn, None, None).unwrap();
        tokio::time::sleep(MINUTE).await;
        let later = ended(&stack, json!({"maxAgeHours": 2})).await;
        assert_eq!(later.status(), ExecutionStatus::Succeeded, "{:?}", later.error());
        let result = later.output().unwrap()["result"].clone();
        let reports = stack.aws.reports();
        assert_eq!((reports.len(), &result["reportId"]), (2, &json!(reports[1].id)), "its own: {result}");
    });
}
