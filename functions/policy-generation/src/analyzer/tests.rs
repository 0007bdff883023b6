use models::ErrorName;
use serde_json::{Value, json};

use super::*;
use crate::canned::{Canned, config};
use crate::order::CloudTrail;

const JOB: &str = "00000000-0000-4000-8000-000000000001";
const READER: &str = "arn:aws:iam::012345678901:role/reader";

fn analyzer(answers: Vec<(u16, Value)>) -> (Analyzer, Canned) {
    let answers = answers.into_iter().map(|(status, body)| (status, body.to_string())).collect();
    let (config, canned) = config(answers);
    (Analyzer::new(&config, "eu-west-1"), canned)
}

fn order() -> Order {
    let trail = crate::request::Trail {
        cloud_trail_arn: "arn:aws:cloudtrail:eu-central-1:000000000001:trail/organization".into(),
        regions: ["eu-central-1".to_owned()].into(),
        all_regions: None,
    };
    Order {
        principal_arn: READER.into(),
        cloud_trail: Some(CloudTrail {
            trails: vec![trail],
            access_role: "arn:aws:iam::012345678901:role/service-role/access".parse().unwrap(),
            start: "2026-08-23T06:30:00Z".parse().unwrap(),
            end: Some("2026-11-21T06:30:00Z".parse().unwrap()),
        }),
        client_token: "token".into(),
    }
}

async fn refusal(status: u16, body: Value) -> Refusal {
    analyzer(vec![(status, body)]).0.start(&order()).await.unwrap_err()
}

fn job(status: &str, error: Option<&str>) -> Value {
    let mut job = json!({
        "jobDetails": {"jobId": JOB, "status": status, "startedOn": "2026-11-21T06:30:00Z"},
        "generatedPolicyResult": {"properties": {"principalArn": order().principal_arn, "isComplete": true}},
    });
    if let Some(code) = error {
        job["jobDetails"]["jobError"] = json!({"code": code, "message": "AWS's own words"});
    }
    job
}

async fn standing(status: u16, body: Value) -> Result<Standing, JobError> {
    analyzer(vec![(status, body)]).0.standing(JOB).await
}

#[tokio::test]
async fn an_order_has_every_member_as_the_api_takes_it() {
    let (analyzer, canned) = analyzer(vec![(200, json!({"jobId": JOB}))]);
    assert_eq!(analyzer.start(&order()).await.unwrap(), JOB);
    let sent: Value = serde_json::from_str(&canned.asked()[0]).unwrap();
    let expected = json!({
        "clientToken": "token",
        "policyGenerationDetails": {"principalArn": "arn:aws:iam::012345678901:role/reader"},
        "cloudTrailDetails": {
            "accessRole": "arn:aws:iam::012345678901:role/service-role/access",
            "startTime": "2026-08-23T06:30:00Z",
            "endTime": "2026-11-21T06:30:00Z",
            "trails": [{
                "cloudTrailArn": "arn:aws:cloudtrail:eu-central-1:000000000001:trail/organization",
                "regions": ["eu-central-1"],
            }],
        },
    });
    assert_eq!(sent, expected);
}

#[tokio::test]
async fn each_refusal_of_an_order_means_what_aws_says() {
    let of = |code: &str| json!({"__type": code, "message": "no", "resourceId": "x", "resourceType": "y"});
    assert!(matches!(refusal(402, of("ServiceQuotaExceededException")).await, Refusal::Quota(_)));
    assert!(matches!(refusal(409, of("ConflictException")).await, Refusal::Conflict(_)));
    let throttled = refusal(429, of("ThrottlingException")).await;
    assert!(
        matches!(&throttled, Refusal::Throttled(Some(after), error)
        if after.as_secs() == 7 && error.name() == ErrorName::Throttled),
        "{throttled:?}"
    );
    let Refusal::Other(denied) = refusal(403, of("AccessDeniedException")).await else { panic!() };
    assert_eq!(denied.name(), ErrorName::Denied);
    assert!(denied.to_string().contains("iam:PassRole"), "{denied}");
    let mut invalid = of("ValidationException");
    invalid["reason"] = json!("fieldValidationFailed");
    invalid["fieldList"] = json!([{"name": "startTime", "message": "too early"}]);
    let Refusal::Other(invalid) = refusal(400, invalid).await else { panic!() };
    assert_eq!(invalid.name(), ErrorName::InvalidRequest);
    assert!(invalid.to_string().contains("startTime: too early"), "{invalid}");
}

