//! Changes of the organization and new accounts, by processes.

use std::collections::BTreeMap;

use local_aws::Settings;
use local_stack::{LocalStack, Topology};
use local_states::ExecutionStatus;
use muster_tests::Scenario;
use serde_json::{Value, json};

use crate::support::{with_fault, with_stack};

const SETUP: &str = "SetupStateMachineArn";
const POLICIES: &str = "PoliciesStateMachineArn";
const ACCOUNTS: &str = "AccountsStateMachineArn";

/// Small, at all of AWS's rates, and allowed to change everything: processes pace their calls in real time.
fn scenario() -> Scenario {
    let enabled = ["EnablePolicyWrites", "EnableOrganizationSetup", "EnableAccountCreation"];
    let mut parameters: BTreeMap<_, _> = enabled.map(|name| (name.to_owned(), "true".to_owned())).into();
    parameters.insert("OrganizationsRateShare".to_owned(), "1".to_owned());
    Scenario { accounts: 12, parameters, ..Scenario::default() }
}

/// What a run that succeeds answers.
async fn run(stack: &LocalStack, machine: &str, request: Value, context: &str) -> Value {
    let execution = stack.aws.states().start(stack.output(machine), None, request).unwrap();
    execution.finished().await;
    assert_eq!(execution.status(), ExecutionStatus::Succeeded, "{context}: {:?}", execution.error());
    execution.output().unwrap()
}

/// Applies what a plan of a request says, by its digest, and answers the run that did.
async fn apply(stack: &LocalStack, machine: &str, request: Value, context: &str) -> Value {
    let planned = run(stack, machine, request, context).await;
    let of = json!({"apply": {"run": planned["runId"], "digest": planned["result"]["digest"]}});
    let applied = run(stack, machine, of, context).await;
    assert_eq!(applied["result"]["made"], applied["result"]["changes"], "{context}: {applied}");
    applied
}

async fn take_back(stack: &LocalStack, machine: &str, applied: &Value, context: &str) {
    apply(stack, machine, json!({"rollback": {"run": applied["runId"]}}), context).await;
}

/// A member that is active and not the stack's own.
fn member(stack: &LocalStack) -> String {
    let organization = stack.aws.organization();
    let mut members = organization.accounts.iter().skip(1).rev();
    members.find(|it| it.id != stack.aws.account() && it.state == "ACTIVE").unwrap().id.clone()
}

fn unit(stack: &LocalStack) -> String {
    let organization = stack.aws.organization();
    let parents = organization.accounts.iter().map(|account| account.parent.clone());
    parents.filter(|parent| parent.starts_with("ou-")).min().unwrap()
}

/// Something of everything that is turned on.
fn everything(stack: &LocalStack) -> Value {
    json!({"desired": {
        "policyTypes": {"BACKUP_POLICY": "enabled"},
        "trustedAccess": {"ram.amazonaws.com": "enabled"},
        "delegatedAdministrators": {"ram.amazonaws.com": [member(stack)]},
        "resourcePolicy": {"content": {"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow",
            "Principal": {"AWS": format!("arn:aws:iam::{}:root", member(stack))},
            "Action": "organizations:DescribePolicy",
            "Resource": "*",
        }]}},
    }})
}

fn metadata(name: &str, tokens: &str, targets: &[String], members: Value) -> Value {
    let content = json!({"ec2_attributes": {"instance_metadata_defaults": {
        "http_tokens": {"@@assign": tokens},
    }}});
    let mut policy = json!({
        "type": "DECLARATIVE_POLICY_EC2",
        "name": name,
        "description": format!("Tokens are {tokens}"),
        "content": content,
        "targets": targets,
    });
    policy.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    json!({"desired": {"policies": [policy]}})
}

fn batch(stack: &LocalStack, gov_cloud: bool) -> Value {
    json!({"accounts": [{
        "email": format!("new-{gov_cloud}@example.com"),
        "name": "New",
        "parent": unit(stack),
        "roleName": "Administration",
        "iamUserAccessToBilling": "DENY",
        "tags": {"team": "data"},
        "govCloud": gov_cloud,
    }]})
}

/// The policies of a name, with how many targets each has.
fn policies(stack: &LocalStack, name: &str) -> Vec<usize> {
    let policies = stack.aws.organization().policies.into_iter();
    policies.filter(|policy| policy.name == name).map(|policy| policy.targets.len()).collect()
}

fn nothing_is_open(stack: &LocalStack, context: &str) {
    assert_eq!(stack.aws.storage().keys(stack.bucket(), "open/"), Vec::<String>::new(), "{context}");
}

