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

/// AWS's own RCP, which can be detached from nothing.
pub(crate) const RCP_FULL_ACCESS: &str = "p-RCPFullAWSAccess";

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

    /// The content of the effective policy of an account, without operators: what it comes to when all
    /// changes are published.
    pub fn effective_policy(&self, kind: &str, account: &Account) -> Value {
        effective(&account.path, |target| {
            let attached = self.policies.iter().filter(|it| it.kind == kind);
            let attached =
                attached.filter_map(|it| Some((self.attachment(it, target)?, it.content.as_str())));
            let mut attached: Vec<_> = attached.collect();
            attached.sort_by_key(|(number, _)| *number);
            attached.into_iter().map(|(_, content)| content).collect()
        })
    }

    /// The content of the effective policy of an account as far as changes are published.
    pub(crate) fn shown_effective_policy(&self, kind: &str, account: &Account) -> Value {
        effective(self.shown_path(account), |target| {
            self.shown_attached(kind, target).into_iter().map(|shown| shown.content).collect()
        })
    }
}

/// What the policies on the way to an account come to; `attached` gives those of each place in the order
/// in which they were attached.
fn effective<'a>(path: &str, attached: impl Fn(&str) -> Vec<&'a str>) -> Value {
    let way = path.trim_end_matches('/').split('/').skip(1);
    let levels: Vec<Vec<Value>> = way
        .map(|target| {
            attached(target).into_iter().filter_map(|content| serde_json::from_str(content).ok()).collect()
        })
        .collect();
    let levels: Vec<Vec<&Value>> = levels.iter().map(|documents| documents.iter().collect()).collect();
    effective::merge(&levels)
}

/// AWS's own policies, attached to these places: the one that allows everything there is of SCPs, and of
/// RCPs.
fn aws_managed(scp: Vec<String>, rcp: Vec<String>) -> Vec<Policy> {
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
    vec![
        managed("p-FullAWSAccess", "FullAWSAccess", SCP, &allow_all, scp),
        managed(RCP_FULL_ACCESS, "RCPFullAWSAccess", RCP, &allow_access, rcp),
    ]
}

/// AWS's own policies of an organization that begins: its SCP is everywhere if policies are to be had.
pub(super) fn managed(root: &str, accounts: &[Account], attached: bool) -> Vec<Policy> {
    let places = std::iter::once(root.to_owned()).chain(accounts.iter().map(|account| account.id.clone()));
    aws_managed(places.filter(|_| attached).collect(), Vec::new())
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
    let mut policies = aws_managed(everywhere(&guardrails.instead), everywhere(&[]));
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
