//! The declarative policies report, and what is the same for every kind.

use std::path::PathBuf;

use serde_json::Value;

use crate::support::{Ended, Place, Served, Variables, resumable, until};

const KIND: &str = "declarative-policies-report";

/// What stands for an account in the report that was delivered: ids and names.
fn accounts(served: &Served, run: &str) -> Vec<String> {
    let [bucket] = names(served.place.path("muster-out")).try_into().unwrap();
    let [report] = names(bucket.join("raw/declarative-policies-report").join(run)).try_into().unwrap();
    let rows = csv::Reader::from_path(report).unwrap().into_records();
    let accounts: Vec<String> =
        rows.flat_map(|row| row.unwrap().iter().take(2).map(str::to_owned).collect::<Vec<_>>()).collect();
    assert_eq!(accounts.len(), 10 * 2 * 2, "ten accounts in two Regions, each with its id and name");
    accounts
}

/// The paths of a folder's entries.
fn names(folder: PathBuf) -> Vec<PathBuf> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// A run fails as AWS refuses one call, is resumed, and has evidence that is still shown after a
/// dry run, a request that is refused and a run that does not exist.
#[test]
fn a_run_of_a_stack_is_resumed_after_it_failed_and_what_it_established_can_be_shared() {
    let served = Served::start(&[
        "--speed=120",
        "--report-minutes=1",
        "--accounts=10",
        "--regions=2",
        "--fault=deny@ec2:GetDeclarativePoliciesReportSummary",
    ]);
    let error = served.at_stack(&["run", KIND]).failed();
    assert!(error.contains("the run ended as FAILED: Denied: ec2:GetDeclarative"), "{error}");
    let run = resumable(&error, "failed,overdue");
    let refused: Value = serde_json::from_str(&served.at_stack(&["evidence"]).succeeded()).unwrap();
    assert_eq!((&refused["runId"], &refused["errors"][0]["error"]), (&run.as_str().into(), &"Denied".into()));

    let resumed = served.at_stack(&["resume", &run, "--retry", "failed"]).succeeded();
    assert!(resumed.contains("declarative-policies-report: succeeded in"), "{resumed}");
    assert!(resumed.contains("10 of 10 accounts, 2 Regions") && resumed.contains("coverage    complete"));

    let dry_run = served.at_stack(&["run", KIND, "--request", r#"{"dryRun": true}"#]).succeeded();
    assert!(dry_run.contains("declarative-policies-report: dry run, nothing was started"), "{dry_run}");
    assert!(dry_run.contains("a report would be started, as far as AWS's dry run tells"), "{dry_run}");
    let error = served.at_stack(&["run", KIND, "--request", r#"{"targetId": "nope"}"#]).failed();
    assert!(error.contains("the run ended as FAILED: InvalidRequest: "), "{error}");
    assert!(!error.contains("muster resume"), "the same request would be refused again: {error}");
    let error = served.at_stack(&["resume", "20200101T000000Z-00000000", "--retry=failed"]).failed();
    assert!(error.contains("there is no run 20200101T000000Z-00000000 to resume"), "{error}");

    the_evidence_names_no_account(&served, &run);
    status_shows_every_execution_by_name_and_by_address(&served);
    doctor_says_how_the_functions_role_is_asked(&served);
}

fn the_evidence_names_no_account(served: &Served, run: &str) {
    let text = served.at_stack(&["evidence"]).succeeded();
    let evidence: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(evidence["runId"], run);
    assert_eq!(evidence["reports"][0]["agreesWithAwsSummary"], true);
    assert!(text.contains("block-new-sharing"), "the vocabulary is what it is for: {text}");
    let longest = text.split(|it: char| !it.is_ascii_digit()).map(str::len).max();
    assert!(longest < Some(12), "{text}");
    for account in accounts(served, run) {
        assert!(!text.contains(&account), "{account} in {text}");
    }
}

fn status_shows_every_execution_by_name_and_by_address(served: &Served) {
    let status = until("nothing is open", || {
        let status = served.at_stack(&["status"]).succeeded();
        status.contains("Nothing is open.").then_some(status)
    });
    let ended = |how: &str| status.lines().filter(|line| line.contains(how)).count();
    assert_eq!([ended(" FAILED "), ended(" SUCCEEDED "), ended(" RUNNING ")], [2, 2, 0], "{status}");
    assert_eq!(served.at_endpoint(&["status"]).succeeded(), status);
}

fn doctor_says_how_the_functions_role_is_asked(served: &Served) {
    let words = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let deployed = words(served.at_stack(&["doctor"]).succeeded());
    assert!(deployed.contains("pass trusted access") && !deployed.contains("FAIL"), "{deployed}");
    assert!(
        deployed.contains("cargo muster run declarative-policies-report --stack muster --request"),
        "{deployed}"
    );
    assert!(deployed.contains("muster run policy-generation --estimate --stack muster"), "{deployed}");
    let by_address = words(served.at_endpoint(&["doctor"]).succeeded());
    assert!(by_address.contains("pass dry run") && !by_address.contains("muster run"), "{by_address}");
}

#[test]
fn a_run_that_waits_for_its_report_is_seen_stopped_and_closed() {
    let served = Served::start(&["--report-minutes=240", "--accounts=10", "--regions=2"]);
    let running = served.start_at_stack(&["run", KIND]);
    let run = until("the report runs", || {
        let status = served.at_stack(&["status"]).succeeded();
        let line = status.lines().find(|line| line.contains(" RUNNING ") && line.contains(" is running "))?;
        Some(line.split_whitespace().next_back()?.to_owned())
    });
    let stopped = served.at_stack(&["stop", &run]).succeeded();
    assert!(stopped.contains("`cargo muster status --stack muster`"), "{stopped}");
    let status = until("nothing is open", || {
        let status = served.at_stack(&["status"]).succeeded();
        status.contains("Nothing is open.").then_some(status)
    });
    assert!(status.contains(" ABORTED "), "{status}");
    let error = running.ended("the run that was stopped").failed();
    assert!(error.contains("report p-") && error.contains("the run ended as ABORTED: Stopped"), "{error}");
    assert_eq!(resumable(&error, "failed,overdue"), run);
    let nothing = served.at_stack(&["evidence"]).failed();
    assert!(nothing.contains("left a report"), "who stopped a run is nothing about AWS: {nothing}");
}

/// Runs a small organization in the tool's own process.
fn run_in_process(place: &Place, more: &[&str]) -> Ended {
    let small = ["run", KIND, "--accounts=10", "--regions=2", "--speed=max"];
    place.muster(&[&small, more].concat(), &Variables::new())
}

#[test]
fn a_run_needs_nothing_but_the_tool_and_its_seed_makes_the_organization() {
    let place = Place::new();
    let organization = |more: &[&str]| {
        let ended = run_in_process(&place, more);
        let introduced = ended.err.clone();
        let result = ended.succeeded();
        assert!(result.contains("succeeded in 1 h") && result.contains("coverage    complete"), "{result}");
        let (_, rest) = introduced.split_once("A simulated organization (").unwrap();
        rest.split_once(')').unwrap().0.to_owned()
    };
    let first = organization(&["--layout=long"]);
    assert!(first.starts_with("o-"), "{first}");
    assert_eq!(organization(&["--seed=1"]), first);
    assert_ne!(organization(&["--seed=2"]), first);
}

#[test]
fn an_estimate_of_a_report_says_what_is_known_and_starts_nothing() {
    let place = Place::new();
    let said = run_in_process(&place, &["--estimate"]).succeeded();
    assert!(said.contains("nothing tells beforehand how long") && said.contains("127 state"), "{said}");
    assert!(!place.path("muster-out").exists(), "no AWS was simulated for it");
}

#[test]
fn a_stack_in_a_delegated_account_reports_on_the_organization() {
    let result = run_in_process(&Place::new(), &["--topology=delegated"]).succeeded();
    assert!(result.contains("10 of 10 accounts") && result.contains("coverage    complete"), "{result}");
}

#[test]
fn a_run_that_aws_refuses_to_start_fails_by_the_errors_name() {
    let error = run_in_process(&Place::new(), &["--fault=deny@ec2:StartDeclarativePoliciesReport"]).failed();
    assert!(error.contains("the run ended as FAILED: Denied: ec2:StartDeclarativePoliciesReport"), "{error}");
    assert!(!error.contains("muster resume"), "what it ran on is gone: {error}");
}

#[test]
fn two_runs_of_one_second_in_one_folder_are_two_runs() {
    let place = Place::new();
    let ask = |request: &str| run_in_process(&place, &["--request", request]);
    let dry_run = ask(r#"{"dryRun": true}"#).succeeded();
    assert!(dry_run.contains("dry run"), "{dry_run}");
    let error = ask(r#"{"targetId": "nope"}"#).failed();
    assert!(error.contains("InvalidRequest"), "{error}");
}

#[test]
fn a_csv_is_parsed_without_any_aws_and_one_that_is_no_report_is_refused_with_the_reason() {
    let place = Place::new();
    let parse = |name: &str| {
        let reports = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/reports/");
        place.muster(&["parse", &format!("{reports}{name}.csv"), "--out", name], &Variables::new())
    };
    let parsed = parse("wide").succeeded();
    assert!(
        parsed.contains("2 of ? accounts, 2 Regions") && parsed.contains("UNKNOWN: nobody says"),
        "{parsed}"
    );
    assert_eq!(names(place.path("wide")).len(), 3, "a table, a summary and the deviations");
    for (name, reason) in [
        ("utf-16", "it is not UTF-8 text: it begins with the byte order mark of UTF-16"),
        ("cut-off", "the file ends in the middle of a row"),
    ] {
        let error = parse(name).failed();
        assert!(error.contains(reason), "{error}");
        assert_eq!(
            names(place.path(name)),
            Vec::<PathBuf>::new(),
            "nothing is left that looks like evidence"
        );
    }
}
