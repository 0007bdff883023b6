//! Runs that are stopped, resumed and swept, and generations that somebody else started.

use std::time::Duration;

use local_aws::access_analyzer::{
    AccessAnalyzerSettings, PolicyGenerationOutcome as Outcome, PolicyGenerationState as State,
    SecondGeneration,
};
use local_aws::{Fault, FaultRule};
use local_stack::LocalStack;
use local_states::ExecutionStatus;
use models::OutcomeStatus;
use muster_tests::{Scenario, on_virtual_time};
use serde_json::{Value, json};

use super::{
    Generated, HOUR, SWEEPS, inventoried, members, own_records, principals_of, run, running, small, until,
};

const REGION: &str = "eu-central-1";
const CANCEL: &str = "access-analyzer:CancelPolicyGeneration";

fn quick() -> Scenario {
    small(AccessAnalyzerSettings::default())
}

/// Every generation takes two hours.
fn slow() -> Scenario {
    let outcomes = vec![Outcome::Slow(2 * HOUR); 20];
    small(AccessAnalyzerSettings { outcomes, ..AccessAnalyzerSettings::default() })
}

/// Starts a run, and stops it as soon as something has come to pass.
async fn stopped(stack: LocalStack, what: &str, when: impl Fn(&LocalStack) -> bool) -> Generated {
    let execution = stack.start_policy_generation(json!({})).unwrap();
    until(&stack, what, when).await;
    stack.aws.states().stop(&execution.arn, None, None).unwrap();
    assert_eq!(execution.finished().await, ExecutionStatus::Aborted);
    Generated { stack, execution }
}

/// Resumes the one run.
async fn resumed(of: Generated) -> Generated {
    let run_id = own_records(&of.stack)[0].run_id.clone();
    run(of.stack, json!({"resume": run_id, "retry": ["failed"]})).await
}

/// Of each principal that has a policy one generation has succeeded, and no other has.
fn one_for_each(of: &Generated, context: &str) {
    let mut succeeded: Vec<_> = of
        .jobs()
        .into_iter()
        .filter(|job| job.state == State::Succeeded)
        .map(|job| json!(job.principal))
        .collect();
    let rows = of.rows("generated_policies").into_iter();
    let mut generated: Vec<Value> =
        rows.filter(|row| row["status"] == "generated").map(|row| row["principal_arn"].clone()).collect();
    succeeded.sort_by_key(Value::to_string);
    generated.sort_by_key(Value::to_string);
    assert_eq!(succeeded, generated, "{context}");
}

/// Stops a run at some of its calls, and resumes it.
fn stopped_at_calls(fault: Fault, from: usize) {
    let scenario = Scenario { accounts: 2, ..quick() };
    let (calls, clean) = on_virtual_time(async {
        let stack = inventoried(&scenario).await;
        let before = stack.aws.calls().len();
        let of = run(stack, json!({})).await;
        (of.stack.aws.calls().len() - before, of.found())
    });
    for nth in (from..=calls).step_by(37) {
        let rule = FaultRule { fault, operation: None, nth: nth as u64, times: 1 };
        let context = rule.to_string();
        on_virtual_time(async {
            let stack = inventoried(&scenario).await;
            stack.aws.faults().add(rule);
            let of = run(stack, json!({})).await;
            if of.rest(&context).await == OutcomeStatus::Succeeded {
                return;
            }
            let of = resumed(of).await;
            assert_eq!(of.rest(&context).await, OutcomeStatus::Succeeded, "{:?}", of.execution.error());
            assert_eq!(of.result()["complete"], json!(true), "{context}: {}", of.result());
            assert_eq!(of.found(), clean, "{context}");
            one_for_each(&of, &context);
        });
    }
}

#[test]
fn a_run_that_is_stopped_after_any_call_finds_everything_when_it_is_resumed() {
    stopped_at_calls(Fault::StopAfter, 3);
}

#[test]
fn a_run_that_is_stopped_during_any_call_finds_everything_when_it_is_resumed() {
    stopped_at_calls(Fault::StopBefore, 20);
}

