//! Who a role or a user is: what kind of, its name, its path, its tags, who may take it on.

use serde_json::json;

use super::MemberKind;
use crate::organization::{Account, mix};

/// What an account has of each kind, again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    /// A role of a program.
    Program,
    /// A role with a path, and a boundary.
    Bounded,
    /// A service's own.
    ServiceLinked,
    /// A user in groups.
    Grouped,
    /// A role of people, made by IAM Identity Center.
    People,
    /// A user whose name and path have every character that IAM allows.
    HostileUser,
    /// A role whose name and path have them.
    HostileRole,
    /// A role of machines.
    Machine,
}

const SLOTS: [Slot; 8] = [
    Slot::Program,
    Slot::Bounded,
    Slot::ServiceLinked,
    Slot::Grouped,
    Slot::People,
    Slot::HostileUser,
    Slot::HostileRole,
    Slot::Machine,
];

/// Service-linked roles: what is linked, the role's name and that of its managed policy.
pub(super) const LINKED: [(&str, &str, &str); 8] = [
    ("autoscaling", "AWSServiceRoleForAutoScaling", "AutoScalingServiceRolePolicy"),
    ("support", "AWSServiceRoleForSupport", "AWSSupportServiceRolePolicy"),
    ("trustedadvisor", "AWSServiceRoleForTrustedAdvisor", "AWSTrustedAdvisorServiceRolePolicy"),
    ("organizations", "AWSServiceRoleForOrganizations", "AWSOrganizationsServiceTrustPolicy"),
    ("ecs", "AWSServiceRoleForECS", "AmazonECSServiceRolePolicy"),
    ("rds", "AWSServiceRoleForRDS", "AmazonRDSServiceRolePolicy"),
    (
        "elasticloadbalancing",
        "AWSServiceRoleForElasticLoadBalancing",
        "AWSElasticLoadBalancingServiceRolePolicy",
    ),
    ("guardduty", "AWSServiceRoleForAmazonGuardDuty", "AmazonGuardDutyServiceRolePolicy"),
];

const PURPOSES: [&str; 8] = ["deploy", "etl", "api", "worker", "backup", "Monitoring", "ci", "image.builder"];
const PEOPLE: [&str; 4] = ["AdministratorAccess", "ReadOnly", "PowerUserAccess", "Billing-Analysts"];

/// A role or user of an account, by its number.
#[derive(Debug)]
pub(super) struct Identity {
    pub(super) slot: Slot,
    /// Tells it from all others.
    pub(super) key: u64,
    pub(super) name: String,
    pub(super) path: String,
    /// How many of its slot come before it.
    pub(super) round: usize,
}

impl Identity {
    pub(super) fn new(of_account: u64, account: &Account, number: usize) -> Self {
        let slot = SLOTS.get(number % SLOTS.len()).copied().unwrap_or(Slot::Program);
        let round = number / SLOTS.len();
        let key = mix(of_account ^ mix(number as u64 + 1).rotate_left(23));
        let purpose = pick(&PURPOSES, key);
        let (team, stage) = team(account);
        let (name, path) = match slot {
            Slot::Program => (format!("{team}-{purpose}-{number}"), "/".to_owned()),
            Slot::Bounded => (format!("{purpose}-{number}"), format!("/{team}/{stage}/")),
            Slot::ServiceLinked => {
                let (service, name, _) = linked(round);
                let path = format!("/aws-service-role/{service}.amazonaws.com/");
                // A service that allows more than one such role tells them apart by what follows the name.
                let name = match round < LINKED.len() {
                    true => name.to_owned(),
                    false => format!("{name}_{number}"),
                };
                (name, path)
            }
            Slot::Grouped => (format!("{team}.person-{number}"), "/".to_owned()),
            Slot::People => {
                let set = PEOPLE.get(round % PEOPLE.len()).copied().unwrap_or_default();
                (
                    format!("AWSReservedSSO_{set}_{:016x}", mix(key)),
                    "/aws-reserved/sso.amazonaws.com/".to_owned(),
                )
            }
            Slot::HostileUser => {
                (format!("jane.d+{purpose}=x,y@example.com_{number}"), "/people&/\"o'brien\"/<x>/".to_owned())
            }
            Slot::HostileRole => {
                (format!("=+{purpose},{stage}.v2@{team}_-{number}"), "/a%2Fb/c;d=e&f/".to_owned())
            }
            Slot::Machine => (format!("{team}-instance-{number}"), "/machines/".to_owned()),
        };
        Self { slot, key, name, path, round }
    }

