//! What can be asked for.

use std::time::Duration;

use local_aws::Settings;
use local_states::ExecutionStatus;
use models::OutcomeStatus;
use muster_tests::{Rest, Scenario, on_virtual_time, records, run, stack};
use serde_json::{Value, json};

fn with(request: Value) -> Rest {
    let rest = run(&Scenario { request, ..Scenario::default() });
    rest.check("");
    rest
}

#[test]
fn a_request_that_is_not_accepted_reaches_aws_with_nothing() {
    for request in [
        json!({"targetID": "r-ab12"}),
        json!({"targetId": "everything"}),
        json!({"deadlineHours": 0}),
        json!({"tags": {"muster:run-id": "x"}}),
        json!({"s3Bucket": "somebody-elses-bucket"}),
        json!({"s3Prefix": "tables/runs"}),
        json!({"resume": "20200101T000000Z-00000000"}),
        json!({"resume": "20200101T000000Z-00000000", "targetId": "r-ab12"}),
        json!("a text"),
        json!([]),
        json!(null),
    ] {
        let rest = run(&Scenario { request: request.clone(), ..Scenario::default() });
        assert_eq!(rest.status, ExecutionStatus::Failed, "{request}");
        assert_eq!(rest.execution.error().unwrap().error, "InvalidRequest", "{request}");
        let aws: Vec<_> = rest
            .stack
            .aws
            .calls()
            .into_iter()
            .filter(|call| call.action.starts_with("ec2:") || call.action.starts_with("organizations:"))
            .collect();
        assert_eq!(aws, [], "{request}");
        if request.get("resume").is_none() {
            rest.check(&request.to_string());
            assert_eq!(rest.outcome(), OutcomeStatus::Failed);
        } else {
            assert_eq!(rest.records.len(), 0, "a run that does not exist is not recorded: {request}");
            let cause = rest.execution.error().unwrap().cause;
            assert!(!cause.contains("Record: "), "there is none: {cause}");
        }
    }
}

#[test]
fn the_target_is_the_one_asked_for_else_the_default_else_the_root() {
    let rest = with(json!({}));
    assert_eq!(rest.ours()[0].target, rest.stack.aws.organization().root);
    let account = rest.stack.aws.organization().accounts[3].id.clone();
    let rest = with(json!({"targetId": account}));
    assert_eq!(rest.ours()[0].target, account);
    assert_eq!(rest.records[0].item.as_str(), account);
}

#[test]
fn a_target_outside_the_organization_is_denied_with_what_to_check() {
    let rest = with(json!({"targetId": "r-none0"}));
    let error = rest.execution.error().unwrap();
    assert_eq!(error.error, "Denied");
    assert!(
        error.cause.contains("DeclarativePoliciesAccessDenied") && error.cause.contains("request id"),
        "{}",
        error.cause
    );
}

#[test]
fn prefix_and_tags_reach_the_report() {
    let rest = with(json!({"s3Prefix": "raw/mine", "tags": {"team": "platform"}}));
    let report = &rest.ours()[0];
    assert_eq!(report.prefix, format!("raw/mine/{}", rest.records[0].run_id));
    let tags: Vec<_> = report.tags.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert_eq!(tags, [("muster:run-id", rest.records[0].run_id.as_str()), ("team", "platform")]);
    let without = with(json!({}));
    assert_eq!(without.ours()[0].tags, [], "tagging needs a permission of its own");
}

#[test]
fn a_dry_run_starts_nothing_and_says_what_it_would_do() {
    let rest = with(json!({"dryRun": true}));
    assert_eq!((rest.status, rest.outcome()), (ExecutionStatus::Succeeded, OutcomeStatus::Skipped));
    let result = rest.execution.output().unwrap()["result"].clone();
    assert_eq!(result["wouldStart"], true, "{result}");
    assert_eq!(rest.stack.aws.reports().len(), 0);

    for dry_run_looks_at_reports in [false, true] {
        let busy = run(&Scenario {
            request: json!({"dryRun": true}),
            in_the_way: Some(Duration::from_secs(60_000)),
            settings: Settings { dry_run_looks_at_reports, ..Settings::default() },
            ..Scenario::default()
        });
        let result = busy.execution.output().unwrap()["result"].clone();
        assert_eq!((busy.status, &result["wouldStart"]), (ExecutionStatus::Succeeded, &json!(false)));
        assert!(result["why"].as_str().unwrap().contains("is running"), "{result}");
    }

    on_virtual_time(async {
        let stack = stack(&Scenario::default());
        stack.aws.change(|_, organization| organization.trusted.clear());
        let execution = stack.start_report(json!({"dryRun": true})).unwrap();
        assert_eq!(execution.finished().await, ExecutionStatus::Succeeded);
        let result = execution.output().unwrap()["result"].clone();
        assert_eq!(result["wouldStart"], false);
        assert!(result["why"].as_str().unwrap().contains("trusted access"), "{result}");
    });
}

