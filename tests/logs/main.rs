//! What a run leaves in the log. A process of its own: whether a line is written at all is decided
//! once for a process, by whoever listens in it first.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::{Arc, LazyLock, Mutex};

use local_states::ExecutionStatus;
use muster_tests::{Scenario, on_virtual_time, records, stack};
use serde_json::{Value, json};
use tracing_subscriber::fmt::MakeWriter;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// What this process logs, as the functions do on Lambda.
static LINES: LazyLock<Lines> = LazyLock::new(|| {
    let lines = Lines::default();
    tracing::subscriber::set_global_default(runtime::lambda::log_lines(lines.clone())).unwrap();
    lines
});

/// The lines that steps write while this runs, and nothing else does.
fn logged(run: impl FnOnce()) -> Vec<Value> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap();
    LINES.0.lock().unwrap().clear();
    run();
    let text = String::from_utf8(LINES.0.lock().unwrap().clone()).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["span"]["name"] == "step").collect()
}

#[test]
fn every_line_of_a_run_names_it_its_item_its_step_and_its_request_from_the_first_step_on() {
    let mut run_id = String::new();
    let mut item = String::new();
    let lines = logged(|| {
        on_virtual_time(async {
            let stack = stack(&Scenario::default());
            let execution = stack.start_report(json!({})).unwrap();
            assert_eq!(execution.finished().await, ExecutionStatus::Succeeded);
            let record = &records(&stack)[0];
            (run_id, item) = (record.run_id.to_string(), record.item.to_string());
        });
    });
    let of_run: Vec<_> =
        lines.iter().filter(|line| line["span"]["kind"] == "declarative-policies-report").collect();
    assert!(of_run.len() > 10, "{}", of_run.len());
    for line in &of_run {
        let span = &line["span"];
        assert_eq!((&span["run_id"], &span["item"]), (&json!(run_id), &json!(item)), "{line}");
        assert!(span["step"].is_string() && span["request_id"].is_string(), "{line}");
    }
    let steps: BTreeSet<_> = of_run.iter().map(|line| line["span"]["step"].as_str().unwrap()).collect();
    assert_eq!(steps.into_iter().collect::<Vec<_>>(), ["collect", "start", "status"]);
}

#[test]
fn an_error_is_logged_with_its_name_and_with_awss_code_and_request_id() {
    let faults = vec!["deny@ec2:DescribeDeclarativePoliciesReports".parse().unwrap()];
    let lines = logged(|| {
        muster_tests::run(&Scenario { faults, ..Scenario::default() });
    });
    let error = lines.iter().find(|line| line["level"] == "ERROR").unwrap();
    assert_eq!((&error["error"], &error["aws_code"]), (&json!("Denied"), &json!("UnauthorizedOperation")));
    assert!(error["aws_request_id"].is_string() && error["span"]["run_id"].is_string(), "{error}");
}