#[test]
fn the_set_up_is_changed_and_taken_back_in_both_topologies() {
    for topology in [Topology::Management, Topology::Delegated] {
        with_stack(&Scenario { topology, ..scenario() }, async |stack| {
            let before = stack.aws.organization();
            let applied = apply(&stack, SETUP, everything(&stack), "set up").await;
            assert_eq!(applied["result"]["made"], 4, "{applied}");
            take_back(&stack, SETUP, &applied, "taken back").await;
            let after = stack.aws.organization();
            assert_eq!((after.trusted, after.delegated), (before.trusted, before.delegated));
            assert_eq!(after.policy_types, before.policy_types);
            nothing_is_open(&stack, "set up");
        });
    }
}

#[test]
fn faults_on_the_wire_and_processes_that_die_make_no_policy_twice_and_lose_no_attachment() {
    let rules = [
        "lost-answer@organizations:CreatePolicy",
        "crash-after@organizations:AttachPolicy",
        "crash-before@organizations:CreatePolicy",
        "cut@organizations:DescribeEffectivePolicy#2",
        "truncate@s3:GetObject#7",
    ];
    for rule in rules {
        with_fault(rule, scenario(), async |stack| {
            let request = metadata("metadata", "required", &[unit(&stack)], json!({}));
            let applied = apply(&stack, POLICIES, request, rule).await;
            assert_eq!(applied["result"]["made"], 2, "{rule}: {applied}");
            assert_eq!(policies(&stack, "metadata"), [1], "{rule}");
            take_back(&stack, POLICIES, &applied, rule).await;
            assert_eq!(policies(&stack, "metadata"), Vec::<usize>::new(), "{rule}");
            nothing_is_open(&stack, rule);
        });
    }
}

#[test]
fn faults_on_the_wire_and_processes_that_die_ask_for_no_account_twice() {
    for rule in ["lost-answer@organizations:CreateAccount", "crash-after@organizations:CreateAccount"] {
        with_fault(rule, scenario(), async |stack| {
            let made = run(&stack, ACCOUNTS, batch(&stack, false), rule).await;
            assert_eq!(made["result"]["complete"], true, "{rule}: {made}");
            let organization = stack.aws.organization();
            let accounts: Vec<_> = organization.accounts.iter().filter(|it| it.name == "New").collect();
            assert_eq!(accounts.len(), 1, "{rule}");
            assert_eq!((accounts[0].state, &accounts[0].parent), ("ACTIVE", &unit(&stack)), "{rule}");
            assert_eq!(organization.requests.iter().filter(|it| it.name == "New").count(), 1, "{rule}");
            nothing_is_open(&stack, rule);
        });
    }
}

/// The operations of Organizations that a job must use, with all members of their requests. Of lists, not
/// `MaxResults`: AWS's own size of a page is taken. The wire tests hold it against botocore's model.
const OPERATIONS: &str = include_str!("../fixtures/organizations-operations.json");

#[test]
fn every_operation_is_used_by_a_job_with_all_its_members() {
    let mut used = BTreeMap::new();
    let settings = Settings { empty_pages: true, ..Settings::default() };
    with_stack(&Scenario { settings, ..scenario() }, async |stack| {
        let setup = apply(&stack, SETUP, everything(&stack), "set up").await;
        let same = run(&stack, SETUP, everything(&stack), "set up").await;
        assert_eq!(same["result"]["changes"], 0, "nothing differs: {same}");
        take_back(&stack, SETUP, &setup, "set up").await;
        let target = [unit(&stack)];
        let tagged = metadata("metadata", "required", &target, json!({"tags": {"team": "data"}}));
        let made = apply(&stack, POLICIES, tagged, "policy").await;
        let renamed = json!({"renameFrom": "metadata", "tags": {"owner": "security"}});
        let renamed = metadata("tokens", "optional", &target, renamed);
        let changed = apply(&stack, POLICIES, renamed, "policy").await;
        take_back(&stack, POLICIES, &changed, "policy").await;
        take_back(&stack, POLICIES, &made, "policy").await;
        for gov_cloud in [false, true] {
            let made = run(&stack, ACCOUNTS, batch(&stack, gov_cloud), "accounts").await;
            assert_eq!(made["result"]["created"], 1, "{made}");
        }
        run(&stack, "InventoryStateMachineArn", json!({}), "inventory").await;
        used = stack.aws.organizations_members();
    });
    with_stack(&Scenario { standalone: true, ..scenario() }, async |stack| {
        let desired = json!({"desired": {"createOrganization": "ALL"}});
        apply(&stack, SETUP, desired, "organization").await;
        used.extend(stack.aws.organizations_members());
    });
    let mut missing = Vec::new();
    let operations: BTreeMap<String, Vec<String>> = serde_json::from_str(OPERATIONS).unwrap();
    assert!(!operations.is_empty());
    for (operation, members) in &operations {
        match used.get(operation) {
            None => missing.push((operation.as_str(), "is not called")),
            Some(sent) => {
                let absent = members.iter().filter(|member| !sent.contains(*member));
                missing.extend(absent.map(|member| (operation.as_str(), member.as_str())));
            }
        }
    }
    assert_eq!(missing, Vec::<(&str, &str)>::new());
}
