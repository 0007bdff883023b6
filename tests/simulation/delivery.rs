//! How the report's object comes, and what of it is refused.

use std::time::Duration;

use jiff::SignedDuration;
use local_aws::aws::Call;
use local_aws::s3::Bucket;
use local_aws::settings::ReportOutcome;
use local_aws::{Fault, FaultRule, Settings};
use local_states::ExecutionStatus;
use models::OutcomeStatus;
use muster_tests::{Rest, Scenario, on_virtual_time, run, stack};
use serde_json::json;

use crate::evidence::{csv_of, file, is_complete, published, with_csv};

fn failed(scenario: &Scenario) -> (Rest, String, String) {
    let rest = run(scenario);
    rest.check("");
    assert_eq!((rest.status, rest.outcome()), (ExecutionStatus::Failed, OutcomeStatus::Failed));
    let error = rest.execution.error().unwrap();
    let recorded = rest.records[0].outcome().unwrap().failure.clone().unwrap();
    assert_eq!(error.error, recorded.error, "the record says the same");
    (rest, error.error, error.cause)
}

#[test]
fn an_object_that_comes_late_is_waited_for() {
    for lag in [1, 45, 110] {
        let settings = Settings { delivery_lag: Duration::from_secs(lag), ..Settings::default() };
        let (rest, summary) = published(&Scenario { settings, ..Scenario::default() });
        assert!(is_complete(&summary), "{lag} s");
        assert_eq!(rest.keys("raw/").len(), 1);
    }
}

#[test]
fn a_complete_report_without_an_object_is_waited_for_two_minutes_and_then_incomplete() {
    for settings in [
        Settings { report_outcomes: vec![ReportOutcome::NoObject], ..Settings::default() },
        Settings { delivery_lag: Duration::from_secs(2 * 3_600), ..Settings::default() },
    ] {
        let (rest, name, cause) = failed(&Scenario { settings, ..Scenario::default() });
        assert_eq!(name, "Incomplete");
        let report = &rest.ours()[0];
        let beginning =
            format!("s3://{}/{}/ec2_{}_{}_", report.bucket, report.prefix, report.target, report.id);
        assert!(cause.contains(&format!("no object begins with {beginning}")), "{cause}");
        assert!(cause.contains("resume the run with retry \"failed\""), "{cause}");
        assert_eq!(rest.stack.aws.lambda().invocations()["muster-ReportParse"], 1, "it is not repeated");
        let calls = rest.stack.aws.calls();
        let listings = calls
            .iter()
            .filter(|call| call.function.ends_with("ReportParse") && call.action == "s3:ListObjectsV2");
        assert_eq!(listings.count(), 13);
        let history = rest.execution.history();
        let entered = history
            .events()
            .iter()
            .rfind(|event| event.name == "TaskStateEntered" && event.details["name"] == "Collect");
        let waited = rest.execution.ended().unwrap().duration_since(entered.unwrap().at);
        assert!(
            (SignedDuration::from_secs(120)..SignedDuration::from_secs(125)).contains(&waited),
            "{waited}"
        );
    }
}

#[test]
fn two_objects_of_one_report_are_refused_and_both_are_named() {
    let settings = Settings { report_outcomes: vec![ReportOutcome::TwoObjects], ..Settings::default() };
    let (rest, name, cause) = failed(&Scenario { settings, ..Scenario::default() });
    assert_eq!(name, "Incomplete");
    let keys = rest.keys("raw/");
    assert_eq!(keys.len(), 2);
    assert!(
        cause.contains("2 objects could be report") && keys.iter().all(|key| cause.contains(key)),
        "{cause}"
    );
}

#[test]
fn a_csv_of_an_unknown_layout_is_refused_with_its_header_and_stays() {
    let text = "Konto,Gegend,Einstellung\nalpha,Mitteleuropa,an\n";
    let (_folder, path) = file(text.as_bytes());
    let (rest, name, cause) = failed(&with_csv(path));
    assert_eq!(name, "UnrecognisedLayout");
    assert!(cause.contains("The header has 3 columns: Konto | Gegend | Einstellung"), "{cause}");
    assert!(!cause.contains("alpha"), "rows are nobody's business: {cause}");
    let keys = rest.keys("raw/");
    assert!(cause.contains(&format!("s3://{}/{}", rest.stack.bucket(), keys[0])), "{cause}");
    let raw = rest.stack.aws.storage().read(rest.stack.bucket(), &keys[0]).unwrap();
    assert_eq!((keys.len(), raw.as_ref()), (1, text.as_bytes()), "the raw object stays as it was");
    assert_eq!(rest.keys("runs/").iter().filter(|key| key.contains("/parts/")).count(), 0);
    assert_eq!(rest.stack.aws.lambda().invocations()["muster-ReportParse"], 1, "it is not repeated");
}

