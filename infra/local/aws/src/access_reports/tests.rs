mod content;
mod jobs;
mod orders;

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use local_clock::Clock;
use local_states::service::Latency as StatesLatency;
use serde_json::json;

use super::*;
use crate::aws::{Aws, Options};
use crate::iam::{Credentials, PolicyDocument, Principal};
use crate::lambda::{Latency, Nothing};
use crate::organization::{Organization, Shape, generate};
use crate::services::services;
use crate::settings::Settings;
use crate::wire::{Body, collect};

pub(crate) fn now() -> Timestamp {
    "2026-11-21T06:30:00Z".parse().unwrap()
}

fn aws_of(accounts: usize, settings: AccessReportSettings) -> Aws {
    aws_with(accounts, Settings { access_reports: settings, ..Settings::default() })
}

pub(crate) fn aws_with(accounts: usize, settings: Settings) -> Aws {
    let organization = generate(&Shape { accounts, ..Shape::default() }, now());
    Aws::new(Options {
        clock: Clock::virtual_time(now()),
        partition: "aws".into(),
        region: "eu-central-1".into(),
        account: organization.management_account.clone(),
        organization,
        settings,
        faults: Vec::new(),
        folder: None,
        runner: Arc::new(Nothing),
        states_latency: StatesLatency::default(),
        lambda_latency: Latency::default(),
    })
}

fn aws(settings: AccessReportSettings) -> Aws {
    aws_of(400, settings)
}

/// Who signs a request, with a token where the credentials are a session's.
#[derive(Clone)]
pub(crate) struct Who(String, Option<String>);

pub(crate) fn administrator() -> Who {
    Who(Credentials::administrator().access_key_id, None)
}

/// A session of a role of the management account that may do so much.
fn session(aws: &Aws, name: &str, may: &[&str]) -> Who {
    session_in(aws, aws.account(), name, may)
}

pub(crate) fn session_in(aws: &Aws, account: &str, name: &str, may: &[&str]) -> Who {
    let policy = json!({"Statement": [{"Effect": "Allow", "Action": may, "Resource": "*"}]});
    let principal = Principal {
        account: account.to_owned(),
        arn: format!("arn:aws:sts::{account}:assumed-role/reports/{name}"),
        policy: Some(PolicyDocument::parse(&policy).unwrap().into()),
        role: Some(format!("arn:aws:iam::{account}:role/reports")),
        sandbox: None,
        function: None,
    };
    let session =
        aws.gate().identities.issue_session(principal, now() + SignedDuration::from_hours(12), now());
    Who(session.credentials.access_key_id, Some(session.token))
}

const ALL: [&str; 7] = [
    "iam:*",
    "organizations:DescribePolicy",
    "organizations:ListChildren",
    "organizations:ListParents",
    "organizations:ListPoliciesForTarget",
    "organizations:ListRoots",
    "organizations:ListTargetsForPolicy",
];

/// The status and the body of the answer.
pub(crate) async fn ask(aws: &Aws, who: &Who, form: &str) -> (u16, String) {
    let signed =
        format!("AWS4-HMAC-SHA256 Credential={}/20261121/us-east-1/iam/aws4_request, Signature=0", who.0);
    let mut request = http::Request::post("/").header("authorization", signed);
    if let Some(token) = &who.1 {
        request = request.header("x-amz-security-token", token);
    }
    let body = Body::from(bytes::Bytes::from(format!("{form}&Version=2010-05-08")));
    let response = aws.call(request.body(body).unwrap()).await.unwrap();
    let status = response.status().as_u16();
    let body = collect(response.into_body()).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

/// The texts of all elements of a name.
pub(crate) fn texts(body: &str, name: &str) -> Vec<String> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    body.split(&open).skip(1).map(|rest| rest.split(&close).next().unwrap().to_owned()).collect()
}

pub(crate) fn text(body: &str, name: &str) -> String {
    texts(body, name).pop().unwrap_or_else(|| panic!("no {name} in {body}"))
}

fn order(path: &str, policy: Option<&str>) -> String {
    let policy = policy.map(|id| format!("&OrganizationsPolicyId={id}")).unwrap_or_default();
    format!("Action=GenerateOrganizationsAccessReport&EntityPath={path}{policy}")
}

/// The id of the job of an order, or status and code of its refusal.
async fn start(aws: &Aws, who: &Who, path: &str, policy: Option<&str>) -> Result<String, (u16, String)> {
    let (status, body) = ask(aws, who, &order(path, policy)).await;
    match status {
        200 => Ok(text(&body, "JobId")),
        _ => Err((status, text(&body, "Code"))),
    }
}

async fn get(aws: &Aws, who: &Who, job: &str, more: &str) -> (u16, String) {
    ask(aws, who, &format!("Action=GetOrganizationsAccessReport&JobId={job}{more}")).await
}

/// The whole report, once it has ended.
async fn report(aws: &Aws, who: &Who, path: &str, policy: Option<&str>) -> String {
    let job = start(aws, who, path, policy).await.unwrap();
    loop {
        let (status, body) = get(aws, who, &job, "&MaxItems=1000").await;
        assert_eq!(status, 200, "{body}");
        if text(&body, "JobStatus") != "IN_PROGRESS" {
            return body;
        }
        aws.clock().sleep(Duration::from_secs(1)).await;
    }
}

fn root(organization: &Organization) -> String {
    format!("{}/{}", organization.id, organization.root)
}

fn trimmed(path: &str) -> String {
    path.trim_end_matches('/').to_owned()
}

/// The code with which the job of an order fails.
async fn failure(aws: &Aws, who: &Who, path: &str, policy: Option<&str>) -> String {
    let body = report(aws, who, path, policy).await;
    assert_eq!(text(&body, "JobStatus"), "FAILED", "{path} {policy:?}");
    assert!(!text(&body, "JobCompletionDate").is_empty() && !text(&body, "Message").is_empty());
    assert_eq!(texts(&body, "NumberOfServicesAccessible").len(), 0);
    text(&body, "Code")
}
