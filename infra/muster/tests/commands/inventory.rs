//! The inventory of the organization, as a kind whose runs have lanes.

use crate::support::{Ended, Place, Served, Variables, built_binaries, resumable, row, until};

const KIND: &str = "organization-inventory";

/// Runs the inventory of a small organization, in the tool's own process unless the arguments say
/// otherwise.
fn run(place: &Place, more: &[&str]) -> Ended {
    run_with(place, more, &Variables::new())
}

fn run_with(place: &Place, more: &[&str], variables: &Variables) -> Ended {
    let small = ["run", KIND, "--accounts=40", "--regions=2", "--speed=max"];
    place.muster(&[&small, more].concat(), variables)
}

fn is_whole(result: &str) {
    assert!(result.contains(&format!("{KIND}: succeeded in ")), "{result}");
    assert!(row(result, "org").starts_with("o-"));
    assert!(row(result, "seen").starts_with("40 accounts, "), "{result}");
    assert_eq!(row(result, "coverage"), "complete", "{result}");
    assert!(row(result, "policies").contains(" SERVICE_CONTROL_POLICY"), "{result}");
    let effective = row(result, "effective");
    assert!(effective.contains(" derived, ") && effective.ends_with(" read"), "{effective}");
    assert!(row(result, "items").ends_with(" in 6 lanes") && !result.contains("FAILED"), "{result}");
    assert!(!result.contains("muster resume"), "there is nothing to do again: {result}");
}

#[test]
fn an_inventory_is_followed_by_its_lanes_and_shown_with_its_tables() {
    let place = Place::new();
    let ended = run(&place, &[]);
    let followed = ended.err.clone();
    assert!(followed.contains(" items in 6 lanes done; "), "{followed}");
    assert!(followed.contains("gathering") || followed.contains("succeeded"), "{followed}");
    let result = ended.succeeded();
    is_whole(&result);
    let (_, below) = result.split_once("rows  below ").unwrap();
    let below = below.lines().next().unwrap();
    for table in ["accounts", "organization_units", "policies", "effective_policies", "item_outcomes", "runs"]
    {
        let (_, file) = result.split_once(&format!("  {table}/run_date=")).unwrap();
        let file = format!("{below}{table}/run_date={}", file.lines().next().unwrap());
        assert!(place.path(&file).is_file(), "{file}");
    }
    assert!(place.path(row(&result, "snapshot")).is_file() && place.path(row(&result, "manifest")).is_file());
}

#[test]
fn an_inventory_is_the_same_by_the_binaries_that_are_deployed() {
    is_whole(&run_with(&Place::new(), &["--lambda=processes"], &built_binaries()).succeeded());
}

#[test]
fn an_inventory_is_the_same_from_a_delegated_account() {
    is_whole(&run(&Place::new(), &["--topology=delegated"]).succeeded());
}

#[test]
fn an_estimate_needs_an_inventory_to_go_by_and_starts_nothing() {
    let place = Place::new();
    let first = run(&place, &["--estimate"]).succeeded();
    assert!(first.contains("dry run, nothing was started"), "{first}");
    assert!(row(&first, "estimate").starts_with("none: no inventory"), "{first}");
    run(&place, &[]).succeeded();
    let second = run(&place, &["--estimate"]).succeeded();
    let count = |name: &str| -> u64 {
        row(&second, name).split_whitespace().next().unwrap().replace(',', "").parse().unwrap()
    };
    assert!(count("calls") > 40, "at least the tags of each account: {second}");
    assert!(count("items") >= 20 && count("transitions") > 0, "{second}");
    assert!(row(&second, "cost").starts_with("about $0.0"), "{second}");
    assert!(!second.contains("none: "), "{second}");
}

#[test]
fn items_that_failed_are_counted_and_done_again() {
    let served =
        Served::start(&["--speed=120", "--accounts=20", "--fault=deny@organizations:ListTagsForResource"]);
    let result = served.at_stack(&["run", KIND]).succeeded();
    assert!(row(&result, "items").starts_with("1 FAILED, "), "{result}");
    assert!(row(&result, "coverage").starts_with("INCOMPLETE"), "{result}");
    assert!(result.contains("1 x tags could not be read"), "{result}");
    let run = resumable(&result, "failed");
    let evidence: serde_json::Value =
        serde_json::from_str(&served.at_stack(&["evidence"]).succeeded()).unwrap();
    assert_eq!((&evidence["kind"], &evidence["errors"][0]["error"]), (&KIND.into(), &"Denied".into()));

    let resumed = served.at_stack(&["resume", &run, "--retry", "failed"]).succeeded();
    assert_eq!((row(&resumed, "run"), row(&resumed, "coverage")), (run.as_str(), "complete"), "{resumed}");
    let status = served.at_stack(&["status"]).succeeded();
    let of_run = |line: &&str| line.contains(KIND) && line.contains(" SUCCEEDED ") && line.contains(&run);
    assert_eq!(status.lines().filter(of_run).count(), 2, "{status}");
    assert!(status.contains("Nothing is open."), "{status}");
}

#[test]
fn an_inventory_that_runs_is_seen_by_its_lanes_and_stopped_by_its_executions_name() {
    let served = Served::start(&["--speed=5", "--accounts=2000"]);
    let running = served.start_at_stack(&["run", KIND]);
    let name = until("lanes are worked on", || {
        let status = served.at_stack(&["status"]).succeeded();
        let line =
            status.lines().find(|line| line.contains(" RUNNING ") && line.contains(" lanes done; "))?;
        assert!(line.trim_start().starts_with(KIND), "{line}");
        Some(line.split_whitespace().nth(1)?.to_owned())
    });
    served.at_stack(&["stop", &name]).succeeded();
    let error = running.ended("the run that was stopped").failed();
    assert!(error.contains("the run ended as ABORTED: Stopped"), "{error}");
    let run = resumable(&error, "failed,overdue");
    until("nothing is open", || {
        let status = served.at_stack(&["status"]).succeeded();
        status.contains("Nothing is open.").then_some(())
    });
    let unknown = served.at_stack(&["stop", "no-such-name"]).failed();
    assert!(unknown.contains("no running execution is named no-such-name"), "{unknown}");
    assert!(served.place.path("muster-out").exists() && !run.is_empty());
}
