//! What EventBridge and the topic are told of a run.

use std::collections::BTreeSet;
use std::time::Duration;

use local_aws::{Fault, FaultRule};
use local_stack::LocalStack;
use local_states::ExecutionStatus;
use muster_tests::{Scenario, on_virtual_time, root, stack};
use serde_json::{Value, json};

use super::{all, text, without_principals};

/// With events of such findings.
fn telling(severity: &str) -> Scenario {
    let mut scenario = without_principals();
    scenario.parameters.insert("EventSeverity".to_owned(), severity.to_owned());
    scenario
}

/// The details of events of a type.
fn told(stack: &LocalStack, detail_type: &str) -> Vec<Value> {
    let events = stack.aws.events().into_iter().filter(|it| it["detail-type"] == detail_type);
    events.map(|event| event["detail"].clone()).collect()
}

fn ids<'a>(findings: impl IntoIterator<Item = &'a Value>, member: &str) -> BTreeSet<&'a str> {
    findings.into_iter().map(|it| text(it, member)).collect()
}

/// The members that a schema in `docs/events` names. That events are as it says is
/// `tests/conformance/events`' to judge.
fn documented(name: &str) -> BTreeSet<String> {
    let path = root().join(format!("docs/events/{name}.schema.json"));
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    members(&schema["properties"])
}

fn members(object: &Value) -> BTreeSet<String> {
    object.as_object().unwrap().keys().cloned().collect()
}

#[test]
fn each_event_has_the_members_of_its_schema_and_is_small() {
    on_virtual_time(async {
        let stack = stack(&telling("info"));
        let first = all(&stack).await;
        assert!(first.findings.len() > 20);
        stack.aws.clock().sleep(Duration::from_secs(8 * 86_400)).await;
        stack.aws.change(|_, organization| organization.policies.retain(|it| it.aws_managed));
        all(&stack).await;
        let (finding, published) = (documented("finding"), documented("findings-published"));
        let events = stack.aws.events();
        for event in &events {
            assert_eq!(event["source"], "muster");
            let documented = match text(event, "detail-type") {
                "Findings Published" => &published,
                "Finding New" | "Finding Resolved" => &finding,
                other => panic!("{other}"),
            };
            assert_eq!(&members(&event["detail"]), documented);
            assert!(event.to_string().len() < 64 * 1024);
        }
        assert_eq!(told(&stack, "Findings Published").len(), 2);
        assert!(events.len() > 2 + first.findings.len());
    });
}

#[test]
fn what_is_new_and_not_excepted_or_resolved_has_an_event_from_a_severity_on() {
    on_virtual_time(async {
        let stack = stack(&telling("medium"));
        let first = all(&stack).await;
        let grave = |it: &&Value| {
            ["critical", "high", "medium"].contains(&text(it, "severity")) && it["excepted"] == false
        };
        let new = told(&stack, "Finding New");
        assert_eq!(ids(&new, "findingId"), ids(first.findings.iter().filter(grave), "finding_id"));
        assert!(!new.is_empty() && new.len() < first.findings.len());
        assert!(told(&stack, "Finding Resolved").is_empty());
        // What is excepted is not to be acted on, and what has merely lost its evidence is not resolved.
        let account = stack.aws.organization().accounts[3].id.clone();
        let storage = stack.aws.storage();
        let exceptions = json!({"exceptions": [{"kind": "account_unreadable", "entity": account, "reason": "r",
            "owner": "o", "expires": "2030-01-01"}]});
        storage.deliver(stack.bucket(), "exceptions.json", |out| write!(out, "{exceptions}")).unwrap();
        stack.aws.change(|_, organization| {
            for account in &mut organization.accounts[3..5] {
                account.unreadable = Some("AccessDenied");
            }
        });
        stack.aws.clock().sleep(Duration::from_secs(8 * 86_400)).await;
        let second = all(&stack).await;
        let of_second: Vec<_> = told(&stack, "Finding New").into_iter().skip(new.len()).collect();
        let expected: Vec<_> =
            second.findings.iter().filter(|it| it["status"] == "new").filter(grave).collect();
        assert_eq!(ids(&of_second, "findingId"), ids(expected.iter().copied(), "finding_id"));
        let unreadable = of_second.iter().filter(|it| it["kind"] == "account_unreadable");
        assert_eq!(unreadable.count(), 1, "the other is excepted");
        assert!(told(&stack, "Finding Resolved").is_empty());
        assert!(!second.kinds_with("not_observed").is_empty());
        // What is mended is told whether or not it is excepted: somebody may have been told of it before.
        stack.aws.change(|_, organization| {
            organization.accounts.iter_mut().for_each(|account| account.unreadable = None);
        });
        stack.aws.clock().sleep(Duration::from_secs(8 * 86_400)).await;
        let third = all(&stack).await;
        let resolved = told(&stack, "Finding Resolved");
        let expected = third.findings.iter().filter(|it| it["status"] == "resolved");
        let expected = expected.filter(|it| ["critical", "high", "medium"].contains(&text(it, "severity")));
        assert_eq!(ids(&resolved, "findingId"), ids(expected, "finding_id"));
        let of_accounts = resolved.iter().filter(|it| it["kind"] == "account_unreadable");
        assert_eq!(of_accounts.count(), 2, "{resolved:#?}");
    });
}

