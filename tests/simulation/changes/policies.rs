//! The organization's policies.

use local_aws::aws::Moment;
use local_stack::{LocalStack, Topology};
use muster_tests::Scenario;
use serde_json::{Value, json};

use super::{POLICIES, apply, document, on, plan, run, scenario, writes};
use crate::inventory::rows;

pub(crate) const DECLARATIVE: &str = "DECLARATIVE_POLICY_EC2";
const SCP: &str = "SERVICE_CONTROL_POLICY";

pub(crate) fn tokens(value: &str) -> Value {
    json!({"ec2_attributes": {"instance_metadata_defaults": {"http_tokens": {"@@assign": value}}}})
}

/// An organizational unit with accounts in it.
pub(crate) fn unit(stack: &LocalStack) -> String {
    units(stack).remove(0)
}

/// Units with accounts right in them.
pub(crate) fn units(stack: &LocalStack) -> Vec<String> {
    let organization = stack.aws.organization();
    let parents = organization.accounts.iter().map(|account| account.parent.clone());
    let mut units: Vec<_> = parents.filter(|parent| parent.starts_with("ou-")).collect();
    units.sort();
    units.dedup();
    units
}

pub(crate) fn metadata(target: &str) -> Value {
    policies(json!([{
        "type": DECLARATIVE,
        "name": "metadata",
        "description": "Version 2 of the metadata service",
        "content": tokens("required"),
        "targets": [target],
    }]))
}

pub(crate) fn policies(policies: Value) -> Value {
    json!({"desired": {"policies": policies}})
}

/// Metadata for two units, one after the other; what the first wave says besides its target.
pub(crate) fn in_two_waves(stack: &LocalStack, first: Value) -> ([String; 2], Value) {
    let [one, other] = [units(stack).remove(0), units(stack).remove(1)];
    let mut request = metadata(&one);
    request["desired"]["policies"][0]["targets"] = json!([one, other]);
    request["desired"]["waves"] = json!([first, {"targets": [other]}]);
    request["desired"]["waves"][0]["targets"] = json!([one]);
    ([one, other], request)
}

/// What an account's effective policy says, as AWS has published it.
fn effective(stack: &LocalStack, kind: &str, account: &str) -> Value {
    let organization = stack.aws.organization();
    let account = organization.accounts.iter().find(|it| it.id == account).unwrap();
    organization.effective_policy(kind, account)
}

#[test]
fn a_declarative_policy_is_planned_with_what_it_comes_to_in_every_account_then_made_and_proven() {
    for topology in [Topology::Management, Topology::Delegated] {
        on(&Scenario { topology, ..scenario() }, async |stack| {
            let unit = unit(stack);
            let planned = plan(stack, POLICIES, metadata(&unit)).await;
            assert_eq!(planned.calls(), ["CreatePolicy", "AttachPolicy"]);
            let effects = document(stack, planned.plan["details"]["effects"]["key"].as_str().unwrap());
            let classes = effects["types"][0]["classes"].as_array().unwrap();
            let accounts: Vec<&str> = classes
                .iter()
                .flat_map(|class| class["accounts"].as_array().unwrap())
                .map(|account| account.as_str().unwrap())
                .collect();
            let below = stack.aws.organization();
            let below = below.below(&unit).unwrap().into_iter().filter(|account| account.state == "ACTIVE");
            let mut below: Vec<_> = below.map(|account| account.id.clone()).collect();
            below.sort();
            let mut sorted = accounts.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, below);
            assert_eq!(planned.plan["unknown"], 0, "{:?}", planned.warnings());
            assert_eq!(rows(stack, "policy_effects").len(), below.len());
            let before = writes(stack).len();
            let applied = run(stack, POLICIES, planned.applied()).await.result();
            assert_eq!(applied["made"], 2, "{applied}");
            assert_eq!(writes(stack).split_off(before), ["CreatePolicy", "AttachPolicy"]);
            for account in &below {
                let effective = effective(stack, DECLARATIVE, account);
                let tokens = &effective["ec2_attributes"]["instance_metadata_defaults"]["http_tokens"];
                assert_eq!(tokens, "required", "{account}");
            }
            let asked = stack.aws.calls().into_iter().filter(|call| call.function.contains("PoliciesVerify"));
            let asked = asked.filter(|call| call.action == "organizations:DescribeEffectivePolicy").count();
            assert!(asked >= below.len(), "every account is read: {asked}");
            let again = plan(stack, POLICIES, metadata(&unit)).await;
            assert_eq!(again.calls(), Vec::<String>::new(), "{:#}", again.plan);
        });
    }
}