#[test]
fn what_a_stopped_run_has_running_is_cancelled_and_ordered_again_when_it_is_resumed() {
    on_virtual_time(async {
        let stack = inventoried(&slow()).await;
        // The first account tries; from then on both have one.
        let of = stopped(stack, "generations in two accounts", |stack| running(stack).len() == 2).await;
        let [before, ran] = [of.jobs(), running(&of.stack)];
        assert_eq!(of.rest("stopped").await, OutcomeStatus::Failed);
        let jobs = of.jobs();
        assert_eq!(jobs.len(), before.len());
        for job in jobs.iter().filter(|job| ran.iter().any(|it| it.id == job.id)) {
            assert_eq!(job.state, State::Canceled, "{job:?}");
        }
        let of = resumed(of).await;
        assert_eq!(of.result()["complete"], json!(true), "{}", of.result());
        assert_eq!(of.jobs().len(), of.statuses()["generated"] + ran.len());
        one_for_each(&of, "resumed");
    });
}

#[test]
fn a_run_that_is_resumed_before_the_sweep_has_come_orders_nothing_twice() {
    on_virtual_time(async {
        let stack = inventoried(&slow()).await;
        let first = stack.start_policy_generation(json!({})).unwrap();
        until(&stack, "a generation", |stack| !running(stack).is_empty()).await;
        // Another execution takes the run over, and what ran before goes on.
        let of = resumed(Generated { stack, execution: first }).await;
        of.rest("taken over").await;
        assert_eq!(of.result()["complete"], json!(true), "{}", of.result());
        of.nobody_is_generated_twice("taken over");
    });
}

#[test]
fn a_generation_whose_order_was_stopped_half_way_is_cancelled_by_a_sweep_that_follows() {
    on_virtual_time(async {
        let stack = inventoried(&slow()).await;
        stack.aws.faults().add("stop-before@access-analyzer:StartPolicyGeneration".parse().unwrap());
        let of = run(stack, json!({})).await;
        assert_eq!(of.execution.status(), ExecutionStatus::Aborted);
        assert_eq!(of.rest("stopped while it ordered").await, OutcomeStatus::Failed);
        assert_eq!(of.jobs().iter().map(|job| &job.state).collect::<Vec<_>>(), [&State::Canceled]);
    });
}

#[test]
fn an_order_whose_answer_was_lost_is_cancelled_with_its_run() {
    on_virtual_time(async {
        let stack = inventoried(&Scenario { accounts: 2, ..slow() }).await;
        // As often as the step asks within one invocation.
        stack.aws.faults().add("lost-answer@access-analyzer:StartPolicyGeneration#1*3".parse().unwrap());
        let asked = |stack: &LocalStack| {
            let calls = stack.aws.calls();
            calls.iter().filter(|call| call.action == "access-analyzer:StartPolicyGeneration").count()
        };
        let of = stopped(stack, "answers that are lost", |stack| asked(stack) == 3).await;
        assert_eq!(running(&of.stack).len(), 1);
        assert_eq!(of.rest("stopped before it was asked again").await, OutcomeStatus::Failed);
        assert_eq!(of.jobs().iter().map(|job| &job.state).collect::<Vec<_>>(), [&State::Canceled]);
        let of = resumed(of).await;
        assert_eq!(of.result()["complete"], json!(true), "{}", of.result());
        one_for_each(&of, "resumed");
    });
}

#[test]
fn runs_that_go_on_side_by_side_share_the_work() {
    on_virtual_time(async {
        let stack = inventoried(&quick()).await;
        let first = stack.start_policy_generation(json!({})).unwrap();
        tokio::time::sleep(Duration::from_secs(90)).await;
        let second = run(stack, json!({})).await;
        assert_eq!(first.finished().await, ExecutionStatus::Succeeded);
        let results = [first.output().unwrap(), second.execution.output().unwrap()];
        let generated = results.each_ref().map(|it| it["result"]["generated"].as_u64().unwrap());
        assert_eq!(generated.iter().sum::<u64>(), second.jobs().len() as u64, "{generated:?}");
        for result in results.map(|it| it["result"].clone()) {
            let has = |what: &str| result[what].as_u64().unwrap();
            assert_eq!(has("generated") + has("validPolicyExists") + has("noActivity"), has("principals"));
        }
        second.nobody_is_generated_twice("side by side");
    });
}

