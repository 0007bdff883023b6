//! Permissions: a role may do what its code was seen to do, with what AWS requires for it, and no more.
//!
//! That nothing else is done needs no test of its own: the simulation refuses what no policy allows.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use local_aws::ec2::Status;
use local_aws::iam::{Effect, PolicyDocument, Statement, Use};
use local_aws::lambda::Delivery;
use local_aws::s3::Bucket;
use local_aws::settings::ReportOutcome;
use local_aws::{Fault, FaultRule, Settings};
use local_stack::{LocalStack, Topology};
use local_states::ExecutionStatus;
use muster_tests::{Scenario, on_virtual_time, stack};
use serde_json::{Map, Value, json};

use crate::stacks::{BUCKET, KEY, every_optional_parameter, variants};

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

/// How a run is to end.
type Expected = (&'static str, ExecutionStatus, Value, Scenario);

fn short() -> Settings {
    Settings { report_duration: Duration::from_secs(150), ..Settings::default() }
}

/// What a run can meet: together they take every path that calls AWS.
fn scenarios(deployed: &Scenario) -> Vec<Expected> {
    use ExecutionStatus::{Failed, Succeeded};
    let with = |settings: Settings| Scenario { settings, ..deployed.clone() };
    let tags: Map<String, Value> =
        (0..49).map(|number| (format!("{number}-{}", "k".repeat(100)), json!("v".repeat(256)))).collect();
    let never = || Settings { report_outcomes: vec![ReportOutcome::Never], ..short() };
    let unit = || json!({"targetId": "UNIT"});
    vec![
        ("a run", Succeeded, json!({}), with(short())),
        ("a dry run", Succeeded, json!({"dryRun": true}), with(short())),
        ("tags, many", Succeeded, json!({"tags": tags}), with(short())),
        ("a unit, by paths", Succeeded, unit(), with(short())),
        ("a unit, by the tree", Succeeded, unit(), with(Settings { account_paths: false, ..short() })),
        (
            "a failed report",
            Failed,
            json!({}),
            with(Settings { report_outcomes: vec![ReportOutcome::Error], ..short() }),
        ),
        ("overdue", Failed, json!({"deadlineHours": 1}), with(never())),
        (
            "no object",
            Failed,
            json!({}),
            with(Settings { report_outcomes: vec![ReportOutcome::NoObject], ..short() }),
        ),
        (
            "somebody else's report",
            Succeeded,
            json!({}),
            Scenario { in_the_way: Some(Duration::from_secs(600)), ..with(short()) },
        ),
        ("every step twice", Succeeded, json!({}), Scenario { delivery: Delivery::Twice, ..with(short()) }),
    ]
}

/// Runs a request to its end, and whatever comes after it.
async fn run(stack: &LocalStack, name: &str, request: Value, expected: ExecutionStatus) {
    let execution = stack.start_report(request).unwrap();
    let status = execution.finished().await;
    assert_eq!(status, expected, "{name}: {:?}", execution.error());
    tokio::time::sleep(Duration::from_secs(45 * 60)).await;
}

fn start(scenario: &Scenario) -> LocalStack {
    let stack = stack(scenario);
    let bucket = Bucket {
        owner: stack.aws.account().to_owned(),
        region: stack.aws.region().to_owned(),
        policy: None,
        kms_key: scenario.parameters.get("KmsKeyArn").cloned(),
    };
    stack.aws.storage().create_bucket(BUCKET, bucket).unwrap();
    stack
}

/// What is used by runs one after the other: other buckets, earlier reports, stops, resumes, schedules.
async fn one_after_the_other(scenario: &Scenario) -> LocalStack {
    let stack = start(scenario);
    if scenario.parameters.contains_key("ReportBucketArns") {
        run(&stack, "another bucket", json!({"s3Bucket": BUCKET}), ExecutionStatus::Succeeded).await;
    }
    run(&stack, "first", json!({}), ExecutionStatus::Succeeded).await;
    run(&stack, "young enough", json!({"maxAgeHours": 2}), ExecutionStatus::Succeeded).await;
    let due = "2026-11-22T03:00:00Z".parse().unwrap();
    for execution in [stack.deliver_schedule(due).unwrap(), stack.deliver_schedule(due).unwrap()].concat() {
        assert_eq!(execution.finished().await, ExecutionStatus::Succeeded, "{:?}", execution.error());
    }
    let stopped = stack.start_report(json!({})).unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    stack.aws.states().stop(&stopped.arn, None, None).unwrap();
    tokio::time::sleep(Duration::from_secs(45 * 60)).await;
    let records = muster_tests::records(&stack);
    let run_id =
        records.iter().find(|it| it.execution.as_deref() == Some(&stopped.arn)).unwrap().run_id.clone();
    assert!(stack.aws.reports().iter().all(|report| report.status != Status::Running));
    let resumed = json!({"resume": run_id, "retry": ["failed"]});
    run(&stack, "resumed", resumed, ExecutionStatus::Succeeded).await;
    let without_record = stack.start_report(json!({})).unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    for key in stack.aws.storage().keys(stack.bucket(), "runs/") {
        stack.aws.storage().delete(stack.bucket(), &key).unwrap();
    }
    assert_eq!(without_record.finished().await, ExecutionStatus::Failed);
    stack
}

fn at(fault: Fault, operation: &str, nth: u64, times: u64) -> FaultRule {
    FaultRule { fault, operation: Some(operation.to_owned()), nth, times }
}

/// Several faults in one run. The start step puts the marker, the record, the record with its
/// attempt, and the record with its handle.
fn at_once() -> [Vec<FaultRule>; 2] {
    [
        // Stopped, and closed by the sweep while the start step still tries to record its report.
        vec![
            at(Fault::StopAfter, "ec2:StartDeclarativePoliciesReport", 1, 1),
            at(Fault::Throttle, "s3:PutObject", 4, 1),
        ],
        // Stopped between marker and record; the cancel function fails, and the sweep sees a marker.
        vec![
            at(Fault::StopAfter, "s3:PutObject", 1, 1),
            at(Fault::CrashBefore, "s3:PutObject", 2, 1),
            at(Fault::CrashBefore, "s3:ListObjectsV2", 1, 1),
        ],
    ]
}

/// What is used to go on, or to close a run, after a crash or a stop at any call. How such runs end
/// is the simulation's to test.
fn with_faults(scenario: &Scenario) -> BTreeSet<Use> {
    let mut used = BTreeSet::new();
    let mut with = |faults: Vec<FaultRule>, seed: u64| {
        let scenario = Scenario { faults, seed, settings: short(), ..scenario.clone() };
        fastrand::seed(scenario.seed);
        on_virtual_time(async {
            let stack = start(&scenario);
            stack.start_report(json!({})).unwrap().finished().await;
            tokio::time::sleep(Duration::from_secs(45 * 60)).await;
            used.extend(stack.aws.gate().used());
            stack.aws.calls().len() as u64
        })
    };
    let calls = with(Vec::new(), 1);
    assert!(calls > 20, "{calls} calls are too few to be a run");
    for (fault, times) in [(Fault::CrashAfter, 3), (Fault::StopAfter, 1)] {
        for nth in 1..=calls {
            with(vec![FaultRule { fault, operation: None, nth, times }], 1);
        }
    }
    // The SDK's pauses between attempts are drawn: some let the sweep come first.
    for seed in 1..=8 {
        for faults in at_once() {
            with(faults, seed);
        }
    }
    used
}

/// What is used by a run that is taken up while it is being closed: its marker is put back.
fn taken_up(scenario: &Scenario) -> BTreeSet<Use> {
    let faults = vec![at(Fault::Throttle, "s3:DeleteObject", 1, 2)];
    let scenario = Scenario { faults, settings: short(), ..scenario.clone() };
    let mut used = BTreeSet::new();
    for seed in 1..=4 {
        fastrand::seed(seed);
        used.extend(on_virtual_time(async {
            let stack = start(&scenario);
            let execution = stack.start_report(json!({})).unwrap();
            tokio::time::sleep(Duration::from_secs(60)).await;
            stack.aws.states().stop(&execution.arn, None, None).unwrap();
            muster_tests::closed(&stack).await;
            let run_id = muster_tests::records(&stack)[0].run_id.clone();
            let resumed = json!({"resume": run_id, "retry": ["failed"]});
            run(&stack, "taken up", resumed, ExecutionStatus::Succeeded).await;
            stack.aws.gate().used()
        }));
    }
    used
}

/// What the roles of a stack used, over everything above.
fn used(scenario: &Scenario) -> BTreeSet<Use> {
    let mut used = BTreeSet::new();
    for (name, expected, mut request, scenario) in scenarios(scenario) {
        let after = on_virtual_time(async {
            let stack = start(&scenario);
            if request["targetId"] == "UNIT" {
                let organization = stack.aws.organization();
                let unit = organization.accounts.iter().find(|it| it.parent.starts_with("ou-")).unwrap();
                request["targetId"] = json!(unit.parent);
            }
            run(&stack, name, request, expected).await;
            stack.aws.gate().used()
        });
        used.extend(after);
    }
    used.extend(with_faults(scenario));
    used.extend(taken_up(scenario));
    let settings = short();
    let sequence = Scenario { settings, ..scenario.clone() };
    used.extend(on_virtual_time(async { one_after_the_other(&sequence).await.aws.gate().used() }));
    used
}

/// Permissions of a stack's roles that nothing used.
fn unused(scenario: &Scenario, used: &BTreeSet<Use>) -> Vec<Allowed> {
    let stack = on_virtual_time(async { start(scenario) });
    let roles = stack.aws.roles();
    assert!(roles.len() >= 7, "{}", roles.len());
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
    let parameters = [("ReportScheduleState".to_owned(), "ENABLED".to_owned())].into();
    let scenario = Scenario { accounts: 24, parameters, ..Scenario::default() };
    let unused = unused(&scenario, &used(&scenario));
    assert!(unused.is_empty(), "{unused:#?}");
}

#[test]
fn in_a_delegated_account_with_every_optional_parameter_every_permission_is_used() {
    // The role that reads the organization is the one of management-roles.yaml, and targets are asked
    // for, so that the root is looked up too.
    let mut parameters = every_optional_parameter();
    parameters.retain(|name, _| !matches!(name.as_str(), "DefaultTarget" | "ManagementReadRoleArn"));
    let scenario =
        Scenario { accounts: 24, topology: Topology::Delegated, parameters, ..Scenario::default() };
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

#[test]
fn no_role_may_write_to_organizations() {
    let scenarios = [Scenario::default(), Scenario { topology: Topology::Delegated, ..Scenario::default() }];
    let mut policies: Vec<PolicyDocument> = Vec::new();
    for scenario in scenarios {
        let stack = on_virtual_time(async { stack(&scenario) });
        policies.extend(stack.aws.roles().values().map(|role| (*role.policy).clone()));
    }
    for resolved in variants("muster") {
        let roles = local_stack::deploy::roles(&resolved).unwrap();
        policies.extend(roles.values().map(|role| (*role.policy).clone()));
    }
    let mut reads = 0;
    for statement in policies.iter().flat_map(|policy| &policy.statements) {
        for action in statement.actions.iter().filter(|_| statement.effect == Effect::Allow) {
            let (service, operation) = action.split_once(':').unwrap_or(("*", "*"));
            assert!(!service.contains('*') && !operation.starts_with('*'), "{action} is everything");
            if service == "organizations" {
                assert!(operation.starts_with("Describe") || operation.starts_with("List"), "{action}");
                reads += 1;
            }
        }
    }
    assert!(reads > 0);
}