#[test]
fn a_tag_policy_is_changed_renamed_tagged_and_taken_back() {
    on(&scenario(), async |stack| {
        let unit = unit(stack);
        let one = json!({
            "type": "TAG_POLICY",
            "name": "cost-centre",
            "description": "Whose cost it is",
            "content": {"tags": {"costcentre": {"tag_key": {"@@assign": "CostCentre"}}}},
            "targets": [unit],
            "tags": {"team": "platform"},
        });
        apply(stack, POLICIES, policies(json!([one.clone()]))).await.result();
        let made = stack.aws.organization();
        let made = made.policies.iter().find(|policy| policy.name == "cost-centre").unwrap().clone();
        let mut other = one.clone();
        other["renameFrom"] = other["name"].take();
        other["name"] = json!("cost-center");
        other["description"] = json!("Who pays");
        other["content"] = json!({"tags": {"costcenter": {"tag_key": {"@@assign": "CostCenter"}}}});
        other["tags"] = json!({"owner": "finance"});
        let planned = plan(stack, POLICIES, policies(json!([other]))).await;
        assert_eq!(planned.calls(), ["UpdatePolicy", "UntagResource", "TagResource"]);
        let changed = run(stack, POLICIES, planned.applied()).await;
        assert_eq!(changed.result()["made"], 3);
        let now = stack.aws.organization();
        let now = now.policies.iter().find(|policy| policy.id == made.id).unwrap().clone();
        assert_eq!((now.name.as_str(), now.description.as_str()), ("cost-center", "Who pays"));
        let back = plan(stack, POLICIES, json!({"rollback": {"run": changed.run_id()}})).await;
        run(stack, POLICIES, back.applied()).await.result();
        let again = plan(stack, POLICIES, policies(json!([one]))).await;
        assert_eq!(again.calls(), Vec::<String>::new(), "{:#}", again.plan);
        let gone = json!([{"type": "TAG_POLICY", "name": "cost-centre", "absent": true}]);
        let removed = apply(stack, POLICIES, policies(gone)).await;
        assert_eq!(removed.result()["made"], 2);
        let back = plan(stack, POLICIES, json!({"rollback": {"run": removed.run_id()}})).await;
        assert_eq!(back.calls(), ["CreatePolicy", "AttachPolicy"]);
        run(stack, POLICIES, back.applied()).await.result();
        let again = stack.aws.organization();
        let again = again.policies.iter().find(|policy| policy.name == "cost-centre").unwrap();
        assert_eq!((&again.content, &again.targets), (&made.content, &made.targets));
    });
}

/// Two policies at one level that say different things: which of them counts, AWS does not tell.
#[test]
fn where_nobody_can_say_what_a_plan_comes_to_it_is_unknown_and_applied_only_where_that_is_accepted() {
    on(&scenario(), async |stack| {
        let unit = unit(stack);
        apply(stack, POLICIES, metadata(&unit)).await.result();
        let second = policies(json!([{
            "type": DECLARATIVE,
            "name": "no-preference",
            "content": tokens("no_preference"),
            "targets": [unit],
        }]));
        let planned = plan(stack, POLICIES, second).await;
        assert!(planned.plan["unknown"].as_u64().unwrap() > 0, "{:#}", planned.plan);
        let (error, cause) = run(stack, POLICIES, planned.applied()).await.error();
        assert_eq!(error, "InvalidRequest");
        assert!(cause.contains("acceptUnknown"), "{cause}");
        let mut accepted = planned.applied();
        accepted["acceptUnknown"] = json!(true);
        assert_eq!(run(stack, POLICIES, accepted).await.result()["made"], 2);
    });
}