#[tokio::test]
async fn a_job_is_finished_only_by_a_word_that_says_so() {
    for word in ["IN_PROGRESS", "ALMOST"] {
        assert!(matches!(standing(200, job(word, None)).await, Ok(Standing::InProgress)), "{word}");
    }
    assert!(matches!(standing(200, job("SUCCEEDED", None)).await, Ok(Standing::Succeeded { .. })));
    assert!(matches!(standing(200, job("CANCELED", None)).await, Ok(Standing::Canceled)));
}

#[tokio::test]
async fn a_failed_job_says_why_and_whether_less_of_the_trail_would_do() {
    for (code, name, too_much) in [
        ("AUTHORIZATION_ERROR", ErrorName::Denied, false),
        ("RESOURCE_NOT_FOUND_ERROR", ErrorName::JobFailed, false),
        ("SERVICE_QUOTA_EXCEEDED_ERROR", ErrorName::JobFailed, true),
        ("SERVICE_ERROR", ErrorName::JobFailed, false),
        ("A_CODE_OF_THE_FUTURE", ErrorName::JobFailed, false),
    ] {
        let Ok(Standing::Failed(failed)) = standing(200, job("FAILED", Some(code))).await else {
            panic!("{code}")
        };
        assert_eq!((failed.error.name(), failed.too_much), (name, too_much), "{code}");
        assert!(failed.error.to_string().contains("AWS's own words"), "{}", failed.error);
    }
}

#[tokio::test]
async fn a_job_that_is_not_known_any_more_is_no_error_of_the_call_and_a_denial_is() {
    for (status, code) in [(400, "ValidationException"), (404, "ResourceNotFoundException")] {
        let answer = standing(status, json!({"__type": code, "message": "no such job"})).await;
        assert!(matches!(answer, Ok(Standing::Unknown(_))), "{code}");
    }
    let denied = standing(403, json!({"__type": "AccessDeniedException", "message": "no"})).await;
    assert_eq!(denied.unwrap_err().name(), ErrorName::Denied);
}

#[tokio::test]
async fn a_list_is_whole_or_an_error() {
    let listed = |status: &str, next: Option<&str>| {
        let one =
            json!({"jobId": JOB, "principalArn": "a", "status": status, "startedOn": "2026-11-21T06:30:00Z"});
        (200, json!({"policyGenerations": [one], "nextToken": next}))
    };
    let empty = |next: &str| (200, json!({"policyGenerations": [], "nextToken": next}));
    let pages = vec![listed("SUCCEEDED", Some("a")), empty("b"), listed("IN_PROGRESS", None)];
    let whole = analyzer(pages).0.list().await.unwrap();
    assert_eq!(whole.iter().map(|it| it.in_progress).collect::<Vec<_>>(), [false, true]);
    let looped = analyzer(vec![empty("a"), empty("a")]).0.list().await;
    assert_eq!(looped.unwrap_err().name(), ErrorName::Incomplete);
}

