//! The figure behind the alarm on runs that stay away.

use std::time::Duration;

use local_aws::Settings;
use local_aws::settings::ReportOutcome;
use local_stack::LocalStack;
use local_states::ExecutionStatus;
use muster_tests::{Scenario, on_virtual_time, stack};
use serde_json::json;

const HOUR: Duration = Duration::from_secs(3_600);

fn hours(stack: &LocalStack) -> Vec<f64> {
    let lines = stack.metrics.lines();
    lines.iter().filter_map(|line| line["hours_since_published"].as_f64()).collect()
}

#[test]
fn nothing_is_said_before_anything_was_published() {
    on_virtual_time(async {
        let settings = Settings { report_outcomes: vec![ReportOutcome::Error], ..Settings::default() };
        let stack = stack(&Scenario { settings, ..Scenario::default() });
        let execution = stack.start_report(json!({})).unwrap();
        assert_eq!(execution.finished().await, ExecutionStatus::Failed);
        tokio::time::sleep(300 * HOUR).await;
        assert_eq!(hours(&stack), Vec::<f64>::new());
    });
}

#[test]
fn the_hours_grow_until_the_next_run_is_published() {
    on_virtual_time(async {
        let stack = stack(&Scenario::default());
        stack.start_report(json!({})).unwrap().finished().await;
        tokio::time::sleep(30 * HOUR).await;
        let first = hours(&stack);
        // Every 15 minutes, and the first within the first of them.
        assert!((119..=121).contains(&first.len()), "{}", first.len());
        assert!(first[0] <= 0.26 && first.windows(2).all(|pair| (pair[1] - pair[0] - 0.25).abs() < 0.01));
        assert!((29.5..=30.0).contains(first.last().unwrap()), "{:?}", first.last());

        stack.start_report(json!({})).unwrap().finished().await;
        tokio::time::sleep(HOUR).await;
        let last = *hours(&stack).last().unwrap();
        assert!((0.7..=1.0).contains(&last), "{last}");
    });
}

#[test]
fn the_line_is_the_one_that_the_alarm_looks_for() {
    on_virtual_time(async {
        let stack = stack(&Scenario::default());
        stack.start_report(json!({})).unwrap().finished().await;
        tokio::time::sleep(HOUR).await;
        let lines = stack.metrics.lines();
        let line = lines.iter().find(|line| line["hours_since_published"].is_number()).unwrap();
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        let alarm = &stack.resolved.resources["PublishedLongAgo"].properties;
        assert_eq!(directive["Namespace"], alarm["Namespace"]);
        assert_eq!(directive["Metrics"][0]["Name"], alarm["MetricName"]);
        assert_eq!(directive["Dimensions"], json!([[alarm["Dimensions"][0]["Name"]]]));
        assert_eq!(line["Kind"], alarm["Dimensions"][0]["Value"]);
    });
}

#[test]
fn an_event_of_a_failed_run_does_not_bring_a_figure() {
    on_virtual_time(async {
        let settings = Settings {
            report_outcomes: vec![ReportOutcome::Complete, ReportOutcome::Error],
            ..Settings::default()
        };
        let stack = stack(&Scenario { settings, ..Scenario::default() });
        stack.start_report(json!({})).unwrap().finished().await;
        tokio::time::sleep(HOUR).await;
        let second = stack.start_report(json!({})).unwrap();
        assert_eq!(second.finished().await, ExecutionStatus::Failed);
        let before = hours(&stack).len();
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert_eq!(hours(&stack).len(), before);
    });
}