#[test]
fn faults_where_a_generation_is_cancelled_are_survived() {
    for fault in [
        Fault::Throttle,
        Fault::ServerError,
        Fault::ServerErrorAfter,
        Fault::LostAnswer,
        Fault::CrashBefore,
        Fault::CrashAfter,
    ] {
        on_virtual_time(async {
            let stack = inventoried(&slow()).await;
            let operation = Some(CANCEL.to_owned());
            stack.aws.faults().add(FaultRule { fault, operation, nth: 1, times: 1 });
            let of = stopped(stack, "a generation", |stack| !running(stack).is_empty()).await;
            assert_eq!(of.rest(fault.name()).await, OutcomeStatus::Failed);
            assert!(of.calls(CANCEL) > 1, "{fault:?}");
        });
    }
}

#[test]
fn an_account_whose_role_is_gone_does_not_keep_the_others_from_being_cancelled() {
    on_virtual_time(async {
        let stack = inventoried(&slow()).await;
        let of = stopped(stack, "generations in two accounts", |stack| running(stack).len() == 2).await;
        let gone = running(&of.stack)[0].account.clone();
        let role = of.stack.resolved.parameters["MemberRoleArn"].as_str().unwrap().replace('*', &gone);
        of.stack.aws.delete_role(&role);
        tokio::time::sleep(SWEEPS).await;
        let left: Vec<_> = running(&of.stack).into_iter().map(|job| job.account).collect();
        assert!(left.iter().all(|account| *account == gone), "{left:?}");
    });
}

#[test]
fn somebody_elses_generation_is_never_cancelled() {
    on_virtual_time(async {
        let stack = inventoried(&slow()).await;
        let accounts = members(&stack);
        let foreign = stack.aws.start_foreign_policy_generation(&accounts[0], REGION, 5 * HOUR).unwrap();
        let of = stopped(stack, "a generation of ours", |stack| running(stack).len() == 2).await;
        tokio::time::sleep(SWEEPS).await;
        let left: Vec<_> = running(&of.stack).into_iter().map(|job| job.id).collect();
        assert_eq!(left, [foreign]);
    });
}

#[test]
fn somebody_elses_generation_is_waited_for_and_then_the_account_is_done() {
    for second in [SecondGeneration::ServiceQuotaExceeded, SecondGeneration::Conflict] {
        on_virtual_time(async {
            let scenario = small(AccessAnalyzerSettings { second, ..AccessAnalyzerSettings::default() });
            let stack = inventoried(&scenario).await;
            let account = members(&stack)[0].clone();
            stack.aws.start_foreign_policy_generation(&account, REGION, 3 * HOUR).unwrap();
            let of = run(stack, json!({})).await;
            assert_eq!(of.result()["complete"], json!(true), "{}", of.result());
            let jobs: Vec<_> = of.jobs().into_iter().filter(|job| job.account == account).collect();
            let late = jobs[1].started.duration_since(jobs[0].ended.unwrap());
            assert!(!late.is_negative() && late.as_mins() <= 30, "{late:#}");
            of.nobody_is_generated_twice("");
        });
    }
}

#[test]
fn a_generation_that_comes_between_the_look_and_the_order_is_waited_for() {
    for second in [SecondGeneration::ServiceQuotaExceeded, SecondGeneration::Conflict] {
        on_virtual_time(async {
            let mut scenario = small(AccessAnalyzerSettings { second, ..AccessAnalyzerSettings::default() });
            scenario.settings.request_latency = Duration::from_millis(400);
            let stack = inventoried(&Scenario { accounts: 2, ..scenario }).await;
            let account = members(&stack)[0].clone();
            let execution = stack.start_policy_generation(json!({})).unwrap();
            let looked = |stack: &LocalStack| {
                stack.aws.calls().iter().any(|call| call.action == "access-analyzer:ListPolicyGenerations")
            };
            until(&stack, "a look", looked).await;
            stack.aws.start_foreign_policy_generation(&account, REGION, HOUR).unwrap();
            execution.finished().await;
            let of = Generated { stack, execution };
            assert_eq!(of.result()["complete"], json!(true), "{}", of.result());
            assert_eq!(of.result()["carriedOver"], json!(0));
            of.nobody_is_generated_twice("");
        });
    }
}

