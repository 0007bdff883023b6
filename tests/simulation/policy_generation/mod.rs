//! Policies generated over the organization, whole: from an inventory to the tables.

mod access;
mod faults;
mod jobs;
mod principals;
mod quotas;
mod requests;
mod scale;
mod stops;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use local_aws::Settings;
use local_aws::access_analyzer::{AccessAnalyzerSettings, PolicyGeneration, PolicyGenerationState};
use local_aws::principals::{self as simulated, Member, PrincipalSettings};
use local_stack::LocalStack;
use local_states::{Execution, ExecutionStatus};
use models::{JobRecord, Kind, OutcomeStatus};
use muster_tests::{Scenario, on_virtual_time, records, stack};
use serde_json::{Value, json};

use crate::inventory::{Row, rows};

/// A generation of policies that was run to its end.
struct Generated {
    stack: LocalStack,
    execution: Arc<Execution>,
}

/// A small organization with these switches of Access Analyzer: three accounts and the management account.
fn scenario(access_analyzer: AccessAnalyzerSettings) -> Scenario {
    let principals = PrincipalSettings { number: 6, ..PrincipalSettings::default() };
    let settings = Settings { access_analyzer, principals, ..Settings::default() };
    Scenario { settings, accounts: 4, ..Scenario::default() }
}

/// Runs a generation that makes its inventory first.
fn generate(scenario: &Scenario, request: Value) -> Generated {
    fastrand::seed(scenario.seed);
    on_virtual_time(async { run(stack(scenario), request).await })
}

async fn run(stack: LocalStack, request: Value) -> Generated {
    let execution = stack.start_policy_generation(request).unwrap();
    execution.finished().await;
    Generated { stack, execution }
}

/// Two accounts besides the management account, with three principals each.
fn small(access_analyzer: AccessAnalyzerSettings) -> Scenario {
    let principals = PrincipalSettings { number: 4, idle_percent: 0, ..PrincipalSettings::default() };
    let settings = Settings { access_analyzer, principals, ..Settings::default() };
    Scenario { settings, accounts: 3, ..Scenario::default() }
}

const HOUR: Duration = Duration::from_secs(3_600);
/// What the sweep takes to end a run, and to look again at what an invocation may have started late.
const SWEEPS: Duration = Duration::from_secs(45 * 60);

/// A stack that has an inventory.
async fn inventoried(scenario: &Scenario) -> LocalStack {
    fastrand::seed(scenario.seed);
    let stack = stack(&Scenario { delivery: Default::default(), ..scenario.clone() });
    let inventory = stack.start_inventory(json!({"effectivePolicies": "none"})).unwrap();
    assert_eq!(inventory.finished().await, ExecutionStatus::Succeeded, "{:?}", inventory.error());
    stack.aws.lambda().deliver(scenario.delivery);
    stack
}

