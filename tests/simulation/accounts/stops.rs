//! Runs that are stopped, swept and resumed: what they asked for is found, and asked for once.

use local_aws::{Fault, FaultRule};
use local_states::ExecutionStatus;
use models::OutcomeStatus;
use muster_tests::{on_virtual_time, stack};
use serde_json::json;

use super::{CREATE, Made, batch, own_records, plain, requests, run, until};

const COUNT: usize = 2;

/// Resumes the one run.
async fn resumed(of: Made) -> Made {
    let run_id = own_records(&of.stack)[0].run_id.clone();
    run(of.stack, json!({"resume": run_id, "retry": ["failed"]})).await
}

/// Stops a run at some of its calls, and resumes it.
fn stopped_at_calls(fault: Fault, from: usize) {
    let (calls, clean) = on_virtual_time(async {
        let stack = stack(&plain());
        let request = batch(&stack, COUNT);
        let of = run(stack, request).await;
        (of.stack.aws.calls().len(), of.found())
    });
    for nth in (from..=calls).step_by(7) {
        let rule = FaultRule { fault, operation: None, nth: nth as u64, times: 1 };
        let context = rule.to_string();
        on_virtual_time(async {
            let stack = stack(&plain());
            stack.aws.faults().add(rule);
            let request = batch(&stack, COUNT);
            let of = run(stack, request).await;
            if of.execution.status() == ExecutionStatus::Succeeded {
                return;
            }
            let outcome = of.rest(&context).await;
            let of = if outcome == OutcomeStatus::Succeeded { of } else { resumed(of).await };
            if outcome != OutcomeStatus::Succeeded {
                assert_eq!(
                    of.rest(&context).await,
                    OutcomeStatus::Succeeded,
                    "{context}: {:?}",
                    of.execution.error()
                );
                assert_eq!(of.result()["complete"], true, "{context}: {}", of.result());
            }
            assert_eq!(of.found(), clean, "{context}");
            of.all_are_there(COUNT, &context);
            of.nobody_is_asked_for_twice(&context);
        });
    }
}

#[test]
fn a_run_that_is_stopped_after_any_call_has_every_account_when_it_is_resumed() {
    stopped_at_calls(Fault::StopAfter, 1);
}

#[test]
fn a_run_that_is_stopped_during_any_call_has_every_account_when_it_is_resumed() {
    stopped_at_calls(Fault::StopBefore, 4);
}

#[test]
fn a_run_that_is_resumed_before_the_sweep_has_come_asks_for_nobody_twice() {
    on_virtual_time(async {
        let stack = stack(&plain());
        let request = batch(&stack, 4);
        let first = stack.start_accounts(request).unwrap();
        until(&stack, "a request", |stack| !requests(stack, "New").is_empty()).await;
        // Another execution takes the run over.
        let of = resumed(Made { stack, execution: first }).await;
        assert_eq!(of.result()["created"], 4, "{}", of.result());
        of.rest("taken over").await;
        of.all_are_there(4, "taken over");
        of.nobody_is_asked_for_twice("taken over");
    });
}

#[test]
fn a_run_that_was_stopped_asks_for_nothing_more() {
    on_virtual_time(async {
        let stack = stack(&plain());
        let request = batch(&stack, 6);
        let execution = stack.start_accounts(request).unwrap();
        until(&stack, "two requests", |stack| requests(stack, "New").len() == 2).await;
        stack.aws.states().stop(&execution.arn, None, None).unwrap();
        execution.finished().await;
        let of = Made { stack, execution };
        assert_eq!(of.rest("stopped").await, OutcomeStatus::Failed);
        assert_eq!(of.calls(CREATE), 2);
        let of = resumed(of).await;
        assert_eq!(of.result()["created"], 6, "{}", of.result());
        of.all_are_there(6, "resumed");
        of.nobody_is_asked_for_twice("resumed");
    });
}
