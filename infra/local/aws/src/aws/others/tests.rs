use jiff::SignedDuration;
use serde_json::json;

use super::*;
use crate::aws::testing::aws;

fn content(aws: &Aws, id: &str) -> String {
    aws.organization().policy(id).unwrap().content.clone()
}

#[tokio::test(start_paused = true)]
async fn others_write_at_once_at_their_time_and_before_a_call() {
    let (aws, _) = aws(None, json!([]));
    let document = |value: &str| json!({"tags": {"team": {"tag_value": {"@@assign": [value]}}}}).to_string();
    let made = aws.organization_changed_by_others(
        "CreatePolicy",
        json!({"Name": "n", "Description": "", "Type": "TAG_POLICY", "Content": document("a")}),
    );
    let id = made.unwrap()["Policy"]["PolicySummary"]["Id"].as_str().unwrap().to_owned();
    let at = aws.clock().now() + SignedDuration::from_secs(60);
    for (seconds, value) in [(1, "late"), (0, "early")] {
        let body = json!({"PolicyId": id, "Content": document(value)});
        let moment = Moment::At(at + SignedDuration::from_secs(seconds));
        aws.organization_will_be_changed_by_others(moment, "UpdatePolicy", body);
    }
    tokio::time::sleep(std::time::Duration::from_secs(59)).await;
    assert_eq!(content(&aws, &id), document("a"));
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!(content(&aws, &id), document("early"));
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!(content(&aws, &id), document("late"));

    let before = Moment::Before { operation: "DescribePolicy".to_owned(), call: 2 };
    aws.organization_will_be_changed_by_others(before, "DeletePolicy", json!({"PolicyId": id}));
    let exists = |called: &str| {
        let now = aws.clock().now();
        aws.0.others_before(&mut aws.0.settle(), called, now);
        aws.organization().policy(&id).is_some()
    };
    assert!(exists("DescribePolicy") && exists("ListPolicies") && !exists("DescribePolicy"));

    let unknown = aws.organization_changed_by_others("DeletePolicy", json!({"PolicyId": id}));
    assert_eq!(unknown.unwrap_err().code, "PolicyNotFoundException");
    let answers: Vec<bool> = aws.changes_by_others().iter().map(|it| it.answer.is_ok()).collect();
    assert_eq!(answers, [true, true, true, true, false]);
}
