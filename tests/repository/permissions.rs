//! Permissions: a role may do what its code was seen to do, with what AWS requires for it, and no more.
//!
//! That nothing else is done needs no test of its own: the simulation refuses what no policy allows.

mod access_report;
mod accounts;
mod changes;
mod findings;
mod inventory;
mod member_role;
mod policy_generation;
mod report;
mod runs;

use std::collections::{BTreeMap, BTreeSet};

use local_aws::Settings;
use local_aws::iam::{Effect, PolicyDocument, Statement, Use};
use local_stack::Topology;
use muster_tests::{Scenario, on_virtual_time, stack};
use serde_json::json;

use crate::stacks::{KEY, every_optional_parameter, of_writes, variants};

/// Allowed, and used by AWS in the role's name rather than by code of ours: Lambda writes the logs,
/// EventBridge Scheduler puts aside what it could not deliver.
const USED_BY_AWS: [&str; 3] = ["logs:CreateLogStream", "logs:PutLogEvents", "sqs:SendMessage"];

/// One permission of a role, as small as a policy can be cut.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Allowed {
    role: String,
    action: String,
    resource: String,
    /// A condition's operator, key and one of its values.
    condition: Option<(String, String, String)>,
}

impl Allowed {
    /// Whether this permission, alone, allows what was used.
    fn covers(&self, used: &Use) -> bool {
        let statement = Statement {
            effect: Effect::Allow,
            actions: vec![self.action.clone()],
            resources: vec![self.resource.clone()],
            principals: Vec::new(),
            conditions: self
                .condition
                .iter()
                .map(|(operator, key, value)| (operator.clone(), key.clone(), vec![value.clone()]))
                .collect(),
        };
        let policy = PolicyDocument { statements: vec![statement] };
        self.role == used.role
            && policy.decide(&used.role, &used.action, &used.resource, &used.context) == Some(Effect::Allow)
    }
}

fn allowed(role: &str, policy: &PolicyDocument) -> Vec<Allowed> {
    let mut allowed = Vec::new();
    for statement in policy.statements.iter().filter(|it| it.effect == Effect::Allow) {
        let conditions: Vec<_> = statement
            .conditions
            .iter()
            .flat_map(|(operator, key, values)| {
                values.iter().map(move |value| Some((operator.clone(), key.clone(), value.clone())))
            })
            .collect();
        let conditions = if conditions.is_empty() { vec![None] } else { conditions };
        for action in &statement.actions {
            for resource in &statement.resources {
                for condition in &conditions {
                    allowed.push(Allowed {
                        role: role.to_owned(),
                        action: action.clone(),
                        resource: resource.clone(),
                        condition: condition.clone(),
                    });
                }
            }
        }
    }
    allowed
}

/// What the roles of a stack used, over everything that runs of each kind can meet: together they take
/// every path that calls AWS.
fn used(scenario: &Scenario) -> BTreeSet<Use> {
    let mut used = report::used(scenario);
    used.extend(inventory::used(scenario));
    used.extend(access_report::used(scenario));
    used.extend(policy_generation::used(scenario));
    used.extend(changes::used(scenario));
    used.extend(accounts::used(scenario));
    used.extend(findings::used(scenario));
    used
}

/// Permissions that nothing used: of a stack's roles, and of those of a member account that policies are
/// generated in.
fn unused(scenario: &Scenario, used: &BTreeSet<Use>) -> Vec<Allowed> {
    let stack = on_virtual_time(async { runs::start(scenario) });
    let mut roles = stack.aws.roles();
    assert!(roles.len() >= 7, "{}", roles.len());
    let of_member = policy_generation::member_roles(&stack);
    assert_eq!(of_member.len(), 2, "{:?}", of_member.keys());
    roles.extend(of_member);
    let mut unused: Vec<_> = roles
        .iter()
        .flat_map(|(arn, role)| allowed(arn, &role.policy))
        .filter(|it| !USED_BY_AWS.contains(&it.action.as_str()) && !used.iter().any(|used| it.covers(used)))
        .collect();
    unused.sort();
    unused
}

