//! Whether AWS shows what a wave has changed, in every account that it changes.

use std::time::Duration;

use local_stack::LocalStack;
use muster_tests::Scenario;
use serde_json::{Value, json};

use super::policies::{DECLARATIVE, in_two_waves, metadata, tokens, unit};
use super::{POLICIES, Planned, document, on, plan, run, scenario, writes};

#[test]
fn each_wave_is_proven_and_left_alone_before_the_next_begins() {
    on(&scenario(), async |stack| {
        let (_, request) = in_two_waves(stack, json!({"bakeHours": 12}));
        let planned = plan(stack, POLICIES, request).await;
        assert_eq!(planned.plan["waves"].as_array().unwrap().len(), 2);
        let begun = stack.aws.clock().now();
        let mut short = planned.applied();
        short["deadlineHours"] = json!(10);
        assert_eq!(run(stack, POLICIES, short).await.error().0, "InvalidRequest");
        let result = run(stack, POLICIES, planned.applied()).await.result();
        assert_eq!(result["made"], 3);
        assert!(stack.aws.clock().now().duration_since(begun).as_hours() >= 12);
    });
}

#[test]
fn a_wave_that_is_not_so_any_more_when_it_was_left_alone_ends_the_run_before_the_next() {
    on(&scenario(), async |stack| {
        let ([one, _], request) = in_two_waves(stack, json!({"bakeHours": 2}));
        let planned = plan(stack, POLICIES, request).await;
        let aws = stack.aws.clone();
        let somebody = async move {
            tokio::time::sleep(Duration::from_secs(60 * 60)).await;
            let policies = aws.organization().policies;
            let id = policies.iter().find(|policy| policy.name == "metadata").unwrap().id.clone();
            let body = json!({"PolicyId": id, "TargetId": one});
            aws.organization_changed_by_others("DetachPolicy", body).unwrap();
        };
        let (ended, ()) = tokio::join!(run(stack, POLICIES, planned.applied()), somebody);
        let (error, cause) = ended.error();
        assert_eq!(error, "Unproven", "{cause}");
        assert!(cause.contains("rollback"), "{cause}");
        assert_eq!(writes(stack).iter().filter(|call| *call == "AttachPolicy").count(), 1);
    });
}

#[test]
fn what_aws_never_shows_is_unproven_after_an_hour_and_a_rollback_is_proposed() {
    on(&scenario(), async |stack| {
        let unit = unit(stack);
        let planned = plan(stack, POLICIES, metadata(&unit)).await;
        // Somebody makes the policy say something else as soon as it is there.
        let policies = |stack: &LocalStack| stack.aws.organization().policies;
        let aws = stack.aws.clone();
        let somebody = async move {
            loop {
                tokio::time::sleep(Duration::from_secs(1)).await;
                let policies = aws.organization().policies;
                let made = policies.iter().find(|it| it.name == "metadata" && !it.targets.is_empty());
                if let Some(made) = made {
                    let content = tokens("optional").to_string();
                    let body = json!({"PolicyId": made.id, "Content": content});
                    aws.organization_changed_by_others("UpdatePolicy", body).unwrap();
                    return;
                }
            }
        };
        let (ended, ()) = tokio::join!(run(stack, POLICIES, planned.applied()), somebody);
        let (error, cause) = ended.error();
        assert_eq!(error, "Unproven", "{cause}");
        assert!(policies(stack).iter().any(|it| it.name == "metadata"));
    });
}

/// A policy for every account, read at a rate at which they outlast an invocation.
fn slow() -> Scenario {
    let mut scenario = Scenario { accounts: 250, ..scenario() };
    scenario.parameters.insert("OrganizationsRateShare".to_owned(), "0.05".to_owned());
    scenario
}

async fn for_all(stack: &LocalStack) -> Planned {
    let mut request = metadata(&stack.aws.organization().root);
    request["desired"]["force"] = json!(["root-with-incomplete-coverage:metadata"]);
    plan(stack, POLICIES, request).await
}

/// How often accounts were asked by verifying what they have come to.
fn looks(stack: &LocalStack) -> usize {
    let calls = stack.aws.calls().into_iter();
    let looks = calls.filter(|call| call.action == "organizations:DescribeEffectivePolicy");
    looks.filter(|call| call.function.contains("PoliciesVerify")).count()
}

