//! Policy documents: what accounts write, in the many forms that IAM allows, and AWS's own, shortened.

use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::organization::mix;
use crate::services::{Service, actions_of, services};

const VERSION: &str = "2012-10-17";

fn document(statements: Value) -> String {
    json!({"Version": VERSION, "Statement": statements}).to_string()
}

fn allow(actions: Value) -> Value {
    json!({"Effect": "Allow", "Action": actions, "Resource": "*"})
}

pub(super) fn everything() -> String {
    document(json!([allow(json!("*"))]))
}

pub(super) fn all_but(actions: &[&str]) -> String {
    document(json!([{"Effect": "Allow", "NotAction": actions, "Resource": "*"}]))
}

/// A single statement that is no list, and a name in capitals.
pub(super) fn read() -> String {
    document(allow(json!([
        "EC2:Describe*",
        "rds:Describe*",
        "S3:List*",
        "s3:GetBucket*",
        "dynamodb:List*",
        "dynamodb:Describe*",
        "cloudwatch:*",
        "logs:Describe*",
        "tag:Get*",
    ])))
}

/// Each version allows more.
pub(super) fn deploy(version: usize) -> String {
    let all = ["cloudformation:*", "s3:*", "lambda:*", "ecr:*", "sns:*", "sqs:*", "events:*", "states:*"];
    let some: Vec<_> = all.iter().take(2 + version * 2).collect();
    let role = json!({"Effect": "Allow", "Action": ["iam:PassRole", "iam:GetRole", "iam:TagRole"],
        "Resource": "arn:*:iam::*:role/${aws:PrincipalTag/team}-*",
        "Condition": {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}});
    // As people write it.
    let document = json!({"Version": VERSION, "Statement": [allow(json!(some)), role]});
    format!("{document:#}\n")
}

pub(super) fn boundary(version: usize) -> String {
    let denied: &[&str] = if version > 1 { &["iam:*", "organizations:*"] } else { &["iam:*"] };
    document(json!([allow(json!("*")), {"Effect": "Deny", "Action": denied, "Resource": "*"}]))
}

pub(super) fn data(version: usize) -> String {
    let all = [
        "glue:*",
        "athena:*",
        "kinesis:*",
        "kms:Decrypt",
        "s3:GetObject",
        "s3:PutObject",
        "s3:GetBucketLocation",
        "dynamodb:*",
        "secretsmanager:GetSecretValue",
    ];
    let some: Vec<_> = all.iter().take(version + 1).collect();
    let denied = json!({"Sid": "Keep", "Effect": "Deny", "Action": "s3:DeleteBucket*", "Resource": "*"});
    document(json!([allow(json!(some)), denied]))
}

/// Services that principals are given, and those of them that most use.
static GIVEN: LazyLock<[Vec<&'static Service>; 2]> =
    LazyLock::new(|| [5, 60].map(|percent| services().iter().filter(|it| it.percent >= percent).collect()));

/// What a person wrote, of two to five services.
pub(super) fn drawn(hash: u64) -> String {
    let statements: Vec<_> = (0..2 + hash % 4).map(|number| statement(mix(hash ^ mix(number)))).collect();
    match hash >> 62 {
        // Every version of the language, and one that is not named.
        0 => json!({"Version": "2008-10-17", "Statement": statements}).to_string(),
        1 => json!({"Id": "größe & <Maß> 100% +1", "Version": VERSION, "Statement": statements}).to_string(),
        2 => json!({"Statement": statements}).to_string(),
        _ => document(json!(statements)),
    }
}

fn statement(hash: u64) -> Value {
    let given = if hash.is_multiple_of(2) { &GIVEN[0] } else { &GIVEN[1] };
    let number = usize::try_from(mix(hash) % given.len().max(1) as u64).unwrap_or(0);
    let of = given.get(number).map_or("s3", |service| service.namespace);
    let named: Vec<_> = actions_of(of).iter().map(|action| format!("{of}:{}", action.name)).collect();
    let own = |name: &str| format!("{of}:{name}");
    let actions = match (hash >> 8) % 4 {
        0 => json!(own("*")),
        1 => json!([own("Get*"), own("List*"), own("Describe*")]),
        2 if !named.is_empty() => json!(named.iter().step_by(2).take(4).collect::<Vec<_>>()),
        _ => json!([own("*")]),
    };
    let mut statement = allow(actions);
    match (hash >> 16) % 5 {
        0 => statement["Sid"] = json!(format!("Sid{}", hash % 1_000)),
        1 => {
            statement["Condition"] =
                json!({"StringEquals": {"aws:ResourceTag/größe": ["a & b", "<c> \"d\" 100% + e\\f"]}});
        }
        2 => statement["Resource"] = json!([format!("arn:aws:{of}:*:*:*/a b/ü/${{aws:username}}/*"), "*"]),
        _ => {}
    }
    statement
}

/// Long, and of many.
static READ_ONLY: LazyLock<String> = LazyLock::new(|| {
    let verbs = |it: &&Service| ["Describe*", "Get*", "List*"].map(|verb| format!("{}:{verb}", it.namespace));
    let read: Vec<_> = GIVEN[0].iter().flat_map(verbs).collect();
    document(json!([allow(json!(read))]))
});

/// What one of AWS's own policies says, shortened.
pub(super) fn aws(name: &str) -> Option<String> {
    let some = |actions: &[&str]| Some(document(json!([allow(json!(actions))])));
    match name {
        "AdministratorAccess" => Some(everything()),
        "PowerUserAccess" => Some(document(json!([
            {"Effect": "Allow", "NotAction": ["iam:*", "organizations:*", "account:*"], "Resource": "*"},
            allow(json!(["iam:CreateServiceLinkedRole", "iam:ListRoles", "organizations:DescribeOrganization"])),
        ]))),
        "ReadOnlyAccess" => Some(READ_ONLY.clone()),
        "AmazonSSMManagedInstanceCore" => {
            some(&["ssm:DescribeAssociation", "ssm:GetParameter*", "ssmmessages:*", "ec2messages:*"])
        }
        "job-function/Billing" => {
            some(&["account:GetAccountInformation", "budgets:*", "ce:*", "freetier:Get*"])
        }
        "service-role/AWSLambdaBasicExecutionRole" => {
            some(&["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"])
        }
        linked => {
            let (service, ..) = *super::identity::LINKED
                .iter()
                .find(|(.., policy)| linked.strip_prefix("aws-service-role/") == Some(policy))?;
            some(&[&format!("{service}:*"), "ec2:Describe*", "cloudwatch:PutMetricData", "sns:Publish"])
        }
    }
}