#[test]
fn in_the_management_account_every_permission_is_used() {
    let on = |name: &str| (format!("{name}ScheduleState"), "ENABLED".to_owned());
    let mut parameters: BTreeMap<_, _> =
        ["AccessReport", "Findings", "Inventory", "PolicyGeneration", "Report"].map(on).into();
    parameters.extend(of_writes());
    let scenario = Scenario { accounts: 24, parameters, ..Scenario::default() };
    let unused = unused(&scenario, &used(&scenario));
    assert!(unused.is_empty(), "{unused:#?}");
}

#[test]
fn in_a_delegated_account_with_every_optional_parameter_every_permission_is_used() {
    // The role that reads the organization is the one of management-roles.yaml, the trail is the
    // organization's, and targets are asked for, so that the root is looked up too.
    let mut parameters = every_optional_parameter();
    for there in [
        "AccessReportRoleArn",
        "DefaultTarget",
        "ManagementReadRoleArn",
        "ManagementWriteRoleArn",
        "TrailArn",
    ] {
        parameters.remove(there).unwrap();
    }
    let mut settings = Settings::default();
    settings.access_analyzer.trail.bucket.key = Some(KEY.to_owned());
    let topology = Topology::Delegated;
    let scenario = Scenario { accounts: 24, topology, parameters, settings, ..Scenario::default() };
    let used = used(&scenario);
    let with_key = used.iter().filter(|it| it.action.starts_with("kms:") && it.resource == KEY).count();
    assert!(with_key > 0);
    let unused = unused(&scenario, &used);
    assert!(unused.is_empty(), "{unused:#?}");
}

#[test]
fn a_permission_that_nothing_uses_is_noticed() {
    let used = Use {
        role: "r".into(),
        action: "s3:GetObject".into(),
        resource: "arn:aws:s3:::b/runs/x".into(),
        context: BTreeMap::from([("s3:prefix", "runs/x".to_owned())]),
        dependent: false,
    };
    let policy = json!({"Statement": [{"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"],
        "Resource": ["arn:aws:s3:::b/runs/*", "arn:aws:s3:::b/raw/*"],
        "Condition": {"StringLike": {"s3:prefix": ["runs/*", "raw/*"]}}}]});
    let allowed = allowed("r", &PolicyDocument::parse(&policy).unwrap());
    assert_eq!(allowed.len(), 8);
    let covering: Vec<_> = allowed.iter().filter(|it| it.covers(&used)).collect();
    assert_eq!(covering.len(), 1);
    assert_eq!(covering[0].condition.as_ref().unwrap().2, "runs/*");
}

/// The actions of Organizations that a policy allows.
fn of_organizations(policy: &PolicyDocument) -> Vec<String> {
    let allowed = policy.statements.iter().filter(|statement| statement.effect == Effect::Allow);
    let actions = allowed.flat_map(|statement| &statement.actions);
    let mut operations = Vec::new();
    for action in actions {
        let (service, operation) = action.split_once(':').unwrap_or(("*", "*"));
        assert!(!service.contains('*') && !operation.starts_with('*'), "{action} is everything");
        if service == "organizations" {
            operations.push(operation.to_owned());
        }
    }
    operations
}

fn is_read(operation: &str) -> bool {
    operation.starts_with("Describe") || operation.starts_with("List")
}

#[test]
fn with_writes_off_no_role_may_write_to_organizations() {
    let scenarios = [Scenario::default(), Scenario { topology: Topology::Delegated, ..Scenario::default() }];
    let mut reads = 0;
    for scenario in scenarios {
        let stack = on_virtual_time(async { stack(&scenario) });
        for (role, policy) in stack.aws.roles() {
            let operations = of_organizations(&policy.policy);
            assert!(operations.iter().all(|operation| is_read(operation)), "{role}: {operations:?}");
            reads += operations.len();
        }
    }
    assert!(reads > 0);
}

/// Each kind that changes the organization has functions that only plan or look: these never may.
#[test]
fn with_writes_on_only_the_functions_that_make_changes_may_write_to_organizations() {
    let mut writers = BTreeSet::new();
    for resolved in variants("muster") {
        for (arn, role) in local_stack::deploy::roles(&resolved).unwrap() {
            if of_organizations(&role.policy).iter().any(|operation| !is_read(operation)) {
                writers.insert(arn.rsplit(['/', ':']).next().unwrap().to_owned());
            }
        }
    }
    let expected = ["AccountsStartRole", "PoliciesApplyRole", "SetupApplyRole"];
    assert_eq!(writers, expected.map(|name| format!("muster-{name}")).into());
}
