//! Why AWS makes no account: every reason of a request that failed, and requests that vanish.

use std::time::Duration;

use local_aws::organization::{AccountCreation, FAILURES, OrganizationSettings};
use muster_tests::Scenario;
use serde_json::json;

use super::{CREATE, HOUR, Made, make, requests, scenario};

const MINUTE: Duration = Duration::from_secs(60);

fn ending(account_creations: Vec<AccountCreation>) -> Scenario {
    scenario(OrganizationSettings { account_creations, ..OrganizationSettings::default() })
}

/// One request fails for a reason, those after it succeed.
fn failing_once(reason: &'static str, count: usize) -> Made {
    make(&ending(vec![AccountCreation::Fails(reason, MINUTE)]), count, |_| {})
}

/// Reasons that pass by themselves.
const PASSING: [&str; 3] =
    ["CONCURRENT_ACCOUNT_MODIFICATION", "INTERNAL_FAILURE", "PENDING_BUSINESS_VALIDATION"];

#[test]
fn an_account_that_is_refused_for_any_reason_is_told_with_what_to_do_and_stops_no_other() {
    for reason in FAILURES.into_iter().filter(|reason| !PASSING.contains(reason)) {
        let of = failing_once(reason, 6);
        assert_eq!(of.statuses(), [("created".into(), 5), ("failed".into(), 1)].into(), "{reason}");
        let rows = of.rows();
        let row = rows.iter().find(|row| row["status"] == "failed").unwrap();
        assert_eq!((&row["failure_reason"], &row["error"]), (&json!(reason), &json!("JobFailed")), "{row:?}");
        let class = row["failure_class"].as_str().unwrap();
        assert!(["operator", "permanent"].contains(&class), "{reason}: {class}");
        assert!(row["remedy"].as_str().unwrap().len() > 40 && row["request_id"].is_string(), "{row:?}");
        assert!(row["account_id"].is_null(), "{row:?}");
        assert_eq!(of.calls(CREATE), 6, "{reason}: it is not asked again");
        let result = of.result();
        assert_eq!(
            (&result["because"], &result["complete"]),
            (&json!({reason: 1}), &json!(false)),
            "{result}"
        );
    }
}

#[test]
fn a_reason_that_passes_by_itself_is_waited_out() {
    for reason in PASSING {
        let of = failing_once(reason, 2);
        assert_eq!(of.result()["created"], 2, "{reason}: {}", of.result());
        of.all_are_there(2, reason);
        assert_eq!(of.calls(CREATE), 3, "{reason}");
    }
    let asked = |reason| {
        let of = failing_once(reason, 1);
        let [first, second] = requests(&of.stack, "New").try_into().unwrap();
        second.requested.duration_since(first.completed.unwrap())
    };
    assert!(asked("INTERNAL_FAILURE").as_mins() < 5);
    assert!(asked("PENDING_BUSINESS_VALIDATION").as_mins() >= 60);
}

#[test]
fn a_reason_that_ought_to_pass_and_does_not_is_not_tried_for_ever() {
    for reason in PASSING {
        let of = make(&ending(vec![AccountCreation::Fails(reason, MINUTE); 9]), 1, |_| {});
        assert_eq!(of.row(1)["failure_reason"], reason);
        assert_eq!(of.calls(CREATE), 4, "{reason}");
    }
}

#[test]
fn a_reason_of_the_future_is_the_operators_and_is_not_tried_again() {
    let of = failing_once("INSUFFICIENT_STARDUST", 1);
    let row = of.row(1);
    assert_eq!(
        (&row["failure_reason"], &row["failure_class"]),
        (&json!("INSUFFICIENT_STARDUST"), &json!("operator"))
    );
    assert_eq!(of.calls(CREATE), 1);
}

#[test]
fn a_request_that_vanishes_is_looked_for_and_then_asked_again() {
    let of = make(&ending(vec![AccountCreation::Vanishes(MINUTE)]), 2, |_| {});
    assert_eq!(of.result()["created"], 2, "{}", of.result());
    of.all_are_there(2, "vanished");
    assert_eq!(of.calls(CREATE), 3);
}

#[test]
fn requests_that_vanish_each_time_are_not_made_for_ever() {
    let of = make(&ending(vec![AccountCreation::Vanishes(MINUTE); 9]), 1, |_| {});
    let row = of.row(1);
    assert_eq!((&row["status"], &row["error"]), (&json!("failed"), &json!("Gone")), "{row:?}");
    assert_eq!(of.calls(CREATE), 4);
}

#[test]
fn an_account_that_takes_very_long_is_overdue_and_found_when_it_is_resumed() {
    use muster_tests::on_virtual_time;

    let scenario = ending(vec![AccountCreation::Succeeds(30 * HOUR)]);
    on_virtual_time(async {
        let stack = muster_tests::stack(&scenario);
        let request = super::batch(&stack, 1);
        let of = super::run(stack, request).await;
        let row = of.row(1);
        assert_eq!((&row["status"], &row["error"]), (&json!("overdue"), &json!("Overdue")), "{row:?}");
        assert!(row["request_id"].is_string(), "{row:?}");
        tokio::time::sleep(30 * HOUR).await;
        let run_id = super::own_records(&of.stack)[0].run_id.clone();
        let of = super::run(of.stack, json!({"resume": run_id, "retry": ["overdue"]})).await;
        assert_eq!(of.result()["created"], 1, "{}", of.result());
        assert_eq!(of.calls(CREATE), 1);
        of.all_are_there(1, "overdue");
    });
}
