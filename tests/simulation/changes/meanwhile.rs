//! What somebody else changes between a plan and its changes, besides the objects that they change.

use std::time::Duration;

use local_stack::LocalStack;
use serde_json::{Value, json};

use super::policies::{DECLARATIVE, in_two_waves, policies, tokens, units};
use super::setup::desired;
use super::{POLICIES, SETUP, apply, on, plan, put, run, scenario, writes};

/// Somebody holds the writer's lease for about so long, and makes a change while he does.
async fn while_it_waits(stack: &LocalStack, operation: &str, body: Value) {
    let now = stack.aws.clock().now();
    let until = now + jiff::SignedDuration::from_mins(20);
    let holder = json!({"run": "20261121T000000Z-00000000", "writer": "x", "since": now, "until": until});
    put(stack, "locks/organization-writer", &holder.to_string());
    tokio::time::sleep(Duration::from_secs(10 * 60)).await;
    stack.aws.organization_changed_by_others(operation, body).unwrap();
}

fn policy(stack: &LocalStack, name: &str) -> local_aws::organization::Policy {
    let policies = stack.aws.organization().policies.into_iter();
    policies.into_iter().find(|policy| policy.name == name).unwrap()
}

fn tag_policies_off() -> Value {
    desired(json!({"policyTypes": {"TAG_POLICY": "disabled"}, "allowDisable": ["TAG_POLICY"]}))
}

#[test]
fn a_type_is_not_turned_off_while_something_is_attached_that_the_plan_has_not_kept() {
    on(&scenario(), async |stack| {
        let planned = plan(stack, SETUP, tag_policies_off()).await;
        let organization = stack.aws.organization();
        let id = &organization.policies.iter().find(|it| it.kind == "TAG_POLICY").unwrap().id;
        let attached = |it: &&local_aws::organization::Account| {
            let policy = organization.policies.iter().find(|it| it.id == *id).unwrap();
            !policy.targets.contains(&it.id)
        };
        let account = &organization.accounts.iter().find(attached).unwrap().id;
        let meanwhile = while_it_waits(stack, "AttachPolicy", json!({"PolicyId": id, "TargetId": account}));
        let (ended, ()) = tokio::join!(run(stack, SETUP, planned.applied()), meanwhile);
        let (error, cause) = ended.error();
        assert_eq!(error, "Outdated");
        assert!(cause.contains("in-force/TAG_POLICY"), "{cause}");
        assert!(!writes(stack).contains(&"DisablePolicyType".to_owned()));
    });
}

/// The first wave, left alone for some hours.
fn left_alone() -> Value {
    json!({"bakeHours": 4, "stopOn": ["invalidEffectivePolicy"]})
}

#[test]
fn a_policy_that_says_something_else_by_now_is_not_attached_by_a_later_wave() {
    on(&scenario(), async |stack| {
        let (_, request) = in_two_waves(stack, left_alone());
        let planned = plan(stack, POLICIES, request).await;
        let somebody = async {
            tokio::time::sleep(Duration::from_secs(2 * 3_600)).await;
            let body =
                json!({"PolicyId": policy(stack, "metadata").id, "Content": tokens("optional").to_string()});
            stack.aws.organization_changed_by_others("UpdatePolicy", body).unwrap();
        };
        let (ended, ()) = tokio::join!(run(stack, POLICIES, planned.applied()), somebody);
        let (error, cause) = ended.error();
        assert_eq!(error, "Outdated", "{cause}");
        assert!(cause.contains("policy/DECLARATIVE_POLICY_EC2/new:metadata"), "{cause}");
        assert_eq!(policy(stack, "metadata").targets.len(), 1);
    });
}

#[test]
fn a_wave_is_not_begun_that_reaches_an_account_which_the_plan_did_not_speak_of() {
    on(&scenario(), async |stack| {
        let (units, request) = in_two_waves(stack, left_alone());
        let planned = plan(stack, POLICIES, request).await;
        let somebody = async {
            tokio::time::sleep(Duration::from_secs(2 * 3_600)).await;
            let organization = stack.aws.organization();
            let elsewhere = |it: &&local_aws::organization::Account| {
                it.id != organization.management_account && !units.contains(&it.parent)
            };
            let moved = organization.accounts.iter().rev().find(elsewhere).unwrap();
            let body = json!({"AccountId": moved.id, "SourceParentId": moved.parent, "DestinationParentId": units[1]});
            stack.aws.organization_changed_by_others("MoveAccount", body).unwrap();
        };
        let (ended, ()) = tokio::join!(run(stack, POLICIES, planned.applied()), somebody);
        let (error, cause) = ended.error();
        assert_eq!(error, "Outdated", "{cause}");
        assert!(cause.contains("before wave 2: placement/"), "{cause}");
        assert_eq!(policy(stack, "metadata").targets.len(), 1);
    });
}

