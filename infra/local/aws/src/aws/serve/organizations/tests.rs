use http::Method;
use http_body_util::BodyExt;
use serde_json::json;

use super::*;
use crate::aws::testing::aws;
use crate::aws::{Aws, Moment};
use crate::iam::{PolicyDocument, Principal};
use crate::wire::Body;

/// The error that a request ends with, of somebody with these permissions in an account.
async fn refusal(aws: &Aws, account: &str, actions: &[&str], operation: &str, body: Value) -> Option<String> {
    let statements = json!({"Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]});
    let key = aws.gate().identities.issue(Principal {
        account: account.to_owned(),
        policy: Some(PolicyDocument::parse(&statements).unwrap().into()),
        ..aws.0.person("somebody")
    });
    let signed = format!(
        "AWS4-HMAC-SHA256 Credential={}/20261121/us-east-1/organizations/aws4_request, Signature=0",
        key.access_key_id
    );
    let request = http::Request::builder()
        .method(Method::POST)
        .header("authorization", signed)
        .header("x-amz-target", format!("AWSOrganizationsV20161128.{operation}"))
        .body(Body::from(body.to_string()))
        .unwrap();
    let answer = aws.call(request).await.unwrap().into_body().collect().await.unwrap().to_bytes();
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    answer["__type"].as_str().map(str::to_owned)
}

fn management(aws: &Aws) -> String {
    aws.organization().management_account
}

#[tokio::test(start_paused = true)]
async fn what_is_made_with_tags_needs_the_permission_to_tag() {
    let (aws, _) = aws(None, json!([]));
    aws.change(|settings, _| settings.throttles = false);
    let account = management(&aws);
    let content = json!({"tags": {"team": {"tag_key": {"@@assign": "team"}}}}).to_string();
    let policy = |name: &str, tags: Value| json!({"Name": name, "Description": "", "Type": "TAG_POLICY", "Content": content, "Tags": tags});
    let of_account = |tags: Value| json!({"Email": "new@example.com", "AccountName": "new", "Tags": tags});
    let tags = json!([{"Key": "k", "Value": "v"}]);
    let denied = Some("AccessDeniedException".to_owned());
    for (operation, plain, tagged) in [
        ("CreatePolicy", policy("a", json!([])), policy("b", tags.clone())),
        ("CreateAccount", of_account(json!([])), of_account(tags.clone())),
    ] {
        let alone = format!("organizations:{operation}");
        let both = [alone.as_str(), "organizations:TagResource"];
        assert_eq!(refusal(&aws, &account, &["organizations:List*"], operation, plain.clone()).await, denied);
        assert_eq!(refusal(&aws, &account, &[&alone], operation, plain).await, None, "{operation}");
        assert_eq!(refusal(&aws, &account, &[&alone], operation, tagged.clone()).await, denied);
        assert_eq!(refusal(&aws, &account, &both, operation, tagged).await, None, "{operation}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_organization_is_made_by_who_may_make_its_service_linked_role() {
    let (aws, _) = aws(None, json!([]));
    aws.change(|_, organization| organization.exists = false);
    let account = management(&aws);
    let create = ["organizations:*"];
    let ask = |actions| refusal(&aws, &account, actions, "CreateOrganization", json!({}));
    assert_eq!(ask(&create).await.as_deref(), Some("AccessDeniedForDependencyException"));
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    assert_eq!(ask(&["organizations:*", "iam:CreateServiceLinkedRole"]).await, None);
    assert!(aws.organization().exists);
}

#[tokio::test(start_paused = true)]
async fn a_new_account_has_the_role_by_which_the_management_account_administers_it() {
    let (aws, _) = aws(None, json!([]));
    let body = json!({"Email": "new@example.com", "AccountName": "new", "RoleName": "Admins"});
    let made = aws.organization_changed_by_others("CreateAccount", body).unwrap();
    assert_eq!(made["CreateAccountStatus"]["State"], "IN_PROGRESS");
    tokio::time::sleep(std::time::Duration::from_secs(600)).await;
    let account = aws.organization().accounts.last().unwrap().id.clone();
    let role = aws.role(&format!("arn:aws:iam::{account}:role/Admins")).unwrap();
    let principals = &role.trust.statements[0].principals;
    assert_eq!(*principals, [format!("arn:aws:iam::{}:root", management(&aws))]);
}

#[tokio::test(start_paused = true)]
async fn what_somebody_read_may_be_gone_when_they_write() {
    let (aws, _) = aws(None, json!([]));
    aws.change(|settings, _| settings.throttles = false);
    let account = management(&aws);
    let policy = aws.organization().policies.iter().find(|it| it.targets.is_empty()).unwrap().id.clone();
    let body = json!({"PolicyId": policy});
    let before = Moment::Before { operation: "UpdatePolicy".to_owned(), call: 2 };
    aws.organization_will_be_changed_by_others(before, "DeletePolicy", body.clone());
    let ask = |may: &'static [&'static str]| refusal(&aws, &account, may, "UpdatePolicy", body.clone());
    assert_eq!(ask(&["*"]).await, None);
    // A call that IAM denies is none.
    assert_eq!(ask(&["ec2:*"]).await.as_deref(), Some("AccessDeniedException"));
    assert_eq!(ask(&["*"]).await.as_deref(), Some("PolicyNotFoundException"));
    assert_eq!(aws.changes_by_others().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn writes_have_their_rates() {
    let (aws, _) = aws(None, json!([]));
    let account = management(&aws);
    let body = || json!({"PolicyId": "p-unknown123"});
    let mut answers = Vec::new();
    for _ in 0..4 {
        answers.push(refusal(&aws, &account, &["*"], "DeletePolicy", body()).await.unwrap());
    }
    assert_eq!(answers[..3], ["PolicyNotFoundException"; 3]);
    assert_eq!(answers[3], "TooManyRequestsException");
}
