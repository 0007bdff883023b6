//! Every fault at every call of a run, after its inventory.

use std::time::Duration;

use local_aws::access_reports::{AccessReportOutcome, AccessReportSettings, ReportReaders};
use local_aws::lambda::Delivery;
use local_aws::{Fault, FaultRule, Settings};
use local_stack::LocalStack;
use local_states::ExecutionStatus;
use models::{JobRecord, Kind, OutcomeStatus};
use muster_tests::{Scenario, on_virtual_time, records, stack};
use serde_json::{Value, json};

use super::inventoried;
use crate::inventory::{Row, rows};

/// Small enough that a fault can be tried at every call: the root and two accounts, one of them slow.
fn small(readers: ReportReaders) -> Scenario {
    let takes = |seconds| AccessReportOutcome::Slow(Duration::from_secs(seconds));
    let mut outcomes = vec![takes(2); 20];
    outcomes[1] = takes(40);
    let access_reports = AccessReportSettings { outcomes, readers, ..AccessReportSettings::default() };
    let settings = Settings { access_reports, ..Settings::default() };
    Scenario { settings, accounts: 2, ..Scenario::default() }
}

fn by_name() -> Scenario {
    small(ReportReaders::BySessionName)
}

/// What is left when a run and the sweep have come to rest.
struct Rest {
    stack: LocalStack,
    status: ExecutionStatus,
    error: String,
    /// Calls of the inventory, before the run.
    before: usize,
}

impl Rest {
    fn record(&self) -> JobRecord {
        let mut records = records(&self.stack);
        records.retain(|record| record.kind == Kind::OrganizationsAccessReport);
        assert_eq!(records.len(), 1, "{}", self.error);
        records.remove(0)
    }

    fn outcome(&self) -> OutcomeStatus {
        self.record().outcome().unwrap_or_else(|| panic!("not closed: {}", self.error)).status
    }

    /// What must hold however a run ends.
    fn check(&self, context: &str) {
        let succeeded = self.outcome() == OutcomeStatus::Succeeded;
        let keys = |prefix: &str| self.stack.aws.storage().keys(self.stack.bucket(), prefix);
        assert_eq!(keys("open/"), Vec::<String>::new(), "{context}");
        assert_eq!(keys("tables/service_access/").is_empty(), !succeeded, "{context}");
        assert_eq!(keys("published/organizations-access-report/").is_empty(), !succeeded, "{context}");
        assert_eq!(keys("cursors/").is_empty(), !succeeded, "{context}");
    }
}

fn run(scenario: &Scenario, fault: Option<FaultRule>) -> Rest {
    fastrand::seed(scenario.seed);
    on_virtual_time(async {
        let stack = stack(&Scenario { delivery: Delivery::Once, ..scenario.clone() });
        inventoried(&stack).await;
        stack.aws.lambda().deliver(scenario.delivery);
        let before = stack.aws.calls().len();
        if let Some(fault) = fault {
            stack.aws.faults().add(fault);
        }
        let request = json!({"targets": ["root", "accounts"], "maxHours": 1});
        let execution = stack.start_access_report(request).unwrap();
        let status = execution.finished().await;
        let error = format!("{:?}", execution.error());
        tokio::time::sleep(Duration::from_secs(45 * 60)).await;
        Rest { stack, status, error, before }
    })
}

/// One fault after another of those that a test tries takes another part of the calls: each call of a
/// run meets one of them, and together they take minutes instead of an hour.
const PARTS: usize = 8;

/// Runs the scenario once for every [`PARTS`]-th call that its clean run makes after the inventory,
/// beginning with `part`, with the fault at that call.
fn at_calls(scenario: &Scenario, fault: Fault, times: u64, part: usize, check: impl Fn(&Rest, &str)) {
    let clean = run(scenario, None);
    clean.check("without a fault");
    let all = clean.stack.aws.calls();
    let calls = &all[clean.before..];
    assert!(calls.len() > 60, "{} calls are too few", calls.len());
    for (index, call) in calls.iter().enumerate().skip(part).step_by(PARTS) {
        let rule = FaultRule { fault, operation: None, nth: index as u64 + 1, times };
        let context = format!("{rule} ({} {})", call.function, call.action);
        let rest = run(scenario, Some(rule));
        rest.check(&context);
        check(&rest, &context);
    }
}

