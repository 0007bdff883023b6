//! An organization of 1,000 accounts, over calls that take as long as over a network, beside somebody who
//! uses a part of the rates.

use std::time::Duration;

use local_aws::Settings;
use local_stack::{LocalStack, Topology};
use muster_tests::Scenario;
use serde_json::json;

use super::policies::{DECLARATIVE, forces, policies, tokens, units};
use super::setup::everything;
use super::{POLICIES, SETUP, on, plan, run};
use crate::inventory::rows;

const TAGS: &str = "TAG_POLICY";
const SCP: &str = "SERVICE_CONTROL_POLICY";
/// What somebody else uses of the rates.
const TENANT: f64 = 0.4;

fn scenario(topology: Topology) -> Scenario {
    let settings = Settings { request_latency: Duration::from_millis(80), ..Settings::default() };
    Scenario { accounts: 1_000, settings, topology, ..super::scenario() }
}

/// What can be seen of an organization, but for its ids.
fn seen(stack: &LocalStack) -> String {
    let it = stack.aws.organization();
    let mut policies: Vec<_> = it
        .policies
        .into_iter()
        .map(|mut policy| {
            policy.targets.sort();
            (policy.kind, policy.name, policy.description, policy.content, policy.targets)
        })
        .collect();
    policies.sort();
    format!("{:?} {:?} {:?} {policies:?}", it.trusted, it.delegated, it.policy_types)
}

#[test]
fn a_thousand_accounts_are_set_up_and_the_set_up_is_taken_back() {
    for topology in [Topology::Management, Topology::Delegated] {
        on(&scenario(topology), async |stack| {
            stack.aws.admit_tenant(TENANT);
            let before = seen(stack);
            let planned = plan(stack, SETUP, everything(stack)).await;
            let applied = run(stack, SETUP, planned.applied()).await;
            assert_eq!(applied.result()["made"], 4);
            assert_ne!(seen(stack), before);
            let back = plan(stack, SETUP, json!({"rollback": {"run": applied.run_id()}})).await;
            assert_eq!(run(stack, SETUP, back.applied()).await.result()["made"], 4);
            assert_eq!(seen(stack), before, "{topology:?}");
        });
    }
}

#[test]
fn policies_of_a_thousand_accounts_are_made_proven_in_each_and_taken_back() {
    for topology in [Topology::Management, Topology::Delegated] {
        on(&scenario(topology), async |stack| {
            stack.aws.admit_tenant(TENANT);
            // Without it, no declarative policy is attached to the root.
            stack.start_report(json!({})).unwrap().finished().await;
            let before = seen(stack);
            let organization = stack.aws.organization();
            let (root, unit) = (&organization.root, units(stack).remove(0));
            let mut request = policies(json!([
                {"type": DECLARATIVE, "name": "metadata", "content": tokens("required"), "targets": [root, unit]},
                {
                    "type": TAGS,
                    "name": "wire",
                    "content": {"tags": {"wire": {"tag_key": {"@@assign": "Wire"}}}},
                    "targets": [root],
                },
                {
                    "type": SCP,
                    "name": "no-mainframes",
                    "content": {"Version": "2012-10-17", "Statement": [
                        {"Effect": "Deny", "Action": "m2:CreateApplication", "Resource": "*"},
                    ]},
                    "targets": [unit],
                },
            ]));
            request["desired"]["waves"] = json!([{"targets": [unit], "bakeHours": 1}, {"targets": [root]}]);
            let (_, cause) = run(stack, POLICIES, request.clone()).await.error();
            request["desired"]["force"] = json!(forces(&cause));
            let planned = plan(stack, POLICIES, request).await;
            assert_eq!(planned.plan["unknown"], 0, "{:?}", planned.warnings());
            let asked = stack.aws.calls().len();
            let applied = run(stack, POLICIES, planned.applied()).await;
            assert_eq!(applied.result()["made"], 7);

            let active: Vec<_> = organization.accounts.iter().filter(|it| it.state == "ACTIVE").collect();
            assert!(active.len() > 900);
            let now = stack.aws.organization();
            let of = |id: &str| now.accounts.iter().find(|it| it.id == id).unwrap();
            for account in &active {
                let tags = now.effective_policy(TAGS, of(&account.id));
                assert_eq!(tags["tags"]["wire"]["tag_key"], "Wire", "{}", account.id);
            }
            let calls = stack.aws.calls().split_off(asked);
            let proven = calls.iter().filter(|call| call.function.contains("PoliciesVerify"));
            let proven = proven.filter(|call| call.action == "organizations:DescribeEffectivePolicy").count();
            assert!(proven >= active.len(), "{proven} looks at {} accounts", active.len());
            let effects = rows(stack, "policy_effects");
            let of_tags = effects.iter().filter(|row| row["type"] == TAGS && row["effect"] == "known");
            assert_eq!(of_tags.count(), active.len() * 2, "of the plan and of the run that applied it");

            let back = plan(stack, POLICIES, json!({"rollback": {"run": applied.run_id()}})).await;
            assert_eq!(run(stack, POLICIES, back.applied()).await.result()["made"], 7);
            assert_eq!(seen(stack), before, "{topology:?}");
        });
    }
}