#[test]
fn who_does_not_want_to_wait_is_told_for_whom() {
    let rest = run(&Scenario {
        request: json!({"wait": false}),
        in_the_way: Some(Duration::from_secs(7_200)),
        ..Scenario::default()
    });
    rest.check("");
    assert_eq!((rest.status, rest.outcome()), (ExecutionStatus::Succeeded, OutcomeStatus::Skipped));
    let result = rest.execution.output().unwrap()["result"].clone();
    assert!(result["waitingFor"]["id"].as_str().unwrap().starts_with("p-"), "{result}");
    let took = rest.execution.ended().unwrap().duration_since(rest.execution.started);
    assert!(took.as_secs() < 5, "{took}");
}

#[test]
fn a_finished_report_of_ours_is_used_again_while_it_is_young_enough() {
    on_virtual_time(async {
        let stack = stack(&Scenario::default());
        let first = stack.start_report(json!({})).unwrap();
        first.finished().await;
        let run = records(&stack)[0].run_id.to_string();
        tokio::time::sleep(Duration::from_secs(3_600)).await;

        let young = stack.start_report(json!({"maxAgeHours": 2})).unwrap();
        assert_eq!(young.finished().await, ExecutionStatus::Succeeded);
        assert_eq!(young.output().unwrap()["result"]["reused"], run);
        assert_eq!(stack.aws.reports().len(), 1);

        tokio::time::sleep(Duration::from_secs(3_600)).await;
        let old = stack.start_report(json!({"maxAgeHours": 1})).unwrap();
        assert_eq!(old.finished().await, ExecutionStatus::Succeeded);
        assert_eq!(stack.aws.reports().len(), 2, "too old: a new one");

        let account = stack.aws.organization().accounts[2].id.clone();
        let other = stack.start_report(json!({"maxAgeHours": 2, "targetId": account})).unwrap();
        other.finished().await;
        assert_eq!(stack.aws.reports().len(), 3, "another target: a new one");
    });
}

#[test]
fn a_large_request_is_spilled_and_the_ticket_stays_small() {
    let tags: serde_json::Map<String, Value> =
        (0..49).map(|number| (format!("{number}-{}", "k".repeat(100)), json!("ü".repeat(256)))).collect();
    let rest = with(json!({"tags": tags}));
    assert_eq!(rest.outcome(), OutcomeStatus::Succeeded, "{:?}", rest.execution.error());
    let history = rest.execution.history();
    let largest = history
        .events()
        .iter()
        .filter(|event| event.name == "WaitStateEntered")
        .map(|event| event.details["input"].as_str().unwrap().len())
        .max()
        .unwrap();
    assert!(largest < 8 * 1_024, "{largest} bytes");
    let request = rest.keys("runs/").into_iter().find(|key| key.contains("/request-")).unwrap();
    assert!(rest.stack.aws.storage().read(rest.stack.bucket(), &request).unwrap().len() > 20_000);
    assert_eq!(rest.ours()[0].tags.len(), 50);
}

#[test]
fn trusted_access_that_is_off_is_not_enabled_with_its_remedy() {
    on_virtual_time(async {
        let stack = stack(&Scenario { settings: Settings::default(), ..Scenario::default() });
        stack.aws.change(|_, organization| organization.trusted.clear());
        let execution = stack.start_report(json!({})).unwrap();
        assert_eq!(execution.finished().await, ExecutionStatus::Failed);
        let error = execution.error().unwrap();
        assert_eq!(error.error, "NotEnabled");
        assert!(error.cause.contains("trusted access for EC2"), "{}", error.cause);
    });
}
