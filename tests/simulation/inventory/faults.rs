//! An inventory that meets something.

use std::collections::BTreeMap;
use std::time::Duration;

use local_aws::lambda::{Delivery, FunctionConfig};
use local_aws::organization::Policy;
use local_aws::{Fault, FaultRule, Settings};
use local_stack::LocalStack;
use local_states::{Execution, ExecutionStatus};
use models::{LaneRecord, OutcomeStatus, keys};
use muster_tests::{Scenario, on_virtual_time, records, stack};
use serde_json::{Value, json};

use super::{Row, inventory, rows};

/// Small enough that a fault can be tried at every call.
fn small() -> Scenario {
    Scenario { accounts: 9, ..Scenario::default() }
}

fn at(fault: Fault, nth: u64) -> FaultRule {
    FaultRule { fault, operation: None, nth, times: 1 }
}

/// What is left when a run and the sweep have come to rest.
struct Rest {
    stack: LocalStack,
    status: ExecutionStatus,
    error: String,
}

impl Rest {
    fn outcome(&self) -> OutcomeStatus {
        self.records()[0].outcome().unwrap().status
    }

    fn records(&self) -> Vec<models::JobRecord> {
        records(&self.stack)
    }

    /// What must hold however a run ends.
    fn check(&self, context: &str) {
        let records = self.records();
        assert_eq!(records.len(), 1, "{context}");
        let outcome = records[0].outcome().unwrap_or_else(|| panic!("not closed: {context}, {}", self.error));
        let keys = |prefix: &str| self.stack.aws.storage().keys(self.stack.bucket(), prefix);
        assert_eq!(keys("open/"), Vec::<String>::new(), "{context}");
        assert_eq!(keys("tables/").is_empty(), outcome.status != OutcomeStatus::Succeeded, "{context}");
        assert_eq!(keys("published/").is_empty(), outcome.status != OutcomeStatus::Succeeded, "{context}");
    }
}

fn run(scenario: &Scenario) -> Rest {
    fastrand::seed(scenario.seed);
    on_virtual_time(async {
        let stack = stack(scenario);
        let execution = stack.start_inventory(scenario.request.clone()).unwrap();
        rest(stack, &execution).await
    })
}

async fn rest(stack: LocalStack, execution: &Execution) -> Rest {
    let status = execution.finished().await;
    let error = format!("{:?}", execution.error());
    tokio::time::sleep(Duration::from_secs(45 * 60)).await;
    Rest { stack, status, error }
}

/// Both have published the same, but for what tells runs apart.
fn same(stack: &LocalStack, other: &LocalStack, context: &str) {
    for table in [
        "accounts",
        "account_requests",
        "organization_units",
        "roots",
        "policy_types",
        "policies",
        "policy_attachments",
        "effective_policies",
        "effective_policy_errors",
    ] {
        let of = |stack| -> Vec<Row> {
            let mut rows = rows(stack, table);
            for row in &mut rows {
                row.retain(|column, _| !["run_id", "read_at"].contains(&column.as_str()));
            }
            rows.sort_by_cached_key(|row| format!("{row:?}"));
            rows
        };
        assert_eq!(of(stack), of(other), "{table}: {context}");
    }
}

/// Runs an inventory once for each of the calls that its clean run makes (every `step`-th, beginning
/// with `from`), with the fault at that call.
fn at_calls(fault: Fault, from: usize, step: usize, check: impl Fn(&Rest, &Rest, &str)) {
    let clean = run(&small());
    clean.check("without a fault");
    let calls = clean.stack.aws.calls();
    assert!(calls.len() > 60, "{} calls are too few", calls.len());
    for (index, call) in calls.iter().enumerate().skip(from).step_by(step) {
        let rule = at(fault, index as u64 + 1);
        let context = format!("{rule} ({} {})", call.function, call.action);
        let rest = run(&Scenario { faults: vec![rule], ..small() });
        rest.check(&context);
        check(&rest, &clean, &context);
    }
}

/// One transient fault anywhere costs nothing but time: the same is found.
fn is_survived(rest: &Rest, clean: &Rest, context: &str) {
    assert_eq!(rest.outcome(), OutcomeStatus::Succeeded, "{context}: {}", rest.error);
    assert_eq!(rest.status, ExecutionStatus::Succeeded, "{context}: {}", rest.error);
    same(&rest.stack, &clean.stack, context);
    let outcomes = rows(&rest.stack, "item_outcomes");
    assert!(outcomes.iter().all(|row| row["status"] != "failed"), "{context}: {outcomes:?}");
}

