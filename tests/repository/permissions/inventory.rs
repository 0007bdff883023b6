//! What the inventory of the organization uses.

use std::collections::BTreeSet;
use std::time::Duration;

use local_aws::iam::Use;
use local_aws::organization::Policy;
use local_aws::{Fault, Settings};
use local_stack::LocalStack;
use local_states::ExecutionStatus;
use muster_tests::{Scenario, on_virtual_time};
use serde_json::{Value, json};

use super::runs::{Runs, at, called, run_of, scheduled, start};

const INVENTORIES: Runs = Runs("InventoryStateMachineArn");
/// When the lanes of these runs are at work.
const AT_WORK: Duration = Duration::from_secs(3);
/// Most calls of an inventory are made for one account after the other: a fault is tried at every so
/// many-th.
const STEP: u64 = 5;

/// Requests, and what the organization is like.
fn scenarios(deployed: &Scenario) -> Vec<(&'static str, Value, Scenario)> {
    let with = |settings: Settings| Scenario { settings, ..deployed.clone() };
    let without_paths = || Settings { account_paths: false, ..Settings::default() };
    let invalid = Settings { invalid_effective_policies_one_in: 2, ..Settings::default() };
    vec![
        ("an inventory", json!({}), deployed.clone()),
        ("a dry run", json!({"dryRun": true}), deployed.clone()),
        ("the account that asks", json!({"targets": ["self"]}), deployed.clone()),
        ("by the tree", json!({}), with(without_paths())),
        ("invalid effective policies", json!({}), with(invalid)),
    ]
}

/// An account that is moved to where was looked already is asked for its parent.
async fn moved(deployed: &Scenario) -> LocalStack {
    let settings = Settings { account_paths: false, ..Settings::default() };
    let stack = start(&Scenario { settings, ..deployed.clone() });
    let execution = INVENTORIES.start(&stack, json!({}));
    called(&stack, "organizations:ListChildren").await;
    stack.aws.change(|_, organization| {
        let (root, path) = (organization.root.clone(), format!("{}/{}/", organization.id, organization.root));
        for account in organization.accounts.iter_mut().filter(|it| it.parent.starts_with("ou-")) {
            account.parent.clone_from(&root);
            account.path = format!("{path}{}/", account.id);
        }
    });
    assert_eq!(execution.finished().await, ExecutionStatus::Succeeded, "{:?}", execution.error());
    stack
}

/// A class whose sample differs is explained by what is attached now.
async fn attached_meanwhile(deployed: &Scenario) -> LocalStack {
    let stack = start(deployed);
    let execution = INVENTORIES.start(&stack, json!({}));
    called(&stack, "organizations:DescribeEffectivePolicy").await;
    stack.aws.change(|_, organization| {
        // One for each account, so that whichever are read differ.
        for (number, account) in organization.accounts.iter().enumerate() {
            organization.policies.push(Policy {
                id: format!("p-attachedlater{number}"),
                name: format!("attached-later-{number}"),
                description: String::new(),
                kind: "TAG_POLICY".to_owned(),
                content: json!({"tags": {"later": {"tag_key": {"@@assign": number.to_string()}}}})
                    .to_string(),
                aws_managed: false,
                targets: vec![account.id.clone()],
            });
        }
    });
    assert_eq!(execution.finished().await, ExecutionStatus::Succeeded, "{:?}", execution.error());
    stack
}

/// What is used by runs one after the other: earlier inventories, schedules, items that failed, stops,
/// resumes.
async fn one_after_the_other(scenario: &Scenario) -> LocalStack {
    use ExecutionStatus::Succeeded;
    let denied = at(Fault::Deny, "organizations:ListCreateAccountStatus", 1, 1);
    let stack = start(&Scenario { faults: vec![denied], ..scenario.clone() });
    let first = INVENTORIES.start(&stack, json!({}));
    first.finished().await;
    assert_eq!(first.output().unwrap()["result"]["items"]["failed"], 1);
    let again = json!({"resume": run_of(&stack, &first), "retry": ["failed"]});
    INVENTORIES.run(&stack, "what failed", again, Succeeded).await;
    INVENTORIES.run(&stack, "young enough", json!({"maxAgeHours": 2}), Succeeded).await;
    INVENTORIES.run(&stack, "an estimate", json!({"dryRun": true}), Succeeded).await;
    scheduled(&stack).await;
    let stopped = INVENTORIES.stopped(&stack, json!({}), AT_WORK).await;
    let resumed = json!({"resume": stopped, "retry": ["failed"]});
    INVENTORIES.run(&stack, "resumed", resumed, Succeeded).await;
    INVENTORIES.without_record(&stack, json!({}), AT_WORK).await;
    stack
}

/// Long enough to be seen open by the sweep that comes every 15 minutes.
async fn while_the_sweep_comes(deployed: &Scenario) -> LocalStack {
    let stack = start(deployed);
    tokio::time::sleep(Duration::from_secs(15 * 60) - AT_WORK).await;
    INVENTORIES.run(&stack, "while the sweep comes", json!({}), ExecutionStatus::Succeeded).await;
    stack
}

/// What the roles used over all of this.
pub(super) fn used(deployed: &Scenario) -> BTreeSet<Use> {
    let mut used = BTreeSet::new();
    for (name, request, scenario) in scenarios(deployed) {
        used.extend(on_virtual_time(async {
            let stack = start(&scenario);
            INVENTORIES.run(&stack, name, request, ExecutionStatus::Succeeded).await;
            stack.aws.gate().used()
        }));
    }
    used.extend(INVENTORIES.with_a_fault_anywhere(deployed, STEP));
    used.extend(INVENTORIES.taken_up(deployed, AT_WORK));
    used.extend(INVENTORIES.stopped_between_marker_and_record(deployed));
    used.extend(on_virtual_time(async { while_the_sweep_comes(deployed).await.aws.gate().used() }));
    used.extend(on_virtual_time(async { moved(deployed).await.aws.gate().used() }));
    used.extend(on_virtual_time(async { attached_meanwhile(deployed).await.aws.gate().used() }));
    used.extend(on_virtual_time(async { one_after_the_other(deployed).await.aws.gate().used() }));
    used
}
