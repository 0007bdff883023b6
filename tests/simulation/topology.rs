//! A stack in a delegated account, which reads the organization through the management account.

use std::collections::BTreeMap;
use std::time::Duration;

use local_aws::{Fault, FaultRule, Settings};
use local_stack::Topology;
use local_states::ExecutionStatus;
use models::OutcomeStatus;
use muster_tests::{Rest, Scenario, on_virtual_time, run, stack};
use serde_json::json;

fn delegated() -> Scenario {
    Scenario { topology: Topology::Delegated, ..Scenario::default() }
}

fn uses_of_the_read_role(rest: &Rest) -> Vec<String> {
    let role = &rest.stack.resolved.parameters["ManagementReadRoleArn"];
    let uses = rest.stack.aws.gate().used().into_iter();
    uses.filter(|it| *role == it.role.as_str()).map(|it| it.action).collect()
}

#[test]
fn a_stack_in_a_delegated_account_reads_the_organization_through_the_management_account() {
    let rest = run(&delegated());
    rest.check("");
    assert_eq!((rest.status, rest.outcome()), (ExecutionStatus::Succeeded, OutcomeStatus::Succeeded));
    let organization = rest.stack.aws.organization();
    assert_ne!(rest.stack.aws.account(), organization.management_account);
    assert_eq!(rest.ours()[0].target, organization.root);
    assert_eq!(uses_of_the_read_role(&rest), ["organizations:ListAccounts", "organizations:ListRoots"]);
    let result = &rest.execution.output().unwrap()["result"];
    assert_eq!(result["complete"], true, "{result}");
}

#[test]
fn the_role_is_taken_on_only_by_the_steps_that_read_the_organization() {
    let rest = run(&delegated());
    let calls: Vec<_> =
        rest.stack.aws.calls().into_iter().filter(|it| it.action.starts_with("sts:")).collect();
    let functions: Vec<_> = calls.iter().map(|call| call.function.as_str()).collect();
    assert_eq!(functions, ["muster-ReportStart", "muster-ReportParse"]);
    let own = run(&Scenario::default());
    assert!(own.stack.aws.calls().iter().all(|call| !call.action.starts_with("sts:")));
}

#[test]
fn a_function_that_lives_for_hours_takes_the_role_on_again() {
    on_virtual_time(async {
        let stack = stack(&delegated());
        for _ in 0..2 {
            let execution = stack.start_report(json!({})).unwrap();
            assert_eq!(execution.finished().await, ExecutionStatus::Succeeded, "{:?}", execution.error());
            tokio::time::sleep(Duration::from_secs(2 * 3_600)).await;
        }
    });
}

#[test]
fn a_role_that_may_not_be_taken_on_is_denied_with_what_to_check() {
    for (role, why) in [
        ("arn:aws:iam::012345678901:role/nobody", "the role does not exist"),
        ("its trust names another stack", "the role does not trust this stack"),
    ] {
        let rest = on_virtual_time(async {
            let mut scenario = delegated();
            if role.starts_with("arn:") {
                scenario.parameters = BTreeMap::from([("ManagementReadRoleArn".into(), role.into())]);
            }
            let stack = stack(&scenario);
            let arn = stack.resolved.parameters["ManagementReadRoleArn"].as_str().unwrap().to_owned();
            if !role.starts_with("arn:") {
                stack.aws.put_role(&arn, local_aws::iam::Role::default());
            }
            let execution = stack.start_report(json!({})).unwrap();
            (muster_tests::rest(stack, &scenario, execution).await, arn)
        });
        let (rest, arn) = rest;
        rest.check(why);
        let error = rest.execution.error().unwrap();
        assert_eq!((rest.status, error.error.as_str()), (ExecutionStatus::Failed, "Denied"), "{why}");
        for said in ["sts:AssumeRole", "AccessDenied", "request id", "management-roles.yaml", &arn] {
            assert!(error.cause.contains(said), "{why}: {said} is not in {}", error.cause);
        }
        assert_eq!(rest.stack.aws.reports().len(), 0, "{why}");
    }
}

#[test]
fn one_fault_at_sts_is_survived() {
    for fault in [Fault::Throttle, Fault::ServerError, Fault::Cut, Fault::LostAnswer, Fault::CrashAfter] {
        for nth in [1, 2] {
            let operation = Some("sts:AssumeRole".to_owned());
            let faults = vec![FaultRule { fault, operation, nth, times: 1 }];
            let rest = run(&Scenario { faults, settings: Settings::default(), ..delegated() });
            rest.check(fault.name());
            assert_eq!(rest.outcome(), OutcomeStatus::Succeeded, "{fault:?} {nth}");
        }
    }
}
