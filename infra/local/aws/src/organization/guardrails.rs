//! Service control policies as organizations have them: most forbid single actions, some shut whole
//! services out, and a few units have a list of the services that may be used.

use fastrand::Rng;
use serde_json::{Value, json};

use super::{Account, Unit};

/// Service control policies, and where they are.
pub(super) struct Guardrails {
    /// Name, content, and what it is attached to.
    pub(super) policies: Vec<(&'static str, Value, Vec<String>)>,
    /// Units that have one of them instead of AWS's own policy.
    pub(super) instead: Vec<String>,
}

/// What a workload's unit may use.
const APPROVED: [&str; 24] = [
    "acm",
    "apigateway",
    "autoscaling",
    "cloudformation",
    "cloudfront",
    "cloudtrail",
    "cloudwatch",
    "config",
    "dynamodb",
    "ec2",
    "ecr",
    "ecs",
    "elasticloadbalancing",
    "events",
    "iam",
    "kms",
    "lambda",
    "logs",
    "rds",
    "route53",
    "s3",
    "secretsmanager",
    "ssm",
    "sts",
];

/// What a place for backups may use.
const STORAGE: [&str; 3] = ["kms", "s3", "sts"];

/// What nobody is to begin with.
const EXPERIMENTS: [&str; 6] = ["braket", "deepracer", "gamelift", "groundstation", "lightsail", "robomaker"];

/// What stays open where everything else is shut.
const FOUNDATION: [&str; 9] =
    ["budgets", "ce", "cloudtrail", "cloudwatch", "health", "iam", "logs", "sts", "support"];

pub(super) fn generate(rng: &mut Rng, root: &str, units: &[Unit], accounts: &[Account]) -> Guardrails {
    let mut some_units = |one_in: usize| -> Vec<String> {
        units.iter().filter(|_| rng.usize(0..one_in) == 0).map(|unit| unit.id.clone()).collect()
    };
    let some_accounts = |step: usize| -> Vec<String> {
        accounts.iter().skip(1).step_by(step).take(5).map(|account| account.id.clone()).collect()
    };
    let at_root = || vec![root.to_owned()];
    // The last unit at least, for there to be one in a small organization.
    let mut storage = some_units(60);
    storage.extend(units.last().map(|unit| unit.id.clone()).filter(|id| !storage.contains(id)));
    let mut approved = some_units(12);
    approved.extend(units.first().map(|unit| unit.id.clone()).filter(|id| !approved.contains(id)));
    approved.retain(|id| !storage.contains(id));
    let instead = storage.iter().chain(&approved).cloned().collect();
    let policies = vec![
        ("deny-leave", deny(json!("organizations:LeaveOrganization")), at_root()),
        ("deny-root-keys", deny(json!("iam:CreateAccessKey")), some_units(12)),
        ("deny-public-buckets", deny(json!("s3:PutBucketPublicAccessBlock")), some_units(12)),
        ("deny-experiments", deny(whole(&EXPERIMENTS)), some_units(8)),
        ("deny-marketplace", deny(json!(["aws-marketplace:*"])), some_accounts(89)),
        ("deny-all-but-foundation", deny_all_but(whole(&FOUNDATION), None), some_units(25)),
        ("deny-other-regions", deny_all_but(whole(&FOUNDATION), Some(elsewhere())), some_units(6)),
        ("allow-approved-services", allow(whole(&APPROVED)), approved),
        ("allow-storage", allow(whole(&STORAGE)), storage),
        ("not-attached", allow(json!("*")), Vec::new()),
    ];
    Guardrails { policies, instead }
}

/// Every action of these services.
fn whole(services: &[&str]) -> Value {
    services.iter().map(|service| format!("{service}:*")).collect()
}

fn document(statement: Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": [statement]})
}

fn allow(actions: Value) -> Value {
    document(json!({"Effect": "Allow", "Action": actions, "Resource": "*"}))
}

fn deny(actions: Value) -> Value {
    document(json!({"Effect": "Deny", "Action": actions, "Resource": "*"}))
}

fn deny_all_but(actions: Value, condition: Option<Value>) -> Value {
    let mut statement = json!({"Effect": "Deny", "NotAction": actions, "Resource": "*"});
    if let Some(condition) = condition {
        statement["Condition"] = condition;
    }
    document(statement)
}

fn elsewhere() -> Value {
    json!({"StringNotEquals": {"aws:RequestedRegion": ["eu-central-1", "us-east-1"]}})
}
