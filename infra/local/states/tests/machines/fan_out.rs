//! The machine of runs with lanes, as it is deployed, with functions that answer as they are told to.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use local_states::{Execution, ExecutionStatus, PAYLOAD_LIMIT, TaskError};
use serde_json::{Value, json};

use crate::bench::{Bench, ends, took};

type Answer = Result<Value, TaskError>;

/// What has to come first for some.
const PREREQUISITE: &str = "arn:aws:states:eu-central-1:012345678901:stateMachine:prerequisite";

/// The definition, with the functions' names in place of their ARNs.
fn definition() -> Value {
    let mut text = include_str!("../../../../statemachines/fan-out.asl.json").replace("${Partition}", "aws");
    text = text.replace("${PrerequisiteMachine}", PREREQUISITE);
    for function in ["Plan", "Start", "Status", "Collect", "Gather"] {
        text = text.replace(&format!("${{{function}Function}}"), function);
    }
    assert!(!text.contains("${"));
    serde_json::from_str(&text).unwrap()
}

/// The run's ticket.
fn ticket(next: &str) -> Value {
    json!({"kind": "organization-inventory", "runId": "r", "item": "organization", "next": next,
        "pollAfterSeconds": 60, "result": null, "failure": null})
}

/// The run's ticket, with lanes to work on that are listed at `key`.
fn to_lanes(key: &str, concurrency: u32) -> Value {
    let mut ticket = ticket("lanes");
    ticket["lanes"] = json!({"bucket": "b", "key": key, "concurrency": concurrency});
    ticket
}

fn done() -> Value {
    let mut ticket = ticket("done");
    ticket["result"] = json!({"accounts": 7});
    ticket
}

/// The run's end as closing it answers, with the error it was given.
fn closed(payload: &Value) -> Value {
    let mut ticket = ticket("failed");
    ticket["failure"] = json!({"error": payload["error"]["Error"], "cause": payload["error"]["Cause"]});
    ticket
}

/// The list of lanes.
fn listed(names: &[&str]) -> Vec<Value> {
    names.iter().map(|name| json!({"name": name, "items": format!("plan/{name}.jsonl")})).collect()
}

/// The lane of a ticket: of one that a step answered, or of an execution's beginning.
fn lane_of(payload: &Value) -> &str {
    let lane = &payload["ticket"]["lane"];
    lane["name"].as_str().or(lane.as_str()).unwrap()
}

fn lane(payload: &Value, next: &str) -> Value {
    json!({"lane": lane_of(payload), "next": next, "pollAfterSeconds": 60})
}

/// Functions that take a second each. The run has `lanes`, five at once, and is done when gathered,
/// unless `answer` says otherwise.
fn bench(lanes: &[&str], answer: impl Fn(&str, &Value) -> Option<Answer> + Send + Sync + 'static) -> Bench {
    let answers = move |function: &str, payload: Value| {
        let usual = || match function {
            "Plan" => Ok(to_lanes("k", 5)),
            "Gather" if payload.get("error").is_some() => Ok(closed(&payload)),
            "Gather" => Ok(done()),
            _ => Ok(lane(&payload, "done")),
        };
        (Duration::from_secs(1), answer(function, &payload).unwrap_or_else(usual))
    };
    Bench::with(answers, listed(lanes), &[])
}

/// What of it was invoked, and with what.
fn invoked(bench: &Bench, function: &str) -> Vec<Value> {
    let invoked = bench.world.invoked.lock().unwrap();
    invoked.iter().filter(|(_, name, _)| name == function).map(|(.., payload)| payload.clone()).collect()
}

async fn run(bench: &Bench) -> Arc<Execution> {
    bench.run(&definition(), json!({"effectivePolicies": "classes"})).await
}

fn denied(text: &str) -> Option<Answer> {
    Some(Err(TaskError::new("Denied", text)))
}

const RESULT: &str =
    r#"{"item":"organization","kind":"organization-inventory","result":{"accounts":7},"runId":"r"}"#;

/// Runs it to its end, which is what was gathered.
async fn succeeds(bench: &Bench) -> Arc<Execution> {
    let execution = run(bench).await;
    assert_eq!(execution.status(), ExecutionStatus::Succeeded, "{:?}", execution.error());
    assert_eq!(execution.output(), Some(serde_json::from_str(RESULT).unwrap()));
    execution
}

