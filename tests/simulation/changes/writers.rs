//! Two who write to one organization.

use local_aws::aws::Moment;
use serde_json::json;

use super::policies::{metadata, unit};
use super::{POLICIES, SETUP, on, plan, put, run, scenario, writes};

#[test]
fn two_runs_that_apply_plans_at_once_write_one_after_the_other() {
    on(&scenario(), async |stack| {
        let policies = plan(stack, POLICIES, metadata(&unit(stack))).await;
        let request = json!({"desired": {"trustedAccess": {
            "ram.amazonaws.com": "enabled",
            "guardduty.amazonaws.com": "enabled",
            "inspector2.amazonaws.com": "enabled",
        }}});
        let setup = plan(stack, SETUP, request).await;
        let (one, other) =
            tokio::join!(run(stack, POLICIES, policies.applied()), run(stack, SETUP, setup.applied()));
        assert_eq!(one.result()["made"], 2);
        assert_eq!(other.result()["made"], other.result()["changes"]);
        let first = writes(stack);
        let trusted = first.iter().map(|call| call == "EnableAWSServiceAccess").collect::<Vec<_>>();
        let turns = trusted.windows(2).filter(|pair| pair[0] != pair[1]).count();
        assert_eq!(turns, 1, "each keeps the lease until it is done: {first:?}");
    });
}

#[test]
fn one_plan_that_is_applied_twice_at_once_is_made_once() {
    on(&scenario(), async |stack| {
        let planned = plan(stack, POLICIES, metadata(&unit(stack))).await;
        let (one, other) =
            tokio::join!(run(stack, POLICIES, planned.applied()), run(stack, POLICIES, planned.applied()));
        let made =
            |ended: &super::Ended| ended.0.output().map_or(0, |it| it["result"]["made"].as_u64().unwrap());
        assert_eq!(made(&one) + made(&other), 2);
        assert_eq!(writes(stack).len(), 2, "{:?}", writes(stack));
    });
}

#[test]
fn a_lease_that_is_broken_ends_the_run_before_its_next_write_but_one() {
    on(&scenario(), async |stack| {
        let planned = plan(stack, POLICIES, metadata(&unit(stack))).await;
        // The lease of somebody whose process has died: it is over by itself.
        let holder = json!({
            "run": "20261121T000000Z-00000000",
            "writer": "dead",
            "since": "2026-11-21T06:29:00Z",
            "until": "2026-11-21T06:40:00Z",
        });
        put(stack, "locks/organization-writer", &holder.to_string());
        let begun = stack.aws.clock().now();
        let result = run(stack, POLICIES, planned.applied()).await.result();
        assert_eq!(result["made"], 2);
        assert!(stack.aws.clock().now().duration_since(begun).as_mins() >= 5, "it waited for the lease");
    });
}

#[test]
fn what_somebody_else_changes_between_two_changes_stops_the_rest_and_is_taken_back_by_a_rollback() {
    on(&scenario(), async |stack| {
        let unit = unit(stack);
        let planned = plan(stack, POLICIES, metadata(&unit)).await;
        let other = stack.aws.organization().policies;
        let other = other.iter().find(|policy| {
            policy.kind == "DECLARATIVE_POLICY_EC2" && !policy.aws_managed && !policy.targets.contains(&unit)
        });
        let other = other.unwrap().id.clone();
        // Right before the policy is made, somebody attaches another one where it shall be attached.
        let moment = Moment::Before { operation: "CreatePolicy".to_owned(), call: 1 };
        let body = json!({"PolicyId": other, "TargetId": unit});
        stack.aws.organization_will_be_changed_by_others(moment, "AttachPolicy", body);
        let ended = run(stack, POLICIES, planned.applied()).await;
        let (error, cause) = ended.error();
        assert_eq!(error, "Outdated", "{cause}");
        assert_eq!(writes(stack), ["CreatePolicy"]);
        let runs = muster_tests::records(stack);
        let failed = runs.iter().max_by_key(|record| record.started_at).unwrap().run_id.clone();
        let back = plan(stack, POLICIES, json!({"rollback": {"run": failed}})).await;
        assert_eq!(back.calls(), ["DeletePolicy"]);
        run(stack, POLICIES, back.applied()).await.result();
        assert!(stack.aws.organization().policies.iter().all(|policy| policy.name != "metadata"));
    });
}

/// The clock of a step that Step Functions repeats still tells when its state was entered.
#[test]
fn a_lease_counts_from_its_renewal_though_its_holders_clock_is_behind() {
    on(&scenario(), async |stack| {
        let planned = plan(stack, POLICIES, metadata(&unit(stack))).await;
        let holder = |until: &str| {
            json!({
                "run": "20261121T000000Z-00000000",
                "writer": "somebody",
                "since": "2026-11-21T06:00:00Z",
                "until": until,
            })
        };
        put(stack, "locks/organization-writer", &holder("2026-11-21T06:05:00Z").to_string());
        let begun = stack.aws.clock().now();
        let aws = stack.aws.clone();
        let first_write = async {
            while !aws.calls().iter().any(|call| call.action == "organizations:CreatePolicy") {
                tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            }
            aws.clock().now().duration_since(begun)
        };
        let (ended, waited) = tokio::join!(run(stack, POLICIES, planned.applied()), first_write);
        assert_eq!(ended.result()["made"], 2);
        assert!((5..7).contains(&waited.as_mins()), "{waited}");
    });
}
