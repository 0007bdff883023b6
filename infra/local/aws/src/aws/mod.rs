//! The whole: what it is made of, what happened, and what it is told to do.

pub mod journal;
mod others;
mod serve;
mod states;
#[cfg(test)]
mod testing;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use jiff::SignedDuration;
use local_clock::Clock;
use local_states::service::{Latency as StatesLatency, Refused};
use local_states::{Execution, Services, StatusChange, StepFunctions};
use s3s::service::S3Service;
use serde_json::Value;

use crate::access_analyzer::{self, PolicyGeneration, PolicyGenerations};
use crate::access_reports::{AccessReport, AccessReportOutcome, AccessReportState, AccessReports, Order};
use crate::cloudformation::Stack;
use crate::ec2::{Accepted, Report, Reports};
use crate::events::{Bus, Message, Topic, Topics};
use crate::faults::{FaultRule, Faults};
pub use others::{ForeignWrite, Moment};

pub use crate::iam::Use;
use crate::iam::{Credentials, Gate, Principal, Question, Role, RoleSet, Roles};
use crate::iam_accounts::AccessedJobs;
use crate::lambda::{Lambda, Latency as LambdaLatency, Runner};
use crate::organization::Organization;
use crate::s3::{self, Storage};
use crate::settings::{ReportOutcome, Settings};
use crate::throttle::{TenantCalls, Throttle};
use crate::wire::{Disconnected, Request, Response};

/// What a simulated AWS begins with.
pub struct Options {
    pub clock: Clock,
    pub partition: String,
    pub region: String,
    /// The account that everything is deployed to.
    pub account: String,
    pub organization: Organization,
    pub settings: Settings,
    pub faults: Vec<FaultRule>,
    /// Where buckets are folders; in memory without it.
    pub folder: Option<PathBuf>,
    pub runner: Arc<dyn Runner>,
    pub states_latency: StatesLatency,
    pub lambda_latency: LambdaLatency,
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("region", &self.region)
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}

/// One call that a function made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    pub function: String,
    /// `service:Operation`.
    pub action: String,
    /// Whether an S3 request named the account that must own each bucket it is about.
    pub names_owner: bool,
}

struct World {
    organization: Organization,
    reports: Reports,
    access_reports: AccessReports,
    accessed: AccessedJobs,
    policy_generations: PolicyGenerations,
    settings: Settings,
    throttle: Throttle,
    others: others::Others,
    /// What was written to the organization.
    journal: Vec<journal::Write>,
    calls: Vec<Call>,
    /// By operation of Organizations: the members of functions' requests.
    members: BTreeMap<String, BTreeSet<String>>,
    requests: u64,
    random: fastrand::Rng,
}

type Listener = Box<dyn Fn(&StatusChange) + Send + Sync>;

/// A simulated AWS: one Region, one organization.
#[derive(Clone)]
pub struct Aws(Arc<Inner>);

/// A simulated AWS that does not live on because of this handle.
#[derive(Clone)]
pub struct WeakAws(Weak<Inner>);

impl fmt::Debug for WeakAws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WeakAws").finish_non_exhaustive()
    }
}

impl WeakAws {
    pub fn upgrade(&self) -> Option<Aws> {
        self.0.upgrade().map(Aws)
    }
}

struct Inner {
    clock: Clock,
    partition: String,
    region: String,
    account: String,
    gate: Arc<Gate>,
    storage: Arc<Storage>,
    s3: S3Service,
    states: StepFunctions,
    lambda: Lambda,
    faults: Faults,
    world: Mutex<World>,
    roles: Roles,
    stacks: Mutex<BTreeMap<String, Stack>>,
    listeners: Mutex<Vec<Listener>>,
    bus: Bus,
    topics: Topics,
}

