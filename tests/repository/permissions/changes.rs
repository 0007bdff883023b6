//! What the kinds that plan, make and take back changes of the organization use.

use std::collections::BTreeSet;
use std::time::Duration;

use local_aws::Fault;
use local_aws::iam::Use;
use local_stack::{LocalStack, Topology};
use local_states::ExecutionStatus::{Failed, Succeeded};
use muster_tests::{Scenario, on_virtual_time, stack};
use serde_json::{Value, json};

use super::runs::{Runs, at, rest, run_of, start};

const SETUP: Runs = Runs("SetupStateMachineArn");
const POLICIES: Runs = Runs("PoliciesStateMachineArn");
/// While a plan is made.
const AT_WORK: Duration = Duration::from_millis(400);

/// Makes a plan and answers the request that applies it.
async fn planned(stack: &LocalStack, kind: Runs, request: Value) -> Value {
    let execution = kind.start(stack, request);
    assert_eq!(execution.finished().await, Succeeded, "{:?}", execution.error());
    let output = execution.output().unwrap();
    json!({"apply": {"run": output["runId"], "digest": output["result"]["digest"]}})
}

/// Makes a plan, applies it, and answers the run that did.
async fn applied(stack: &LocalStack, kind: Runs, request: Value) -> Value {
    let apply = planned(stack, kind, request).await;
    let execution = kind.start(stack, apply);
    assert_eq!(execution.finished().await, Succeeded, "{:?}", execution.error());
    json!(run_of(stack, &execution))
}

/// Makes changes and takes them back.
async fn there_and_back(stack: &LocalStack, kind: Runs, desired: Value) {
    let run = applied(stack, kind, json!({"desired": desired})).await;
    applied(stack, kind, json!({"rollback": {"run": run}})).await;
}

/// Sets everything up, and takes it back; turns types off whose policies are attached.
async fn set_up(scenario: &Scenario) -> LocalStack {
    let stack = start(scenario);
    let organization = stack.aws.organization();
    let mut members = organization.accounts.iter().skip(1);
    let member = members.rfind(|it| it.id != stack.aws.account() && it.state == "ACTIVE").unwrap();
    let statement = json!({
        "Effect": "Allow",
        "Principal": {"AWS": format!("arn:aws:iam::{}:root", member.id)},
        "Action": ["organizations:DescribePolicy"],
        "Resource": "*",
    });
    let everything = json!({
        "policyTypes": {"BACKUP_POLICY": "enabled"},
        "trustedAccess": {"ram.amazonaws.com": "enabled"},
        "delegatedAdministrators": {"ram.amazonaws.com": [member.id]},
        "resourcePolicy": {"content": {"Version": "2012-10-17", "Statement": [statement]}},
    });
    there_and_back(&stack, SETUP, everything).await;
    // Somebody else's has no tag of ours: it gets one, and loses it again.
    let content = json!({"Version": "2012-10-17", "Statement": statement});
    let other = json!({"Content": content.to_string().replace("DescribePolicy", "ListPolicies")});
    stack.aws.organization_changed_by_others("PutResourcePolicy", other).unwrap();
    there_and_back(&stack, SETUP, json!({"resourcePolicy": {"content": content}})).await;
    there_and_back(&stack, SETUP, json!({"resourcePolicy": "absent"})).await;
    // A target with a policy of its own and without AWS's: turning the type on again attaches that.
    let scp = "SERVICE_CONTROL_POLICY";
    let own =
        organization.policies.iter().find(|it| it.kind == scp && !it.aws_managed && !it.targets.is_empty());
    let body = json!({"PolicyId": "p-FullAWSAccess", "TargetId": own.unwrap().targets[0]});
    stack.aws.organization_changed_by_others("DetachPolicy", body).unwrap();
    for kind in [scp, "TAG_POLICY"] {
        there_and_back(&stack, SETUP, json!({"policyTypes": {kind: "disabled"}, "allowDisable": [kind]}))
            .await;
    }
    let text = json!({"trustedAccess": {"ram.amazonaws.com": "enabled"}}).to_string();
    let storage = stack.aws.storage();
    storage.deliver(stack.bucket(), "requests/setup.json", |out| out.write_all(text.as_bytes())).unwrap();
    planned(&stack, SETUP, json!({"desiredKey": "requests/setup.json"})).await;
    SETUP.run(&stack, "no such object", json!({"desiredKey": "requests/none.json"}), Failed).await;
    stack
}

/// An account that is in no organization makes one.
async fn founded(scenario: &Scenario) -> LocalStack {
    let stack = stack(&Scenario { standalone: true, ..scenario.clone() });
    applied(&stack, SETUP, json!({"desired": {"createOrganization": "ALL"}})).await;
    stack
}

