//! Policies, their types, and what they are attached to.

use fastrand::Rng;
use serde_json::{Value, json};

use super::{Account, Organization, Unit, effective, guardrails};

/// A policy type of the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyType {
    pub name: String,
    /// `ENABLED`, `PENDING_ENABLE` or `PENDING_DISABLE`; a type that is off is not there.
    pub status: &'static str,
}

/// A policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    pub id: String,
    pub name: String,
    pub description: String,
    pub kind: String,
    pub content: String,
    pub aws_managed: bool,
    /// Root, units and accounts, in the order in which it was attached to them.
    pub targets: Vec<String>,
}

pub(crate) const SCP: &str = "SERVICE_CONTROL_POLICY";
pub(crate) const RCP: &str = "RESOURCE_CONTROL_POLICY";
pub(crate) const TAG: &str = "TAG_POLICY";
pub(crate) const DECLARATIVE: &str = "DECLARATIVE_POLICY_EC2";

/// All types of botocore's model. The first two have no effective policy.
pub const TYPES: [&str; 15] = [
    SCP,
    RCP,
    TAG,
    "BACKUP_POLICY",
    "AISERVICES_OPT_OUT_POLICY",
    "CHATBOT_POLICY",
    DECLARATIVE,
    "SECURITYHUB_POLICY",
    "SECURITYHUB_CSPM_POLICY",
    "INSPECTOR_POLICY",
    "UPGRADE_ROLLOUT_POLICY",
    "BEDROCK_POLICY",
    "S3_POLICY",
    "NETWORK_SECURITY_DIRECTOR_POLICY",
    "GUARDDUTY_POLICY",
];

pub(crate) fn is_type(name: &str) -> bool {
    TYPES.contains(&name)
}

/// Whether it has the form of a policy's id, `^p-[0-9a-zA-Z_]{8,128}$`.
pub(crate) fn is_id(text: &str) -> bool {
    text.strip_prefix("p-").is_some_and(|rest| {
        (8..=128).contains(&rest.len())
            && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

/// Whether the type has an effective policy.
pub(crate) fn is_inherited(name: &str) -> bool {
    is_type(name) && name != SCP && name != RCP
}

impl Organization {
    pub(crate) fn policy_type(&self, name: &str) -> Option<&PolicyType> {
        self.policy_types.iter().find(|it| it.name == name)
    }

    pub(crate) fn policy(&self, id: &str) -> Option<&Policy> {
        self.policies.iter().find(|it| it.id == id)
    }

    /// The policies of a type that are attached to the target itself.
    pub(crate) fn attached<'a>(&'a self, kind: &'a str, target: &'a str) -> impl Iterator<Item = &'a Policy> {
        self.policies.iter().filter(move |it| it.kind == kind && it.targets.iter().any(|it| it == target))
    }

    /// The content of the effective policy of an account, without operators.
    pub fn effective_policy(&self, kind: &str, account: &Account) -> Value {
        let way = account.path.trim_end_matches('/').split('/').skip(1);
        let levels: Vec<Vec<Value>> = way
            .map(|target| {
                let attached = self.attached(kind, target);
                attached.filter_map(|policy| serde_json::from_str(&policy.content).ok()).collect()
            })
            .collect();
        let levels: Vec<Vec<&Value>> = levels.iter().map(|documents| documents.iter().collect()).collect();
        effective::merge(&levels)
    }
}

/// Policies as an organization has them: AWS's own everywhere, guardrails at the root and on units, an
/// exception or two on single accounts.
pub(super) fn generate(rng: &mut Rng, root: &str, units: &[Unit], accounts: &[Account]) -> Vec<Policy> {
    let guardrails = guardrails::generate(rng, root, units, accounts);
    // Every place has AWS's own policy, but for the SCP where a list of services stands in for it.
    let everywhere = |without: &[String]| -> Vec<String> {
        let units = units.iter().map(|unit| unit.id.clone()).filter(|id| !without.contains(id));
        let accounts = accounts.iter().map(|account| account.id.clone());
        std::iter::once(root.to_owned()).chain(units).chain(accounts).collect()
    };
    let allow_all = json!({"Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]});
    let allow_access = json!({"Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]});
    let managed = |id: &str, name: &str, kind: &str, content: &Value, targets| Policy {
        id: id.to_owned(),
        name: name.to_owned(),
        description: "Allows access to every operation".to_owned(),
        kind: kind.to_owned(),
        content: content.to_string(),
        aws_managed: true,
        targets,
    };
    let mut policies = vec![
        managed("p-FullAWSAccess", "FullAWSAccess", SCP, &allow_all, everywhere(&guardrails.instead)),
        managed("p-RCPFullAWSAccess", "RCPFullAWSAccess", RCP, &allow_access, everywhere(&[])),
    ];
    let mut add = |rng: &mut Rng, name: &str, kind: &str, content: Value, targets: Vec<String>| {
        policies.push(Policy {
            id: format!("p-{}", (0..10).map(|_| rng.digit(36)).collect::<String>().to_lowercase()),
            name: name.to_owned(),
            description: format!("{name}, of the platform team"),
            kind: kind.to_owned(),
            content: content.to_string(),
            aws_managed: false,
            targets,
        });
    };
    let at_root = || vec![root.to_owned()];
    let some_units = |rng: &mut Rng, one_in: usize| -> Vec<String> {
        units.iter().filter(|_| rng.usize(0..one_in) == 0).map(|unit| unit.id.clone()).collect()
    };
    for (name, content, targets) in guardrails.policies {
        add(rng, name, SCP, content, targets);
    }
    let assign = |value: &str| json!({"@@assign": value});
    let baseline = json!({"ec2_attributes": {
        "serial_console_access": {"status": assign("disabled")},
        "image_block_public_access": {"state": assign("block_new_sharing")},
    }});
    add(rng, "ec2-baseline", DECLARATIVE, baseline, at_root());
    let stricter = json!({"ec2_attributes": {
        "snapshot_block_public_access": {"state": assign("block_all_sharing")},
    }});
    let targets = some_units(rng, 10);
    add(rng, "ec2-snapshots", DECLARATIVE, stricter, targets);
    let exception = json!({"ec2_attributes": {"serial_console_access": {"status": assign("enabled")}}});
    let targets = accounts.iter().skip(1).step_by(97).take(5).map(|account| account.id.clone()).collect();
    add(rng, "ec2-console-exception", DECLARATIVE, exception, targets);
    let tags = json!({"tags": {"team": {
        "tag_key": assign("team"),
        "tag_value": {"@@assign": ["payments", "search"]},
    }}});
    add(rng, "tags", TAG, tags, at_root());
    let more = json!({"tags": {"team": {"tag_value": {"@@append": ["identity"]}}}});
    let targets = some_units(rng, 15);
    add(rng, "tags-identity", TAG, more, targets);
    policies
}

/// The types that are on in a generated organization.
pub(super) fn enabled() -> Vec<PolicyType> {
    [SCP, RCP, TAG, DECLARATIVE].map(|name| PolicyType { name: name.to_owned(), status: "ENABLED" }).into()
}