#[test]
fn a_type_that_is_off_is_refused_and_names_the_job_that_turns_it_on() {
    on(&scenario(), async |stack| {
        let backup = policies(
            json!([{"type": "BACKUP_POLICY", "name": "b", "content": {"plans": {}}, "targets": []}]),
        );
        let (error, cause) = run(stack, POLICIES, backup).await.error();
        assert_eq!(error, "NotEnabled");
        assert!(cause.contains("organization-setup"), "{cause}");
    });
}

/// The names that force what an error refuses.
pub(crate) fn forces(cause: &str) -> Vec<String> {
    let names = cause.split("add \"").skip(1).filter_map(|rest| rest.split_once("\" to force"));
    names.map(|(name, _)| name.to_owned()).collect()
}

#[test]
fn what_is_refused_unless_it_is_forced_is_told_by_the_name_that_forces_it() {
    on(&scenario(), async |stack| {
        let organization = stack.aws.organization();
        let foreign = organization.policies.iter().find(|it| it.kind == SCP && !it.aws_managed).unwrap();
        let deny = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Deny", "Action": "ec2:*", "Resource": "*"},
        ]});
        let mut request = json!({"desired": {
            "policies": [
                {"type": SCP, "name": foreign.name, "targets": []},
                {"type": SCP, "name": "no-ec2", "content": deny, "targets": [unit(stack)]},
                {"type": DECLARATIVE, "name": "everywhere", "content": tokens("required"), "targets": [organization.root]},
            ],
            "protectedPrincipals": ["arn:aws:iam::*:role/BreakGlass"],
        }});
        let (error, cause) = run(stack, POLICIES, request.clone()).await.error();
        assert_eq!(error, "InvalidRequest");
        let mut names = forces(&cause);
        let denied =
            |role: &str| format!("denies-protected-principal:{SCP}/no-ec2:arn:aws:iam::*:role/{role}");
        for name in [
            format!("foreign-managed:{SCP}/{}", foreign.name),
            denied("BreakGlass"),
            denied("AWSControlTowerExecution"),
            "root-with-incomplete-coverage:everywhere".to_owned(),
        ] {
            assert!(names.contains(&name), "{name}: {cause}");
        }
        assert!(
            names.iter().any(|it| it.contains("no-ec2") && it.contains("muster-")),
            "Muster's own: {names:?}"
        );
        request["desired"]["force"] = json!(names[1..]);
        let (_, cause) = run(stack, POLICIES, request.clone()).await.error();
        assert_eq!(forces(&cause), names[..1], "each by its own name");
        request["desired"]["force"] = json!(names);
        let planned = plan(stack, POLICIES, request.clone()).await;
        assert_eq!(planned.warnings().iter().filter(|it| it.contains("forced as")).count(), names.len());
        names.push("aws-managed:x".to_owned());
        request["desired"]["force"] = json!(names);
        let (_, cause) = run(stack, POLICIES, request).await.error();
        assert!(cause.contains("nothing of the plan needs it"), "{cause}");
        assert_eq!(writes(stack), Vec::<String>::new());
    });
}

#[test]
fn a_policy_that_denies_a_protected_principal_is_not_attached_anew_though_its_content_is_not_given() {
    on(&scenario(), async |stack| {
        let deny = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]});
        let body = json!({
            "Type": SCP, "Name": "nothing", "Description": "", "Content": deny.to_string(),
            "Tags": [{"Key": "muster:run-id", "Value": "20261121T000000Z-00000000"}],
        });
        stack.aws.organization_changed_by_others("CreatePolicy", body).unwrap();
        let request = policies(json!([{"type": SCP, "name": "nothing", "targets": [unit(stack)]}]));
        let (error, cause) = run(stack, POLICIES, request).await.error();
        assert_eq!(error, "InvalidRequest");
        assert!(cause.contains("denies-protected-principal"), "{cause}");
    });
}

