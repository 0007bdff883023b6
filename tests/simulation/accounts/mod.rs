//! New accounts, whole: from a batch to accounts in their place, and to the table.

mod batches;
mod faults;
mod owners;
mod reasons;
mod scale;
mod stops;
mod turns;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use local_aws::Settings;
use local_aws::organization::{AccountRequest, OrganizationSettings};
use local_stack::{LocalStack, Topology};
use local_states::{Execution, ExecutionStatus};
use models::{JobRecord, Kind, OutcomeStatus};
use muster_tests::{Scenario, on_virtual_time, records, stack};
use serde_json::{Value, json};

use crate::inventory::{Row, rows};

const HOUR: Duration = Duration::from_secs(3_600);
/// What the sweep takes to end a run.
const SWEEPS: Duration = Duration::from_secs(45 * 60);
const CREATE: &str = "organizations:CreateAccount";

/// A run that has ended.
struct Made {
    stack: LocalStack,
    execution: Arc<Execution>,
}

/// A small organization that accounts may be made in, with these switches.
fn scenario(organization: OrganizationSettings) -> Scenario {
    let parameters = [("EnableAccountCreation".to_owned(), "true".to_owned())].into();
    let settings = Settings { organization, ..Settings::default() };
    Scenario { settings, accounts: 20, parameters, ..Scenario::default() }
}

fn plain() -> Scenario {
    scenario(OrganizationSettings::default())
}

/// So many accounts, for the first organizational unit.
fn batch(stack: &LocalStack, count: usize) -> Value {
    let unit = stack.aws.organization().units[0].id.clone();
    let account = |number| {
        json!({
            "email": format!("new-{number}@example.com"),
            "name": format!("New {number}"),
            "parent": unit,
            "tags": {"team": "data"},
        })
    };
    json!({"accounts": (1..=count).map(account).collect::<Vec<_>>()})
}

/// One account, with these members besides.
fn one(members: Value) -> Value {
    let mut account = json!({"email": "new-1@example.com", "name": "New 1"});
    account.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    json!({"accounts": [account]})
}

async fn run(stack: LocalStack, request: Value) -> Made {
    let execution = stack.start_accounts(request).unwrap();
    execution.finished().await;
    Made { stack, execution }
}

/// Makes so many accounts on a stack that was changed before.
fn make(scenario: &Scenario, count: usize, change: impl FnOnce(&LocalStack)) -> Made {
    fastrand::seed(scenario.seed);
    on_virtual_time(async {
        let stack = stack(scenario);
        change(&stack);
        let request = batch(&stack, count);
        run(stack, request).await
    })
}

/// Makes what a request says.
fn asked(scenario: &Scenario, request: Value, change: impl FnOnce(&LocalStack)) -> Made {
    fastrand::seed(scenario.seed);
    on_virtual_time(async {
        let stack = stack(scenario);
        change(&stack);
        run(stack, request).await
    })
}

/// The requests for accounts of a name that begins so, whoever asked.
fn requests(stack: &LocalStack, name: &str) -> Vec<AccountRequest> {
    let mut requests = stack.aws.organization().requests;
    requests.retain(|request| request.name.starts_with(name));
    requests
}

/// The records of runs of this kind.
fn own_records(stack: &LocalStack) -> Vec<JobRecord> {
    records(stack).into_iter().filter(|record| record.kind == Kind::OrganizationAccounts).collect()
}

/// The tags of an account, as anybody in the management account sees them.
fn tags(stack: &LocalStack, account: &str) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let mut request = json!({"ResourceId": account});
    loop {
        let page = stack.aws.organization_changed_by_others("ListTagsForResource", request.clone()).unwrap();
        let text = |tag: &Value, member: &str| tag[member].as_str().unwrap().to_owned();
        all.extend(page["Tags"].as_array().unwrap().iter().map(|tag| (text(tag, "Key"), text(tag, "Value"))));
        match page["NextToken"].as_str() {
            Some(token) => request["NextToken"] = json!(token),
            None => return all,
        }
    }
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

impl Made {
    fn result(&self) -> Value {
        assert_eq!(self.execution.status(), ExecutionStatus::Succeeded, "{:?}", self.execution.error());
        self.execution.output().unwrap()["result"].clone()
    }

    /// The name and the cause of the error of a run that failed.
    fn error(&self) -> (String, String) {
        assert_ne!(self.execution.status(), ExecutionStatus::Succeeded, "{:?}", self.execution.output());
        let error = self.execution.error().unwrap();
        (error.error, error.cause)
    }

    fn rows(&self) -> Vec<Row> {
        rows(&self.stack, "account_creations")
    }

    /// The row of an account, by its number in the batch.
    fn row(&self, number: usize) -> Row {
        let rows = self.rows();
        let name = format!("New {number}");
        rows.iter()
            .rfind(|row| row["name"] == name.as_str())
            .unwrap_or_else(|| panic!("{name}: {rows:?}"))
            .clone()
    }