#[test]
fn one_transient_fault_anywhere_is_survived() {
    let faults = [Fault::Throttle, Fault::ServerErrorAfter, Fault::LostAnswer, Fault::Truncate, Fault::Cut];
    for (from, fault) in faults.into_iter().enumerate() {
        at_calls(fault, from, faults.len(), is_survived);
    }
}

#[test]
fn one_crash_anywhere_is_survived() {
    for (from, fault) in [Fault::CrashBefore, Fault::CrashAfter].into_iter().enumerate() {
        at_calls(fault, from, 2, is_survived);
    }
}

#[test]
fn being_denied_anywhere_ends_in_one_outcome_and_is_counted() {
    at_calls(Fault::Deny, 0, 2, |rest, _, context| {
        if rest.outcome() != OutcomeStatus::Succeeded {
            return;
        }
        let complete = rows(&rest.stack, "runs")[0]["complete"] == json!(true);
        let failed = rows(&rest.stack, "item_outcomes").iter().any(|row| row["status"] == "failed");
        let unreadable =
            rows(&rest.stack, "effective_policies").iter().any(|row| row["status"] == "unreadable");
        let unknown = rows(&rest.stack, "policies").iter().any(|row| row["error"].is_string());
        // A single read that was refused is made again where others of its kind succeed.
        assert!(!complete || !(failed || unreadable || unknown), "{context}: a gap that is not counted");
    });
}

#[test]
fn a_run_that_is_stopped_anywhere_publishes_nothing_and_finds_everything_when_it_is_resumed() {
    let clean = run(&small());
    let calls = clean.stack.aws.calls().len() as u64;
    for nth in (1..=calls).step_by(4) {
        let rule = at(Fault::StopAfter, nth);
        let context = rule.to_string();
        on_virtual_time(async {
            let stack = stack(&Scenario { faults: vec![rule], ..small() });
            let execution = stack.start_inventory(json!({})).unwrap();
            let stopped = rest(stack, &execution).await;
            stopped.check(&context);
            if stopped.outcome() == OutcomeStatus::Succeeded {
                return;
            }
            let run = stopped.records()[0].run_id.clone();
            let request = json!({"resume": run, "retry": ["failed"]});
            let execution = stopped.stack.start_inventory(request).unwrap();
            let resumed = rest(stopped.stack, &execution).await;
            // A run that was stopped before it had a record of its own has nothing to be resumed by.
            resumed.check(&context);
            is_survived(&resumed, &clean, &context);
        });
    }
}

#[test]
fn steps_that_are_delivered_twice_and_beside_themselves_find_the_same() {
    let clean = run(&small());
    for delivery in [Delivery::Twice, Delivery::TwiceAtOnce] {
        let rest = run(&Scenario { delivery, ..small() });
        rest.check(&format!("{delivery:?}"));
        same(&rest.stack, &clean.stack, &format!("{delivery:?}"));
    }
}

fn denied(operation: &str, times: u64) -> FaultRule {
    FaultRule { fault: Fault::Deny, operation: Some(operation.to_owned()), nth: 1, times }
}

fn result(stack: &LocalStack, execution: &Execution) -> Value {
    assert_eq!(execution.status(), ExecutionStatus::Succeeded, "{:?}", execution.error());
    assert!(!rows(stack, "runs").is_empty());
    execution.output().unwrap()["result"].clone()
}

#[test]
fn what_fails_is_recorded_with_its_error_and_done_again_when_it_is_asked_for() {
    on_virtual_time(async {
        let faults = vec![denied("organizations:ListCreateAccountStatus", 1)];
        let stack = stack(&Scenario { faults, ..small() });
        let first = stack.start_inventory(json!({})).unwrap();
        first.finished().await;
        let found = result(&stack, &first);
        assert_eq!((&found["complete"], &found["items"]["failed"]), (&json!(false), &json!(1)), "{found}");
        let outcomes = rows(&stack, "item_outcomes");
        let failed = outcomes.iter().find(|row| row["status"] == "failed").unwrap();
        assert_eq!((&failed["item"], &failed["error"]), (&json!("account-requests"), &json!("Denied")));
        assert!(failed["cause"].as_str().unwrap().contains("ListCreateAccountStatus"));
        assert_eq!(rows(&stack, "account_requests").len(), 0);
        let read = stack.aws.calls().len();

        let run = records(&stack)[0].run_id.clone();
        let again = stack.start_inventory(json!({"resume": run, "retry": ["failed"]})).unwrap();
        again.finished().await;
        let found = result(&stack, &again);
        assert_eq!((&found["complete"], &found["items"]["failed"]), (&json!(true), &Value::Null), "{found}");
        assert!(!rows(&stack, "account_requests").is_empty());
        assert_eq!(rows(&stack, "runs").len(), 1, "it is the same run");
        let calls = stack.aws.calls();
        let organizations: Vec<_> =
            calls[read..].iter().filter(|call| call.action.starts_with("organizations:")).collect();
        assert!(
            organizations.iter().all(|call| call.action.contains("CreateAccountStatus")),
            "nothing else is read again: {organizations:?}"
        );
    });
}