#[tokio::test(start_paused = true)]
async fn a_run_is_planned_worked_on_lane_by_lane_and_gathered() {
    let bench = bench(&["a", "b", "c"], |_, _| None);
    let execution = succeeds(&bench).await;

    let plan = &invoked(&bench, "Plan")[0];
    assert_eq!(plan["ticket"], json!({"request": {"effectivePolicies": "classes"}}));
    assert_eq!(plan["execution"]["id"], execution.arn);
    let gather = &invoked(&bench, "Gather")[0];
    assert_eq!(gather["ticket"], to_lanes("k", 5), "what the lanes answered is not put into the ticket");
    assert_eq!(gather["execution"]["id"], execution.arn);

    let starts = invoked(&bench, "Start");
    assert_eq!(starts.len(), 3);
    for (start, expected) in starts.iter().zip(listed(&["a", "b", "c"])) {
        assert_eq!(start["ticket"], json!({"run": to_lanes("k", 5), "lane": expected}));
        let members: Vec<_> = start.as_object().unwrap().keys().collect();
        assert_eq!(members, ["enteredAt", "ticket"]);
    }
    for child in bench.children() {
        assert!(child.arn.contains(":execution:machine/lanes:"), "{}", child.arn);
        assert_eq!((child.status(), child.output()), (ExecutionStatus::Succeeded, Some(json!({}))));
    }
}