#[test]
fn what_an_operator_does_after_aws_refused_the_run_is_not_the_runs_and_is_not_taken_back() {
    on(&scenario(), async |stack| {
        let ram = json!({"trustedAccess": {"ram.amazonaws.com": "enabled"}});
        let planned = plan(stack, SETUP, desired(ram)).await;
        stack.aws.faults().add("deny@organizations:EnableAWSServiceAccess".parse().unwrap());
        let ended = run(stack, SETUP, planned.applied()).await;
        assert_eq!(ended.error().0, "Denied");
        let body = json!({"ServicePrincipal": "ram.amazonaws.com"});
        stack.aws.organization_changed_by_others("EnableAWSServiceAccess", body).unwrap();
        let records = muster_tests::records(stack);
        let of = &records.iter().max_by_key(|it| it.started_at).unwrap().run_id;
        let back = plan(stack, SETUP, json!({"rollback": {"run": of}})).await;
        assert_eq!(back.calls(), Vec::<String>::new());
        let resumed = run(stack, SETUP, json!({"resume": of, "retry": ["failed"]})).await.result();
        assert_eq!((&resumed["made"], &resumed["found"]), (&json!(0), &json!(1)), "{resumed}");
        let back = plan(stack, SETUP, json!({"rollback": {"run": of}})).await;
        assert_eq!(back.calls(), Vec::<String>::new());
    });
}

#[test]
fn tags_that_were_changed_and_added_at_once_do_not_keep_the_content_from_being_taken_back() {
    on(&scenario(), async |stack| {
        let unit = units(stack).remove(0);
        let one = |content: &str, members: Value| {
            let mut policy = json!({
                "type": DECLARATIVE, "name": "metadata", "content": tokens(content), "targets": [unit],
            });
            policy.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
            policies(json!([policy]))
        };
        apply(stack, POLICIES, one("required", json!({"tags": {"team": "a"}}))).await.result();
        let before = policy(stack, "metadata");
        let tags = |stack: &LocalStack| {
            let body = json!({"ResourceId": before.id});
            stack.aws.organization_changed_by_others("ListTagsForResource", body).unwrap()["Tags"].clone()
        };
        let tags_before = tags(stack);
        let other = json!({"tags": {"team": "b", "cost": "1"}, "description": "Tokens"});
        let changed = apply(stack, POLICIES, one("optional", other)).await;
        assert_eq!(changed.result()["made"], 2, "{}", changed.result());
        let back = plan(stack, POLICIES, json!({"rollback": {"run": changed.run_id()}})).await;
        assert_eq!(back.calls(), ["UntagResource", "TagResource", "UpdatePolicy"]);
        let warnings = back.warnings().join("; ");
        assert!(warnings.contains("description"), "{warnings}");
        run(stack, POLICIES, back.applied()).await.result();
        assert_eq!((policy(stack, "metadata").content, tags(stack)), (before.content.clone(), tags_before));
    });
}

#[test]
fn what_is_gone_since_a_type_was_turned_off_does_not_keep_the_rest_from_coming_back() {
    on(&scenario(), async |stack| {
        let others =
            |operation: &str, body: Value| stack.aws.organization_changed_by_others(operation, body).unwrap();
        // One that will be removed, and one on an account that will leave.
        let made = |name: &str| {
            let content = json!({"tags": {name: {"tag_key": {"@@assign": name}}}}).to_string();
            let body = json!({"Type": "TAG_POLICY", "Name": name, "Description": "", "Content": content});
            others("CreatePolicy", body)["Policy"]["PolicySummary"]["Id"].as_str().unwrap().to_owned()
        };
        let (removed, stays) = (made("removed"), made("stays"));
        let organization = stack.aws.organization();
        let mut accounts = organization.accounts.iter().rev().filter(|it| it.state == "ACTIVE");
        let (leaves, remains) = (accounts.next().unwrap(), accounts.next().unwrap());
        for (policy, account) in [(&removed, remains), (&stays, remains), (&stays, leaves)] {
            others("AttachPolicy", json!({"PolicyId": policy, "TargetId": account.id}));
        }
        let applied = apply(stack, SETUP, tag_policies_off()).await;
        applied.result();
        others("DeletePolicy", json!({"PolicyId": removed}));
        let gone = leaves.id.clone();
        stack.aws.change(|_, organization| organization.accounts.retain(|it| it.id != gone));
        let back = plan(stack, SETUP, json!({"rollback": {"run": applied.run_id()}})).await;
        let warnings = back.warnings().join("; ");
        assert!(warnings.contains(&format!("{} is gone", leaves.id)), "{warnings}");
        assert!(warnings.contains("the policy is gone"), "{warnings}");
        run(stack, SETUP, back.applied()).await.result();
        assert_eq!(policy(stack, "stays").targets, std::slice::from_ref(&remains.id));
    });
}

#[test]
fn a_type_that_somebody_has_turned_on_again_is_left_as_it_is_now() {
    on(&scenario(), async |stack| {
        let applied = apply(stack, SETUP, tag_policies_off()).await;
        applied.result();
        let root = stack.aws.organization().root;
        let body = json!({"RootId": root, "PolicyType": "TAG_POLICY"});
        stack.aws.organization_changed_by_others("EnablePolicyType", body).unwrap();
        tokio::time::sleep(Duration::from_secs(60)).await;
        let back = plan(stack, SETUP, json!({"rollback": {"run": applied.run_id()}})).await;
        assert_eq!(back.calls(), Vec::<String>::new());
        assert!(back.warnings().join("; ").contains("is on again"), "{:?}", back.warnings());
    });
}