#[test]
fn lanes_that_another_execution_has_taken_over_are_left_to_it_by_the_first() {
    for milliseconds in (0..600).step_by(30) {
        on_virtual_time(async {
            let stack = stack(&small());
            let first = stack.start_inventory(json!({})).unwrap();
            let is_planned = || records(&stack).first().is_some_and(|record| record.handle().is_some());
            while !is_planned() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            let run = records(&stack)[0].run_id.clone();
            let second = stack.start_inventory(json!({"resume": run})).unwrap();
            first.finished().await;
            second.finished().await;
            let found = result(&stack, &second);
            let failed = &found["items"]["failed"];
            assert_eq!((&found["complete"], failed), (&json!(true), &Value::Null), "{milliseconds}: {found}");
        });
    }
}

#[test]
fn items_that_are_asked_for_again_before_they_were_done_again_are_counted_once() {
    on_virtual_time(async {
        // Without the structure no effective policies are read: they fail one after the other.
        let faults = vec![denied("organizations:ListOrganizationalUnitsForParent", 2)];
        let stack = stack(&Scenario { faults, ..small() });
        let first = stack.start_inventory(json!({})).unwrap();
        first.finished().await;
        let run = records(&stack)[0].run_id.clone();
        let lane = || -> LaneRecord {
            let key = keys::lane(&run, &"effective-policies".parse().unwrap());
            serde_json::from_slice(&stack.aws.storage().read(stack.bucket(), &key).unwrap()).unwrap()
        };
        let items = lane().total;
        assert_eq!(lane().outcomes, BTreeMap::from([(OutcomeStatus::Failed, items)]));

        let request = json!({"resume": run, "retry": ["failed"]});
        let stopped = stack.start_inventory(request.clone()).unwrap();
        while lane().again == 0 || lane().done == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        stack.aws.states().stop(&stopped.arn, None, None).unwrap();
        tokio::time::sleep(Duration::from_secs(45 * 60)).await;
        assert!((1..items).contains(&lane().done), "{:?}", lane());
        assert_eq!(records(&stack)[0].outcome().unwrap().status, OutcomeStatus::Failed);

        let last = stack.start_inventory(request).unwrap();
        last.finished().await;
        assert_eq!(result(&stack, &last)["complete"], json!(true));
        assert_eq!(lane().outcomes, BTreeMap::from([(OutcomeStatus::Succeeded, items)]));
    });
}

#[test]
fn without_its_accounts_there_is_no_inventory() {
    let rest = run(&Scenario { faults: vec![denied("organizations:ListAccounts", 1)], ..small() });
    rest.check("");
    assert_eq!(rest.outcome(), OutcomeStatus::Failed);
    assert!(
        rest.error.contains("accounts could not be read") && rest.error.contains("ListAccounts"),
        "{}",
        rest.error
    );
}

#[test]
fn an_account_that_cannot_be_read_is_unreadable_and_nothing_is_derived_from_it() {
    let scenario = Scenario {
        accounts: 40,
        faults: vec![denied("organizations:DescribeEffectivePolicy", 1)],
        ..Scenario::default()
    };
    let of = inventory(&scenario, json!({}), |_| {});
    let result = of.result();
    assert_eq!(result["complete"], json!(false), "{result}");
    let rows = of.rows("effective_policies");
    let unreadable: Vec<_> = rows.iter().filter(|row| row["status"] == "unreadable").collect();
    assert_eq!(unreadable.len(), 1);
    assert!(
        unreadable[0]["error"].as_str().unwrap().contains("AccessDenied")
            && unreadable[0]["content"].is_null()
    );
    assert!(rows.iter().all(|row| row["derived_from"] != unreadable[0]["account_id"]));
}