#[test]
fn an_account_that_does_not_show_it_is_not_forgotten_between_two_invocations() {
    on(&slow(), async |stack| {
        let others =
            |operation: &str, body: Value| stack.aws.organization_changed_by_others(operation, body).unwrap();
        let exception = json!({
            "Type": DECLARATIVE,
            "Name": "exception",
            "Description": "",
            "Content": tokens("optional").to_string(),
        });
        let exception = others("CreatePolicy", exception);
        let exception = exception["Policy"]["PolicySummary"]["Id"].as_str().unwrap();
        let planned = for_all(stack).await;
        let effects = document(stack, planned.plan["details"]["effects"]["key"].as_str().unwrap());
        // The one that is read first.
        let mut classes = effects["types"][0]["classes"].as_array().unwrap().iter();
        let changed =
            |class: &&Value| class["waves"][0]["changes"].as_array().is_some_and(|it| !it.is_empty());
        let account = classes.find(changed).unwrap()["accounts"][0].as_str().unwrap();
        let somebody = async {
            let is_attached = || {
                let policies = stack.aws.organization().policies;
                policies.iter().any(|policy| policy.name == "metadata" && !policy.targets.is_empty())
            };
            while !is_attached() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            others("AttachPolicy", json!({"PolicyId": exception, "TargetId": account}));
        };
        let (ended, ()) = tokio::join!(run(stack, POLICIES, planned.applied()), somebody);
        let (error, cause) = ended.error();
        assert_eq!(error, "Unproven", "{cause}");
        assert!(cause.contains("1 of 2") && cause.contains(account), "{cause}");
    });
}

#[test]
fn what_was_looked_at_before_aws_had_its_hour_is_looked_at_again() {
    let mut scenario = slow();
    scenario.settings.organization.effective_policy_lag = Duration::from_secs(58 * 60);
    on(&scenario, async |stack| {
        let planned = for_all(stack).await;
        let accounts = planned.plan["details"]["affected"][DECLARATIVE]["accounts"].as_u64().unwrap();
        let result = run(stack, POLICIES, planned.applied()).await.result();
        assert_eq!(result["made"], 2, "{result}");
        let looks = looks(stack) as u64;
        assert!((3 * accounts..6 * accounts).contains(&looks), "{looks} looks at {accounts} accounts");
    });
}

/// AWS's own judgement counts whether or not anybody can say what a plan comes to; what it did not accept
/// before is told, and does not keep a plan from being made.
#[test]
fn what_aws_comes_not_to_accept_stops_a_run_also_where_its_effect_is_unknown_or_not_computed() {
    const BACKUP: &str = "BACKUP_POLICY";
    for (policy_type, before) in [(DECLARATIVE, false), (BACKUP, false), (DECLARATIVE, true), (BACKUP, true)]
    {
        on(&scenario(), async |stack| {
            let target = unit(stack);
            let id = stack.aws.organization().below(&target).unwrap()[0].id.clone();
            let is_listed = || {
                let listed = (policy_type.to_owned(), id.clone());
                stack.aws.change(|settings, _| settings.invalid_effective_policies.push(listed));
            };
            if policy_type == BACKUP {
                let on = json!({"desired": {"policyTypes": {BACKUP: "enabled"}}});
                super::apply(stack, super::SETUP, on).await.result();
            }
            // Another on the same unit, which says otherwise: which of the two counts is not known.
            let other = json!({
                "Type": DECLARATIVE, "Name": "other", "Description": "", "Content": tokens("optional").to_string(),
            });
            let other = stack.aws.organization_changed_by_others("CreatePolicy", other).unwrap();
            let other = &other["Policy"]["PolicySummary"]["Id"];
            let body = json!({"PolicyId": other, "TargetId": target});
            stack.aws.organization_changed_by_others("AttachPolicy", body).unwrap();
            tokio::time::sleep(Duration::from_secs(60)).await;
            let request = match policy_type {
                BACKUP => super::policies::policies(json!([{
                    "type": BACKUP,
                    "name": "backup",
                    "content": {"plans": {"daily": {"regions": {"@@assign": ["eu-central-1"]}}}},
                    "targets": [target],
                }])),
                _ => metadata(&target),
            };
            if before {
                is_listed();
            }
            let planned = plan(stack, POLICIES, request).await;
            assert_eq!(planned.plan["unknown"].as_u64().unwrap() > 0, policy_type == DECLARATIVE);
            let told = planned.warnings().iter().any(|it| it.contains("does not accept today"));
            assert_eq!(told, before, "{:?}", planned.warnings());
            is_listed();
            let mut accepted = planned.applied();
            accepted["acceptUnknown"] = json!(true);
            let ended = run(stack, POLICIES, accepted).await;
            if before {
                assert_eq!(ended.result()["made"], 2);
                return;
            }
            let (error, cause) = ended.error();
            assert_eq!(error, "Unproven", "{policy_type}: {cause}");
            assert!(cause.contains(&format!("come to in {id}")), "{policy_type}: {cause}");
        });
    }
}
