use super::*;
use crate::window::Window;
use serde_json::{Value, json};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn request(request: Value) -> Request {
    serde_json::from_value(request).unwrap()
}

fn principal(kind: &str) -> Principal {
    serde_json::from_value(json!({
        "id": "AROA1", "arn": format!("arn:aws:iam::012345678901:{kind}/reader"), "name": "reader", "path": "/",
        "kind": kind, "created": null, "tags": {"team": "\"net\""},
    }))
    .unwrap()
}

fn generated(more: Value) -> Generated {
    let mut generated = json!({
        "id": "AROA1", "jobId": "j", "started": NOW, "completed": NOW, "window": null, "isComplete": true,
        "documents": "runs/r/policies/a/AROA1.json", "policies": 1, "withPlaceholders": 1, "serviceLevel": 1,
        "placeholders": 0, "withoutStatements": 0, "findings": {"ERROR": 1, "NOTICE": 3},
    });
    generated.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(generated).unwrap()
}

fn row<'a>(principal: &'a Principal, present: &'a Present, status: Status<'a>) -> Row<'a> {
    Row {
        account: "012345678901",
        principal,
        present,
        observed: NOW,
        services: None,
        last_activity: None,
        status,
        failure: None,
        ordered: None,
    }
}

fn caveats(generated: &Generated, request: &Request) -> Vec<&'static str> {
    row(&principal("role"), &Present::default(), Status::Generated(generated)).caveats(request)
}

#[test]
fn a_generated_policy_says_what_it_does_not_cover() {
    let whole = ["covers_only_window_and_regions", "data_events_not_covered", "pass_role_not_tracked"];
    let read = json!({"start": NOW, "end": NOW, "trails": [{"cloudTrailArn": "arn", "allRegions": true}]});
    assert_eq!(caveats(&generated(json!({"read": read})), &Request::default()), whole);
    let partly = generated(json!({"isComplete": false, "placeholders": 2}));
    let partly = caveats(&partly, &Request::default());
    assert!(partly.contains(&"is_not_complete") && partly.contains(&"has_placeholders"), "{partly:?}");
    let without = request(json!({"withoutCloudTrail": true}));
    assert_eq!(caveats(&generated(json!({})), &without)[0], "made_without_cloudtrail");
}

#[test]
fn completeness_that_aws_does_not_tell_is_not_taken_for_granted() {
    let silent = generated(json!({"isComplete": null}));
    assert!(caveats(&silent, &Request::default()).contains(&"completeness_not_told"));
}

#[test]
fn what_a_failed_generation_lacks_is_no_caveat_of_a_policy() {
    let (principal, present) = (principal("user"), Present::default());
    let failed = row(&principal, &present, Status::Failed);
    assert_eq!(failed.caveats(&Request::default()), [""; 0]);
    let idle = row(&principal, &present, Status::NoActivity { since: NOW });
    let caveats = idle.caveats(&Request::default());
    assert_eq!(caveats, ["activity_lag_4_hours", "only_what_its_policies_allow"]);
}

#[test]
fn activity_is_told_by_iam_of_roles_alone_and_by_access_where_it_was_read() {
    let services = Services::of(
        &crate::principal::Access { completed: NOW, services: Vec::new(), granting_not_read: None },
        None,
    );
    let (role, user, present) = (principal("role"), principal("user"), Present::default());
    let of =
        |principal, services| Row { services, ..row(principal, &present, Status::Failed) }.activity_sources();
    assert_eq!(of(&role, Some(&services)), ["service_last_accessed", "role_last_used"]);
    assert_eq!(of(&role, None), ["role_last_used"]);
    assert_eq!(of(&user, None), [""; 0]);
}

#[test]
fn a_row_covers_what_aws_says_that_it_read_and_not_what_was_asked_for() {
    let read = json!({"start": "2026-11-11T00:00:00Z", "end": "2026-11-21T00:00:00Z", "trails": [{"cloudTrailArn": "arn", "allRegions": true}]});
    let (told, silent) = (generated(json!({"read": read})), generated(json!({})));
    let ordered = Ordered {
        at: "2026-11-21T06:30:00Z".parse().unwrap(),
        job_id: "j".into(),
        window: Some(Window { days: 86, ..Window::default() }),
        since: Some("2026-08-27T06:30:00Z".parse().unwrap()),
        until: Some("2026-11-21T06:30:00Z".parse().unwrap()),
    };
    let (principal, present, request) = (principal("role"), Present::default(), Request::default());
    let days =
        |status| Row { ordered: Some(&ordered), ..row(&principal, &present, status) }.covered(&request).days;
    assert_eq!(days(Status::Generated(&told)), Some(10));
    assert_eq!([days(Status::Generated(&silent)), days(Status::Failed)], [Some(86), Some(86)]);
    assert!(caveats(&silent, &request).contains(&"window_not_told"));
}

#[test]
fn every_status_has_a_row_of_all_columns() {
    let (run_id, item) = ("20261121T063000Z-9f86d081".parse().unwrap(), "organization".parse().unwrap());
    let run = RunContext {
        run_id: &run_id,
        item: &item,
        attempt: 1,
        writer: "w",
        now: NOW,
        deadline: NOW,
        max_age: None,
    };
    let request = Request::default();
    let mut table = GeneratedPolicies::new(run, &request).unwrap();
    let (principal, present) = (principal("role"), Present::default());
    let (generated, failure) = (generated(json!({})), Failure::new("JobFailed", "why"));
    for status in [
        Status::Generated(&generated),
        Status::NoActivity { since: NOW },
        Status::ValidPolicyExists { at: NOW, run: &run_id },
        Status::Failed,
        Status::CarriedOver,
        Status::Overdue,
        Status::Unknown(Unknown::NotDecided),
    ] {
        let failure = (status == Status::Failed).then_some(&failure);
        table.push(&Row { failure, ..row(&principal, &present, status) }).unwrap();
    }
}