#[test]
fn a_class_whose_sample_differs_is_read_whole() {
    const TYPE: &str = "TAG_POLICY";
    let scenario = Scenario { accounts: 60, ..Scenario::default() };
    let clean = inventory(&scenario, json!({}), |_| {});
    let of_type = |row: &&Row| row["type"] == TYPE && row["source"] == "read";
    let usual = clean.rows("effective_policies").iter().filter(of_type).count();
    on_virtual_time(async {
        let stack = stack(&scenario);
        let execution = stack.start_inventory(json!({})).unwrap();
        // Once the policies are read, and before effective policies are.
        while !stack.aws.calls().iter().any(|call| call.action == "organizations:DescribeEffectivePolicy") {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        stack.aws.change(|_, organization| {
            let targets = organization.accounts.iter().step_by(2).map(|it| it.id.clone()).collect();
            organization.policies.push(Policy {
                id: "p-attachedlater".to_owned(),
                name: "attached-later".to_owned(),
                description: String::new(),
                kind: TYPE.to_owned(),
                content: json!({"tags": {"later": {"tag_key": {"@@assign": "later"}}}}).to_string(),
                aws_managed: false,
                targets,
            });
        });
        execution.finished().await;
        let result = result(&stack, &execution);
        assert!(result["gaps"].to_string().contains("attachments changed"), "{result}");
        assert_eq!(result["complete"], json!(false));
        let organization = stack.aws.organization();
        let rows = rows(&stack, "effective_policies");
        let read: Vec<_> = rows.iter().filter(|row| row["type"] == TYPE && row["source"] == "read").collect();
        assert!(read.len() > usual, "{} are read, {usual} usually", read.len());
        let mut before = 0;
        for row in read {
            let account = organization.accounts.iter().find(|it| row["account_id"] == json!(it.id)).unwrap();
            let now = organization.effective_policy(TYPE, account);
            let found: Value = serde_json::from_str(row["content"].as_str().unwrap()).unwrap();
            before += usize::from(found != now);
        }
        assert!(before <= 3, "{before} accounts were read before the change");
    });
}

#[test]
fn lanes_that_cannot_even_begin_end_the_run_and_it_goes_on_once_that_is_mended() {
    let clean = run(&small());
    on_virtual_time(async {
        let stack = stack(&small());
        let name = &stack.deployed.functions["organization-inventory-read"];
        let function = stack.aws.lambda().function(name).unwrap();
        let broken = FunctionConfig { binary: "not-deployed".to_owned(), ..(*function).clone() };
        stack.aws.lambda().deploy(broken);
        let execution = stack.start_inventory(json!({})).unwrap();
        let failed = rest(stack, &execution).await;
        failed.check("");
        assert_eq!(failed.outcome(), OutcomeStatus::Failed);
        assert!(failed.error.contains("ended without having done anything"), "{}", failed.error);

        failed.stack.aws.lambda().deploy((*function).clone());
        let run = failed.records()[0].run_id.clone();
        let execution = failed.stack.start_inventory(json!({"resume": run, "retry": ["failed"]})).unwrap();
        let resumed = rest(failed.stack, &execution).await;
        resumed.check("");
        is_survived(&resumed, &clean, "");
    });
}

#[test]
fn what_is_not_read_by_the_deadline_is_overdue_and_read_when_there_is_more_time() {
    on_virtual_time(async {
        let settings = Settings { throttles: true, ..Settings::default() };
        let stack = stack(&Scenario { accounts: 12_000, settings, ..Scenario::default() });
        let execution =
            stack.start_inventory(json!({"deadlineHours": 1, "effectivePolicies": "none"})).unwrap();
        execution.finished().await;
        let found = result(&stack, &execution);
        assert_eq!((&found["complete"], &found["items"]["overdue"]), (&json!(false), &json!(1)), "{found}");
        let overdue =
            rows(&stack, "item_outcomes").into_iter().find(|row| row["status"] == "overdue").unwrap();
        assert_eq!((&overdue["item"], &overdue["error"]), (&json!("tags"), &json!("Overdue")));
        let made = stack.aws.calls().iter().filter(|it| it.action.ends_with("ListTagsForResource")).count();

        let run = records(&stack)[0].run_id.clone();
        let request = json!({"resume": run, "retry": ["overdue"], "deadlineHours": 5});
        let execution = stack.start_inventory(request).unwrap();
        execution.finished().await;
        let found = result(&stack, &execution);
        assert_eq!((&found["complete"], &found["items"]["overdue"]), (&json!(true), &Value::Null), "{found}");
        assert!(rows(&stack, "accounts").iter().all(|row| row["tags"].is_string()));
        assert!(made > 5_000, "{made}");
    });
}
