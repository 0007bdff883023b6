//! Whose turn it is: AWS's rate, five at a time, the writer's lease, and what passes within an hour.

use std::time::Duration;

use jiff::SignedDuration;
use local_aws::organization::{AccountCreation, OrganizationSettings, TooManyInProgress};
use local_stack::LocalStack;
use muster_tests::{Scenario, on_virtual_time, stack};
use serde_json::json;

use super::{CREATE, HOUR, batch, make, plain, requests, run, scenario, until};

/// Nothing of the organization's own is in progress.
fn idle(stack: &LocalStack) {
    stack.aws.change(|_, organization| organization.requests.clear());
}

#[test]
fn five_are_in_progress_at_a_time_and_each_is_asked_for_in_its_turn() {
    let slow = OrganizationSettings {
        account_creation_duration: Duration::from_secs(20 * 60),
        ..OrganizationSettings::default()
    };
    let of = make(&scenario(slow), 11, idle);
    assert_eq!(of.result()["created"], 11, "{}", of.result());
    of.kept_to_the_rates(20, "slow");
    let mut requested: Vec<_> = requests(&of.stack, "New").into_iter().map(|it| it.requested).collect();
    requested.sort();
    let first_five = requested[4].duration_since(requested[0]);
    assert!(first_five.as_mins() < 5, "five lanes go on side by side: {first_five:#}");
}

#[test]
fn with_all_of_awss_rate_one_is_asked_for_in_ten_seconds() {
    let quick = OrganizationSettings {
        account_creation_duration: Duration::from_secs(5),
        activation_duration: Duration::from_secs(1),
        ..OrganizationSettings::default()
    };
    let mut scenario = scenario(quick);
    scenario.parameters.insert("OrganizationsRateShare".into(), "1".into());
    let of = make(&scenario, 9, idle);
    assert_eq!(of.result()["created"], 9, "{}", of.result());
    of.kept_to_the_rates(10, "all of it");
}

#[test]
fn accounts_that_others_ask_for_count_among_the_five() {
    for word in [TooManyInProgress::CreationRate, TooManyInProgress::AccountNumber] {
        let settings = OrganizationSettings {
            too_many_in_progress: word,
            account_creation_duration: HOUR,
            ..OrganizationSettings::default()
        };
        on_virtual_time(async {
            let stack = stack(&scenario(settings));
            idle(&stack);
            for number in 0..5 {
                let body = json!({"Email": format!("theirs-{number}@example.com"), "AccountName": format!("Theirs {number}")});
                stack.aws.organization_changed_by_others("CreateAccount", body).unwrap();
            }
            let theirs = requests(&stack, "Theirs")[0].requested;
            let request = batch(&stack, 2);
            let of = run(stack, request).await;
            assert_eq!(of.result()["created"], 2, "{word:?}: {}", of.result());
            let first = requests(&of.stack, "New").iter().map(|it| it.requested).min().unwrap();
            let waited = first.duration_since(theirs);
            assert!((60..70).contains(&waited.as_mins()), "{word:?}: {waited:#}");
            of.kept_to_the_rates(20, "beside others");
        });
    }
}

#[test]
fn somebody_who_asks_right_before_us_is_waited_for_whatever_aws_calls_it() {
    for word in [TooManyInProgress::CreationRate, TooManyInProgress::AccountNumber] {
        let settings = OrganizationSettings {
            too_many_in_progress: word,
            accounts_in_progress: 1,
            account_creation_duration: Duration::from_secs(10 * 60),
            ..OrganizationSettings::default()
        };
        // AWS takes fewer than we think, so that it refuses what we ask for.
        let of = make(&scenario(settings), 3, idle);
        assert_eq!(of.result()["created"], 3, "{word:?}: {}", of.result());
        of.all_are_there(3, "refused at first");
        of.nobody_is_asked_for_twice("refused at first");
    }
}

#[test]
fn an_organization_that_is_full_is_the_operators_after_an_hour_and_for_all_accounts_of_it() {
    on_virtual_time(async {
        let stack = stack(&plain());
        idle(&stack);
        stack.aws.change(|settings, organization| {
            settings.organization.account_quota = organization.accounts.len();
        });
        let begun = stack.aws.clock().now();
        let request = batch(&stack, 10);
        let of = run(stack, request).await;
        assert_eq!(of.statuses(), [("failed".into(), 10)].into());
        let row = of.row(7);
        assert_eq!(row["failure_reason"], "ACCOUNT_NUMBER_LIMIT_EXCEEDED", "{row:?}");
        assert!(row["remedy"].as_str().unwrap().contains("quota"), "{row:?}");
        let took = of.stack.aws.clock().now().duration_since(begun);
        assert!((60..150).contains(&took.as_mins()), "{took:#}");
        // Raised since.
        of.stack.aws.change(|settings, _| settings.organization.account_quota = 50_000);
        let run_id = super::own_records(&of.stack)[0].run_id.clone();
        let of = run(of.stack, json!({"resume": run_id, "retry": ["failed"]})).await;
        assert_eq!(of.result()["created"], 10, "{}", of.result());
        of.all_are_there(10, "raised");
    });
}

