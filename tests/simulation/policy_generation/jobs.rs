//! How generations end, and what comes of each.

use std::time::Duration;

use local_aws::access_analyzer::{
    AccessAnalyzerSettings, JobErrorCode, LogBucket, PolicyGenerationOutcome as Outcome, SecondGeneration,
    StartRefusal, TrailSettings, UnknownGeneration,
};
use muster_tests::{Scenario, on_virtual_time};
use serde_json::json;

use super::{generate, inventoried, run, scenario, small};

fn ending(outcomes: Vec<Outcome>) -> AccessAnalyzerSettings {
    AccessAnalyzerSettings { outcomes, ..AccessAnalyzerSettings::default() }
}

#[test]
fn a_generation_that_fails_is_no_evidence_and_the_others_go_on() {
    for code in [JobErrorCode::Service, JobErrorCode::ResourceNotFound] {
        let of = generate(&scenario(ending(vec![Outcome::Complete, Outcome::Failed(code)])), json!({}));
        let result = of.result();
        assert_eq!((&result["failed"], &result["complete"]), (&json!(1), &json!(false)), "{result}");
        assert_eq!(of.statuses()["failed"], 1);
        assert!(of.causes("failed")[0].contains(code.name()), "{:?}", of.causes("failed"));
    }
}

#[test]
fn a_job_that_vanishes_is_ordered_once_more_whatever_aws_answers_for_it() {
    for unknown in [UnknownGeneration::Validation, UnknownGeneration::ResourceNotFound] {
        let settings = AccessAnalyzerSettings { unknown, ..ending(vec![Outcome::Vanish]) };
        let of = generate(&scenario(settings), json!({}));
        assert_eq!(of.result()["complete"], json!(true), "{}", of.result());
        assert_eq!(of.jobs().len(), of.statuses()["generated"] + 1);
    }
}

#[test]
fn a_window_that_is_too_much_is_narrowed() {
    let too_much = Outcome::Failed(JobErrorCode::ServiceQuotaExceeded);
    let of = generate(&scenario(ending(vec![Outcome::Complete, too_much, too_much])), json!({}));
    assert_eq!(of.result()["complete"], json!(true), "{}", of.result());
    assert_eq!(of.jobs().len(), of.statuses()["generated"] + 2);
}

#[test]
fn slow_incomplete_and_several_are_read_and_said_so() {
    let slow = Outcome::Slow(Duration::from_secs(2 * 3_600));
    let of =
        generate(&scenario(ending(vec![slow, Outcome::Incomplete, Outcome::SeveralDocuments])), json!({}));
    let result = of.result();
    assert_eq!(result["complete"], json!(true), "{result}");
    assert!(result["notComplete"].as_u64() >= Some(1), "{result}");
    let most = of.rows("generated_policies").iter().filter_map(|row| row["policies"].as_u64()).max();
    assert!(most >= Some(2), "{most:?}");
}

#[test]
fn a_generation_that_succeeds_and_leaves_no_policy_is_no_evidence_that_nothing_is_needed() {
    on_virtual_time(async {
        let of = run(inventoried(&small(ending(vec![Outcome::WithoutPolicies]))).await, json!({})).await;
        let result = of.result();
        assert_eq!((&result["failed"], &result["complete"]), (&json!(1), &json!(false)), "{result}");
        assert!(of.causes("failed")[0].contains("has no policy of it"), "{:?}", of.causes("failed"));
        let before = of.jobs().len();
        // It does not count as generated, so the next run asks for it.
        let next = run(of.stack, json!({})).await;
        assert_eq!((next.jobs().len(), &next.result()["complete"]), (before + 1, &json!(true)));
    });
}

#[test]
fn whatever_a_start_is_refused_by_it_is_made_again() {
    for second in [SecondGeneration::ServiceQuotaExceeded, SecondGeneration::Conflict] {
        let refusals = vec![
            StartRefusal::Throttled { retry_after_seconds: Some(30) },
            StartRefusal::Conflict,
            StartRefusal::Internal { retry_after_seconds: None },
        ];
        let settings = AccessAnalyzerSettings { refusals, second, ..AccessAnalyzerSettings::default() };
        let of = generate(&scenario(settings), json!({}));
        assert_eq!(of.result()["complete"], json!(true), "{}", of.result());
        assert_eq!(of.jobs().len(), of.statuses()["generated"]);
    }
}

#[test]
fn what_all_accounts_lack_stops_the_run_after_three_have_tried() {
    let bucket = LogBucket { readers: None, ..LogBucket::default() };
    let trail = TrailSettings { bucket, ..TrailSettings::default() };
    let settings = AccessAnalyzerSettings { trail, ..AccessAnalyzerSettings::default() };
    let of = generate(&Scenario { accounts: 6, ..scenario(settings) }, json!({}));
    let result = of.result();
    assert_eq!((&result["generated"], &result["complete"]), (&json!(0), &json!(false)), "{result}");
    assert_eq!(of.jobs().len(), 3, "nobody else has ordered anything");
    let causes = of.causes("failed");
    assert!(causes.iter().any(|cause| cause.contains("docs/organization-trail.md")), "{causes:?}");
}
