//! The organization's set-up.

use local_aws::aws::Moment;
use local_aws::organization::{BillingRefusal, PendingType};
use local_stack::{LocalStack, Topology};
use muster_tests::Scenario;
use serde_json::{Value, json};

use super::{SETUP, apply, document, on, plan, put, run, scenario, writes};
use crate::inventory::rows;

const EC2: &str = "ec2.amazonaws.com";

pub(crate) fn desired(desired: Value) -> Value {
    json!({"desired": desired})
}

/// A member that is active.
fn member(stack: &LocalStack) -> String {
    let organization = stack.aws.organization();
    let members = organization.accounts.iter().skip(1);
    members.filter(|account| account.id != stack.aws.account()).map(|it| it.id.clone()).next_back().unwrap()
}

/// Something of everything that is turned on.
pub(crate) fn everything(stack: &LocalStack) -> Value {
    desired(json!({
        "policyTypes": {"BACKUP_POLICY": "enabled"},
        "trustedAccess": {"ram.amazonaws.com": "enabled"},
        "delegatedAdministrators": {"ram.amazonaws.com": [member(stack)]},
        "resourcePolicy": {"content": {"Version": "2012-10-17", "Statement": [{
            "Sid": "Policies",
            "Effect": "Allow",
            "Principal": {"AWS": format!("arn:aws:iam::{}:root", member(stack))},
            "Action": ["organizations:DescribePolicy"],
            "Resource": "*",
        }]}},
    }))
}

const EVERYTHING: [&str; 4] =
    ["EnablePolicyType", "EnableAWSServiceAccess", "RegisterDelegatedAdministrator", "PutResourcePolicy"];

#[test]
fn a_plan_says_what_differs_and_changes_nothing() {
    on(&scenario(), async |stack| {
        let planned = plan(stack, SETUP, everything(stack)).await;
        assert_eq!(planned.calls(), EVERYTHING);
        assert_eq!(writes(stack), Vec::<String>::new());
        assert!(
            planned.warnings().iter().any(|it| it.contains("ram.amazonaws.com")),
            "{:?}",
            planned.warnings()
        );
    });
}

#[test]
fn a_plan_that_is_applied_by_its_digest_is_made_and_shown_and_then_nothing_differs() {
    for topology in [Topology::Management, Topology::Delegated] {
        on(&Scenario { topology, ..scenario() }, async |stack| {
            let planned = plan(stack, SETUP, everything(stack)).await;
            let applied = run(stack, SETUP, planned.applied()).await.result();
            assert_eq!((&applied["changes"], &applied["made"]), (&json!(4), &json!(4)), "{topology:?}");
            let runs = rows(stack, "runs");
            let observed = |of_plan: bool| {
                let row = runs.iter().find(|row| (row["run_id"] == planned.run.as_str()) == of_plan);
                row.unwrap()["observed_at"].to_string()
            };
            assert!(observed(false) > observed(true), "what is applied is newer than its plan: {runs:?}");
            assert_eq!(writes(stack), EVERYTHING);
            let organization = stack.aws.organization();
            let backup = organization.policy_types.iter().find(|it| it.name == "BACKUP_POLICY").unwrap();
            assert_eq!(backup.status, "ENABLED");
            let again = plan(stack, SETUP, everything(stack)).await;
            assert_eq!(again.calls(), Vec::<String>::new(), "nothing differs any more");
            let nothing = run(stack, SETUP, again.applied()).await.result();
            assert_eq!(nothing["made"], 0);
            assert_eq!(writes(stack).len(), 4);
        });
    }
}

#[test]
fn what_was_set_up_is_taken_back_by_a_plan_of_its_own() {
    on(&scenario(), async |stack| {
        let before = stack.aws.organization();
        let applied = apply(stack, SETUP, everything(stack)).await;
        let back = plan(stack, SETUP, json!({"rollback": {"run": applied.run_id()}})).await;
        let expected = [
            "DeleteResourcePolicy",
            "DeregisterDelegatedAdministrator",
            "DisableAWSServiceAccess",
            "DisablePolicyType",
        ];
        assert_eq!(back.calls(), expected);
        assert_eq!(back.plan["rollsBack"], json!(applied.run_id()));
        run(stack, SETUP, back.applied()).await.result();
        let after = stack.aws.organization();
        assert_eq!((after.trusted, after.delegated), (before.trusted, before.delegated));
        assert_eq!(after.policy_types, before.policy_types);
    });
}

