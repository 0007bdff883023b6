//! Service-last-accessed data: who may read it, and how its jobs end.

use std::time::Duration;

use local_aws::access_analyzer::AccessAnalyzerSettings;
use local_aws::access_reports::ReportReaders;
use local_aws::iam_accounts::AccessedOutcome;
use muster_tests::Scenario;
use serde_json::json;

use super::{Generated, generate, small};

const ORDER: &str = "iam:GenerateServiceLastAccessedDetails";

/// The next jobs end like this, and may be read by these.
fn ending(outcomes: &[AccessedOutcome], readers: ReportReaders) -> Scenario {
    let mut scenario = Scenario { accounts: 2, ..small(AccessAnalyzerSettings::default()) };
    scenario.settings.iam_accounts.outcomes = outcomes.to_vec();
    scenario.settings.access_reports.readers = readers;
    scenario
}

const READERS: [ReportReaders; 2] = [ReportReaders::BySessionName, ReportReaders::ByToken];

fn slow(seconds: u64) -> AccessedOutcome {
    AccessedOutcome::Slow(Duration::from_secs(seconds))
}

fn is_whole(of: &Generated, context: &str) {
    assert_eq!(of.result()["complete"], json!(true), "{context}: {}", of.result());
    assert!(of.rows("generated_policies").iter().all(|row| row["granted_services"].is_number()), "{context}");
}

#[test]
fn jobs_of_seconds_are_ordered_once_and_read_whoever_may_read_them() {
    for readers in READERS {
        let of = generate(&ending(&[], readers), json!({}));
        is_whole(&of, &format!("{readers:?}"));
        assert_eq!(of.calls(ORDER), of.rows("generated_policies").len(), "{readers:?}");
    }
}

#[test]
fn a_job_of_minutes_is_read_by_another_invocation_of_the_same_session_name() {
    let of = generate(&ending(&[slow(400), slow(40)], ReportReaders::BySessionName), json!({}));
    is_whole(&of, "");
    assert_eq!(of.calls(ORDER), of.rows("generated_policies").len());
}

#[test]
fn a_job_that_only_the_very_credentials_may_read_is_waited_for_by_them_when_it_was_lost_once() {
    let of = generate(&ending(&[slow(60), slow(60)], ReportReaders::ByToken), json!({}));
    is_whole(&of, "");
    assert_eq!(of.calls(ORDER), of.rows("generated_policies").len() + 1);
}

#[test]
fn a_job_that_vanishes_is_ordered_once_more_and_then_its_access_is_a_gap() {
    for readers in READERS {
        let vanishes = AccessedOutcome::Vanish;
        let of = generate(&ending(&[vanishes], readers), json!({}));
        is_whole(&of, &format!("{readers:?}"));
        let of = generate(&ending(&[vanishes, vanishes], readers), json!({}));
        assert_eq!(of.result()["complete"], json!(false));
        assert_eq!(of.result()["gaps"]["access that was not read: Gone"], json!(1), "{}", of.result());
    }
}

#[test]
fn a_job_that_fails_is_no_evidence_of_no_activity_and_its_principal_is_generated_for() {
    let of = generate(&ending(&[AccessedOutcome::FAILED], ReportReaders::BySessionName), json!({}));
    let result = of.result();
    assert_eq!((&result["complete"], &result["failed"]), (&json!(false), &json!(0)), "{result}");
    assert_eq!(result["gaps"]["access that was not read: JobFailed"], json!(1), "{result}");
    let rows = of.rows("generated_policies");
    let unread: Vec<_> = rows.iter().filter(|row| row["granted_services"].is_null()).collect();
    assert_eq!(unread.len(), 1);
    assert_eq!(unread[0]["status"], "generated");
    let arn = unread[0]["principal_arn"].clone();
    assert!(of.rows("principal_access").iter().all(|row| row["principal_arn"] != arn));
    let cause = &of.causes("failed")[0];
    assert!(cause.contains("SERVICE_ERROR: The report could not be generated."), "{cause}");
}