impl fmt::Debug for Aws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aws")
            .field("region", &self.0.region)
            .field("account", &self.0.account)
            .finish_non_exhaustive()
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Aws {
    pub fn new(options: Options) -> Self {
        let gate = Arc::new(Gate::default());
        let storage = Arc::new(Storage::new(options.clock.clone(), options.folder));
        let s3 = s3::service(
            Arc::clone(&storage),
            Arc::clone(&gate),
            options.partition.clone(),
            options.region.clone(),
        );
        let states = StepFunctions::new(
            options.clock.clone(),
            &options.partition,
            &options.region,
            &options.account,
            options.organization.seed,
            options.states_latency,
        );
        let lambda =
            Lambda::new(options.clock.clone(), Arc::clone(&gate), options.runner, options.lambda_latency);
        let aws = Self(Arc::new(Inner {
            clock: options.clock,
            partition: options.partition,
            region: options.region,
            account: options.account,
            gate,
            storage,
            s3,
            states,
            lambda,
            faults: Faults::new(options.faults),
            world: Mutex::new(World {
                random: fastrand::Rng::with_seed(options.organization.seed),
                organization: options.organization,
                reports: Reports::default(),
                access_reports: AccessReports::default(),
                accessed: AccessedJobs::default(),
                policy_generations: PolicyGenerations::default(),
                settings: options.settings,
                throttle: Throttle::default(),
                others: others::Others::default(),
                journal: Vec::new(),
                calls: Vec::new(),
                members: BTreeMap::new(),
                requests: 0,
            }),
            roles: Roles::default(),
            stacks: Mutex::default(),
            listeners: Mutex::default(),
            bus: Bus::default(),
            topics: Topics::default(),
        }));
        let inner: Arc<dyn Services> = Arc::<Inner>::clone(&aws.0);
        aws.0.states.connect(Arc::downgrade(&inner));
        aws.0.gate.identities.register(&Credentials::administrator(), aws.0.person("Admin"));
        aws
    }

    /// A handle for what this AWS itself holds, such as the clients of its functions.
    pub fn downgrade(&self) -> WeakAws {
        WeakAws(Arc::downgrade(&self.0))
    }

    // --- what it is made of -----------------------------------------------------------------

    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    pub fn partition(&self) -> &str {
        &self.0.partition
    }

    pub fn region(&self) -> &str {
        &self.0.region
    }

    pub fn account(&self) -> &str {
        &self.0.account
    }

    pub fn storage(&self) -> &Storage {
        &self.0.storage
    }

    pub fn states(&self) -> &StepFunctions {
        &self.0.states
    }

    pub fn lambda(&self) -> &Lambda {
        &self.0.lambda
    }

    pub fn gate(&self) -> &Gate {
        &self.0.gate
    }

    pub fn faults(&self) -> &Faults {
        &self.0.faults
    }

    /// Shows a stack in CloudFormation.
    pub fn put_stack(&self, stack: Stack) {
        lock(&self.0.stacks).insert(stack.name.clone(), stack);
    }

    /// Makes a role, or changes it.
    pub fn put_role(&self, arn: &str, role: Role) {
        self.0.roles.put(arn, role);
    }

    /// Makes the same roles in many accounts, as a StackSet does.
    pub fn put_role_set(&self, set: RoleSet) {
        self.0.roles.put_set(set);
    }

    /// Deletes a role.
    pub fn delete_role(&self, arn: &str) {
        self.0.roles.delete(arn);
    }

    /// The role of this ARN.
    pub fn role(&self, arn: &str) -> Option<Role> {
        self.0.roles.get(arn)
    }

    /// The ARNs of an account's roles.
    pub fn roles_in(&self, account: &str) -> Vec<String> {
        self.0.roles.in_account(account)
    }

    /// The roles that were made one by one, by ARN: not those that many accounts have alike.
    pub fn roles(&self) -> BTreeMap<String, Role> {
        self.0.roles.single()
    }

    /// Starts an execution in the name of a role, as EventBridge Scheduler does.
    pub fn start_execution_as(
        &self,
        role: &str,
        machine: &str,
        input: Value,
    ) -> Result<Arc<Execution>, Refused> {
        self.0
            .gate
            .check(&self.0.role(role), &Question::new("states:StartExecution", machine))
            .map_err(|denied| Refused { code: "AccessDeniedException", message: denied.to_string() })?;
        self.0.states.start(machine, None, input)
    }

    /// Calls `listener` whenever an execution begins or ends.
    pub fn on_status_change(&self, listener: impl Fn(&StatusChange) + Send + Sync + 'static) {
        lock(&self.0.listeners).push(Box::new(listener));
    }

    /// Calls `listener` with every event that is put on the bus.
    pub fn on_event(&self, listener: impl Fn(&Value) + Send + Sync + 'static) {
        self.0.bus.listen(Box::new(listener));
    }

    /// Makes a topic.
    pub fn put_topic(&self, topic: Topic) {
        self.0.topics.put(topic);
    }

    /// A rule publishes to a topic; whether the topic lets it.
    pub fn publish_by_rule(&self, rule: &str, topic: &str, text: String) -> bool {
        let message = Message { topic: topic.to_owned(), at: self.0.clock.now(), text };
        self.0.topics.publish(rule, &self.0.account, message)
    }

    // --- what happened ----------------------------------------------------------------------

    /// The calls that functions made, in their order.
    pub fn calls(&self) -> Vec<Call> {
        lock(&self.0.world).calls.clone()
    }

    /// The members that functions' requests to Organizations had, by operation.
    pub fn organizations_members(&self) -> BTreeMap<String, BTreeSet<String>> {
        lock(&self.0.world).members.clone()
    }

    /// The events that were put on the bus, as rules see them.
    pub fn events(&self) -> Vec<Value> {
        self.0.bus.events()
    }

    /// What topics were given.
    pub fn messages(&self) -> Vec<Message> {
        self.0.topics.messages()
    }

    /// The reports, at this moment.
    pub fn reports(&self) -> Vec<Report> {
        self.0.settle().reports.all().to_vec()
    }

    /// IAM's access reports, at this moment, in the order in which they began: when the one slot that
    /// there is was in use, and by whom.
    pub fn access_reports(&self) -> Vec<AccessReport> {
        self.0.settle().access_reports.all().to_vec()
    }

    /// Access Analyzer's policy generations, at this moment, by account and Region in the order in which
    /// they began.
    pub fn policy_generations(&self) -> Vec<PolicyGeneration> {
        lock(&self.0.world).policy_generations.all(self.0.clock.now())
    }

    /// The ARN of the organization's trail.
    pub fn organization_trail(&self) -> String {
        let world = lock(&self.0.world);
        let settings = &world.settings.access_analyzer.trail;
        access_analyzer::trail(settings, &world.organization, &self.0.partition, &self.0.region)
    }

    pub fn organization(&self) -> Organization {
        self.0.settle().organization.clone()
    }

    /// Changes switches or the organization while everything runs.
    pub fn change(&self, change: impl FnOnce(&mut Settings, &mut Organization)) {
        let mut world = self.0.settle();
        let world = &mut *world;
        change(&mut world.settings, &mut world.organization);
    }

    /// From now on only a cancellation ends the reports that run.
    pub fn hold_reports(&self) {
        self.0.settle().reports.hold();
    }

    /// From now on somebody else in the management account uses such a share of Organizations' rates.
    pub fn admit_tenant(&self, share: f64) {
        let mut world = lock(&self.0.world);
        let world = &mut *world;
        let account = &world.organization.management_account;
        world.throttle.admit(account, share, world.organization.seed, self.0.clock.now());
    }

    /// What that tenant met up to now.
    pub fn tenant(&self) -> TenantCalls {
        lock(&self.0.world).throttle.tenant(self.0.clock.now())
    }

    /// Somebody else starts a report that takes so long.
    pub fn start_foreign_report(&self, duration: Duration) -> String {
        let mut world = self.0.settle();
        let accepted = Accepted {
            bucket: "somebody-elses-bucket".to_owned(),
            prefix: "reports".to_owned(),
            target: world.organization.root.clone(),
            tags: Vec::new(),
            caller: Arc::new(self.0.person("SomebodyElse")),
        };
        let duration = SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
        let (seed, now) = (world.organization.seed, self.0.clock.now());
        world.reports.start(accepted, ReportOutcome::NoObject, duration, SignedDuration::ZERO, seed, now)
    }

    /// Somebody else in the management account orders an access report of the root that takes so long;
    /// `None` when another is in progress.
    pub fn start_foreign_access_report(&self, duration: Duration) -> Option<String> {
        let mut world = self.0.settle();
        let order = Order {
            caller: self.0.person("SomebodyElse").arn,
            session: None,
            entity_path: format!("{}/{}", world.organization.id, world.organization.root),
            policy: None,
        };
        let (seed, now) = (world.organization.seed, self.0.clock.now());
        let (completed, slow) = (AccessReportState::Completed, AccessReportOutcome::Slow(duration));
        let started = world.access_reports.start(order, completed, slow, SignedDuration::ZERO, seed, now);
        started.map(str::to_owned).ok()
    }

    /// Somebody else in an account starts a policy generation in a Region that takes so long; `None`
    /// when another is in progress there.
    pub fn start_foreign_policy_generation(
        &self,
        account: &str,
        region: &str,
        duration: Duration,
    ) -> Option<String> {
        let mut guard = lock(&self.0.world);
        let world = &mut *guard;
        let caller = format!("arn:{}:iam::{account}:user/SomebodyElse", self.0.partition);
        let duration = SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
        let (seed, now) = (world.organization.seed, self.0.clock.now());
        world.policy_generations.start_foreign((account, region), &caller, duration, seed, now)
    }

    // --- requests -----------------------------------------------------------------------------

    /// Answers one HTTP request.
    pub async fn call(&self, request: Request) -> Result<Response, Disconnected> {
        self.0.call(request).await
    }
}