    pub(super) fn kind(&self) -> MemberKind {
        match self.slot {
            Slot::Grouped | Slot::HostileUser => MemberKind::User,
            _ => MemberKind::Role,
        }
    }

    /// Whether this is what an ARN names, whatever its partition and account are.
    pub(super) fn is_in(&self, arn: &str) -> bool {
        let rest = arn.splitn(6, ':').nth(5).unwrap_or_default();
        let rest = rest.strip_prefix(self.kind().word());
        rest.and_then(|rest| rest.strip_prefix(&self.path)) == Some(&self.name)
    }

    pub(super) fn has_instance_profile(&self) -> bool {
        self.slot == Slot::Machine
    }

    /// Tags that tell team and stage, and some that nobody expects.
    pub(super) fn tags(&self, account: &Account) -> Vec<(String, String)> {
        let (team, stage) = team(account);
        let own = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let mut tags = vec![own("team", team), own("stage", stage)];
        match self.slot {
            Slot::ServiceLinked | Slot::People => return Vec::new(),
            Slot::HostileRole | Slot::HostileUser => {
                tags.push(own("Cost Center:größe", "1/2 + x=y@z"));
                tags.push(own("empty", ""));
            }
            Slot::Machine => tags.truncate(1),
            _ => {}
        }
        tags
    }

    /// A role's trust policy.
    pub(super) fn trust(&self, account: &Account, partition: &str) -> Option<String> {
        let service = |name: &str| json!({"Service": format!("{name}.amazonaws.com")});
        let (principal, action) = match self.slot {
            Slot::Grouped | Slot::HostileUser => return None,
            Slot::Program => (service("lambda"), json!("sts:AssumeRole")),
            Slot::Machine => (service("ec2"), json!("sts:AssumeRole")),
            Slot::ServiceLinked => (service(linked(self.round).0), json!("sts:AssumeRole")),
            Slot::People => {
                let provider = format!("arn:{partition}:iam::{}:saml-provider/AWSSSO", account.id);
                (json!({"Federated": provider}), json!(["sts:AssumeRoleWithSAML", "sts:TagSession"]))
            }
            Slot::Bounded | Slot::HostileRole => {
                let root = format!("arn:{partition}:iam::{}:root", account.id);
                (json!({"AWS": root}), json!("sts:AssumeRole"))
            }
        };
        let statement = json!({"Effect": "Allow", "Principal": principal, "Action": action});
        Some(json!({"Version": "2012-10-17", "Statement": [statement]}).to_string())
    }
}

/// What the service-linked role of a round is linked to.
pub(super) fn linked(round: usize) -> (&'static str, &'static str, &'static str) {
    LINKED.get(round).copied().unwrap_or(LINKED[0])
}

/// The team and the stage that an account's name tells.
pub(super) fn team(account: &Account) -> (&str, &str) {
    let mut parts = account.name.split('-');
    (parts.next().unwrap_or_default(), parts.next().unwrap_or("prod"))
}

/// One of several, by a hash.
pub(super) fn pick<'a>(of: &[&'a str], hash: u64) -> &'a str {
    let number = usize::try_from(hash % of.len().max(1) as u64).unwrap_or(0);
    of.get(number).copied().unwrap_or_default()
}

/// An id of IAM's: what it is of, and 17 characters.
pub(super) fn id(prefix: &str, key: u64) -> String {
    const CHARACTERS: [char; 32] = [
        'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O', 'P', 'Q', 'R', 'S', 'T',
        'U', 'V', 'W', 'X', 'Y', 'Z', '2', '3', '4', '5', '6', '7',
    ];
    let bits = u128::from(mix(key)) << 64 | u128::from(mix(!key));
    let own =
        (0..17).filter_map(|place| CHARACTERS.get(usize::try_from((bits >> (place * 5)) & 31).unwrap_or(0)));
    format!("{prefix}{}", own.collect::<String>())
}
