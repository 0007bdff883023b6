//! IAM's access report over the organization, whole: from an inventory to the table.

mod faults;
mod jobs;
mod plan;
mod scale;
mod tables;
mod truth;
mod turns;

use std::collections::BTreeMap;
use std::sync::Arc;

use local_aws::access_reports::AccessReport;
use local_aws::{Settings, access_reports::AccessReportSettings};
use local_stack::LocalStack;
use local_states::{Execution, ExecutionStatus};
use models::{Kind, RunId};
use muster_tests::{Scenario, on_virtual_time, stack};
use serde_json::{Value, json};

use crate::inventory::{Row, rows};

/// An access report that was run to its end.
struct Access {
    stack: LocalStack,
    execution: Arc<Execution>,
}

/// A small organization with these switches of the report.
fn scenario(access_reports: AccessReportSettings) -> Scenario {
    let settings = Settings { access_reports, ..Settings::default() };
    Scenario { settings, accounts: 24, suspended_one_in: 9, ..Scenario::default() }
}

/// Runs an access report that makes its inventory first.
fn access(scenario: &Scenario, request: Value) -> Access {
    after(scenario, request, |_| {})
}

/// Runs an access report on a stack whose organization was changed since its inventory.
fn after(scenario: &Scenario, request: Value, change: impl FnOnce(&LocalStack)) -> Access {
    fastrand::seed(scenario.seed);
    on_virtual_time(async {
        let stack = stack(scenario);
        inventoried(&stack).await;
        change(&stack);
        run(stack, request).await
    })
}

/// Makes an inventory that is quick.
async fn inventoried(stack: &LocalStack) {
    let inventory = stack.start_inventory(json!({"effectivePolicies": "none"})).unwrap();
    assert_eq!(inventory.finished().await, ExecutionStatus::Succeeded, "{:?}", inventory.error());
}

async fn run(stack: LocalStack, request: Value) -> Access {
    let execution = stack.start_access_report(request).unwrap();
    execution.finished().await;
    Access { stack, execution }
}

impl Access {
    fn result(&self) -> Value {
        assert_eq!(self.execution.status(), ExecutionStatus::Succeeded, "{:?}", self.execution.error());
        self.execution.output().unwrap()["result"].clone()
    }

    /// Error and cause of a run that failed.
    fn error(&self) -> (String, String) {
        let error = self.execution.error().unwrap();
        (error.error, error.cause)
    }

    fn run_id(&self) -> RunId {
        self.execution.output().unwrap()["runId"].as_str().unwrap().parse().unwrap()
    }

    fn rows(&self, table: &str) -> Vec<Row> {
        rows(&self.stack, table)
    }

    /// How each item ended, with its error.
    fn outcomes(&self) -> BTreeMap<String, (String, String)> {
        let of_kind = |row: &Row| row["kind"] == Kind::OrganizationsAccessReport.as_str();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        self.rows("item_outcomes")
            .iter()
            .filter(|row| of_kind(row))
            .map(|row| (text(&row["item"]), (text(&row["status"]), text(&row["error"]))))
            .collect()
    }

    /// The jobs of all runs' own.
    fn jobs(&self) -> Vec<AccessReport> {
        own_jobs(&self.stack)
    }
}

fn own_jobs(stack: &LocalStack) -> Vec<AccessReport> {
    let jobs = stack.aws.access_reports().into_iter();
    jobs.filter(|job| job.caller.contains(":assumed-role/")).collect()
}

/// The role that orders reports.
fn report_role(stack: &LocalStack) -> String {
    let given = stack.resolved.parameters["AccessReportRoleArn"].as_str().unwrap_or_default();
    match given {
        "" => stack.resolved.resources["AccessReportRole"].arn.clone().unwrap(),
        arn => arn.to_owned(),
    }
}