/// A policy that is made, changed, tagged, left alone, and removed, with the account status beside it.
async fn policies(scenario: &Scenario) -> LocalStack {
    let stack = start(scenario);
    let root = stack.aws.organization().root;
    let report = stack.start_report(json!({"targetId": root})).unwrap();
    assert_eq!(report.finished().await, Succeeded, "{:?}", report.error());
    let organization = stack.aws.organization();
    let parents = organization.accounts.iter().map(|it| &it.parent).filter(|it| it.starts_with("ou-"));
    let units: Vec<_> = parents.collect::<BTreeSet<_>>().into_iter().take(2).collect();
    let wished = |tokens: &str, tags: Value| {
        let content =
            json!({"ec2_attributes": {"instance_metadata_defaults": {"http_tokens": {"@@assign": tokens}}}});
        json!({
            "policies": [{
                "type": "DECLARATIVE_POLICY_EC2", "name": "metadata", "content": content, "targets": units, "tags": tags,
            }],
            "waves": [{"targets": [units[0]], "bakeHours": 1}, {"targets": units[1..]}],
        })
    };
    applied(&stack, POLICIES, json!({"desired": wished("required", json!({"a": "1"}))})).await;
    there_and_back(&stack, POLICIES, wished("optional", json!({"b": "2"}))).await;
    let absent =
        json!({"policies": [{"type": "DECLARATIVE_POLICY_EC2", "name": "metadata", "absent": true}]});
    there_and_back(&stack, POLICIES, absent).await;
    let text = wished("required", json!({})).to_string();
    let storage = stack.aws.storage();
    storage.deliver(stack.bucket(), "requests/policies.json", |out| out.write_all(text.as_bytes())).unwrap();
    planned(&stack, POLICIES, json!({"desiredKey": "requests/policies.json"})).await;
    stack
}

/// What AWS does not accept in an account is asked for.
async fn invalid(scenario: &Scenario) -> LocalStack {
    let stack = start(scenario);
    let is_listed = |one_in| stack.aws.change(|it, _| it.invalid_effective_policies_one_in = one_in);
    let root = stack.aws.organization().root;
    let content = json!({"tags": {"owner": {"tag_key": {"@@assign": "Owner"}}}});
    let policy = json!({"type": "TAG_POLICY", "name": "owner", "content": content, "targets": [root]});
    let apply = planned(&stack, POLICIES, json!({"desired": {"policies": [policy]}})).await;
    is_listed(1);
    assert_eq!(POLICIES.start(&stack, apply).finished().await, Failed);
    is_listed(0);
    // Of a type whose effect is not computed, the accounts that it reaches are looked for.
    applied(&stack, SETUP, json!({"desired": {"policyTypes": {"BACKUP_POLICY": "enabled"}}})).await;
    let content = json!({"plans": {"daily": {"regions": {"@@assign": ["eu-central-1"]}}}});
    let policy = json!({"type": "BACKUP_POLICY", "name": "daily", "content": content, "targets": [root]});
    let apply = planned(&stack, POLICIES, json!({"desired": {"policies": [policy]}})).await;
    is_listed(1);
    assert_eq!(POLICIES.start(&stack, apply).finished().await, Failed);
    stack
}

/// Runs that are stopped, resumed, and whose first steps fail.
async fn interrupted(scenario: &Scenario, kind: Runs, desired: Value) -> LocalStack {
    let stack = start(scenario);
    let apply = planned(&stack, kind, json!({"desired": desired})).await;
    stack.aws.faults().add(at(Fault::StopAfter, "s3:DeleteObject", 1, 1));
    kind.start(&stack, apply).finished().await;
    rest().await;
    let stopped = kind.stopped(&stack, json!({"desired": desired}), AT_WORK).await;
    let execution = kind.start(&stack, json!({"resume": stopped, "retry": ["failed"]}));
    execution.finished().await;
    stack
}

/// Long enough to be seen open by the sweep that comes every 15 minutes.
async fn while_the_sweep_comes(scenario: &Scenario, kind: Runs, desired: Value) -> LocalStack {
    let stack = start(scenario);
    tokio::time::sleep(Duration::from_secs(15 * 60) - AT_WORK).await;
    kind.run(&stack, "while the sweep comes", json!({"desired": desired}), Succeeded).await;
    stack
}

/// What the roles used over all of this.
pub(super) fn used(deployed: &Scenario) -> BTreeSet<Use> {
    let mut used = BTreeSet::new();
    // The root is read for each of them, at AWS's rate: the plan takes some seconds.
    let types = || {
        let types = ["AISERVICES_OPT_OUT", "BACKUP", "BEDROCK", "CHATBOT", "INSPECTOR", "S3"];
        let wished = types.map(|name| (format!("{name}_POLICY"), "enabled"));
        json!({"policyTypes": std::collections::BTreeMap::from(wished)})
    };
    let tags = || {
        json!({"policies": [{
            "type": "TAG_POLICY",
            "name": "owner",
            "content": {"tags": {"owner": {"tag_key": {"@@assign": "Owner"}}}},
            "targets": [],
        }]})
    };
    used.extend(on_virtual_time(async { set_up(deployed).await.aws.gate().used() }));
    if deployed.topology == Topology::Management {
        used.extend(on_virtual_time(async { founded(deployed).await.aws.gate().used() }));
    }
    used.extend(on_virtual_time(async { policies(deployed).await.aws.gate().used() }));
    used.extend(on_virtual_time(async { invalid(deployed).await.aws.gate().used() }));
    for (kind, desired) in [(SETUP, types()), (POLICIES, tags())] {
        let swept = on_virtual_time(async {
            while_the_sweep_comes(deployed, kind, desired.clone()).await.aws.gate().used()
        });
        used.extend(swept);
        used.extend(on_virtual_time(async { interrupted(deployed, kind, desired).await.aws.gate().used() }));
        let scenario = Scenario {
            request: json!({"desired": if kind.0 == SETUP.0 { types() } else { tags() }}),
            ..deployed.clone()
        };
        used.extend(kind.with_a_fault_anywhere(&scenario, 3));
        used.extend(kind.stopped_between_marker_and_record(&scenario));
        used.extend(kind.taken_up(&scenario, AT_WORK));
    }
    used
}