#[tokio::test]
async fn documents_are_whole_only_where_no_answer_says_otherwise() {
    let form = |complete: Option<bool>, policies: &[&str]| {
        let mut body = job("SUCCEEDED", None);
        body["generatedPolicyResult"]["properties"]["isComplete"] = json!(complete);
        let policies: Vec<_> = policies.iter().map(|policy| json!({"policy": policy})).collect();
        body["generatedPolicyResult"]["generatedPolicies"] = json!(policies);
        (200, body)
    };
    let placeholder = r#"{"Resource": "arn:aws:s3:::${BucketName}/${Key}"}"#;
    for (first, second, complete) in [
        (Some(true), Some(true), Some(true)),
        (Some(true), Some(false), Some(false)),
        (Some(true), None, None),
        (None, Some(false), Some(false)),
        (None, None, None),
    ] {
        let answers = vec![form(first, &["{}", "{}"]), form(second, &[placeholder]), form(None, &["{}"])];
        let documents = analyzer(answers).0.documents(JOB, READER).await.unwrap();
        assert_eq!(documents.is_complete, complete);
        assert_eq!((documents.policies.len(), documents.placeholders()), (2, 2));
    }
}

/// A generation that succeeded, about this principal, with what AWS says of the trail.
fn succeeded(principal: &str, read: Value) -> Vec<(u16, Value)> {
    let mut body = job("SUCCEEDED", None);
    let result = &mut body["generatedPolicyResult"];
    result["properties"]["principalArn"] = json!(principal);
    result["properties"]["cloudTrailProperties"] = read;
    result["generatedPolicies"] = json!([{"policy": "{}"}]);
    vec![(200, body); 3]
}

#[tokio::test]
async fn what_aws_says_that_it_read_is_kept_where_it_says_so_of_every_trail() {
    let read = |trails: Value| {
        json!({"startTime": "2026-11-01T00:00:00Z", "endTime": "2026-11-02T00:00:00Z",
            "trailProperties": trails})
    };
    let arn = "arn:aws:cloudtrail:eu-central-1:000000000001:trail/organization";
    let some = json!({"cloudTrailArn": arn, "regions": ["eu-west-1"]});
    let silent = json!({"cloudTrailArn": arn});
    for (told, is_kept) in [
        (read(json!([some])), true),
        (read(json!([{"cloudTrailArn": arn, "allRegions": true}])), true),
        (read(json!([some, silent])), false),
        (read(json!([])), false),
        (Value::Null, false),
    ] {
        let documents = analyzer(succeeded(READER, told.clone())).0.documents(JOB, READER).await.unwrap();
        assert_eq!(documents.read.is_some(), is_kept, "{told}");
    }
}

#[tokio::test]
async fn a_policy_of_another_principal_is_none_of_this_one() {
    let other = "arn:aws:iam::012345678901:role/other";
    let answer = analyzer(succeeded(other, Value::Null)).0.documents(JOB, READER).await;
    assert_eq!(answer.unwrap_err().name(), ErrorName::Incomplete);
}

#[tokio::test]
async fn an_order_whose_answer_was_lost_is_found_only_while_a_generation_is_in_progress() {
    let listed = |status: &str| {
        let one = json!({"jobId": "x", "principalArn": READER, "status": status, "startedOn": "2026-11-21T06:30:00Z"});
        (200, json!({"policyGenerations": [one]}))
    };
    let in_progress = async |answers: Vec<(u16, Value)>| {
        let (analyzer, canned) = analyzer(answers);
        (analyzer.in_progress(&order()).await, canned.asked().len())
    };
    let (found, asked) = in_progress(vec![listed("SUCCEEDED")]).await;
    assert_eq!((found.unwrap(), asked), (None, 1));
    let (found, asked) = in_progress(vec![listed("IN_PROGRESS"), (200, json!({"jobId": JOB}))]).await;
    assert_eq!((found.unwrap().as_deref(), asked), (Some(JOB), 2));
    for (status, code) in [(402, "ServiceQuotaExceededException"), (409, "ConflictException")] {
        let somebody_elses = json!({"__type": code, "message": "no", "resourceId": "x", "resourceType": "y"});
        let (found, _) = in_progress(vec![listed("IN_PROGRESS"), (status, somebody_elses)]).await;
        assert_eq!(found.unwrap(), None, "{code}");
    }
}
