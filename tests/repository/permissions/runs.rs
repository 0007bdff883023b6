//! Runs of a kind, and what they used.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use local_aws::iam::Use;
use local_aws::s3::Bucket;
use local_aws::{Fault, FaultRule};
use local_stack::LocalStack;
use local_states::{Execution, ExecutionStatus};
use models::RunId;
use muster_tests::{Scenario, on_virtual_time, stack};
use serde_json::{Value, json};

use crate::stacks::BUCKET;

/// The SDK's pauses between attempts are drawn: with some of these the sweep comes first. The
/// organization stays the same: another one has other accounts, and so other roles and buckets.
pub(super) const SEEDS: std::ops::RangeInclusive<u64> = 1..=8;

/// Calls that a run begins with.
const BEGINNING: u64 = 20;

/// What the sweep needs for two of its turns.
const REST: Duration = Duration::from_secs(45 * 60);

/// A stack of this scenario, with the bucket of another team.
pub(super) fn start(scenario: &Scenario) -> LocalStack {
    let stack = stack(scenario);
    let bucket = Bucket {
        owner: stack.aws.account().to_owned(),
        region: stack.aws.region().to_owned(),
        policy: None,
        kms_key: scenario.parameters.get("KmsKeyArn").cloned(),
    };
    stack.aws.storage().create_bucket(BUCKET, bucket).unwrap();
    stack
}

/// Whatever comes after a run.
pub(super) async fn rest() {
    tokio::time::sleep(REST).await;
}

/// Waits until an operation was called.
pub(super) async fn called(stack: &LocalStack, action: &str) {
    while !stack.aws.calls().iter().any(|call| call.action == action) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub(super) fn at(fault: Fault, operation: &str, nth: u64, times: u64) -> FaultRule {
    FaultRule { fault, operation: Some(operation.to_owned()), nth, times }
}

/// The run that an execution works at.
pub(super) fn run_of(stack: &LocalStack, execution: &Execution) -> RunId {
    let records = muster_tests::records(stack);
    let record = records.into_iter().find(|it| it.execution.as_deref() == Some(&execution.arn));
    record.unwrap_or_else(|| panic!("{} has no record", execution.arn)).run_id
}

/// The kind whose machine is this output of the stack.
#[derive(Debug, Clone, Copy)]
pub(super) struct Runs(pub(super) &'static str);

impl Runs {
    pub(super) fn start(self, stack: &LocalStack, request: Value) -> Arc<Execution> {
        stack.aws.states().start(stack.output(self.0), None, request).unwrap()
    }

    /// Runs a request to its end, and whatever comes after it.
    pub(super) async fn run(self, stack: &LocalStack, name: &str, request: Value, expected: ExecutionStatus) {
        let execution = self.start(stack, request);
        let status = execution.finished().await;
        assert_eq!(status, expected, "{name}: {:?}", execution.error());
        rest().await;
    }

    /// Stops a run after so long, and lets the sweep close it.
    pub(super) async fn stopped(self, stack: &LocalStack, request: Value, after: Duration) -> RunId {
        let execution = self.start(stack, request);
        tokio::time::sleep(after).await;
        stack.aws.states().stop(&execution.arn, None, None).unwrap();
        rest().await;
        run_of(stack, &execution)
    }

    /// A run whose records are removed while it goes on.
    pub(super) async fn without_record(self, stack: &LocalStack, request: Value, after: Duration) {
        let execution = self.start(stack, request);
        tokio::time::sleep(after).await;
        for key in stack.aws.storage().keys(stack.bucket(), "runs/") {
            stack.aws.storage().delete(stack.bucket(), &key).unwrap();
        }
        assert_eq!(execution.finished().await, ExecutionStatus::Failed);
    }

    /// What is used by one run of a scenario's request that meets faults, and after it; with the number
    /// of its calls.
    pub(super) fn with_faults(
        self,
        scenario: &Scenario,
        faults: Vec<FaultRule>,
        seed: u64,
    ) -> (BTreeSet<Use>, u64) {
        let scenario = Scenario { faults, ..scenario.clone() };
        fastrand::seed(seed);
        on_virtual_time(async {
            let stack = start(&scenario);
            self.start(&stack, scenario.request.clone()).finished().await;
            rest().await;
            (stack.aws.gate().used(), stack.aws.calls().len() as u64)
        })
    }

    /// What is used to go on, or to close a run, after a crash or a stop at any call; after those that
    /// begin a run, at every `step`-th. How such runs end is the simulation's to test.
    pub(super) fn with_a_fault_anywhere(self, scenario: &Scenario, step: u64) -> BTreeSet<Use> {
        let (mut used, calls) = self.with_faults(scenario, Vec::new(), 1);
        assert!(calls > 20, "{calls} calls are too few to be a run");
        for (fault, times) in [(Fault::CrashAfter, 3), (Fault::StopAfter, 1)] {
            for nth in (1..=calls).filter(|nth| *nth <= BEGINNING || nth % step == 0) {
                let rule = FaultRule { fault, operation: None, nth, times };
                used.extend(self.with_faults(scenario, vec![rule], 1).0);
            }
        }
        used
    }

    /// What is used when a run is stopped between its marker and its record; the function that closes
    /// it fails, and the sweep sees a marker.
    pub(super) fn stopped_between_marker_and_record(self, scenario: &Scenario) -> BTreeSet<Use> {
        let faults = || {
            vec![
                at(Fault::StopAfter, "s3:PutObject", 1, 1),
                at(Fault::CrashBefore, "s3:PutObject", 2, 1),
                at(Fault::CrashBefore, "s3:ListObjectsV2", 1, 1),
            ]
        };
        SEEDS.flat_map(|seed| self.with_faults(scenario, faults(), seed).0).collect()
    }

    /// What is used by a run that is stopped, and taken up while it is being closed: its marker is put
    /// back.
    pub(super) fn taken_up(self, scenario: &Scenario, after: Duration) -> BTreeSet<Use> {
        let faults = vec![at(Fault::Throttle, "s3:DeleteObject", 1, 2)];
        let scenario = Scenario { faults, ..scenario.clone() };
        let mut used = BTreeSet::new();
        for seed in SEEDS {
            fastrand::seed(seed);
            used.extend(on_virtual_time(async {
                let stack = start(&scenario);
                let execution = self.start(&stack, scenario.request.clone());
                tokio::time::sleep(after).await;
                stack.aws.states().stop(&execution.arn, None, None).unwrap();
                muster_tests::closed(&stack).await;
                let resumed = json!({"resume": run_of(&stack, &execution), "retry": ["failed"]});
                self.run(&stack, "taken up", resumed, ExecutionStatus::Succeeded).await;
                stack.aws.gate().used()
            }));
        }
        used
    }
}

/// What schedules use that are on: a time that is delivered twice.
pub(super) async fn scheduled(stack: &LocalStack) {
    let due = "2026-11-22T03:00:00Z".parse().unwrap();
    for execution in [stack.deliver_schedule(due).unwrap(), stack.deliver_schedule(due).unwrap()].concat() {
        assert_eq!(execution.finished().await, ExecutionStatus::Succeeded, "{:?}", execution.error());
    }
}