#[test]
fn an_account_that_somebody_else_uses_holds_up_no_other() {
    // Whichever of them comes first.
    for (used, free) in [(0, 1), (1, 0)] {
        on_virtual_time(async {
            let stack = inventoried(&quick()).await;
            let begun = stack.aws.clock().now();
            let [used, free] = [used, free].map(|number: usize| members(&stack)[number].clone());
            stack.aws.start_foreign_policy_generation(&used, REGION, 10 * HOUR).unwrap();
            let of = run(stack, json!({})).await;
            assert_eq!(of.result()["complete"], json!(true), "{}", of.result());
            let ended = of.jobs().into_iter().filter(|job| job.account == free).map(|job| job.ended.unwrap());
            let took = ended.max().unwrap().duration_since(begun);
            assert!(took.as_hours() < 3, "{free}: {took:#}");
        });
    }
}

#[test]
fn what_a_run_that_still_goes_on_has_generated_is_not_asked_for_by_the_next() {
    on_virtual_time(async {
        let stack = inventoried(&quick()).await;
        let [used, free] = [0, 1].map(|number: usize| members(&stack)[number].clone());
        stack.aws.start_foreign_policy_generation(&used, REGION, 30 * HOUR).unwrap();
        let first = stack.start_policy_generation(json!({})).unwrap();
        let done = |stack: &LocalStack| {
            let jobs = stack.aws.policy_generations();
            jobs.iter().filter(|job| job.account == free && job.state == State::Succeeded).count()
        };
        let due = principals_of(&quick(), &stack, &free).len();
        until(&stack, "an account that is done", |stack| done(stack) == due).await;
        tokio::time::sleep(HOUR).await;
        let second = run(stack, json!({})).await;
        assert_eq!(first.finished().await, ExecutionStatus::Succeeded);
        assert_eq!(done(&second.stack), due);
        let valid = second.rows("generated_policies").into_iter();
        let counts = |row: &crate::inventory::Row| row["status"] == "valid_policy_exists";
        assert!(valid.filter(|row| row["account_id"] == free.as_str() && counts(row)).count() >= due);
    });
}

#[test]
fn accounts_that_may_not_order_anything_do_not_hold_up_the_run_for_hours() {
    for action in ["access-analyzer:ListPolicyGenerations", "access-analyzer:GetGeneratedPolicy"] {
        on_virtual_time(async {
            let stack = inventoried(&Scenario { accounts: 9, ..quick() }).await;
            let begun = stack.aws.clock().now();
            let operation = Some(action.to_owned());
            stack.aws.faults().add(FaultRule { fault: Fault::Deny, operation, nth: 1, times: u64::MAX });
            let of = run(stack, json!({})).await;
            assert_eq!((&of.result()["generated"], &of.result()["complete"]), (&json!(0), &json!(false)));
            let took = of.stack.aws.clock().now().duration_since(begun);
            assert!(took.as_hours() < 4, "{action}: {took:#}");
        });
    }
}

#[test]
fn a_generation_that_never_ends_is_cancelled_at_the_deadline() {
    on_virtual_time(async {
        let stack = inventoried(&quick()).await;
        let account = members(&stack)[0].clone();
        let arn = principals_of(&quick(), &stack, &account)[0].arn.clone();
        stack
            .aws
            .change(|settings, _| settings.access_analyzer.outcome_of = vec![(arn.clone(), Outcome::Never)]);
        let of = run(stack, json!({"deadlineHours": 4})).await;
        assert_eq!(of.row(&arn)["status"], "overdue");
        assert_eq!(of.result()["complete"], json!(false));
        assert_eq!(of.rest("overdue").await, OutcomeStatus::Succeeded);
        assert!(of.jobs().iter().any(|job| job.principal == arn && job.state == State::Canceled));
    });
}
