mod checks;
mod content;
mod ends;
mod jobs;
mod start;

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::*;
use crate::access_reports::tests::{aws_with, now};
use crate::aws::Aws;
use crate::iam::{PolicyDocument, Principal, Role, RoleSet};
use crate::principals;
use crate::settings::Settings;
use crate::wire::{Body, collect};

/// The Region in which the tests call.
const REGION: &str = "eu-central-1";

/// A member account and what is in it.
struct Member {
    aws: Aws,
    account: String,
    /// The access key of somebody who may do everything there.
    key: String,
    role: String,
}

fn document(statements: &Value) -> Arc<PolicyDocument> {
    PolicyDocument::parse(&json!({"Statement": statements})).unwrap().into()
}

/// What the access role must be allowed.
fn access() -> Value {
    json!([{"Effect": "Allow", "Resource": "*", "Action": [
        "cloudtrail:GetTrail",
        "iam:GenerateServiceLastAccessedDetails",
        "iam:GetServiceLastAccessedDetails",
        "s3:GetObject",
        "s3:ListBucket",
    ]}])
}

fn trust() -> Value {
    json!([{"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"Service": "access-analyzer.amazonaws.com"}}])
}

fn member(settings: AccessAnalyzerSettings) -> Member {
    member_of(60, settings)
}

fn member_of(accounts: usize, settings: AccessAnalyzerSettings) -> Member {
    let aws = aws_with(accounts, Settings { access_analyzer: settings, ..Settings::default() });
    let account = aws.organization().accounts[7].id.clone();
    let role = format!("arn:aws:iam::{account}:role/service-role/AccessAnalyzerMonitorServiceRole_Muster");
    aws.put_role(&role, Role { policy: document(&access()), trust: document(&trust()) });
    let key = key(&aws, &account, &json!([{"Effect": "Allow", "Action": "*", "Resource": "*"}]));
    Member { aws, account, key, role }
}

/// The access key of a session in an account that may do so much.
fn key(aws: &Aws, account: &str, may: &Value) -> String {
    let principal = Principal {
        account: account.to_owned(),
        arn: format!("arn:aws:sts::{account}:assumed-role/MusterPolicyGeneration/run-1"),
        policy: Some(document(may)),
        role: Some(format!("arn:aws:iam::{account}:role/MusterPolicyGeneration")),
        sandbox: None,
        function: None,
    };
    aws.gate().identities.issue(principal).access_key_id
}

/// An answer: its status, its headers and its body.
struct Answer {
    status: u16,
    headers: http::HeaderMap,
    body: Value,
}

impl Answer {
    fn error(&self) -> (u16, &str) {
        (self.status, self.headers["x-amzn-errortype"].to_str().unwrap())
    }

    /// The fields that a validation error names.
    fn fields(&self) -> Vec<&str> {
        assert_eq!(self.error(), (400, "ValidationException"), "{}", self.body);
        assert_eq!(self.body["reason"], "fieldValidationFailed");
        let fields = self.body["fieldList"].as_array().unwrap();
        assert!(fields.iter().all(|field| !field["message"].as_str().unwrap().is_empty()));
        fields.iter().map(|field| field["name"].as_str().unwrap()).collect()
    }
}

impl Member {
    async fn ask(&self, method: Method, path: &str, body: &Value) -> Answer {
        self.ask_as(&self.key, REGION, method, path, body).await
    }

    async fn ask_as(&self, key: &str, region: &str, method: Method, path: &str, body: &Value) -> Answer {
        let signed = format!(
            "AWS4-HMAC-SHA256 Credential={key}/20261121/{region}/access-analyzer/aws4_request, Signature=0"
        );
        let bytes = if body.is_null() { String::new() } else { body.to_string() };
        let request = http::Request::builder().method(method).uri(path).header("authorization", signed);
        let response = self.aws.call(request.body(Body::from(bytes::Bytes::from(bytes))).unwrap());
        let (parts, body) = response.await.unwrap().into_parts();
        let body = collect(body).await.unwrap();
        let body = serde_json::from_slice(&body).unwrap();
        Answer { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    /// An order about a role or user, of so many days until now, in three Regions.
    fn order(&self, principal: &str, days: i64) -> Value {
        let start = self.aws.clock().now() - SignedDuration::from_hours(24 * days);
        json!({
            "policyGenerationDetails": {"principalArn": principal},
            "cloudTrailDetails": {
                "accessRole": self.role,
                "trails": [{
                    "cloudTrailArn": self.aws.organization_trail(),
                    "regions": ["us-east-1", "us-east-2", "us-west-1"],
                }],
                "startTime": start.to_string(),
            },
        })
    }

    /// A role that did something.
    fn busy(&self) -> String {
        self.principal(|uses| uses > 8)
    }

    /// A role that never did anything.
    fn idle(&self) -> String {
        self.principal(|uses| uses == 0)
    }

    fn principal(&self, wanted: impl Fn(usize) -> bool) -> String {
        let organization = self.aws.organization();
        let account = organization.accounts.iter().find(|account| account.id == self.account).unwrap();
        let settings = principals::PrincipalSettings { number: 40, ..Default::default() };
        self.aws.change(|of, _| of.principals = settings.clone());
        let members = principals::of_account(&organization, account, "aws", &settings);
        let used = |member: &principals::Member| {
            let month = now() - SignedDuration::from_hours(24 * 20);
            let uses = member.uses(&organization, now());
            uses.iter().filter(|of| of.last.is_some_and(|last| last > month)).count()
        };
        members.into_iter().find(|member| wanted(used(member))).unwrap().arn
    }

    async fn put(&self, order: &Value) -> Answer {
        self.ask(Method::PUT, "/policy/generation", order).await
    }

    async fn start(&self, order: &Value) -> String {
        let answer = self.put(order).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body["jobId"].as_str().unwrap().to_owned()
    }

    async fn get(&self, id: &str, query: &str) -> Answer {
        self.ask(Method::GET, &format!("/policy/generation/{id}{query}"), &Value::Null).await
    }

    async fn status(&self, id: &str) -> String {
        let answer = self.get(id, "").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body["jobDetails"]["status"].as_str().unwrap().to_owned()
    }

    async fn cancel(&self, id: &str) -> Answer {
        self.ask(Method::PUT, &format!("/policy/generation/{id}"), &json!({})).await
    }

    async fn sleep(&self, seconds: u64) {
        self.aws.clock().sleep(Duration::from_secs(seconds)).await;
    }

    /// The whole answer about an order, once it has ended.
    async fn generated(&self, order: &Value) -> Value {
        let id = self.start(order).await;
        self.ended(&id).await
    }

    async fn ended(&self, id: &str) -> Value {
        for _ in 0..400 {
            let answer = self.get(id, "").await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            if answer.body["jobDetails"]["status"] != "IN_PROGRESS" {
                return answer.body;
            }
            self.sleep(30).await;
        }
        panic!("it never ended");
    }

    /// With which error the job of an order failed.
    async fn failure(&self, order: &Value) -> (String, String) {
        let body = self.generated(order).await;
        assert_eq!(body["jobDetails"]["status"], "FAILED", "{body}");
        assert!(body["generatedPolicyResult"].get("generatedPolicies").is_none());
        let error = &body["jobDetails"]["jobError"];
        (error["code"].as_str().unwrap().to_owned(), error["message"].as_str().unwrap().to_owned())
    }

    async fn list(&self, query: &str) -> Value {
        let answer = self.ask(Method::GET, &format!("/policy/generation{query}"), &Value::Null).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body
    }
}

/// The documents of an answer.
fn policies(body: &Value) -> Vec<Value> {
    let policies = body["generatedPolicyResult"]["generatedPolicies"].as_array().unwrap();
    policies.iter().map(|it| serde_json::from_str(it["policy"].as_str().unwrap()).unwrap()).collect()
}

/// All statements of an answer.
fn statements(body: &Value) -> Vec<Value> {
    policies(body).iter().flat_map(|it| it["Statement"].as_array().unwrap().clone()).collect()
}

/// All actions of an answer.
fn actions(body: &Value) -> Vec<String> {
    let of = statements(body);
    let actions = of.iter().flat_map(|it| it["Action"].as_array().unwrap());
    actions.map(|it| it.as_str().unwrap().to_owned()).collect()
}
