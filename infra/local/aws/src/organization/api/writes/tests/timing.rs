use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::organization::Shape;
use crate::organization::api::testing::{Tested, tags};

/// The content of an account's effective tag policy, and since when it is so.
fn effective(tested: &mut Tested, account: &str) -> (Value, i64) {
    let body = json!({"PolicyType": "TAG_POLICY", "TargetId": account});
    let updated =
        tested.ok("DescribeEffectivePolicy", body)["EffectivePolicy"]["LastUpdatedTimestamp"].clone();
    (tested.effective(account), updated.as_i64().unwrap())
}

#[test]
fn an_effective_policy_shows_a_change_when_it_is_published() {
    let mut tested = Tested::new();
    let (root, account) = (tested.organization.root.clone(), tested.organization.accounts[3].id.clone());
    let policy = tested.tag_policy("n", &["a"]);
    let at_root = json!({"PolicyId": policy, "TargetId": root});
    let before = effective(&mut tested, &account).1;
    let began = tested.now.as_second();
    tested.ok("AttachPolicy", at_root.clone());
    tested.pass(10);
    tested.ok("UpdatePolicy", json!({"PolicyId": policy, "Content": tags(&["b"])}));
    tested.pass(10);
    tested.ok("DetachPolicy", at_root);
    tested.ok("DeletePolicy", json!({"PolicyId": policy}));
    tested.pass(9);
    assert_eq!(effective(&mut tested, &account), (json!(null), before), "29 s after the first change");
    tested.pass(1);
    assert_eq!(effective(&mut tested, &account), (json!(["a"]), began + 30));
    tested.pass(10);
    assert_eq!(effective(&mut tested, &account), (json!(["b"]), began + 40));
    tested.pass(9);
    assert_eq!(effective(&mut tested, &account), (json!(["b"]), began + 40));
    tested.pass(1);
    assert_eq!(effective(&mut tested, &account), (json!(null), began + 50));
}

#[test]
fn an_account_that_has_moved_shows_its_new_place_when_that_is_published() {
    let mut tested = Tested::new();
    let account = tested.organization.accounts.iter().find(|it| it.parent.starts_with("ou-")).unwrap();
    let (account, from) = (account.id.clone(), account.parent.clone());
    let policy = tested.tag_policy("n", &["a"]);
    tested.ok("AttachPolicy", json!({"PolicyId": policy, "TargetId": from}));
    tested.pass(30);
    let root = tested.organization.root.clone();
    let body = json!({"AccountId": account, "SourceParentId": from, "DestinationParentId": root});
    tested.ok("MoveAccount", body);
    let moved = tested.now.as_second();
    tested.pass(29);
    assert_eq!(effective(&mut tested, &account), (json!(["a"]), moved));
    tested.pass(1);
    assert_eq!(effective(&mut tested, &account), (json!(null), moved + 30));
}

#[test]
fn without_a_lag_changes_show_at_once() {
    let mut tested = Tested::new();
    tested.settings.organization.effective_policy_lag = Duration::ZERO;
    let (root, account) = (tested.organization.root.clone(), tested.organization.accounts[3].id.clone());
    let policy = tested.tag_policy("n", &["a"]);
    tested.ok("AttachPolicy", json!({"PolicyId": policy, "TargetId": root}));
    let now = tested.now.as_second();
    assert_eq!(effective(&mut tested, &account), (json!(["a"]), now));
}

#[test]
fn why_an_effective_policy_is_invalid_is_said_of_what_is_published() {
    let mut tested = Tested::new();
    let (root, account) = (tested.organization.root.clone(), tested.organization.accounts[3].id.clone());
    tested.settings.invalid_effective_policies = vec![("TAG_POLICY".to_owned(), account.clone())];
    let policy = tested.tag_policy("n", &["a"]);
    tested.ok("AttachPolicy", json!({"PolicyId": policy, "TargetId": root}));
    let mut contributes = || {
        let body = json!({"AccountId": account, "PolicyType": "TAG_POLICY"});
        let answer = tested.ok("ListEffectivePolicyValidationErrors", body);
        tested.pass(30);
        let error = &answer["EffectivePolicyValidationErrors"][0];
        error["ContributingPolicies"].as_array().unwrap().contains(&json!(policy))
    };
    assert_eq!([contributes(), contributes()], [false, true]);
}

#[test]
fn a_change_of_policies_may_wait_for_another_of_the_same_type() {
    for seconds in [0, 20] {
        let mut tested = Tested::new();
        tested.settings.organization.policy_change_duration = Duration::from_secs(seconds);
        let root = tested.organization.root.clone();
        let policy = tested.tag_policy("n", &["a"]);
        let at_root = json!({"PolicyId": policy, "TargetId": root});
        tested.ok("AttachPolicy", at_root.clone());
        let kind = json!({"RootId": root, "PolicyType": "TAG_POLICY"});
        if seconds > 0 {
            for (operation, body) in [
                ("UpdatePolicy", json!({"PolicyId": policy})),
                ("DetachPolicy", at_root.clone()),
                ("DisablePolicyType", kind.clone()),
            ] {
                assert_eq!(tested.refused(operation, body), "PolicyChangesInProgressException");
            }
            tested.ok("EnablePolicyType", json!({"RootId": root, "PolicyType": "BACKUP_POLICY"}));
            tested.pass(seconds);
        }
        tested.ok("DetachPolicy", at_root);
    }
}

#[test]
fn a_write_may_come_too_soon_after_anybodys() {
    for seconds in [0, 3] {
        let mut tested = Tested::new();
        tested.settings.organization.modification_window = Duration::from_secs(seconds);
        let id = tested.organization.accounts[3].id.clone();
        let tag = json!({"ResourceId": id, "Tags": [{"Key": "k", "Value": "v"}]});
        tested.ok("TagResource", tag.clone());
        if seconds > 0 {
            for _ in 0..2 {
                tested.pass(1);
                assert_eq!(tested.refused("TagResource", tag.clone()), "ConcurrentModificationException");
            }
            tested.ok("ListTagsForResource", json!({"ResourceId": id}));
            tested.pass(1);
        }
        // One that was refused is none.
        tested.ok("TagResource", tag);
    }
}

#[test]
fn a_write_to_fifty_thousand_accounts_copies_none_of_them() {
    let mut tested = Tested::of(&Shape { accounts: 50_000, ..Shape::default() });
    let root = tested.organization.root.clone();
    let policy = tested.tag_policy("n", &["a"]);
    let at_root = json!({"PolicyId": policy, "TargetId": root});
    tested.settings.organization.account_quota = 100_000;
    let began = Instant::now();
    for _ in 0..100 {
        tested.ok("AttachPolicy", at_root.clone());
        tested.ok("DetachPolicy", at_root.clone());
        tested.ok("CreateAccount", json!({"Email": "new@example.com", "AccountName": "new"}));
        tested.pass(200);
    }
    // Far more than it takes, and far less than with copies of 100,000 attachments for each.
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}