/// A complete account status of one unit says nothing of the others.
#[test]
fn only_the_account_status_of_the_whole_organization_lets_a_policy_be_attached_to_or_changed_on_the_root() {
    on(&scenario(), async |stack| {
        let root = stack.aws.organization().root;
        let one = |content: &str| {
            policies(json!([
                {"type": DECLARATIVE, "name": "everywhere", "content": tokens(content), "targets": [root]},
            ]))
        };
        let refused = ["root-with-incomplete-coverage:everywhere"];
        stack.start_report(json!({"targetId": unit(stack)})).unwrap().finished().await;
        let (_, cause) = run(stack, POLICIES, one("required")).await.error();
        assert_eq!(forces(&cause), refused, "{cause}");
        let mut forced = one("required");
        forced["desired"]["force"] = json!(refused);
        apply(stack, POLICIES, forced).await.result();
        let (_, cause) = run(stack, POLICIES, one("optional")).await.error();
        assert!(cause.contains("root-with-incomplete-coverage"), "{cause}");
        stack.start_report(json!({})).unwrap().finished().await;
        let planned = plan(stack, POLICIES, one("optional")).await;
        assert_eq!(planned.calls(), ["UpdatePolicy"]);
    });
}

#[test]
fn an_account_status_that_is_published_is_set_beside_a_declarative_policy() {
    on(&scenario(), async |stack| {
        let unit = unit(stack);
        let none = plan(stack, POLICIES, metadata(&unit)).await;
        assert!(none.warnings().iter().any(|it| it.contains("No account status")), "{:?}", none.warnings());
        stack.start_report(json!({})).unwrap().finished().await;
        let planned = plan(stack, POLICIES, metadata(&unit)).await;
        let settings = &planned.plan["details"]["accountStatus"]["settings"];
        assert_eq!(planned.warnings(), Vec::<String>::new());
        let standing = &settings["/ec2_attributes/instance_metadata_defaults/http_tokens"];
        let accounts = planned.plan["details"]["affected"][DECLARATIVE]["accounts"].as_u64().unwrap();
        let sum: u64 =
            ["complies", "wouldChange", "unknown"].iter().map(|it| standing[*it].as_u64().unwrap()).sum();
        assert_eq!(sum, accounts * 3, "{standing}: each account in three Regions");
        assert!(standing["complies"].as_u64().unwrap() > 0, "{standing}");
    });
}

#[test]
fn an_account_that_moves_below_a_target_after_the_plan_refuses_it() {
    on(&scenario(), async |stack| {
        let unit = unit(stack);
        let planned = plan(stack, POLICIES, metadata(&unit)).await;
        let organization = stack.aws.organization();
        let below: Vec<_> = organization.below(&unit).unwrap().iter().map(|it| it.id.clone()).collect();
        let other = organization.accounts.iter().skip(1).find(|it| !below.contains(&it.id)).unwrap();
        let body =
            json!({"AccountId": other.id, "SourceParentId": other.parent, "DestinationParentId": unit});
        stack.aws.organization_changed_by_others("MoveAccount", body).unwrap();
        let (error, cause) = run(stack, POLICIES, planned.applied()).await.error();
        assert_eq!(error, "Outdated");
        assert!(cause.contains(&format!("placement/{unit}")), "{cause}");
        assert_eq!(writes(stack), Vec::<String>::new());
    });
}

#[test]
fn a_policy_that_somebody_removes_before_it_is_attached_is_not_made_again() {
    // Ids are drawn from the seed: the same run on the same organization makes the same policy.
    let id = on(&scenario(), async |stack| {
        apply(stack, POLICIES, metadata(&unit(stack))).await.result();
        let policies = stack.aws.organization().policies;
        policies.iter().find(|policy| policy.name == "metadata").unwrap().id.clone()
    });
    on(&scenario(), async |stack| {
        let planned = plan(stack, POLICIES, metadata(&unit(stack))).await;
        let moment = Moment::Before { operation: "AttachPolicy".to_owned(), call: 1 };
        stack.aws.organization_will_be_changed_by_others(moment, "DeletePolicy", json!({"PolicyId": id}));
        let (error, cause) = run(stack, POLICIES, planned.applied()).await.error();
        assert_eq!(error, "Outdated", "{cause}");
        assert_eq!(writes(stack).iter().filter(|call| *call == "CreatePolicy").count(), 1);
    });
}