#[test]
fn a_type_that_is_turned_off_is_kept_first_and_a_rollback_attaches_everything_again() {
    on(&scenario(), async |stack| {
        let attached = |stack: &LocalStack| {
            let policies = stack.aws.organization().policies.into_iter();
            let mut tags: Vec<_> = policies
                .filter(|policy| policy.kind == "TAG_POLICY")
                .map(|policy| {
                    let mut targets = policy.targets;
                    targets.sort();
                    (policy.id, targets)
                })
                .collect();
            tags.sort();
            tags
        };
        let before = attached(stack);
        assert!(before.iter().any(|(_, targets)| !targets.is_empty()));
        let off = desired(json!({"policyTypes": {"TAG_POLICY": "disabled"}, "allowDisable": ["TAG_POLICY"]}));
        let planned = plan(stack, SETUP, off).await;
        assert_eq!(planned.calls(), ["DisablePolicyType"]);
        let kept = document(stack, planned.plan["details"]["TAG_POLICY"]["key"].as_str().unwrap());
        assert_eq!(kept["policies"].as_array().unwrap().len(), before.len());
        let applied = run(stack, SETUP, planned.applied()).await;
        applied.result();
        assert!(attached(stack).iter().all(|(_, targets)| targets.is_empty()));
        let back = plan(stack, SETUP, json!({"rollback": {"run": applied.run_id()}})).await;
        run(stack, SETUP, back.applied()).await.result();
        assert_eq!(attached(stack), before);
    });
}

#[test]
fn service_control_policies_are_not_turned_off_while_control_tower_is_there() {
    on(&scenario(), async |stack| {
        let request = json!({"ServicePrincipal": "controltower.amazonaws.com"});
        stack.aws.organization_changed_by_others("EnableAWSServiceAccess", request).unwrap();
        let scp = "SERVICE_CONTROL_POLICY";
        let off = desired(json!({"policyTypes": {scp: "disabled"}, "allowDisable": [scp]}));
        let (error, cause) = run(stack, SETUP, off).await.error();
        assert_eq!(error, "InvalidRequest");
        assert!(cause.contains("Control Tower"), "{cause}");
    });
}

#[test]
fn an_object_that_has_changed_since_the_plan_refuses_it_and_nothing_is_written() {
    on(&scenario(), async |stack| {
        let planned = plan(stack, SETUP, everything(stack)).await;
        let request = json!({"ServicePrincipal": "ram.amazonaws.com"});
        stack.aws.organization_changed_by_others("EnableAWSServiceAccess", request).unwrap();
        let (error, cause) = run(stack, SETUP, planned.applied()).await.error();
        assert_eq!(error, "Outdated");
        assert!(cause.contains("trusted-access/ram.amazonaws.com is true, and was null"), "{cause}");
        assert_eq!(writes(stack), Vec::<String>::new());
    });
}

#[test]
fn a_plan_is_applied_only_by_its_own_digest() {
    on(&scenario(), async |stack| {
        let planned = plan(stack, SETUP, everything(stack)).await;
        let mut other = planned.applied();
        other["apply"]["digest"] = json!("0".repeat(64));
        assert_eq!(run(stack, SETUP, other).await.error().0, "Outdated");
        // Somebody makes the kept plan say something else.
        let key = format!("runs/{}/changes/plan.json", planned.run);
        let storage = stack.aws.storage();
        let text = String::from_utf8(storage.read(stack.bucket(), &key).unwrap().to_vec()).unwrap();
        let changed = text.replace("BACKUP_POLICY", "CHATBOT_POLICY");
        put(stack, &key, &changed);
        assert_eq!(run(stack, SETUP, planned.applied()).await.error().0, "Outdated");
        assert_eq!(writes(stack), Vec::<String>::new());
    });
}

/// The account that a stack is deployed to is in no organization yet.
#[test]
fn an_organization_is_made_only_where_it_is_asked_for_by_name() {
    let mut scenario = Scenario { standalone: true, ..scenario() };
    scenario.settings.organization.finalizing = std::time::Duration::from_secs(40 * 60);
    on(&scenario, async |stack| {
        let types = desired(json!({"policyTypes": {"TAG_POLICY": "enabled"}}));
        let (error, cause) = run(stack, SETUP, types.clone()).await.error();
        assert_eq!(error, "NotEnabled");
        assert!(cause.contains("createOrganization"), "{cause}");
        assert_eq!(writes(stack), Vec::<String>::new());
        let made = apply(stack, SETUP, desired(json!({"createOrganization": "ALL"}))).await.result();
        assert_eq!(made["made"], 1);
        assert!(stack.aws.organization().exists);
        let on = apply(stack, SETUP, types).await.result();
        assert_eq!(on["made"], 1);
    });
}