/// Waits until something has come to pass, up to a day.
async fn until(stack: &LocalStack, what: &str, has: impl Fn(&LocalStack) -> bool) {
    let clock = stack.aws.clock();
    let begun = clock.now();
    while !has(stack) {
        assert!(clock.now().duration_since(begun).as_hours() < 24, "{what} within a day");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The records of runs of this kind.
fn own_records(stack: &LocalStack) -> Vec<JobRecord> {
    let all = records(stack).into_iter();
    all.filter(|record| record.kind == Kind::PolicyGeneration).collect()
}

/// The active accounts of an organization but the management account.
fn members(stack: &LocalStack) -> Vec<String> {
    let organization = stack.aws.organization();
    let accounts = organization.accounts.iter().filter(|account| account.state == "ACTIVE");
    let members = accounts.filter(|account| account.id != organization.management_account);
    members.map(|account| account.id.clone()).collect()
}

/// The roles and users of an account that policies can be generated for.
fn principals_of(scenario: &Scenario, stack: &LocalStack, account: &str) -> Vec<Member> {
    let organization = stack.aws.organization();
    let account = organization.accounts.iter().find(|it| it.id == account).unwrap();
    let mut all = simulated::of_account(&organization, account, "aws", &scenario.settings.principals);
    all.retain(|member| !member.is_service_linked());
    all
}

/// The generations that run at this moment, whoever ordered them.
fn running(stack: &LocalStack) -> Vec<PolicyGeneration> {
    let mut jobs = stack.aws.policy_generations();
    jobs.retain(|job| job.state == PolicyGenerationState::InProgress);
    jobs
}

impl Generated {
    fn result(&self) -> Value {
        assert_eq!(self.execution.status(), ExecutionStatus::Succeeded, "{:?}", self.execution.error());
        self.execution.output().unwrap()["result"].clone()
    }

    fn rows(&self, table: &str) -> Vec<Row> {
        rows(&self.stack, table)
    }

    /// How many principals ended how.
    fn statuses(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for row in self.rows("generated_policies") {
            *counts.entry(row["status"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        counts
    }

    /// The causes of items that ended so.
    fn causes(&self, status: &str) -> Vec<String> {
        let outcomes = self.rows("item_outcomes");
        let ended = outcomes.iter().filter(|row| row["status"] == status);
        ended.map(|row| row["cause"].as_str().unwrap_or_default().to_owned()).collect()
    }

    fn jobs(&self) -> Vec<PolicyGeneration> {
        self.stack.aws.policy_generations()
    }

    /// The row of a principal.
    fn row(&self, arn: &str) -> Row {
        let rows = self.rows("generated_policies");
        rows.iter()
            .find(|row| row["principal_arn"] == arn)
            .unwrap_or_else(|| panic!("{arn}: {rows:?}"))
            .clone()
    }

    /// How often a function of this kind made a call.
    fn calls(&self, action: &str) -> usize {
        self.stack.aws.calls().iter().filter(|call| call.action == action).count()
    }

    /// What all of the run has found, but for what tells runs, jobs and moments apart.
    fn found(&self) -> Vec<String> {
        let moments = ["run_id", "job_id", "documents", "window_days", "no_activity_since"];
        let mut found = Vec::new();
        for table in ["generated_policies", "principal_access"] {
            for mut row in self.rows(table) {
                row.retain(|column, _| !column.ends_with("_at") && !moments.contains(&column.as_str()));
                found.push(format!("{table} {row:?}"));
            }
        }
        found.sort();
        found
    }

    /// Lets a run and the sweep come to rest, after which must hold, however the run ended: it has one
    /// outcome, what is visible is whole, and nothing runs.
    async fn rest(&self, context: &str) -> OutcomeStatus {
        tokio::time::sleep(SWEEPS).await;
        let running = running(&self.stack);
        assert!(running.is_empty(), "{context}: {running:?}");
        let records = own_records(&self.stack);
        assert_eq!(records.len(), 1, "{context}: {:?}", self.execution.error());
        let outcome = records[0].outcome();
        let outcome =
            outcome.unwrap_or_else(|| panic!("not closed: {context}: {:?}", self.execution.error()));
        let succeeded = outcome.status == OutcomeStatus::Succeeded;
        let keys = |prefix: &str| self.stack.aws.storage().keys(self.stack.bucket(), prefix);
        assert_eq!(keys("open/"), Vec::<String>::new(), "{context}");
        assert_eq!(keys("tables/generated_policies/").is_empty(), !succeeded, "{context}");
        assert_eq!(keys("published/policy-generation/").is_empty(), !succeeded, "{context}");
        outcome.status
    }

    /// Every generation was of another principal.
    fn nobody_is_generated_twice(&self, context: &str) {
        let mut principals: Vec<_> = self.jobs().into_iter().map(|job| job.principal).collect();
        let count = principals.len();
        principals.sort();
        principals.dedup();
        assert_eq!(principals.len(), count, "{context}: {:?}", self.jobs());
    }
}

#[test]
fn every_principal_with_activity_has_a_policy_and_every_other_says_why_not() {
    let of = generate(&scenario(AccessAnalyzerSettings::default()), json!({}));
    let result = of.result();
    assert_eq!(result["complete"], json!(true), "{result}");
    assert_eq!((&result["accountsRead"], &result["managementAccount"]), (&json!(3), &json!("excluded")));
    let statuses = of.statuses();
    assert_eq!(statuses.keys().collect::<Vec<_>>(), ["generated", "no_activity"], "{statuses:?}");
    assert_eq!(of.jobs().len(), statuses["generated"]);
    for row in of.rows("generated_policies").iter().filter(|row| row["status"] == "generated") {
        let key = row["documents"].as_str().unwrap_or_else(|| panic!("{row:?}"));
        let kept = of.stack.aws.storage().read(of.stack.bucket(), key).unwrap();
        let kept: Value = serde_json::from_slice(&kept).unwrap();
        assert_eq!(kept["principal"]["arn"], row["principal_arn"]);
        for policy in kept["generated"]["policies"].as_array().unwrap() {
            let policy: Value = serde_json::from_str(policy.as_str().unwrap()).unwrap();
            assert!(policy["Statement"].is_array(), "{policy}");
        }
    }
    assert!(of.rows("principal_access").len() > statuses["generated"]);
}

#[test]
fn a_second_run_asks_for_nothing_that_still_counts() {
    on_virtual_time(async {
        let stack = stack(&scenario(AccessAnalyzerSettings::default()));
        let first = run(stack, json!({})).await;
        let ordered = first.jobs().len();
        assert!(ordered > 5, "{ordered}");
        let second = run(first.stack, json!({})).await;
        assert_eq!(second.jobs().len(), ordered);
        assert_eq!(second.result()["validPolicyExists"], json!(ordered), "{}", second.result());
        let third = run(second.stack, json!({"validDays": 0})).await;
        assert_eq!(third.jobs().len(), 2 * ordered);
    });
}