#[test]
fn an_organization_that_is_being_set_up_is_waited_for() {
    let settings =
        OrganizationSettings { finalizing: Duration::from_secs(50 * 60), ..OrganizationSettings::default() };
    on_virtual_time(async {
        let stack = stack(&scenario(settings));
        stack.aws.change(|_, organization| organization.exists = false);
        stack.aws.organization_changed_by_others("CreateOrganization", json!({"FeatureSet": "ALL"})).unwrap();
        let begun = stack.aws.clock().now();
        let of = run(stack, super::one(json!({}))).await;
        assert_eq!(of.result()["created"], 1, "{}", of.result());
        let asked = requests(&of.stack, "New")[0].requested.duration_since(begun);
        assert!((50..60).contains(&asked.as_mins()), "{asked:#}");
    });
}

/// Somebody else holds the writer's lease for so long.
fn hold(stack: &LocalStack, duration: SignedDuration) {
    let now = stack.aws.clock().now();
    let holder = json!({
        "run": "20261121T000000Z-00000000", "writer": "somebody", "since": now, "until": now + duration,
    });
    let write = |sink: &mut dyn std::io::Write| sink.write_all(holder.to_string().as_bytes());
    stack.aws.storage().deliver(stack.bucket(), "locks/organization-writer", write).unwrap();
}

#[test]
fn nothing_is_asked_for_or_moved_while_somebody_else_holds_the_writers_lease() {
    on_virtual_time(async {
        let stack = stack(&plain());
        hold(&stack, SignedDuration::from_mins(40));
        let held = stack.aws.clock().now();
        let request = batch(&stack, 2);
        let execution = stack.start_accounts(request).unwrap();
        until(&stack, "a request", |stack| !requests(stack, "New").is_empty()).await;
        let asked = requests(&stack, "New")[0].requested.duration_since(held);
        assert!((40..45).contains(&asked.as_mins()), "{asked:#}");
        // From now on somebody holds it again, and the accounts are made meanwhile.
        tokio::time::sleep(Duration::from_secs(30)).await;
        hold(&stack, SignedDuration::from_mins(30));
        let held = stack.aws.clock().now();
        tokio::time::sleep(Duration::from_secs(29 * 60)).await;
        let calls = stack.aws.calls();
        assert!(!calls.iter().any(|call| call.action == "organizations:MoveAccount"), "{held}");
        execution.finished().await;
        let of = super::Made { stack, execution };
        assert_eq!(of.result()["created"], 2, "{}", of.result());
        of.all_are_there(2, "held");
    });
}

#[test]
fn others_who_change_the_organization_are_waited_for() {
    let settings = OrganizationSettings {
        modification_window: Duration::from_secs(5),
        ..OrganizationSettings::default()
    };
    let of = make(&scenario(settings), 6, |_| {});
    assert_eq!(of.result()["created"], 6, "{}", of.result());
    of.all_are_there(6, "disturbed");
    of.nobody_is_asked_for_twice("disturbed");
}

#[test]
fn throttles_where_accounts_are_asked_for_are_waited_out() {
    on_virtual_time(async {
        let stack = stack(&Scenario {
            faults: vec!["throttle@organizations:CreateAccount#1*7".parse().unwrap()],
            ..plain()
        });
        let request = batch(&stack, 3);
        let of = run(stack, request).await;
        assert_eq!(of.result()["created"], 3, "{}", of.result());
        assert_eq!(of.calls(CREATE), 10);
        of.nobody_is_asked_for_twice("throttled");
    });
}

#[test]
fn an_account_that_hangs_keeps_none_of_those_behind_it_waiting_for_ever() {
    let days = AccountCreation::Succeeds(Duration::from_secs(10 * 24 * 3_600));
    let switches = OrganizationSettings { account_creations: vec![days], ..OrganizationSettings::default() };
    let of = make(&scenario(switches), 12, |_| {});
    let result = of.result();
    assert_eq!((&result["created"], &result["overdue"]), (&json!(11), &json!(1)), "{result}");
    assert_eq!(result["complete"], false, "{result}");
    let took = of.execution.ended().unwrap().duration_since(of.execution.history().events()[0].at);
    assert!(took.as_hours() < 4, "{took}");
}

#[test]
fn calls_that_aws_refuses_are_no_moves() {
    let rule = "throttle@organizations:MoveAccount#1*90".parse().unwrap();
    let of = make(&Scenario { faults: vec![rule], ..plain() }, 1, |_| {});
    assert_eq!(of.result()["created"], 1, "{}", of.result());
    of.all_are_there(1, "throttled");
}
