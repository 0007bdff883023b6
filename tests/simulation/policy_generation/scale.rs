//! As many days as the quotas allow, and not one more.

use local_aws::access_analyzer::{AccessAnalyzerSettings, PolicyGenerationState};
use muster_tests::{Scenario, on_virtual_time};
use serde_json::json;

use super::{Generated, HOUR, inventoried, members, run, small};

/// As many generations as AWS allows an account in a day.
const QUOTA: usize = 50;

/// Accounts besides the management account, all of whose principals are due.
fn busy(accounts: usize, principals: usize, regions: usize) -> Scenario {
    let mut scenario = small(AccessAnalyzerSettings::default());
    scenario.settings.principals.number = principals;
    Scenario { accounts: accounts + 1, regions, ..scenario }
}

fn succeeded_since(of: &Generated, before: usize) -> (usize, usize) {
    let jobs = of.jobs().split_off(before);
    let succeeded = jobs.iter().filter(|job| job.state == PolicyGenerationState::Succeeded).count();
    (succeeded, jobs.len())
}

/// 90 days in 34 Regions are nine times what one generation may read.
#[test]
fn from_the_third_day_on_nearly_all_of_the_quota_ends_in_a_policy() {
    on_virtual_time(async {
        let mut stack = inventoried(&busy(1, 270, 34)).await;
        for day in 1..=4 {
            let before = stack.aws.policy_generations().len();
            let of = run(stack, json!({"inventoryMaxAgeHours": 720})).await;
            let (succeeded, ordered) = succeeded_since(&of, before);
            assert_eq!(ordered, QUOTA, "day {day}");
            assert!(day < 3 || succeeded * 100 >= QUOTA * 95, "day {day}: {succeeded} of {QUOTA}");
            stack = of.stack;
            tokio::time::sleep(24 * HOUR).await;
        }
    });
}

/// Accounts of the next test. 2,000 (MUSTER_TEST_ACCOUNTS=2000) take a release build, a core for 75 minutes and
/// 14 GB: `cargo test --release --workspace --test simulation -- policy_generation::scale::sixty`.
fn accounts() -> usize {
    std::env::var("MUSTER_TEST_ACCOUNTS").map_or(6, |accounts| accounts.parse().unwrap())
}

#[test]
fn sixty_principals_in_each_account_take_two_days_in_all_accounts_side_by_side() {
    let accounts = accounts();
    on_virtual_time(async {
        let concurrency = [("PolicyGenerationConcurrency".to_owned(), accounts.to_string())].into();
        let scenario = Scenario { parameters: concurrency, ..busy(accounts, 70, 3) };
        let stack = inventoried(&scenario).await;
        stack.aws.states().without_details();
        // Some of many are suspended.
        let accounts = members(&stack).len();
        let begun = stack.aws.clock().now();
        let first = run(stack, json!({})).await;
        let due = first.rows("generated_policies").len();
        assert!(due >= accounts * 60, "{due}");
        let (_, ordered) = succeeded_since(&first, 0);
        assert_eq!(ordered, accounts * QUOTA);
        let took = first.stack.aws.clock().now().duration_since(begun);
        assert!(took.as_hours() < 24, "{took:#}");
        tokio::time::sleep(24 * HOUR).await;
        let second = run(first.stack, json!({"inventoryMaxAgeHours": 720})).await;
        let result = second.result();
        assert_eq!((&result["carriedOver"], &result["overdue"]), (&json!(0), &json!(0)), "{result}");
        // Of a few, with a policy or without, the last activity has become too old since.
        let counts = ["generated", "validPolicyExists", "noActivity"];
        let [generated, valid, idle] = counts.map(|it| result[it].as_u64().unwrap() as usize);
        assert_eq!(generated + valid + idle, due, "{result}");
        assert!(valid <= accounts * QUOTA && valid + idle >= accounts * QUOTA, "{result}");
        assert!(idle * 10 < due, "{result}");
    });
}
