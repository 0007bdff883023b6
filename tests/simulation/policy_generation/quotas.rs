//! The quotas of a day.

use std::collections::BTreeSet;

use local_aws::access_analyzer::{AccessAnalyzerSettings, QuotaDay};
use muster_tests::{Scenario, on_virtual_time};
use serde_json::json;

use super::{Generated, HOUR, inventoried, members, run, small};

#[test]
fn what_does_not_fit_into_a_day_is_carried_over_and_the_next_run_goes_on_with_it() {
    on_virtual_time(async {
        let mut scenario = small(AccessAnalyzerSettings::default());
        scenario.settings.principals.number = 62;
        let stack = inventoried(&Scenario { accounts: 2, ..scenario }).await;
        let first = run(stack, json!({})).await;
        let result = first.result();
        assert_eq!(result["generated"], json!(50), "{result}");
        let left = result["carriedOver"].as_u64().unwrap();
        assert!(left > 0, "{result}");
        tokio::time::sleep(24 * HOUR).await;
        let second = run(first.stack, json!({})).await;
        let result = second.result();
        assert_eq!((&result["generated"], &result["carriedOver"]), (&json!(left), &json!(0)), "{result}");
        assert_eq!(result["validPolicyExists"], json!(50));
    });
}

/// One account with up to ten principals that are due, in a Region where AWS allows five generations a day.
fn five_a_day(day: QuotaDay) -> Scenario {
    let mut scenario = small(AccessAnalyzerSettings { day, ..AccessAnalyzerSettings::default() });
    scenario.settings.principals.number = 10;
    let parameters = [("PolicyGenerationRegion".to_owned(), "eu-south-1".to_owned())].into();
    Scenario { accounts: 2, parameters, ..scenario }
}

/// For whom the generations were ordered since there were so many, in their order.
fn ordered_since(of: &Generated, before: usize) -> Vec<String> {
    of.jobs().split_off(before).into_iter().map(|job| job.principal).collect()
}

#[test]
fn in_some_regions_the_quota_is_five_and_the_next_run_begins_with_whoever_never_had_a_policy() {
    on_virtual_time(async {
        let stack = inventoried(&five_a_day(QuotaDay::Calendar)).await;
        let first = run(stack, json!({})).await;
        let result = first.result();
        assert_eq!(result["generated"], json!(5), "{result}");
        assert!(first.jobs().iter().all(|job| job.region == "eu-south-1"));
        let [one, left]: [BTreeSet<_>; 2] = ["generated", "carried_over"].map(|status| {
            let rows = first.rows("generated_policies").into_iter().filter(|row| row["status"] == status);
            rows.map(|row| row["principal_arn"].as_str().unwrap().to_owned()).collect()
        });
        assert!((2..5).contains(&left.len()), "{left:?}");
        let gap = &result["gaps"]["policies that were not generated: left to the next run"];
        assert_eq!((gap, &result["carriedOver"]), (&json!(left.len()), &json!(left.len())), "{result}");
        let order = ordered_since(&first, 0);
        tokio::time::sleep(24 * HOUR).await;
        // Everything is due again: those without a policy first, then the oldest.
        let second = run(first.stack, json!({"validDays": 0})).await;
        let next = ordered_since(&second, 5);
        assert_eq!(next.len(), 5);
        assert_eq!(next[..left.len()].iter().cloned().collect::<BTreeSet<_>>(), left);
        let again = 5 - left.len();
        assert_eq!(next[left.len()..], order[..again], "{one:?}");
        tokio::time::sleep(24 * HOUR).await;
        let third = run(second.stack, json!({"validDays": 0})).await;
        let last = ordered_since(&third, 10);
        assert_eq!(last[..left.len()], order[again..], "the oldest");
        assert_eq!(last[left.len()..], next[..again]);
    });
}

#[test]
fn when_aws_itself_refuses_for_the_day_the_rest_is_carried_over_and_nothing_is_waited_for() {
    on_virtual_time(async {
        let stack = inventoried(&five_a_day(QuotaDay::Rolling)).await;
        let first = run(stack, json!({})).await;
        let left = first.result()["carriedOver"].clone();
        assert!(left.as_u64() > Some(0));
        // Midnight has passed, and AWS still counts what was ordered before.
        tokio::time::sleep(18 * HOUR).await;
        let begun = first.stack.aws.clock().now();
        let second = run(first.stack, json!({})).await;
        let result = second.result();
        assert_eq!((&result["generated"], &result["carriedOver"]), (&json!(0), &left), "{result}");
        let took = second.stack.aws.clock().now().duration_since(begun);
        assert!(took.as_hours() < 1, "{took:#}");
        let carried = second.rows("item_outcomes").into_iter().filter(|row| row["status"] == "carriedOver");
        assert!(carried.map(|row| row["error"].clone()).all(|error| error == "QuotaSpent"));
        tokio::time::sleep(7 * HOUR).await;
        let third = run(second.stack, json!({})).await;
        assert_eq!((&third.result()["generated"], &third.result()["complete"]), (&left, &json!(true)));
    });
}

#[test]
fn what_was_carried_over_is_generated_by_the_same_run_when_it_is_resumed_the_next_day() {
    on_virtual_time(async {
        let stack = inventoried(&five_a_day(QuotaDay::Calendar)).await;
        let first = run(stack, json!({})).await;
        let run_id = first.execution.output().unwrap()["runId"].clone();
        tokio::time::sleep(24 * HOUR).await;
        let of = run(first.stack, json!({"resume": run_id, "retry": ["carriedOver"]})).await;
        assert_eq!(
            (&of.result()["generated"], &of.result()["carriedOver"]),
            (&of.result()["due"], &json!(0))
        );
        assert_eq!(of.result()["complete"], json!(true), "{}", of.result());
        of.nobody_is_generated_twice("");
    });
}

#[test]
fn generations_of_others_count_in_the_day() {
    on_virtual_time(async {
        let scenario = five_a_day(QuotaDay::Calendar);
        let stack = inventoried(&scenario).await;
        let account = members(&stack)[0].clone();
        for _ in 0..3 {
            stack.aws.start_foreign_policy_generation(&account, "eu-south-1", HOUR / 60).unwrap();
            tokio::time::sleep(HOUR / 30).await;
        }
        let of = run(stack, json!({})).await;
        assert_eq!(of.result()["generated"], json!(2), "{}", of.result());
        assert!(of.result()["carriedOver"].as_u64() > Some(2));
    });
}
