//! What policy generation uses: the functions' roles, and in a member account those of member-roles.yaml.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use local_aws::access_analyzer::{JobErrorCode, PolicyGenerationOutcome, PolicyGenerationState};
use local_aws::iam::{Role, Use};
use local_aws::lambda::InvokeError;
use local_stack::LocalStack;
use local_states::ExecutionStatus;
use muster_tests::{Scenario, on_virtual_time, root, stack};
use serde_json::{Value, json};

use super::runs::{Runs, called, rest, run_of, scheduled, start};

const GENERATIONS: Runs = Runs("PolicyGenerationStateMachineArn");
/// A run begins with an inventory of about a minute.
const INVENTORY: Duration = Duration::from_secs(10);
/// Most calls of a run are an inventory's, whose own test tries every call, and those of one principal
/// after the other.
const STEP: u64 = 53;

/// AWS would have read too much of the trail: less is asked for.
const TOO_MUCH: PolicyGenerationOutcome = PolicyGenerationOutcome::Failed(JobErrorCode::ServiceQuotaExceeded);

const ORDER: &str = "access-analyzer:StartPolicyGeneration";
const CANCEL: &str = "access-analyzer:CancelPolicyGeneration";

/// The member accounts that policies are generated in: two, for they are worked on alike.
fn accounts(stack: &LocalStack) -> [String; 2] {
    let own = stack.aws.account();
    let organization = stack.aws.organization();
    let is_member = |id: &str| id != own && id != organization.management_account;
    let mut ids = organization.accounts.iter().map(|it| it.id.clone()).filter(|id| is_member(id));
    [ids.next().unwrap(), ids.next().unwrap()]
}

/// The roles of the first of them.
pub(super) fn member_roles(stack: &LocalStack) -> BTreeMap<String, Role> {
    let arns = stack.aws.roles_in(&accounts(stack)[0]).into_iter();
    arns.map(|arn| (arn.clone(), stack.aws.role(&arn).unwrap())).collect()
}

/// Two accounts with few principals, all of them active: each call of one of them is the same call.
fn small(deployed: &Scenario) -> Scenario {
    let accounts = on_virtual_time(async { accounts(&stack(deployed)) });
    let mut settings = deployed.settings.clone();
    settings.principals.number = 4;
    settings.principals.idle_percent = 0;
    let request = json!({"accounts": {"ids": accounts}, "checkNoNewAccess": true});
    Scenario { settings, request, ..deployed.clone() }
}

/// Runs a request to its end; nothing may be missing in it.
async fn complete(stack: &LocalStack, name: &str, request: Value) {
    let execution = GENERATIONS.start(stack, request);
    assert_eq!(execution.finished().await, ExecutionStatus::Succeeded, "{name}: {:?}", execution.error());
    let result = &execution.output().unwrap()["result"];
    assert_eq!(result["complete"], true, "{name}: {result}");
    rest().await;
}

/// Stopped while the inventory runs that comes first: Step Functions stops that too.
async fn stopped_at_its_inventory(deployed: &Scenario) -> LocalStack {
    let stack = start(deployed);
    GENERATIONS.stopped(&stack, deployed.request.clone(), INVENTORY).await;
    stack
}

/// Stopped while generations run, which are cancelled.
async fn stopped_at_work(deployed: &Scenario) -> LocalStack {
    let stack = start(deployed);
    let execution = GENERATIONS.start(&stack, deployed.request.clone());
    called(&stack, ORDER).await;
    stack.aws.states().stop(&execution.arn, None, None).unwrap();
    rest().await;
    assert!(has_cancelled_all(&stack));
    let resumed = json!({"resume": run_of(&stack, &execution), "retry": ["failed"]});
    complete(&stack, "resumed", resumed).await;
    stack
}

fn has_cancelled_all(stack: &LocalStack) -> bool {
    let generations = stack.aws.policy_generations();
    assert!(!generations.is_empty());
    generations.iter().all(|it| it.state == PolicyGenerationState::Canceled)
}

/// Somebody removes what is remembered of the accounts, over and over.
async fn forgotten(deployed: &Scenario) -> LocalStack {
    let mut scenario = deployed.clone();
    scenario.settings.access_analyzer.outcomes = vec![TOO_MUCH; 2];
    let stack = start(&scenario);
    let execution = GENERATIONS.start(&stack, deployed.request.clone());
    while execution.status() == ExecutionStatus::Running {
        tokio::time::sleep(Duration::from_secs(1)).await;
        for key in stack.aws.storage().keys(stack.bucket(), "cursors/policy-generation/") {
            stack.aws.storage().delete(stack.bucket(), &key).unwrap();
        }
    }
    assert_eq!(execution.status(), ExecutionStatus::Succeeded, "{:?}", execution.error());
    stack
}