#[tokio::test(start_paused = true)]
async fn as_many_lanes_run_at_once_as_the_plan_says() {
    for (concurrency, seconds) in [(1, 6), (2, 4), (4, 3), (0, 3)] {
        let bench = bench(&["a", "b", "c", "d"], move |function, _| {
            (function == "Plan").then(|| Ok(to_lanes("k", concurrency)))
        });
        let execution = succeeds(&bench).await;
        assert_eq!(took(&execution), seconds, "{concurrency}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lane_waits_for_others_and_for_its_job_as_its_ticket_says() {
    let starts = Mutex::new(["wait", "start", "poll", "done"].into_iter());
    let statuses = Mutex::new(["poll", "collect"].into_iter());
    let bench = bench(&["a"], move |function, payload| {
        let next = match function {
            "Start" => starts.lock().unwrap().next().unwrap(),
            "Status" => statuses.lock().unwrap().next().unwrap(),
            "Collect" => "start",
            _ => return None,
        };
        Some(Ok(lane(payload, next)))
    });
    let execution = succeeds(&bench).await;
    let names: Vec<_> = bench.world.invoked.lock().unwrap().iter().map(|(_, name, _)| name.clone()).collect();
    assert_eq!(names, ["Plan", "Start", "Start", "Start", "Status", "Status", "Collect", "Start", "Gather"]);
    assert_eq!(took(&execution), 9 + 3 * 60, "nine steps, three waits");
    for payload in invoked(&bench, "Status").iter().chain(&invoked(&bench, "Collect")) {
        assert_eq!(payload["ticket"]["lane"], "a");
        assert!(payload.get("execution").is_none() && payload["enteredAt"].is_string(), "{payload}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_waits_for_its_turn_and_is_planned_then() {
    let plans = Mutex::new([ticket("wait"), to_lanes("k", 1)].into_iter());
    let bench = bench(&["a"], move |function, _| {
        (function == "Plan").then(|| Ok(plans.lock().unwrap().next().unwrap()))
    });
    let execution = succeeds(&bench).await;
    assert_eq!(took(&execution), 4 + 60);
    assert_eq!(invoked(&bench, "Plan")[1]["ticket"], ticket("wait"));
}

/// A run that is planned after a run of `prerequisite`.
fn prepared(prerequisite: &Value) -> Bench {
    let mut needs = ticket("prepare");
    needs["prerequisite"] = json!({"maxAgeHours": 24});
    let plans = Mutex::new([needs, to_lanes("k", 1)].into_iter());
    let bench = bench(&["a"], move |function, payload| {
        let plans_again = function == "Plan" && payload.get("error").is_none();
        plans_again.then(|| Ok(plans.lock().unwrap().next().unwrap()))
    });
    assert_eq!(bench.deploy("prerequisite", prerequisite), PREREQUISITE);
    bench
}

/// The executions of what had to come first.
fn prerequisites(bench: &Bench) -> Vec<Arc<Execution>> {
    let executions = bench.service.executions().into_iter();
    executions.filter(|it| it.machine.arn == PREREQUISITE).collect()
}

#[tokio::test(start_paused = true)]
async fn what_has_to_come_first_is_run_with_its_own_request_and_then_the_run_is_planned() {
    let bench =
        prepared(&json!({"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 60, "End": true}}}));
    let execution = succeeds(&bench).await;
    let first = prerequisites(&bench);
    assert_eq!(first.len(), 1);
    assert_eq!(first[0].input, json!({"maxAgeHours": 24}));
    let plans = invoked(&bench, "Plan");
    assert_eq!((plans.len(), &plans[1]["ticket"]["next"]), (2, &json!("prepare")), "nothing is put into it");
    assert_eq!(took(&execution), 4 + 60 + 1, "four steps, the other run, and what its end takes to be seen");
}

#[tokio::test(start_paused = true)]
async fn a_failure_of_what_has_to_come_first_closes_the_run_with_its_error() {
    let fails = json!({"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "Denied", "Cause": "why"}}});
    let bench = prepared(&fails);
    let error = run(&bench).await.error().unwrap();
    assert_eq!(error.error, "States.TaskFailed");
    let described: Value = serde_json::from_str(&error.cause).unwrap();
    assert_eq!((&described["Error"], &described["Cause"]), (&json!("Denied"), &json!("why")));
    assert_eq!(invoked(&bench, "Plan").len(), 1);
    assert_eq!(invoked(&bench, "Gather")[0]["error"]["Error"], "States.TaskFailed");
}

#[tokio::test(start_paused = true)]
async fn what_has_to_come_first_and_does_not_end_is_stopped_after_25_hours() {
    let forever = json!({"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 900_000, "End": true}}});
    let bench = prepared(&forever);
    let execution = run(&bench).await;
    assert_eq!(execution.error().unwrap().error, "States.Timeout");
    assert_eq!(took(&execution), 90_000 + 2);
    assert_eq!(prerequisites(&bench)[0].status(), ExecutionStatus::Aborted);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_needs_no_lanes_ends_at_once() {
    let bench = bench(&["a"], |function, _| (function == "Plan").then(|| Ok(done())));
    succeeds(&bench).await;
    assert!(bench.children().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_run_without_lanes_is_gathered() {
    let bench = bench(&[], |_, _| None);
    succeeds(&bench).await;
}

#[tokio::test(start_paused = true)]
async fn lanes_that_are_open_when_their_executions_end_go_on_in_a_next_round() {
    let gathered = Mutex::new([to_lanes("open", 2), ticket("collect"), done()].into_iter());
    let bench = bench(&["a", "b", "c"], move |function, _| {
        (function == "Gather").then(|| Ok(gathered.lock().unwrap().next().unwrap()))
    });
    bench.put_list("open", listed(&["b"]));
    succeeds(&bench).await;
    let lanes: Vec<_> = invoked(&bench, "Start").iter().map(|it| lane_of(it).to_owned()).collect();
    assert_eq!(lanes, ["a", "b", "c", "b"]);
    assert_eq!(invoked(&bench, "Start")[3]["ticket"]["run"], to_lanes("open", 2));
    assert_eq!(bench.children().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_lane_whose_function_fails_records_it_and_goes_on_and_so_do_the_others() {
    for fails in ["Start", "Status", "Collect"] {
        let bench = bench(&["a", "b", "c"], move |function, payload| {
            if lane_of_step(function, payload) != Some("b") {
                return None;
            }
            match (function, payload.get("error")) {
                ("Start", Some(_)) => Some(Ok(lane(payload, "done"))),
                _ if function == fails => denied("why"),
                ("Start", None) => Some(Ok(lane(payload, "poll"))),
                _ => Some(Ok(lane(payload, "collect"))),
            }
        });
        succeeds(&bench).await;
        let told: Vec<_> =
            invoked(&bench, "Start").into_iter().filter(|it| it.get("error").is_some()).collect();
        assert_eq!(told.len(), 1, "{fails}");
        assert_eq!(told[0]["error"], json!({"Error": "Denied", "Cause": "why"}));
        assert_eq!(lane_of(&told[0]), "b");
        let ended = bench.children().iter().filter(|it| it.status() == ExecutionStatus::Succeeded).count();
        assert_eq!(ended, 3, "{fails}");
    }
}

/// The lane that a step is of, if it is a lane's.
fn lane_of_step<'a>(function: &str, payload: &'a Value) -> Option<&'a str> {
    matches!(function, "Start" | "Status" | "Collect").then(|| lane_of(payload))
}

#[tokio::test(start_paused = true)]
async fn a_lane_that_cannot_record_its_failure_fails_with_the_first_error_and_the_run_is_gathered() {
    let bench = bench(&["a", "b", "c"], |function, payload| {
        if lane_of_step(function, payload) != Some("b") {
            return None;
        }
        denied(if payload.get("error").is_some() { "second" } else { "first" })
    });
    succeeds(&bench).await;
    let failed: Vec<_> =
        bench.children().into_iter().filter(|it| it.status() == ExecutionStatus::Failed).collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].error(), Some(TaskError::new("Denied", "first")));
}

#[tokio::test(start_paused = true)]
async fn a_run_all_of_whose_lanes_fail_at_length_is_gathered() {
    let bench = bench(&[], |function, payload| {
        lane_of_step(function, payload).and_then(|_| denied(&"why ".repeat(1_000)))
    });
    let names: Vec<_> = (0..100).map(|number| number.to_string()).collect();
    bench.put_list("k", listed(&names.iter().map(String::as_str).collect::<Vec<_>>()));
    succeeds(&bench).await;
    assert!(bench.children().iter().all(|child| child.status() == ExecutionStatus::Failed));
    let said: usize = bench.children().iter().map(|child| child.error().unwrap().cause.len()).sum();
    assert!(said > PAYLOAD_LIMIT, "together they exceed what a state may answer");
}

#[tokio::test(start_paused = true)]
async fn a_lane_that_is_told_a_next_that_nobody_knows_takes_it_as_its_failure() {
    let bench = bench(&["a"], |function, payload| {
        (function == "Start" && payload.get("error").is_none()).then(|| Ok(lane(payload, "dance")))
    });
    succeeds(&bench).await;
    assert_eq!(invoked(&bench, "Start")[1]["error"]["Error"], "Defect");
}

#[tokio::test(start_paused = true)]
async fn whatever_fails_of_the_run_itself_closes_it_with_its_error() {
    for fails in ["Plan", "Gather"] {
        let bench = bench(&["a"], move |function, payload| {
            (function == fails && payload.get("error").is_none()).then(|| denied("why")).flatten()
        });
        let execution = run(&bench).await;
        assert_eq!(execution.error(), Some(TaskError::new("Denied", "why")), "{fails}");
        let close = invoked(&bench, "Gather").pop().unwrap();
        assert_eq!(close["execution"]["id"], execution.arn);
        let expected = if fails == "Plan" {
            json!({"request": {"effectivePolicies": "classes"}})
        } else {
            to_lanes("k", 5)
        };
        assert_eq!(close["ticket"], expected);
    }
    let bench = bench(&["a"], |function, _| (function == "Plan").then(|| Ok(ticket("dance"))));
    assert_eq!(run(&bench).await.error().unwrap().error, "Defect");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_had_succeeded_after_all_ends_as_such() {
    let bench = bench(&["a"], |function, payload| match (function, payload.get("error")) {
        ("Gather", None) => denied("lost"),
        ("Gather", Some(_)) => Some(Ok(done())),
        _ => None,
    });
    succeeds(&bench).await;
}

#[tokio::test(start_paused = true)]
async fn a_run_that_cannot_be_closed_fails_with_the_first_error() {
    let bench = bench(&["a"], |function, _| match function {
        "Plan" => denied("first"),
        _ => denied("second"),
    });
    assert_eq!(run(&bench).await.error(), Some(TaskError::new("Denied", "first")));
}

#[tokio::test(start_paused = true)]
async fn a_list_that_cannot_be_read_is_tried_again_and_then_closes_the_run() {
    let bench = bench(&["a"], |function, _| (function == "Plan").then(|| Ok(to_lanes("elsewhere", 5))));
    let execution = run(&bench).await;
    assert_eq!(execution.error().unwrap().error, "States.ItemReaderFailed");
    let attempts = crate::bench::events(&execution).into_iter().filter(|it| *it == "MapRunFailed").count();
    assert_eq!(attempts, 4);
    assert!(bench.children().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_missing_permission_for_the_lanes_closes_the_run() {
    let answers = |function: &str, payload: Value| {
        let answer = match function {
            "Plan" => to_lanes("k", 5),
            _ => closed(&payload),
        };
        (Duration::ZERO, Ok(answer))
    };
    let bench = Bench::with(answers, listed(&["a"]), &["states:StartExecution"]);
    assert_eq!(run(&bench).await.error().unwrap().error, "States.Permissions");
}

#[tokio::test(start_paused = true)]
async fn stopping_a_run_ends_its_lanes() {
    let bench =
        bench(&["a", "b"], |function, payload| (function == "Start").then(|| Ok(lane(payload, "poll"))));
    let machine = bench.deploy("machine", &definition());
    let execution = bench.service.start(&machine, None, json!({})).unwrap();
    tokio::time::sleep(Duration::from_secs(30)).await;
    bench.service.stop(&execution.arn, None, None).unwrap();
    assert_eq!(ends(&execution).await, ExecutionStatus::Aborted);
    let children = bench.children();
    assert_eq!(children.len(), 2);
    for child in children {
        assert_eq!((child.status(), child.ended()), (ExecutionStatus::Aborted, execution.ended()));
    }
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_lanes_answer_together_far_less_than_a_state_may() {
    let bench = bench(&[], |function, _| (function == "Plan").then(|| Ok(to_lanes("k", 0))));
    let names: Vec<_> = (0..10_000).map(|number| format!("{number:012}")).collect();
    bench.put_list("k", listed(&names.iter().map(String::as_str).collect::<Vec<_>>()));
    let execution = succeeds(&bench).await;
    let children = bench.children();
    let answered: usize = children.iter().map(|child| child.output().unwrap().to_string().len() + 1).sum();
    assert!(children.len() == 10_000 && answered < PAYLOAD_LIMIT / 8, "{answered} bytes");
    assert!(execution.history().events().len() < 30, "the run's own history does not grow with its lanes");
    assert_eq!(took(&execution), 3, "all at once");
}

/// The most events of a Task: entered, one attempt and all of its retries, exited.
fn events_of(task: &Value) -> u64 {
    let retries = task["Retry"].as_array().unwrap().iter();
    let attempts = 1 + retries.map(|rule| rule["MaxAttempts"].as_u64().unwrap()).sum::<u64>();
    2 + 3 * attempts
}

/// The most events of a lane's execution with so many turns, by its definition. A turn is counted
/// when a function has answered. The longest is a step that is waited for, fails after all of its
/// retries, and is recorded as a failure after as many.
fn most_events(turns: u64) -> u64 {
    let definition = definition();
    let states = &definition["States"]["Lanes"]["ItemProcessor"]["States"];
    let steps = ["LaneStart", "LaneStatus", "LaneCollect"];
    let step = steps.iter().map(|name| events_of(&states[name])).max().unwrap();
    let (decided, waited, ended) = (2, 2, 2);
    let turn = decided + waited + step + events_of(&states["LaneFailed"]);
    // Before the first turn nothing is decided or waited for.
    let (execution_started, execution_ended) = (1, 1);
    execution_started + turns * turn - decided - waited + decided + ended + execution_ended
}

/// A lane whose every turn takes the most events, for so many turns.
async fn longest(turns: u64) -> u64 {
    let made: Mutex<BTreeMap<&str, u64>> = Mutex::default();
    let bench = bench(&["a"], move |function, payload| {
        lane_of_step(function, payload)?;
        let fails = payload.get("error").is_some();
        let mut made = made.lock().unwrap();
        let attempts = made.entry(if fails { "recording" } else { "step" }).or_default();
        *attempts += 1;
        if *attempts < 9 {
            return Some(Err(TaskError::new("Throttled", "")));
        }
        if *attempts == 9 {
            return Some(Err(TaskError::new("Runtime.ExitError", "")));
        }
        *attempts = 0;
        if !fails {
            return denied("why");
        }
        let turn = made.entry("turns").or_default();
        *turn += 1;
        Some(Ok(lane(payload, if *turn == turns { "done" } else { "poll" })))
    });
    succeeds(&bench).await;
    bench.children()[0].history().events().len() as u64
}

#[tokio::test(start_paused = true)]
async fn the_longest_history_of_a_lane_is_as_its_definition_says() {
    for turns in [1, 2, 40] {
        assert_eq!(longest(turns).await, most_events(turns), "{turns} turns");
    }
    assert_eq!(most_events(147), 9_998, "the most turns that stay below 10,000 events");
    assert!(most_events(148) >= 10_000);
}
