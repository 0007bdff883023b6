//! Jobs that are slow, in the way, fail, vanish or never end.

use std::time::Duration;

use local_aws::access_reports::{AccessReportOutcome, AccessReportSettings, ReportReaders};
use local_aws::iam::PolicyDocument;
use local_states::ExecutionStatus;
use models::OutcomeStatus;
use muster_tests::{on_virtual_time, records, stack};
use serde_json::json;

use super::{Access, access, after, inventoried, report_role, run, scenario};

const MINUTE: Duration = Duration::from_secs(60);

/// The next jobs end like this.
fn ending(outcomes: &[AccessReportOutcome], readers: ReportReaders) -> AccessReportSettings {
    AccessReportSettings { outcomes: outcomes.to_vec(), readers, ..AccessReportSettings::default() }
}

fn both_readers() -> [ReportReaders; 2] {
    [ReportReaders::BySessionName, ReportReaders::ByToken]
}

/// Whether every report that was due is there.
fn is_whole(of: &Access) {
    let outcomes = of.outcomes();
    assert!(
        outcomes.values().all(|(status, _)| status == "succeeded" || status == "skipped"),
        "{outcomes:?}"
    );
    assert_eq!(of.result()["itemsWithData"], of.result()["expectedItems"]);
}

fn calls_of(of: &Access, function: &str, action: &str) -> usize {
    let name = &of.stack.resolved.resources[function].reference;
    of.stack.aws.calls().iter().filter(|call| call.function == *name && call.action == action).count()
}

#[test]
fn reports_of_seconds_are_ordered_and_read_in_one_invocation_whoever_may_read_them() {
    for readers in both_readers() {
        let of = access(&scenario(ending(&[], readers)), json!({}));
        is_whole(&of);
        assert_eq!(of.result()["mode"], "session");
        assert_eq!(calls_of(&of, "AccessReportStatus", "sts:AssumeRole"), 0);
        assert_eq!(
            of.jobs().len() as u64,
            of.result()["expectedItems"].as_u64().unwrap(),
            "each was ordered once"
        );
    }
}

#[test]
fn a_report_of_minutes_is_polled_and_collected() {
    let slow = [AccessReportOutcome::Slow(10 * MINUTE), AccessReportOutcome::Complete];
    let of = access(&scenario(ending(&slow, ReportReaders::BySessionName)), json!({}));
    is_whole(&of);
    assert_eq!(of.result()["mode"], "session");
    assert!(calls_of(&of, "AccessReportStatus", "iam:GetOrganizationsAccessReport") > 3);
    assert!(calls_of(&of, "AccessReportCollect", "iam:GetOrganizationsAccessReport") >= 1);
    assert_eq!(
        of.jobs().len() as u64,
        of.result()["expectedItems"].as_u64().unwrap(),
        "each was ordered once"
    );
}

#[test]
fn where_only_the_same_credentials_may_read_a_report_one_invocation_does_it_all_from_then_on() {
    let slow = AccessReportOutcome::Slow(5 * MINUTE);
    let of = access(&scenario(ending(&[slow, slow, slow], ReportReaders::ByToken)), json!({}));
    is_whole(&of);
    let result = of.result();
    assert_eq!(result["mode"], "single-invocation");
    let root = of.stack.aws.organization().root;
    assert_eq!(result["singleInvocationSince"]["item"], json!(root), "{result}");
    // The first report was ordered twice: nobody could read the first job.
    assert_eq!(of.jobs().len() as u64, result["expectedItems"].as_u64().unwrap() + 1);
    assert_eq!(calls_of(&of, "AccessReportStatus", "iam:GetOrganizationsAccessReport"), 1);
}

#[test]
fn a_report_that_outlasts_an_invocation_is_given_up_where_only_that_could_read_it() {
    let slow = AccessReportOutcome::Slow(20 * MINUTE);
    let outcomes = [AccessReportOutcome::Slow(5 * MINUTE), slow, slow, slow];
    let of = access(&scenario(ending(&outcomes, ReportReaders::ByToken)), json!({}));
    let root = of.stack.aws.organization().root;
    let outcomes = of.outcomes();
    assert_eq!(outcomes[&root], ("failed".into(), "Gone".into()), "{outcomes:?}");
    let others = outcomes.iter().filter(|(item, _)| **item != root);
    assert!(
        others.clone().count() > 3 && others.clone().all(|(_, (status, _))| status != "failed"),
        "{outcomes:?}"
    );
    assert_eq!(of.result()["gaps"]["reports could not be had: Gone"], json!(1));
}

#[test]
fn a_job_that_vanishes_is_ordered_again_once() {
    for readers in both_readers() {
        let of = access(&scenario(ending(&[AccessReportOutcome::Vanish], readers)), json!({}));
        is_whole(&of);
        assert_eq!(of.result()["mode"], "session", "the very credentials that ordered it could not read it");
        let twice = ending(&[AccessReportOutcome::Vanish, AccessReportOutcome::Vanish], readers);
        let of = access(&scenario(twice), json!({}));
        let root = of.stack.aws.organization().root;
        assert_eq!(of.outcomes()[&root], ("failed".into(), "Gone".into()));
    }
}

#[test]
fn somebody_elses_report_is_waited_for() {
    for minutes in [1, 30] {
        let of = after(&scenario(AccessReportSettings::default()), json!({}), |stack| {
            stack.aws.start_foreign_access_report(minutes * MINUTE).unwrap();
        });
        is_whole(&of);
        let jobs = of.stack.aws.access_reports();
        let late = jobs[1].started.duration_since(jobs[0].ended.unwrap());
        assert!(late.as_secs() <= 62, "{late:#}");
    }
}

