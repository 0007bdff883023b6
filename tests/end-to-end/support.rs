//! A whole stack whose functions are processes.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use local_aws::FaultRule;
use local_clock::Clock;
use local_endpoint::{Endpoint, ProcessOptions, Processes, binaries};
use local_stack::LocalStack;
use muster_tests::{Rest, Scenario, rest, stack_options};

/// One at a time: time jumps when nobody is busy, and another test's processes would not count.
static BINARIES: LazyLock<PathBuf> = LazyLock::new(|| {
    runtime().block_on(binaries::build(&muster_tests::root())).expect("the binaries can be built")
});

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Runs a scenario of the declarative policies report with the real binaries to its end and lets
/// everything come to rest.
pub(crate) fn run(scenario: &Scenario) -> Rest {
    with_stack(scenario, async |stack| {
        if let Some(duration) = scenario.in_the_way {
            stack.aws.start_foreign_report(duration);
        }
        let execution = stack.start_report(scenario.request.clone()).unwrap();
        rest(stack, scenario, execution).await
    })
}

/// Does something with a stack of a scenario whose functions are the real binaries.
pub(crate) fn with_stack<T>(scenario: &Scenario, work: impl AsyncFnOnce(LocalStack) -> T) -> T {
    let binaries = BINARIES.clone();
    runtime().block_on(async {
        let clock = Clock::stepped(muster_tests::begin());
        let options = stack_options(scenario);
        let processes = ProcessOptions { binaries, logs: None };
        let runner = Arc::new(Processes::new(processes, &options.region));
        let stack = LocalStack::start_with(clock, options, Arc::<Processes>::clone(&runner)).unwrap();
        let endpoint = Endpoint::bind(&stack.aws, 0).await.unwrap();
        runner.connect(&endpoint.url());
        work(stack).await
    })
}

/// The same with a scenario in which one fault strikes.
pub(crate) fn with_fault<T>(rule: &str, scenario: Scenario, work: impl AsyncFnOnce(LocalStack) -> T) -> T {
    let faults: Vec<FaultRule> = vec![rule.parse().unwrap()];
    with_stack(&Scenario { faults, ..scenario }, work)
}