    fn statuses(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for row in self.rows() {
            *counts.entry(row["status"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        counts
    }

    fn calls(&self, action: &str) -> usize {
        self.stack.aws.calls().iter().filter(|call| call.action == action).count()
    }

    /// Every account is there once, in its place, active, and with our tags.
    fn all_are_there(&self, count: usize, context: &str) {
        let organization = self.stack.aws.organization();
        let unit = &organization.units[0].id;
        for number in 1..=count {
            let email = format!("new-{number}@example.com");
            let accounts: Vec<_> = organization.accounts.iter().filter(|it| it.email == email).collect();
            assert_eq!(accounts.len(), 1, "{context}: {email}: {:?}", requests(&self.stack, "New"));
            assert_eq!((accounts[0].state, &accounts[0].parent), ("ACTIVE", unit), "{context}: {email}");
            let tags = tags(&self.stack, &accounts[0].id);
            assert!(tags.contains_key("muster:run-id") && tags.contains_key("muster:digest"), "{tags:?}");
        }
    }

    /// AWS was asked for each account once.
    fn nobody_is_asked_for_twice(&self, context: &str) {
        let requests = requests(&self.stack, "New");
        let mut names: Vec<_> = requests.iter().map(|it| &it.name).collect();
        names.sort();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count, "{context}: {requests:?}");
    }

    /// Never more than five were in progress, and never were two asked for in less than the turn of one.
    fn kept_to_the_rates(&self, spacing: i64, context: &str) {
        let all = self.stack.aws.organization().requests;
        let mut asked: Vec<Timestamp> =
            all.iter().filter(|it| it.name.starts_with("New")).map(|it| it.requested).collect();
        asked.sort();
        for pair in asked.windows(2) {
            let between = pair[1].duration_since(pair[0]);
            assert!(between.as_secs() >= spacing, "{context}: {between:#}");
        }
        for at in &asked {
            let open = |it: &&AccountRequest| it.requested <= *at && it.completed.is_none_or(|end| end > *at);
            let count = all.iter().filter(open).count();
            assert!(count <= 5, "{context}: {count} in progress");
        }
    }

    /// Lets a run and the sweep come to rest: the run has one outcome, and what is visible is whole.
    async fn rest(&self, context: &str) -> OutcomeStatus {
        tokio::time::sleep(SWEEPS).await;
        let records = own_records(&self.stack);
        assert_eq!(records.len(), 1, "{context}: {:?}", self.execution.error());
        let outcome = records[0].outcome();
        let outcome =
            outcome.unwrap_or_else(|| panic!("not closed: {context}: {:?}", self.execution.error()));
        let keys = |prefix: &str| self.stack.aws.storage().keys(self.stack.bucket(), prefix);
        assert_eq!(keys("open/"), Vec::<String>::new(), "{context}");
        let succeeded = outcome.status == OutcomeStatus::Succeeded;
        assert_eq!(keys("tables/account_creations/").is_empty(), !succeeded, "{context}");
        outcome.status
    }

    /// What came of the batch, but for what tells runs and moments apart.
    fn found(&self) -> Vec<String> {
        let own = ["run_id", "request_id", "account_id"];
        let mut found: Vec<_> = self
            .rows()
            .into_iter()
            .map(|mut row| {
                row.retain(|column, _| !column.ends_with("_at") && !own.contains(&column.as_str()));
                format!("{row:?}")
            })
            .collect();
        found.sort();
        found
    }
}

#[test]
fn every_account_of_a_batch_is_made_once_moved_to_its_place_and_active() {
    let of = make(&plain(), 7, |_| {});
    let result = of.result();
    assert_eq!((&result["created"], &result["complete"]), (&json!(7), &json!(true)), "{result}");
    assert_eq!(result["warnings"], json!([]));
    of.all_are_there(7, "");
    of.nobody_is_asked_for_twice("");
    of.kept_to_the_rates(20, "");
    let unit = of.stack.aws.organization().units[0].id.clone();
    for row in of.rows() {
        assert_eq!((&row["status"], &row["parent"]), (&json!("created"), &json!(unit)), "{row:?}");
        for column in ["request_id", "account_id", "requested_at", "completed_at", "active_at"] {
            assert!(!row[column].is_null(), "{column}: {row:?}");
        }
        let tags = tags(&of.stack, row["account_id"].as_str().unwrap());
        assert_eq!((&json!(tags["muster:digest"]), tags["team"].as_str()), (&row["digest"], "data"));
    }
}

#[test]
fn the_same_batch_again_finds_every_account_and_asks_for_none() {
    on_virtual_time(async {
        let stack = stack(&plain());
        let request = batch(&stack, 3);
        let of = run(stack, request.clone()).await;
        let of = run(of.stack, request).await;
        let result = of.result();
        assert_eq!((&result["created"], &result["found"]), (&json!(0), &json!(3)), "{result}");
        assert_eq!(of.calls(CREATE), 3);
        let row = of.row(1);
        assert!(!row["request_id"].is_null() && !row["active_at"].is_null(), "{row:?}");
    });
}

#[test]
fn a_delegated_stack_makes_accounts_with_the_write_role_of_the_management_account() {
    let of = make(&Scenario { topology: Topology::Delegated, ..plain() }, 3, |_| {});
    assert_eq!(of.result()["created"], 3, "{}", of.result());
    of.all_are_there(3, "delegated");
}

#[test]
fn lists_with_empty_pages_are_read_to_their_end_where_an_account_is_placed() {
    let mut scenario = plain();
    scenario.settings.empty_pages = true;
    let of = make(&scenario, 2, |_| {});
    assert_eq!(of.result()["created"], 2, "{}", of.result());
    of.all_are_there(2, "empty pages");
}

#[test]
fn a_stack_that_was_not_told_so_has_nothing_that_makes_accounts() {
    on_virtual_time(async {
        let stack = stack(&Scenario::default());
        assert!(!stack.resolved.outputs.contains_key("AccountsStateMachineArn"));
        let resources = &stack.resolved.resources;
        assert!(
            !["AccountsStart", "AccountsStartRole", "AccountsMachine"]
                .iter()
                .any(|it| resources.contains_key(*it))
        );
    });
}
