//! What making accounts uses.

use std::collections::BTreeSet;
use std::time::Duration;

use local_aws::Fault;
use local_aws::iam::Use;
use local_aws::lambda::InvokeError;
use local_stack::LocalStack;
use local_states::ExecutionStatus::{Failed, Succeeded};
use muster_tests::{Scenario, on_virtual_time, root, stack};
use serde_json::{Value, json};

use super::runs::{Runs, at, called, rest, run_of, start};

const ACCOUNTS: Runs = Runs("AccountsStateMachineArn");
/// When a lane is at work.
const AT_WORK: Duration = Duration::from_secs(5);
const STEP: u64 = 7;
/// The writer's lease, and when somebody asked last.
const LOCKS: &str = "locks/";

/// One account, for a unit.
fn one(stack: &LocalStack, number: u32) -> Value {
    let unit = &stack.aws.organization().units[0].id;
    let (email, name) = (format!("new-{number}@example.com"), format!("New {number}"));
    json!({"accounts": [{"email": email, "name": name, "parent": unit}]})
}

/// Requests one after the other: as a CSV, one that is not there, an estimate, what is there already, what
/// is taken, in AWS GovCloud (US).
async fn one_after_the_other(deployed: &Scenario) -> LocalStack {
    let mut scenario = deployed.clone();
    scenario.settings.organization.emails_elsewhere = vec!["new-2@example.com".to_owned()];
    let stack = start(&scenario);
    ACCOUNTS.run(&stack, "an account", one(&stack, 1), Succeeded).await;
    ACCOUNTS.run(&stack, "the same", one(&stack, 1), Succeeded).await;
    let mut estimate = one(&stack, 1);
    estimate["dryRun"] = json!(true);
    ACCOUNTS.run(&stack, "an estimate", estimate, Succeeded).await;
    ACCOUNTS.run(&stack, "taken elsewhere", one(&stack, 2), Succeeded).await;
    let mut beside = one(&stack, 3);
    beside["accounts"][0]["govCloud"] = json!(true);
    ACCOUNTS.run(&stack, "in GovCloud", beside, Succeeded).await;
    let storage = stack.aws.storage();
    let csv = "email,name\nnew-4@example.com,New 4\n";
    storage.deliver(stack.bucket(), "requests/new.csv", |out| out.write_all(csv.as_bytes())).unwrap();
    ACCOUNTS.run(&stack, "a CSV", json!({"accountsKey": "requests/new.csv"}), Succeeded).await;
    ACCOUNTS.run(&stack, "no CSV", json!({"accountsKey": "requests/none.csv"}), Failed).await;
    ACCOUNTS.without_record(&stack, one(&stack, 5), AT_WORK).await;
    stack
}

/// Stopped once an account is asked for, and resumed.
async fn stopped_at_work(deployed: &Scenario) -> LocalStack {
    let stack = start(deployed);
    let execution = ACCOUNTS.start(&stack, one(&stack, 1));
    called(&stack, "organizations:CreateAccount").await;
    stack.aws.states().stop(&execution.arn, None, None).unwrap();
    rest().await;
    let resumed = json!({"resume": run_of(&stack, &execution), "retry": ["failed"]});
    ACCOUNTS.run(&stack, "resumed", resumed, Succeeded).await;
    stack
}

/// An operator breaks the lease, over and over.
async fn broken(deployed: &Scenario) -> LocalStack {
    let stack = start(deployed);
    let execution = ACCOUNTS.start(&stack, one(&stack, 1));
    while execution.status() == local_states::ExecutionStatus::Running {
        tokio::time::sleep(Duration::from_millis(7)).await;
        for key in stack.aws.storage().keys(stack.bucket(), LOCKS) {
            stack.aws.storage().delete(stack.bucket(), &key).unwrap();
        }
    }
    stack
}

/// Steps that somebody invokes by hand, for a run that has no record.
async fn by_hand(deployed: &Scenario) -> LocalStack {
    let stack = start(deployed);
    for step in ["start", "status"] {
        let binary = format!("organization-accounts-{step}");
        let event = std::fs::read(root().join(format!("tests/events/{binary}.json"))).unwrap();
        let event = serde_json::from_slice(&event).unwrap();
        let answer = stack.aws.lambda().invoke(&stack.deployed.functions[&binary], event).await;
        let Err(InvokeError::Function(error)) = answer else { panic!("{step}: {answer:?}") };
        assert_eq!(error.error_type, "Incomplete", "{step}: {}", error.error_message);
    }
    stack
}

/// What the roles used over all of this.
pub(super) fn used(deployed: &Scenario) -> BTreeSet<Use> {
    let request = on_virtual_time(async { one(&stack(deployed), 1) });
    let scenario = Scenario { request, ..deployed.clone() };
    let mut used = ACCOUNTS.with_a_fault_anywhere(&scenario, STEP);
    used.extend(ACCOUNTS.taken_up(&scenario, AT_WORK));
    used.extend(ACCOUNTS.stopped_between_marker_and_record(&scenario));
    // An account that a lost answer leaves is looked for.
    let lost = at(Fault::LostAnswer, "organizations:CreateAccount", 1, 1);
    used.extend(ACCOUNTS.with_faults(&scenario, vec![lost], 1).0);
    used.extend(on_virtual_time(async { stopped_at_work(deployed).await.aws.gate().used() }));
    used.extend(on_virtual_time(async { broken(deployed).await.aws.gate().used() }));
    used.extend(on_virtual_time(async { by_hand(deployed).await.aws.gate().used() }));
    used.extend(on_virtual_time(async { one_after_the_other(deployed).await.aws.gate().used() }));
    used
}