#[test]
fn a_csv_that_is_not_whole_is_incomplete_and_says_where() {
    let scenario = Scenario::default();
    let (_folder, path, text) = csv_of(&scenario, |_| {});
    let cut = text.len() - 120;
    let lines = text[..cut].lines().count();
    for (bytes, says) in [
        ("", "it is empty".to_owned()),
        (&text[..cut], format!("line {lines} (byte ")),
        (
            "account_id,region,x\n012345678901,eu-west-1,\"a\n",
            "a quote is opened and never closed".to_owned(),
        ),
    ] {
        std::fs::write(&path, bytes).unwrap();
        let (rest, name, cause) = failed(&with_csv(path.clone()));
        assert_eq!(name, "Incomplete", "{cause}");
        assert!(cause.contains(&says), "{cause}");
        assert_eq!(rest.keys("raw/").len(), 1);
    }
}

#[test]
fn a_bucket_that_somebody_else_owns_by_now_is_not_read() {
    on_virtual_time(async {
        let mut scenario = Scenario { request: json!({"s3Bucket": "our-reports"}), ..Scenario::default() };
        scenario.parameters.insert("ReportBucketArns".into(), "arn:aws:s3:::our-reports".into());
        let stack = stack(&scenario);
        let bucket = |owner: &str| {
            let bucket = Bucket { owner: owner.into(), region: "eu-central-1".into(), ..Bucket::default() };
            stack.aws.storage().create_bucket("our-reports", bucket).unwrap();
        };
        bucket(stack.aws.account());
        let execution = stack.start_report(scenario.request.clone()).unwrap();
        tokio::time::sleep(Duration::from_secs(89 * 60)).await;
        assert_eq!(stack.aws.reports()[0].bucket, "our-reports");
        // Deleted, and its name taken by another account, which now receives the report.
        bucket("999999999999");
        assert_eq!(execution.finished().await, ExecutionStatus::Failed);
        assert_eq!(stack.aws.storage().keys("our-reports", "").len(), 1, "a report lies there");
        let error = execution.error().unwrap();
        assert_eq!(error.error, "StorageInaccessible");
        assert!(
            error.cause.contains("belongs to account") && error.cause.contains("our-reports"),
            "{}",
            error.cause
        );
        assert_eq!(stack.aws.storage().keys(stack.bucket(), "tables/"), [] as [&str; 0]);
    });
}

/// The number, among all of S3's reads, of the one that downloads the CSV.
fn download(calls: &[Call]) -> u64 {
    let parse: Vec<_> = calls.iter().filter(|call| call.action == "s3:GetObject").collect();
    let listed = calls.iter().position(|call| {
        call.function.ends_with("ReportParse") && call.action == "ec2:GetDeclarativePoliciesReportSummary"
    });
    let before = &calls[..listed.unwrap()];
    let read_before = before.iter().filter(|call| call.action == "s3:GetObject").count();
    assert!(parse.len() > read_before);
    read_before as u64 + 1
}

fn broken_off(nth: u64) -> Vec<FaultRule> {
    vec![FaultRule { fault: Fault::Truncate, operation: Some("s3:GetObject".into()), nth, times: 1 }]
}

#[test]
fn a_download_that_breaks_off_goes_on_where_it_was() {
    let clean = run(&Scenario::default());
    let faults = broken_off(download(&clean.stack.aws.calls()));
    let rest = run(&Scenario { faults, ..Scenario::default() });
    rest.check("");
    assert_eq!(rest.outcome(), OutcomeStatus::Succeeded);
    assert_eq!(rest.stack.aws.lambda().invocations()["muster-ReportParse"], 1, "the step is not repeated");
    let reads = |rest: &Rest| rest.stack.aws.calls().iter().filter(|it| it.action == "s3:GetObject").count();
    assert_eq!(reads(&rest), reads(&clean) + 1, "the rest is asked for, once");
    assert_eq!(rest.summary()["attributes"], clean.summary()["attributes"]);
}

#[test]
fn an_object_that_changes_while_it_is_read_is_read_again_from_its_beginning() {
    let clean = run(&Scenario::default());
    let nth = download(&clean.stack.aws.calls());
    let rest = on_virtual_time(async {
        let scenario = Scenario { faults: broken_off(nth), ..Scenario::default() };
        let stack = stack(&scenario);
        let execution = stack.start_report(json!({})).unwrap();
        let reads = || stack.aws.calls().iter().filter(|it| it.action == "s3:GetObject").count() as u64;
        while reads() < nth {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // The same size, another content: only its ETag tells.
        let storage = stack.aws.storage();
        let key = storage.keys(stack.bucket(), "raw/").remove(0);
        let text = String::from_utf8(storage.read(stack.bucket(), &key).unwrap().to_vec()).unwrap();
        let changed = text.replace("block-new-sharing", "block_new_sharing");
        assert_ne!(changed, text);
        storage.deliver(stack.bucket(), &key, |out| out.write_all(changed.as_bytes())).unwrap();
        muster_tests::rest(stack, &scenario, execution).await
    });
    rest.check("");
    assert_eq!(rest.outcome(), OutcomeStatus::Succeeded);
    assert_eq!(rest.stack.aws.lambda().invocations()["muster-ReportParse"], 2, "the step is repeated");
    assert_eq!(rest.summary()["attributes"], clean.summary()["attributes"]);
}
