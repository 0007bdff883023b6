//! Evidence that is there in part: what is missing is not taken for what is not so.

use std::time::Duration;

use local_aws::{Fault, FaultRule};
use local_stack::LocalStack;
use muster_tests::{Scenario, on_virtual_time, stack};
use serde_json::{Value, json};

use super::{Found, all, find, text, without_principals};

fn deny(stack: &LocalStack, operation: &str, times: u64) {
    let operation = Some(operation.to_owned());
    stack.aws.faults().add(FaultRule { fault: Fault::Deny, operation, nth: 1, times });
}

async fn again(stack: &LocalStack) -> Found {
    stack.aws.clock().sleep(Duration::from_secs(2 * 3_600)).await;
    find(stack, json!({"maxAgeHours": 1})).await
}

/// Proposals of a run.
fn proposals(stack: &LocalStack, found: &Found) -> Vec<Value> {
    let key = text(&found.result["proposals"], "index");
    serde_json::from_slice(&stack.aws.storage().read(stack.bucket(), key).unwrap()).unwrap()
}

#[test]
fn policies_that_could_not_be_listed_make_no_effective_policy_differ_and_no_quota_free() {
    on_virtual_time(async {
        let stack = stack(&without_principals());
        stack.aws.change(|_, organization| {
            let tag = organization.policies.iter_mut().find(|it| it.kind == "TAG_POLICY").unwrap();
            let missing = 9_900 - tag.content.chars().count();
            tag.content.push_str(&" ".repeat(missing));
        });
        let first = all(&stack).await;
        assert_eq!(
            (first.of("effective_policy_differs").len(), first.of("quota_nearly_reached").len()),
            (0, 1)
        );
        deny(&stack, "organizations:ListPolicies", 100);
        let second = again(&stack).await;
        assert!(second.of("effective_policy_differs").is_empty(), "{:#?}", second.findings);
        assert_eq!(text(second.of("quota_nearly_reached")[0], "status"), "not_observed");
    });
}

#[test]
fn an_invalid_effective_policy_is_not_resolved_while_nobody_could_ask_which_are_invalid() {
    on_virtual_time(async {
        let stack = stack(&without_principals());
        stack.aws.change(|settings, _| settings.invalid_effective_policies_one_in = 2);
        let first = all(&stack).await;
        let invalid = first.of("effective_policy_invalid").len();
        assert!(invalid > 0);
        deny(&stack, "organizations:ListAccountsWithInvalidEffectivePolicy", 100);
        let second = again(&stack).await;
        let open = second.of("effective_policy_invalid");
        assert_eq!(open.len(), invalid);
        assert!(open.iter().all(|it| it["status"] == "not_observed"), "{open:#?}");
    });
}

#[test]
fn nothing_is_denied_below_a_unit_that_somebody_has_moved_into_since_the_report() {
    on_virtual_time(async {
        let stack = stack(&Scenario { accounts: 30, ..without_principals() });
        let first = all(&stack).await;
        let made = |found: &Found| {
            let all = proposals(&stack, found).into_iter().filter(|it| it["kind"] == "deny_unused_services");
            all.map(|it| (text(&it, "target").to_owned(), it["isWithheld"] == true)).collect::<Vec<_>>()
        };
        assert!(made(&first).iter().any(|(target, is_withheld)| target.starts_with("r-") && !is_withheld));
        // As many as before: one has left the unit, another one has come.
        let unit = stack.aws.organization().units[0].clone();
        stack.aws.change(|_, organization| {
            let root = (organization.root.clone(), format!("{}/{}/", organization.id, organization.root));
            let below = format!("/{}/", unit.id);
            let is_member = |it: &&mut local_aws::organization::Account| it.state == "ACTIVE";
            let mut accounts: Vec<_> = organization.accounts.iter_mut().skip(1).filter(is_member).collect();
            let leaves = accounts.iter().position(|it| it.path.contains(&below)).unwrap();
            let comes = accounts.iter().position(|it| !it.path.contains(&below)).unwrap();
            for (at, (parent, path)) in [(leaves, root), (comes, (unit.id.clone(), unit.path.clone()))] {
                let account = &mut accounts[at];
                account.parent = parent;
                account.path = format!("{path}{}/", account.id);
            }
        });
        stack.aws.clock().sleep(Duration::from_secs(2 * 3_600)).await;
        // Of the accounts that are there now only the inventory tells.
        find(&stack, json!({"refresh": ["organization-inventory"], "maxAgeHours": 1})).await;
        let third = find(&stack, json!({"refresh": "none"})).await;
        let of_unit = made(&third).into_iter().find(|(target, _)| *target == unit.id);
        assert!(of_unit.is_none_or(|(_, is_withheld)| is_withheld), "{:#?}", proposals(&stack, &third));
    });
}

#[test]
fn a_run_whose_objects_are_gone_counts_as_missing_and_takes_nothing_from_the_others() {
    on_virtual_time(async {
        let stack = stack(&without_principals());
        all(&stack).await;
        for key in stack.aws.storage().keys(stack.bucket(), "runs/") {
            if key.ends_with("snapshot.jsonl") {
                stack.aws.storage().delete(stack.bucket(), &key).unwrap();
            }
        }
        let found = find(&stack, json!({"refresh": "none"})).await;
        assert_eq!(found.of("evidence_missing").len(), 1);
        assert!(!found.of("service_unused").is_empty());
        let ready = found.of("attribute_ready");
        assert!(!ready.is_empty() && ready.iter().all(|it| it["status"] == "not_observed"));
    });
}

#[test]
fn evidence_that_is_too_old_is_told_and_nothing_is_proposed_of_it() {
    on_virtual_time(async {
        let stack = stack(&without_principals());
        let first = all(&stack).await;
        assert!(proposals(&stack, &first).iter().any(|it| it["isWithheld"] == false));
        stack.aws.clock().sleep(Duration::from_secs(30 * 86_400)).await;
        let found = find(&stack, json!({"refresh": "none"})).await;
        assert_eq!(found.of("evidence_too_old").len(), 3);
        let proposals = proposals(&stack, &found);
        assert!(
            !proposals.is_empty() && proposals.iter().all(|it| it["isWithheld"] == true),
            "{proposals:#?}"
        );
    });
}

/// What is proposed is what a plan takes, and comes to nothing but what it says.
#[test]
fn every_proposal_for_a_unit_is_taken_by_a_plan_as_it_is_and_changes_nothing_today() {
    on_virtual_time(async {
        let mut scenario = Scenario { accounts: 24, ..without_principals() };
        scenario.parameters.insert("EnablePolicyWrites".to_owned(), "true".to_owned());
        let stack = stack(&scenario);
        let found = all(&stack).await;
        let mut planned = 0;
        for proposal in proposals(&stack, &found).iter().filter(|it| it["isWithheld"] == false) {
            let file = stack.aws.storage().read(stack.bucket(), text(proposal, "file")).unwrap();
            let desired: Value = serde_json::from_slice(&file).unwrap();
            let machine = stack.output("PoliciesStateMachineArn");
            let execution = stack.aws.states().start(machine, None, json!({"desired": desired})).unwrap();
            let status = execution.finished().await;
            assert_eq!(
                status,
                local_states::ExecutionStatus::Succeeded,
                "{proposal:#}: {:?}",
                execution.error()
            );
            planned += 1;
        }
        assert!(planned > 3, "{planned}");
    });
}