/// What was published, without what tells runs and moments apart.
fn published(rest: &Rest) -> Vec<(Value, Value, Value)> {
    let of = |row: Row| (row["item"].clone(), row["service_namespace"].clone(), row["conclusion"].clone());
    let mut found: Vec<_> = rows(&rest.stack, "service_access").into_iter().map(of).collect();
    found.sort_by_key(|row| format!("{row:?}"));
    found
}

/// One transient fault anywhere costs nothing but time: the same is found, once.
fn is_survived(scenario: &Scenario) -> impl Fn(&Rest, &str) + use<> {
    let expected = published(&run(scenario, None));
    move |rest, context| {
        assert_eq!(rest.outcome(), OutcomeStatus::Succeeded, "{context}: {}", rest.error);
        assert_eq!(rest.status, ExecutionStatus::Succeeded, "{context}: {}", rest.error);
        assert_eq!(published(rest), expected, "{context}");
    }
}

#[test]
fn one_transient_fault_anywhere_is_survived_whoever_may_read_a_report() {
    for (part, readers) in [ReportReaders::BySessionName, ReportReaders::ByToken].into_iter().enumerate() {
        let scenario = small(readers);
        let check = is_survived(&scenario);
        let faults = [Fault::Throttle, Fault::ServerErrorAfter, Fault::LostAnswer, Fault::Truncate];
        for (index, fault) in faults.into_iter().enumerate() {
            at_calls(&scenario, fault, 1, 2 * index + part, &check);
        }
    }
}

#[test]
fn one_crash_anywhere_is_survived_whoever_may_read_a_report() {
    for (part, readers) in [ReportReaders::BySessionName, ReportReaders::ByToken].into_iter().enumerate() {
        let scenario = small(readers);
        let check = is_survived(&scenario);
        for (index, fault) in [Fault::CrashBefore, Fault::CrashAfter].into_iter().enumerate() {
            at_calls(&scenario, fault, 1, 4 * index + 2 * part, &check);
        }
    }
}

#[test]
fn faults_that_outlast_the_sdks_retries_are_survived() {
    let check = is_survived(&by_name());
    for (index, fault) in [Fault::Throttle, Fault::Cut].into_iter().enumerate() {
        at_calls(&by_name(), fault, 7, 4 * index, &check);
    }
}

#[test]
fn being_denied_anywhere_ends_in_one_outcome_and_is_counted() {
    at_calls(&by_name(), Fault::Deny, 1, 3, |rest, context| {
        if rest.outcome() != OutcomeStatus::Succeeded {
            return;
        }
        let of_kind = |row: &&Row| row["kind"] == "organizations-access-report";
        let runs = rows(&rest.stack, "runs");
        let complete = runs.iter().find(of_kind).unwrap()["complete"] == json!(true);
        let outcomes = rows(&rest.stack, "item_outcomes");
        let failed = outcomes.iter().filter(of_kind).any(|row| row["status"] == "failed");
        assert!(!(complete && failed), "{context}: {outcomes:?}");
    });
}

#[test]
fn stopping_the_execution_at_any_call_ends_in_one_outcome() {
    for (index, fault) in [Fault::StopBefore, Fault::StopAfter].into_iter().enumerate() {
        at_calls(&by_name(), fault, 1, 4 * index + 1, |rest, context| {
            assert!(
                matches!(rest.status, ExecutionStatus::Aborted | ExecutionStatus::Succeeded),
                "{context}"
            );
        });
    }
}

#[test]
fn every_step_made_twice_finds_the_same() {
    let expected = published(&run(&by_name(), None));
    for delivery in [Delivery::Twice, Delivery::TwiceAtOnce] {
        let rest = run(&Scenario { delivery, ..by_name() }, None);
        rest.check(&format!("{delivery:?}"));
        assert_eq!(published(&rest), expected, "{delivery:?}");
    }
}
