//! Accounts take turns over several runs.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use local_aws::access_reports::{AccessReportOutcome, AccessReportSettings};
use muster_tests::{on_virtual_time, stack};
use serde_json::{Value, json};

use super::{Access, inventoried, run, scenario};

const MINUTE: Duration = Duration::from_secs(60);

/// Every report takes eight minutes: about seven fit into an hour.
fn slow() -> AccessReportSettings {
    AccessReportSettings {
        outcomes: vec![AccessReportOutcome::Slow(8 * MINUTE); 500],
        ..AccessReportSettings::default()
    }
}

fn request() -> Value {
    json!({"targets": ["accounts"], "maxHours": 1})
}

/// The accounts of a run by how they ended.
fn ended(of: &Access, status: &str) -> BTreeSet<String> {
    let rows = of.rows("item_outcomes").into_iter();
    let of_run = rows.filter(|row| row["run_id"] == json!(of.run_id()) && row["status"] == status);
    of_run.map(|row| row["item"].as_str().unwrap().to_owned()).collect()
}

fn cursor(of: &Access) -> BTreeMap<String, i64> {
    let text =
        of.stack.aws.storage().read(of.stack.bucket(), "cursors/organizations-access-report.json").unwrap();
    let cursor: Value = serde_json::from_slice(&text).unwrap();
    serde_json::from_value(cursor["accounts"].clone()).unwrap()
}

#[test]
fn what_does_not_fit_is_carried_over_until_every_account_has_had_its_turn() {
    on_virtual_time(async {
        let stack = stack(&scenario(slow()));
        inventoried(&stack).await;
        let mut of = run(stack, request()).await;
        let all: BTreeSet<String> = &ended(&of, "succeeded") | &ended(&of, "carriedOver");
        assert!((20..24).contains(&all.len()), "{all:?}");
        let mut done = ended(&of, "succeeded");
        let mut runs = 1;
        loop {
            let now = ended(&of, "succeeded");
            assert!((5..=9).contains(&now.len()) || done == all, "an hour's worth: {now:?}");
            assert_eq!(of.result()["carriedOver"], json!(ended(&of, "carriedOver").len()));
            assert_eq!(cursor(&of).keys().cloned().collect::<BTreeSet<_>>(), done);
            if done == all {
                break;
            }
            of = run(of.stack, request()).await;
            runs += 1;
            let new = ended(&of, "succeeded");
            let (open, left) = (all.len() - done.len(), new.difference(&done).count());
            assert!(left == new.len() || left == open, "those without a report come first: {new:?} {done:?}");
            done.extend(new);
        }
        assert!((3..=5).contains(&runs), "{runs} runs");
        // Then the oldest come first.
        let before = cursor(&of);
        let next = run(of.stack, request()).await;
        let again = ended(&next, "succeeded");
        let newest = again.iter().map(|account| before[account]).max().unwrap();
        let waiting = before.iter().filter(|(account, _)| !again.contains(*account));
        assert!(waiting.clone().all(|(_, at)| *at >= newest), "{before:?} {again:?}");
    });
}

#[test]
fn an_account_whose_report_always_fails_does_not_hold_up_the_others() {
    on_virtual_time(async {
        let settings = AccessReportSettings { failing_one_in: 2, ..AccessReportSettings::default() };
        let stack = stack(&scenario(settings));
        inventoried(&stack).await;
        let of = run(stack, json!({"targets": ["accounts"]})).await;
        let failed = ended(&of, "failed");
        assert!(!failed.is_empty());
        let cursor = cursor(&of);
        assert!(failed.iter().all(|account| cursor.contains_key(account)), "they have had their turn");
    });
}

#[test]
fn a_run_that_is_not_published_leaves_the_turns_as_they_were() {
    on_virtual_time(async {
        let stack = stack(&scenario(slow()));
        inventoried(&stack).await;
        let execution = stack.start_access_report(request()).unwrap();
        tokio::time::sleep(30 * MINUTE).await;
        stack.aws.states().stop(&execution.arn, None, None).unwrap();
        tokio::time::sleep(45 * MINUTE).await;
        assert_eq!(stack.aws.storage().keys(stack.bucket(), "cursors/"), Vec::<String>::new());
        let of = run(stack, request()).await;
        assert_eq!(cursor(&of).keys().cloned().collect::<BTreeSet<_>>(), ended(&of, "succeeded"));
    });
}

#[test]
fn what_was_carried_over_is_done_when_the_run_is_resumed() {
    on_virtual_time(async {
        let stack = stack(&scenario(slow()));
        inventoried(&stack).await;
        let first = run(stack, json!({"targets": ["root", "accounts"], "maxHours": 1})).await;
        let (run_id, carried) = (first.run_id(), ended(&first, "carriedOver"));
        assert!(carried.len() > 10);
        let again = run(first.stack, json!({"resume": run_id, "retry": ["carriedOver"]})).await;
        let now = ended(&again, "succeeded");
        assert!(now.intersection(&carried).count() >= 5, "another hour's worth: {now:?}");
    });
}