impl Inner {
    fn person(&self, name: &str) -> Principal {
        Principal {
            account: self.account.clone(),
            arn: format!("arn:{}:iam::{}:user/{name}", self.partition, self.account),
            policy: None,
            role: None,
            sandbox: None,
            function: None,
        }
    }

    /// The world, with everything done that is due.
    fn settle(&self) -> MutexGuard<'_, World> {
        let mut guard = lock(&self.world);
        let world = &mut *guard;
        let now = self.clock.now();
        self.settle_others(world, now);
        world.organization.settle(now, &world.settings.organization);
        self.make_roles(&mut world.organization);
        world.reports.settle(now, &world.organization, &world.settings, &self.storage);
        world.access_reports.settle(now);
        guard
    }

    /// Gives new accounts the role by which the management account administers them.
    fn make_roles(&self, organization: &mut Organization) {
        for (account, name) in organization.take_created() {
            let arn = format!("arn:{}:iam::{account}:role/{name}", self.partition);
            self.roles.put(&arn, Role::administering(&self.partition, &organization.management_account));
        }
    }
}

/// Stops every execution that runs.
fn stop_executions(states: &StepFunctions) {
    for execution in states.executions() {
        let _ = states.stop(&execution.arn, Some("Stopped".to_owned()), Some("by the test".to_owned()));
    }
}
