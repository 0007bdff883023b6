//! What the declarative policies report uses.

use std::collections::BTreeSet;
use std::time::Duration;

use local_aws::ec2::Status;
use local_aws::iam::Use;
use local_aws::lambda::Delivery;
use local_aws::settings::ReportOutcome;
use local_aws::{Fault, FaultRule, Settings};
use local_stack::LocalStack;
use local_states::ExecutionStatus;
use muster_tests::{Scenario, on_virtual_time};
use serde_json::{Map, Value, json};

use super::runs::{Runs, SEEDS, at, scheduled, start};
use crate::stacks::BUCKET;

const REPORTS: Runs = Runs("ReportStateMachineArn");
/// When a report of these runs is at work.
const AT_WORK: Duration = Duration::from_secs(60);

/// How a run is to end.
type Expected = (&'static str, ExecutionStatus, Value, Scenario);

fn short() -> Settings {
    Settings { report_duration: Duration::from_secs(150), ..Settings::default() }
}

/// What a run can meet: together they take every path that calls AWS.
fn scenarios(deployed: &Scenario) -> Vec<Expected> {
    use ExecutionStatus::{Failed, Succeeded};
    let with = |settings: Settings| Scenario { settings, ..deployed.clone() };
    let tags: Map<String, Value> =
        (0..49).map(|number| (format!("{number}-{}", "k".repeat(100)), json!("v".repeat(256)))).collect();
    let never = || Settings { report_outcomes: vec![ReportOutcome::Never], ..short() };
    let unit = || json!({"targetId": "UNIT"});
    vec![
        ("a run", Succeeded, json!({}), with(short())),
        ("a dry run", Succeeded, json!({"dryRun": true}), with(short())),
        ("tags, many", Succeeded, json!({"tags": tags}), with(short())),
        ("a unit, by paths", Succeeded, unit(), with(short())),
        ("a unit, by the tree", Succeeded, unit(), with(Settings { account_paths: false, ..short() })),
        (
            "a failed report",
            Failed,
            json!({}),
            with(Settings { report_outcomes: vec![ReportOutcome::Error], ..short() }),
        ),
        ("overdue", Failed, json!({"deadlineHours": 1}), with(never())),
        (
            "no object",
            Failed,
            json!({}),
            with(Settings { report_outcomes: vec![ReportOutcome::NoObject], ..short() }),
        ),
        (
            "somebody else's report",
            Succeeded,
            json!({}),
            Scenario { in_the_way: Some(Duration::from_secs(600)), ..with(short()) },
        ),
        ("every step twice", Succeeded, json!({}), Scenario { delivery: Delivery::Twice, ..with(short()) }),
    ]
}

/// What is used by runs one after the other: other buckets, earlier reports, stops, resumes, schedules.
async fn one_after_the_other(scenario: &Scenario) -> LocalStack {
    use ExecutionStatus::Succeeded;
    let stack = start(scenario);
    if scenario.parameters.contains_key("ReportBucketArns") {
        REPORTS.run(&stack, "another bucket", json!({"s3Bucket": BUCKET}), Succeeded).await;
    }
    REPORTS.run(&stack, "first", json!({}), Succeeded).await;
    REPORTS.run(&stack, "young enough", json!({"maxAgeHours": 2}), Succeeded).await;
    scheduled(&stack).await;
    let stopped = REPORTS.stopped(&stack, json!({}), AT_WORK).await;
    assert!(stack.aws.reports().iter().all(|report| report.status != Status::Running));
    REPORTS.run(&stack, "resumed", json!({"resume": stopped, "retry": ["failed"]}), Succeeded).await;
    REPORTS.without_record(&stack, json!({}), AT_WORK).await;
    stack
}

/// Stopped, and closed by the sweep while the start step still tries to record its report: it puts the
/// marker, the record, the record with its attempt, and the record with its handle.
fn closed_while_it_is_recorded() -> Vec<FaultRule> {
    vec![
        at(Fault::StopAfter, "ec2:StartDeclarativePoliciesReport", 1, 1),
        at(Fault::Throttle, "s3:PutObject", 4, 1),
    ]
}

/// What the roles used over all of this.
pub(super) fn used(scenario: &Scenario) -> BTreeSet<Use> {
    let mut used = BTreeSet::new();
    for (name, expected, mut request, scenario) in scenarios(scenario) {
        used.extend(on_virtual_time(async {
            let stack = start(&scenario);
            if request["targetId"] == "UNIT" {
                let organization = stack.aws.organization();
                let unit = organization.accounts.iter().find(|it| it.parent.starts_with("ou-")).unwrap();
                request["targetId"] = json!(unit.parent);
            }
            REPORTS.run(&stack, name, request, expected).await;
            stack.aws.gate().used()
        }));
    }
    let scenario = Scenario { settings: short(), ..scenario.clone() };
    used.extend(REPORTS.with_a_fault_anywhere(&scenario, 1));
    for seed in SEEDS {
        used.extend(REPORTS.with_faults(&scenario, closed_while_it_is_recorded(), seed).0);
    }
    used.extend(REPORTS.stopped_between_marker_and_record(&scenario));
    used.extend(REPORTS.taken_up(&scenario, AT_WORK));
    used.extend(on_virtual_time(async { one_after_the_other(&scenario).await.aws.gate().used() }));
    used
}
