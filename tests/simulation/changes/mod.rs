//! Changes of the organization, whole: planned, applied by digest, proven, taken back.

mod cases;
mod faults;
mod meanwhile;
mod policies;
mod proof;
mod scale;
mod setup;
mod writers;

use std::sync::Arc;

use local_stack::LocalStack;
use local_states::{Execution, ExecutionStatus};
use muster_tests::{Scenario, on_virtual_time, stack};
use serde_json::{Value, json};

/// The machines of the kinds that change the organization, by the output that names them.
const SETUP: &str = "SetupStateMachineArn";
const POLICIES: &str = "PoliciesStateMachineArn";

/// A stack that may change everything.
fn scenario() -> Scenario {
    let enabled = ["EnablePolicyWrites", "EnableOrganizationSetup"];
    let parameters = enabled.map(|name| (name.to_owned(), "true".to_owned())).into();
    Scenario { accounts: 40, parameters, ..Scenario::default() }
}

/// Runs a future on a stack of a scenario.
fn on<T>(scenario: &Scenario, test: impl AsyncFnOnce(&LocalStack) -> T) -> T {
    fastrand::seed(scenario.seed);
    on_virtual_time(async {
        let stack = stack(scenario);
        test(&stack).await
    })
}

/// A run that has ended.
struct Ended(Arc<Execution>);

async fn run(stack: &LocalStack, machine: &str, request: Value) -> Ended {
    let execution = stack.aws.states().start(stack.output(machine), None, request).unwrap();
    execution.finished().await;
    Ended(execution)
}

impl Ended {
    /// What a run that succeeded has answered.
    fn output(&self) -> Value {
        self.0.output().unwrap_or_else(|| panic!("{:?}", self.0.error()))
    }

    fn result(&self) -> Value {
        self.output()["result"].clone()
    }

    fn run_id(&self) -> String {
        self.output()["runId"].as_str().unwrap().to_owned()
    }

    /// The name and the cause of the error of a run that failed.
    fn error(&self) -> (String, String) {
        assert_ne!(self.0.status(), ExecutionStatus::Succeeded, "{:?}", self.0.output());
        let error = self.0.error().unwrap();
        (error.error, error.cause)
    }
}

/// A plan, as its run has answered and kept it.
struct Planned {
    run: String,
    digest: String,
    plan: Value,
}

impl Planned {
    /// The calls with what they change, in their order.
    fn calls(&self) -> Vec<String> {
        let waves = self.plan["waves"].as_array().unwrap().iter();
        let changes = waves.flat_map(|wave| wave["changes"].as_array().unwrap());
        changes.map(|change| change["call"]["operation"].as_str().unwrap().to_owned()).collect()
    }

    fn warnings(&self) -> Vec<String> {
        serde_json::from_value(self.plan["warnings"].clone()).unwrap()
    }

    fn applied(&self) -> Value {
        json!({"apply": {"run": self.run, "digest": self.digest}})
    }
}

/// Makes a plan of a request.
async fn plan(stack: &LocalStack, machine: &str, request: Value) -> Planned {
    let ended = run(stack, machine, request).await;
    let result = ended.result();
    let plan = document(stack, result["plan"].as_str().unwrap());
    let digest = result["digest"].as_str().unwrap().to_owned();
    assert_eq!(plan["digest"], digest);
    Planned { run: ended.run_id(), digest, plan }
}

/// Makes a plan of a request and applies it.
async fn apply(stack: &LocalStack, machine: &str, request: Value) -> Ended {
    let planned = plan(stack, machine, request).await;
    run(stack, machine, planned.applied()).await
}

fn document(stack: &LocalStack, key: &str) -> Value {
    serde_json::from_slice(&stack.aws.storage().read(stack.bucket(), key).unwrap()).unwrap()
}

/// Writes an object in nobody's name.
fn put(stack: &LocalStack, key: &str, text: &str) {
    let storage = stack.aws.storage();
    storage.deliver(stack.bucket(), key, |out| out.write_all(text.as_bytes())).unwrap();
}

/// The calls with an effect that AWS has got, refused ones too.
fn writes(stack: &LocalStack) -> Vec<String> {
    let calls = stack.aws.calls().into_iter();
    let calls = calls.filter_map(|call| call.action.strip_prefix("organizations:").map(str::to_owned));
    calls.filter(|operation| !operation.starts_with("Describe") && !operation.starts_with("List")).collect()
}