#[test]
fn entries_that_eventbridge_does_not_take_are_sent_again_and_only_these() {
    on_virtual_time(async {
        let stack = stack(&telling("info"));
        stack.aws.change(|settings, _| {
            settings.event_refusals = vec!["InternalFailure", "ThrottlingException", "InternalFailure"];
        });
        let first = all(&stack).await;
        let new = told(&stack, "Finding New");
        assert_eq!(new.len(), first.findings.len(), "each once");
        assert_eq!(ids(&new, "findingId"), ids(&first.findings, "finding_id"));
    });
}

#[test]
fn a_run_whose_events_are_not_taken_is_published_once_and_fails_and_the_sweep_sends_them() {
    on_virtual_time(async {
        let stack = stack(&telling("info"));
        all(&stack).await;
        let told_before = stack.aws.events().len();
        stack.aws.change(|settings, _| settings.event_refusals = vec!["InternalFailure"; 100_000]);
        stack.aws.change(|_, organization| organization.policies.retain(|it| it.aws_managed));
        stack.aws.clock().sleep(Duration::from_secs(8 * 86_400)).await;
        let execution = stack.start_findings(json!({})).unwrap();
        assert_eq!(execution.finished().await, ExecutionStatus::Failed);
        let error = execution.error().unwrap();
        assert!(error.cause.contains("the run is published"), "{error:?}");
        assert!(error.cause.contains("InternalFailure"), "{error:?}");
        assert_eq!(stack.aws.events().len(), told_before);
        let runs = stack.aws.storage().keys(stack.bucket(), "published/findings/");
        assert_eq!(runs.len(), 2, "{runs:?}");
        let run = runs.iter().max().unwrap().rsplit('/').next().unwrap().trim_end_matches(".json");
        let copies = || {
            let calls = stack.aws.calls();
            calls.iter().filter(|call| call.action == "s3:CopyObject").count()
        };
        // It is tried again and again, and nothing is published again for it.
        let before = copies();
        stack.aws.clock().sleep(Duration::from_secs(2 * 3_600)).await;
        assert_eq!(copies(), before);
        assert_eq!(stack.aws.events().len(), told_before);
        stack.aws.change(|settings, _| settings.event_refusals.clear());
        stack.aws.clock().sleep(Duration::from_secs(3_600)).await;
        let published = told(&stack, "Findings Published");
        assert_eq!(published.iter().filter(|it| text(it, "runId") == run).count(), 1);
        assert!(stack.aws.storage().keys(stack.bucket(), "open/").is_empty(), "the run is closed");
    });
}

#[test]
fn sending_goes_on_where_it_was_and_a_stack_can_give_it_up() {
    on_virtual_time(async {
        // The first requests are taken; of a later one nothing is.
        let operation = Some("events:PutEvents".to_owned());
        let rule = FaultRule { fault: Fault::Deny, operation, nth: 12, times: 8 };
        let stack = stack(&Scenario { faults: vec![rule], accounts: 40, ..telling("info") });
        let execution = stack.start_findings(json!({})).unwrap();
        assert_eq!(execution.finished().await, ExecutionStatus::Failed);
        let before = told(&stack, "Finding New").len();
        assert!(before >= 80, "{before}");
        stack.aws.clock().sleep(Duration::from_secs(3_600)).await;
        let new = told(&stack, "Finding New");
        let distinct = ids(&new, "findingId").len();
        assert!(distinct > 150 && new.len() - distinct <= 80, "{} of {distinct}", new.len());
        assert_eq!(told(&stack, "Findings Published").len(), 1);
    });
    on_virtual_time(async {
        let stack = stack(&telling("none"));
        let found = all(&stack).await;
        assert!(stack.aws.events().is_empty() && stack.aws.messages().is_empty());
        assert_eq!(found.result["events"], Value::Null);
    });
}

#[test]
fn a_call_that_is_lost_is_made_again_and_no_event_is_missing() {
    for fault in [Fault::Throttle, Fault::ServerErrorAfter, Fault::LostAnswer, Fault::CrashAfter] {
        on_virtual_time(async {
            let operation = Some("events:PutEvents".to_owned());
            let rule = FaultRule { fault, operation, nth: 1, times: 1 };
            let stack = stack(&Scenario { faults: vec![rule], ..telling("info") });
            let first = all(&stack).await;
            let new = told(&stack, "Finding New");
            assert_eq!(ids(&new, "findingId"), ids(&first.findings, "finding_id"), "{}", fault.name());
            assert!(!told(&stack, "Findings Published").is_empty());
        });
    }
}

#[test]
fn the_topic_is_given_the_run_in_a_line_and_where_its_page_is() {
    on_virtual_time(async {
        let stack = stack(&without_principals());
        let first = all(&stack).await;
        let messages = stack.aws.messages();
        let [message] = &messages[..] else { panic!("{messages:#?}") };
        assert_eq!(message.topic, stack.output("FindingsTopicArn"));
        assert_ne!(message.topic, stack.output("NotificationTopicArn"));
        let (summary, report) = (text(&first.result, "summary"), text(&first.result, "report"));
        assert!(message.text.contains(summary) && message.text.contains(report), "{}", message.text);
        assert!(message.text.contains(stack.bucket()) && !message.text.contains('$'), "{}", message.text);
    });
}