#[test]
fn a_foreign_report_that_does_not_end_makes_the_run_overdue_and_not_failed() {
    let of = after(&scenario(AccessReportSettings::default()), json!({"deadlineHours": 1}), |stack| {
        stack.aws.start_foreign_access_report(100 * 60 * MINUTE).unwrap();
    });
    assert_eq!(of.result()["itemsWithData"], json!(0));
    assert!(of.outcomes().values().all(|(status, _)| status == "overdue" || status == "skipped"));
    assert_eq!(of.result()["complete"], json!(false));
}

#[test]
fn a_job_that_never_ends_makes_its_item_and_those_behind_it_overdue() {
    let never = [AccessReportOutcome::Complete, AccessReportOutcome::Never];
    let of = access(&scenario(ending(&never, ReportReaders::BySessionName)), json!({"deadlineHours": 2}));
    assert_eq!(of.result()["itemsWithData"], json!(1));
    let overdue = of.outcomes().values().filter(|(status, _)| status == "overdue").count() as u64;
    assert_eq!(Some(overdue + 1), of.result()["expectedItems"].as_u64());
    assert_eq!(of.result()["gaps"]["reports were not complete at the deadline"], json!(overdue));
    assert!(!of.rows("service_access").is_empty(), "what is there is published");
}

#[test]
fn an_entity_whose_report_fails_is_a_gap_and_the_others_are_done() {
    let settings = AccessReportSettings { failing_one_in: 3, ..AccessReportSettings::default() };
    let of = access(&scenario(settings), json!({"targets": ["organizationalUnits", "policies", "accounts"]}));
    let outcomes = of.outcomes();
    let failed: Vec<_> = outcomes.values().filter(|(status, _)| status == "failed").collect();
    assert!(!failed.is_empty() && failed.iter().all(|(_, error)| error == "JobFailed"), "{outcomes:?}");
    assert_eq!(of.result()["gaps"]["reports could not be had: JobFailed"], json!(failed.len()));
    let cause = of.rows("item_outcomes").into_iter().find(|row| row["status"] == "failed").unwrap()["cause"]
        .to_string();
    assert!(cause.contains("SERVICE_ERROR: The report could not be generated."), "{cause}");
}

#[test]
fn an_entity_and_a_policy_that_are_gone_since_the_inventory_fail_with_what_aws_calls_it() {
    let of = after(&scenario(AccessReportSettings::default()), json!({}), |stack| {
        stack.aws.change(|_, organization| {
            organization.units.pop().unwrap();
            organization.policies.retain(|policy| policy.name != "deny-leave");
        });
    });
    let causes: Vec<_> = of
        .rows("item_outcomes")
        .into_iter()
        .filter(|row| row["status"] == "failed")
        .map(|row| row["cause"].as_str().unwrap().to_owned())
        .collect();
    for (code, remedy) in [
        ("INVALID_ORGANIZATIONS_ENTITY_PATH", "moved or removed"),
        ("INVALID_ORGANIZATIONS_POLICY", "removed since the inventory"),
    ] {
        assert!(
            causes.iter().any(|cause| cause.contains(code) && cause.contains(remedy)),
            "{code}: {causes:?}"
        );
    }
    assert!(of.result()["itemsWithData"].as_u64() > Some(0));
}

#[test]
fn a_role_without_the_permissions_that_aws_looks_for_later_ends_the_lane_with_them_named() {
    on_virtual_time(async {
        let stack = stack(&scenario(AccessReportSettings::default()));
        inventoried(&stack).await;
        let arn = report_role(&stack);
        let mut role = stack.aws.roles()[&arn].clone();
        let only = json!({"Statement": [{"Effect": "Allow", "Action": "iam:*", "Resource": "*"}]});
        role.policy = PolicyDocument::parse(&only).unwrap().into();
        stack.aws.put_role(&arn, role);
        let of = run(stack, json!({})).await;
        assert_eq!(of.jobs().len(), 1, "all others would fail alike");
        assert!(of.outcomes().values().all(|(status, error)| status == "skipped" || error == "Denied"));
        let cause = of.rows("item_outcomes").into_iter().find(|row| row["status"] == "failed").unwrap();
        let cause = cause["cause"].as_str().unwrap();
        assert!(cause.contains("ORGANIZATIONS_REPORT_ACCESS_DENIED"), "{cause}");
        assert!(cause.contains("organizations:DescribePolicy"), "{cause}");
    });
}

#[test]
fn a_run_that_is_stopped_goes_on_where_it_was_when_it_is_resumed() {
    on_virtual_time(async {
        let slow = [AccessReportOutcome::Complete, AccessReportOutcome::Slow(30 * MINUTE)];
        let stack = stack(&scenario(ending(&slow, ReportReaders::BySessionName)));
        inventoried(&stack).await;
        let execution = stack.start_access_report(json!({})).unwrap();
        tokio::time::sleep(10 * MINUTE).await;
        stack.aws.states().stop(&execution.arn, None, None).unwrap();
        assert_eq!(execution.finished().await, ExecutionStatus::Aborted);
        tokio::time::sleep(20 * MINUTE).await;
        let record =
            records(&stack).into_iter().find(|it| it.execution.as_deref() == Some(&execution.arn)).unwrap();
        assert_eq!(record.outcome().unwrap().status, OutcomeStatus::Failed);
        let of = run(stack, json!({"resume": record.run_id, "retry": ["failed"]})).await;
        is_whole(&of);
        assert_eq!(of.run_id(), record.run_id);
        assert_eq!(
            of.jobs().len() as u64,
            of.result()["expectedItems"].as_u64().unwrap(),
            "none was ordered twice"
        );
        assert!(of.stack.aws.storage().keys(of.stack.bucket(), "open/").is_empty());
    });
}
