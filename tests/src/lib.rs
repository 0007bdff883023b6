//! A whole stack on virtual time, and what must hold however a run ends.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "this crate is tests")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use local_aws::aws::Call;
use local_aws::ec2::{Report, Status};
use local_aws::lambda::Delivery;
use local_aws::organization::Shape;
use local_aws::{Fault, FaultRule, Settings};
use local_clock::Clock;
use local_stack::{LocalStack, MemberRoles, StackOptions, Topology};
use local_states::{Execution, ExecutionStatus};
use models::{JobRecord, OutcomeStatus, Phase};
use serde_json::{Value, json};

/// One run of the declarative policies report, and what it meets.
#[derive(Debug, Clone)]
pub struct Scenario {
    pub request: Value,
    pub settings: Settings,
    pub faults: Vec<FaultRule>,
    pub seed: u64,
    pub accounts: usize,
    pub topology: Topology,
    pub member_roles: MemberRoles,
    pub regions: usize,
    /// Whether the stack's account is in no organization yet.
    pub standalone: bool,
    /// One account in so many cannot be read by the status report; 0 is none.
    pub unreadable_one_in: usize,
    /// One account in so many is suspended; 0 is none.
    pub suspended_one_in: usize,
    /// Values of the template's parameters.
    pub parameters: BTreeMap<String, String>,
    /// How often every step is made.
    pub delivery: Delivery,
    /// Somebody else's report that is in the way for so long.
    pub in_the_way: Option<Duration>,
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            request: json!({}),
            settings: Settings::default(),
            faults: Vec::new(),
            seed: 1,
            accounts: 12,
            topology: Topology::Management,
            member_roles: MemberRoles::default(),
            regions: 3,
            standalone: false,
            unreadable_one_in: 0,
            suspended_one_in: 0,
            parameters: BTreeMap::new(),
            delivery: Delivery::Once,
            in_the_way: None,
        }
    }
}

/// What is left when everything has come to rest.
#[derive(Debug)]
pub struct Rest {
    pub stack: LocalStack,
    pub execution: Arc<Execution>,
    pub status: ExecutionStatus,
    /// The records of all runs.
    pub records: Vec<JobRecord>,
    /// Whether a report of ours still ran one sweep after the end.
    ran_on: bool,
    /// Whether something stood in the sweep's own way: a fault, or a report that shows late.
    hindered: bool,
}

/// The repository's root.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// When every scenario begins.
pub fn begin() -> jiff::Timestamp {
    "2026-11-21T06:30:00Z".parse().unwrap()
}

impl Scenario {
    /// How large the organization is.
    pub fn shape(&self) -> Shape {
        Shape {
            accounts: self.accounts,
            regions: self.regions,
            standalone: self.standalone,
            seed: self.seed,
            unreadable_one_in: self.unreadable_one_in,
            suspended_one_in: self.suspended_one_in,
            ..Shape::default()
        }
    }
}

/// What a stack of this scenario begins with.
pub fn stack_options(scenario: &Scenario) -> StackOptions {
    StackOptions {
        name: "muster".into(),
        region: "eu-central-1".into(),
        shape: scenario.shape(),
        settings: scenario.settings.clone(),
        faults: scenario.faults.clone(),
        topology: scenario.topology,
        member_roles: scenario.member_roles.clone(),
        parameters: scenario.parameters.clone(),
        folder: None,
        root: root(),
    }
}

/// A stack of this scenario, on the runtime's paused time.
pub fn stack(scenario: &Scenario) -> LocalStack {
    let clock = Clock::virtual_time(begin());
    let options = stack_options(scenario);
    let stack = LocalStack::start(clock, options).unwrap();
    stack.aws.lambda().deliver(scenario.delivery);
    if let Some(duration) = scenario.in_the_way {
        stack.aws.start_foreign_report(duration);
    }
    stack
}

/// One interval of the sweep, and what it takes to do its work.
const ONE_SWEEP: Duration = Duration::from_secs(16 * 60);

/// How long the sweep may take when something stands in its own way: another interval for a call
/// that failed, another for a report that only showed after it.
const REST: Duration = Duration::from_secs(45 * 60);

/// Lets everything come to rest after an execution. Whatever of ours still runs then does not end by
/// itself: that it ends is the sweep's doing.
pub async fn rest(stack: LocalStack, scenario: &Scenario, execution: Arc<Execution>) -> Rest {
    let status = execution.finished().await;
    stack.aws.hold_reports();
    let clock = stack.aws.clock().clone();
    clock.sleep(ONE_SWEEP).await;
    let ran_on = ours(&stack).iter().any(|report| report.status == Status::Running);
    clock.sleep(REST - ONE_SWEEP).await;
    let records = records(&stack);
    let hindered = !scenario.faults.is_empty() || !scenario.settings.describe_lag.is_zero();
    Rest { stack, execution, status, records, ran_on, hindered }
}

/// The reports that this stack started, of whatever run.
fn ours(stack: &LocalStack) -> Vec<Report> {
    stack.aws.reports().into_iter().filter(|report| report.bucket == stack.bucket()).collect()
}