/// What is used by runs one after the other: an inventory that is there, what earlier runs learned and
/// generated, published runs, schedules, estimates.
async fn one_after_the_other(deployed: &Scenario) -> LocalStack {
    let stack = start(deployed);
    let with = |more: Value| {
        let mut request = deployed.request.clone();
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        request
    };
    complete(&stack, "first", with(json!({}))).await;
    complete(&stack, "what counts", with(json!({"validDays": 30}))).await;
    for (name, more) in
        [("young enough", json!({"maxAgeHours": 24})), ("an estimate", json!({"dryRun": true}))]
    {
        GENERATIONS.run(&stack, name, with(more), ExecutionStatus::Succeeded).await;
    }
    scheduled(&stack).await;
    GENERATIONS.without_record(&stack, with(json!({"validDays": 0})), Duration::from_secs(5)).await;
    stack
}

/// Steps that somebody invokes by hand, for a run that has no record.
async fn by_hand(deployed: &Scenario) -> LocalStack {
    let stack = start(deployed);
    for step in ["start", "status", "collect"] {
        let binary = format!("policy-generation-{step}");
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
    let deployed = &small(deployed);
    let mut used = GENERATIONS.with_a_fault_anywhere(deployed, STEP);
    used.extend(GENERATIONS.taken_up(deployed, INVENTORY));
    used.extend(GENERATIONS.stopped_between_marker_and_record(deployed));
    used.extend(on_virtual_time(async { stopped_at_its_inventory(deployed).await.aws.gate().used() }));
    used.extend(on_virtual_time(async { stopped_at_work(deployed).await.aws.gate().used() }));
    used.extend(on_virtual_time(async { forgotten(deployed).await.aws.gate().used() }));
    used.extend(on_virtual_time(async { by_hand(deployed).await.aws.gate().used() }));
    used.extend(on_virtual_time(async { one_after_the_other(deployed).await.aws.gate().used() }));
    used
}

/// An organization of few accounts.
fn smallest() -> Scenario {
    small(&Scenario { accounts: 6, ..Scenario::default() })
}

/// An organization whose first account has one of its roles without an action, and a request for it.
fn without(scenario: &Scenario, arn: &str, action: &str) -> (LocalStack, Value) {
    let stack = stack(scenario);
    let Role { policy, trust } = stack.aws.role(arn).unwrap();
    let mut policy = (*policy).clone();
    for statement in &mut policy.statements {
        statement.actions.retain(|it| it != action);
    }
    stack.aws.put_role(arn, Role { policy: policy.into(), trust });
    let request = json!({"accounts": {"ids": [accounts(&stack)[0]]}, "checkNoNewAccess": true});
    (stack, request)
}

/// The permissions of a member account's roles: role and action.
fn of_member(scenario: &Scenario) -> Vec<(String, String)> {
    let roles = on_virtual_time(async { member_roles(&stack(scenario)) });
    let actions = |role: &Role| role.policy.statements.iter().flat_map(|it| it.actions.clone()).collect();
    let each = roles.iter().flat_map(|(arn, role)| {
        let actions: BTreeSet<String> = actions(role);
        actions.into_iter().map(|action| (arn.clone(), action))
    });
    each.collect()
}

/// Whether an error that the run has kept says that this may not be done.
fn tells(stack: &LocalStack, action: &str) -> bool {
    let denied = format!("not authorized to perform: {action} on");
    let storage = stack.aws.storage();
    let keys = storage.keys(stack.bucket(), "runs/");
    let mut kept = keys.iter().map(|key| storage.read(stack.bucket(), key).unwrap());
    kept.any(|bytes| String::from_utf8_lossy(&bytes).contains(&denied))
}

#[test]
fn without_any_permission_in_a_member_account_a_run_is_not_complete_and_tells_why() {
    let scenario = smallest();
    let permissions = of_member(&scenario);
    assert!(permissions.len() >= 16, "{permissions:?}");
    for (role, action) in permissions.iter().filter(|(_, action)| action != CANCEL) {
        on_virtual_time(async {
            let (stack, request) = without(&scenario, role, action);
            let execution = GENERATIONS.start(&stack, request);
            execution.finished().await;
            let result = execution.output().map(|output| output["result"].clone()).unwrap_or_default();
            assert_ne!(result["complete"], true, "{role} without {action}");
            assert!(tells(&stack, action), "{role} without {action}: {result}");
        });
    }
}

#[test]
fn without_the_permission_to_cancel_a_generation_of_a_run_that_was_stopped_runs_on() {
    let scenario = smallest();
    let role = of_member(&scenario).into_iter().find(|(_, action)| action == CANCEL).unwrap().0;
    for allowed in [true, false] {
        on_virtual_time(async {
            let (stack, request) = without(&scenario, &role, if allowed { "none:Such" } else { CANCEL });
            stack.aws.change(|settings, _| {
                settings.access_analyzer.outcomes = vec![PolicyGenerationOutcome::Never];
            });
            let execution = GENERATIONS.start(&stack, request);
            called(&stack, ORDER).await;
            stack.aws.states().stop(&execution.arn, None, None).unwrap();
            rest().await;
            assert_eq!(has_cancelled_all(&stack), allowed);
        });
    }
}
