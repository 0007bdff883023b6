//! Runs of the whole machine on virtual time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use local_states::ExecutionStatus;
use models::OutcomeStatus;
use muster_tests::{Scenario, run};

#[test]
fn a_report_runs_from_its_request_to_its_record() {
    let rest = run(&Scenario::default());
    println!("{:#?}", rest.execution.output());
    println!("{:#?}", rest.execution.error());
    for call in rest.stack.aws.calls() {
        println!("{} {}", call.function, call.action);
    }
    rest.check("a good day");
    assert_eq!((rest.status, rest.outcome()), (ExecutionStatus::Succeeded, OutcomeStatus::Succeeded));
}