#[test]
fn another_feature_set_is_reported_and_not_changed() {
    on(&scenario(), async |stack| {
        let planned =
            plan(stack, SETUP, desired(json!({"createOrganization": "CONSOLIDATED_BILLING"}))).await;
        assert_eq!(planned.calls(), Vec::<String>::new());
        assert!(planned.warnings()[0].contains("has the feature set ALL"), "{:?}", planned.warnings());
    });
}

#[test]
fn without_a_service_that_is_trusted_nobody_administers_it() {
    on(&scenario(), async |stack| {
        let administrators = json!({"delegatedAdministrators": {"ram.amazonaws.com": [member(stack)]}});
        let (error, cause) = run(stack, SETUP, desired(administrators)).await.error();
        assert_eq!(error, "NotEnabled");
        assert!(cause.contains("trustedAccess"), "{cause}");
        let management = stack.aws.organization().management_account;
        let administrators = json!({"delegatedAdministrators": {EC2: [management]}});
        assert_eq!(run(stack, SETUP, desired(administrators)).await.error().0, "InvalidRequest");
    });
}

#[test]
fn an_account_that_is_not_in_the_organization_is_refused_as_an_administrator_before_anything_is_written() {
    on(&scenario(), async |stack| {
        let mut request = everything(stack);
        request["desired"]["delegatedAdministrators"]["ram.amazonaws.com"] = json!(["999999999999"]);
        let (error, cause) = run(stack, SETUP, request).await.error();
        assert_eq!(error, "InvalidRequest");
        assert!(cause.contains("999999999999 is not an account of the organization"), "{cause}");
        assert_eq!(writes(stack), Vec::<String>::new());
    });
}

#[test]
fn an_account_that_leaves_the_organization_after_the_plan_is_not_made_an_administrator() {
    on(&scenario(), async |stack| {
        let account = member(stack);
        let planned = plan(stack, SETUP, everything(stack)).await;
        stack.aws.change(|_, organization| organization.accounts.retain(|it| it.id != account));
        let (error, cause) = run(stack, SETUP, planned.applied()).await.error();
        assert!(cause.contains("AccountNotFound"), "{error}: {cause}");
        assert_eq!(stack.aws.organization().delegated.iter().filter(|it| it.1 == account).count(), 0);
    });
}

#[test]
fn a_dry_run_tells_and_keeps_nothing() {
    on(&scenario(), async |stack| {
        let mut request = everything(stack);
        request["dryRun"] = json!(true);
        let told = run(stack, SETUP, request).await.result();
        assert_eq!(told["wouldStart"], true);
        assert!(
            told["why"].as_str().unwrap().starts_with("4 changes in 1 waves: EnablePolicyType"),
            "{told}"
        );
        let keys = stack.aws.storage().keys(stack.bucket(), "runs/");
        assert!(keys.iter().all(|key| !key.contains("/changes/")), "{keys:?}");
    });
}

/// What a type on its way answers to another change of it, AWS does not say.
#[test]
fn a_type_that_somebody_turns_on_at_the_same_moment_is_waited_for_and_found() {
    for pending_type in [PendingType::InProgress, PendingType::Refused] {
        let mut scenario = scenario();
        scenario.settings.organization.pending_type = pending_type;
        on(&scenario, async |stack| {
            let planned = plan(stack, SETUP, everything(stack)).await;
            let moment = Moment::Before { operation: "EnablePolicyType".to_owned(), call: 1 };
            let root = stack.aws.organization().root;
            let body = json!({"RootId": root, "PolicyType": "BACKUP_POLICY"});
            stack.aws.organization_will_be_changed_by_others(moment, "EnablePolicyType", body);
            let result = run(stack, SETUP, planned.applied()).await.result();
            // It was not this run's doing, and is not taken back with it.
            let expected = (&json!(3), &json!(1));
            assert_eq!((&result["made"], &result["found"]), expected, "{pending_type:?}: {result}");
        });
    }
}

/// Which error says that only billing is consolidated, AWS does not say.
#[test]
fn with_consolidated_billing_alone_a_type_is_not_turned_on_and_the_reason_is_told() {
    for refusal in [BillingRefusal::NotInAllFeaturesMode, BillingRefusal::NotAvailable] {
        let mut scenario = Scenario { standalone: true, ..scenario() };
        scenario.settings.organization.consolidated_billing = refusal;
        on(&scenario, async |stack| {
            let billing = desired(json!({"createOrganization": "CONSOLIDATED_BILLING"}));
            apply(stack, SETUP, billing).await.result();
            let types = desired(json!({"policyTypes": {"TAG_POLICY": "enabled"}}));
            let (error, cause) = run(stack, SETUP, types).await.error();
            assert_eq!(error, "NotEnabled", "{refusal:?}: {cause}");
            assert!(cause.contains("all features"), "{refusal:?}: {cause}");
        });
    }
}