/// Runs a future on a runtime of its own whose time is virtual.
pub fn on_virtual_time<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(future)
}

/// Runs a scenario to its end and lets everything come to rest.
pub fn run(scenario: &Scenario) -> Rest {
    // The SDK's backoff is drawn from this generator: seeded, a run is the same every time.
    fastrand::seed(scenario.seed);
    on_virtual_time(async {
        let stack = stack(scenario);
        let execution = stack.start_report(scenario.request.clone()).unwrap();
        rest(stack, scenario, execution).await
    })
}

/// A fault at every so manieth call of a run that made these, beginning with this one; each with what tells
/// of it.
pub fn faults_at(
    calls: &[Call],
    fault: Fault,
    times: u64,
    (from, step): (usize, usize),
) -> impl Iterator<Item = (FaultRule, String)> {
    assert!(calls.len() > 60, "{} calls are too few", calls.len());
    calls.iter().enumerate().skip(from).step_by(step).map(move |(index, call)| {
        let rule = FaultRule { fault, operation: None, nth: index as u64 + 1, times };
        let context = format!("{rule} ({} {})", call.function, call.action);
        (rule, context)
    })
}

/// Waits until the first run's item is closed.
pub async fn closed(stack: &LocalStack) {
    while records(stack)[0].outcome().is_none() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// The records of all runs in the stack's bucket.
pub fn records(stack: &LocalStack) -> Vec<JobRecord> {
    let storage = stack.aws.storage();
    storage
        .keys(stack.bucket(), "runs/")
        .into_iter()
        .filter(|key| key.contains("/jobs/"))
        .map(|key| serde_json::from_slice(&storage.read(stack.bucket(), &key).unwrap()).unwrap())
        .collect()
}

impl Rest {
    pub fn keys(&self, prefix: &str) -> Vec<String> {
        self.stack.aws.storage().keys(self.stack.bucket(), prefix)
    }

    /// The reports that this stack started, of whatever run.
    pub fn ours(&self) -> Vec<Report> {
        ours(&self.stack)
    }

    /// The evidence of the run, as it lies beside its tables.
    pub fn summary(&self) -> Value {
        let output = self.execution.output().unwrap_or_else(|| panic!("{:?}", self.execution.error()));
        let key = output["result"]["summary"].as_str().unwrap().to_owned();
        let text = self.stack.aws.storage().read(self.stack.bucket(), &key).unwrap();
        serde_json::from_slice(&text).unwrap()
    }

    /// The one outcome.
    pub fn outcome(&self) -> OutcomeStatus {
        self.records[0].outcome().unwrap().status
    }

    /// What must hold however a run ends.
    pub fn check(&self, context: &str) {
        let context = || {
            let history = self.execution.history();
            let trail: Vec<_> = history.events().iter().map(|event| event.name).collect();
            format!(
                "{context}\nstatus {:?}\nerror {:?}\ntrail {trail:?}\nrecords {:#?}",
                self.status,
                self.execution.error(),
                self.records
            )
        };
        assert_eq!(self.records.len(), 1, "one run has one record: {}", context());
        let record = &self.records[0];
        let Phase::Closed { outcome, .. } = &record.phase else {
            panic!("the record is not closed: {}", context())
        };
        let ours = self.ours();
        assert!(ours.len() <= 1, "at most one report is started: {ours:#?} {}", context());
        let running = ours.iter().any(|report| report.status == Status::Running);
        assert!(!running, "nothing of ours runs on: {ours:#?} {}", context());
        assert!(!self.ran_on || self.hindered, "it ends within one sweep: {ours:#?} {}", context());
        assert_eq!(self.keys("open/"), Vec::<String>::new(), "no marker is left: {}", context());
        let visible = self.keys("tables/");
        match outcome.status {
            OutcomeStatus::Succeeded => {
                let manifest = format!("runs/{}/manifest.json", record.run_id);
                let manifest = self.stack.aws.storage().read(self.stack.bucket(), &manifest);
                let manifest: Value =
                    serde_json::from_slice(&manifest.unwrap_or_else(|| panic!("no manifest: {}", context())))
                        .unwrap();
                let published: Vec<_> = manifest["files"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|file| file["key"].as_str().unwrap().to_owned())
                    .collect();
                let mut sorted = published.clone();
                sorted.sort();
                assert_eq!(visible, sorted, "a succeeded run is published whole: {}", context());
            }
            _ => {
                assert_eq!(visible, Vec::<String>::new(), "an unsuccessful run is not visible: {}", context())
            }
        }
        let succeeded = matches!(outcome.status, OutcomeStatus::Succeeded | OutcomeStatus::Skipped);
        match self.status {
            ExecutionStatus::Succeeded => assert!(succeeded, "{}", context()),
            // The machine could not learn of the success, or was stopped after it.
            ExecutionStatus::Failed | ExecutionStatus::Aborted | ExecutionStatus::TimedOut => {}
            ExecutionStatus::Running => panic!("still running: {}", context()),
        }
    }
}
