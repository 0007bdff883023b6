//! The simulated AWS with the template deployed on it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use local_aws::aws::Options;
use local_aws::cloudformation::Stack;
use local_aws::iam::Credentials;
use local_aws::lambda::{Latency as LambdaLatency, Runner};
use local_aws::organization::{Shape, generate};
use local_aws::{Aws, FaultRule, Settings};
use local_clock::Clock;
use local_states::Execution;
use local_states::service::Latency as StatesLatency;
use serde_json::Value;

use crate::deploy::{self, Deployed};
use crate::events;
use crate::in_process::{InProcess, KeptMetrics};
use crate::roles::{self, MemberRoles};
use crate::template::{InvalidTemplate, Resolved, Surroundings, Template};

/// What a local stack begins with.
#[derive(Debug, Clone)]
pub struct StackOptions {
    pub name: String,
    pub region: String,
    pub shape: Shape,
    pub settings: Settings,
    pub faults: Vec<FaultRule>,
    pub topology: Topology,
    pub member_roles: MemberRoles,
    /// Values of the template's parameters.
    pub parameters: BTreeMap<String, String>,
    /// Where buckets are folders; in memory without it.
    pub folder: Option<PathBuf>,
    /// The repository: `template.yaml` and the definitions it names.
    pub root: PathBuf,
}

/// Which account the stack lives in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Topology {
    #[default]
    Management,
    /// A member, delegated administrator for EC2, that reads the organization with the roles of
    /// `infra/roles/management-roles.yaml` in the management account.
    Delegated,
}

/// Why a local stack did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("{path}: {source}", path = path.display())]
    Template { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Invalid(#[from] InvalidTemplate),
    #[error("an organization of one account has none to delegate to")]
    NoMember,
}

/// A deployed stack.
#[derive(Debug)]
pub struct LocalStack {
    pub aws: Aws,
    pub resolved: Resolved,
    pub deployed: Deployed,
    /// What functions in this process measured.
    pub metrics: Arc<KeptMetrics>,
}

impl LocalStack {
    /// Deploys the template; the functions run in this process.
    pub fn start(clock: Clock, options: StackOptions) -> Result<Self, StartError> {
        let runner = Arc::new(InProcess::default());
        let metrics = Arc::clone(&runner.metrics);
        let stack = Self::start_with(clock, options, Arc::<InProcess>::clone(&runner))?;
        runner.connect(&stack.aws);
        Ok(Self { metrics, ..stack })
    }

    /// Deploys the template; `runner` runs the functions.
    pub fn start_with(
        clock: Clock,
        options: StackOptions,
        runner: Arc<dyn Runner>,
    ) -> Result<Self, StartError> {
        let template = read(&options.root, "template.yaml")?;
        let mut organization = generate(&options.shape, clock.now());
        let account = match options.topology {
            Topology::Management => organization.management_account.clone(),
            Topology::Delegated => {
                let member = organization.accounts.iter().skip(1).find(|account| account.state == "ACTIVE");
                let account = member.ok_or(StartError::NoMember)?.id.clone();
                organization.delegated.push((account.clone(), "ec2.amazonaws.com".to_owned()));
                account
            }
        };
        let surroundings = Surroundings {
            stack: options.name,
            partition: "aws".to_owned(),
            region: options.region.clone(),
            account: account.clone(),
        };
        let mut parameters = options.parameters;
        let management_roles = match options.topology {
            Topology::Management => None,
            Topology::Delegated => {
                let template = read(&options.root, "infra/roles/management-roles.yaml")?;
                Some(roles::management(&template, &surroundings, &organization, &parameters)?)
            }
        };
        let trail = &options.settings.access_analyzer.trail;
        let member_roles = read(&options.root, "infra/roles/member-roles.yaml")?;
        let member_roles = roles::member(&member_roles, &surroundings, &organization, &parameters, trail)?;
        // What these templates give out is what the stack's parameters of these names take.
        for (name, value) in management_roles.iter().chain([&member_roles]).flat_map(|it| &it.outputs) {
            if template.parameters().contains_key(name) {
                parameters.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        let resolved = template.resolve(&surroundings, &parameters)?;
        let aws = Aws::new(Options {
            clock,
            partition: surroundings.partition.clone(),
            region: options.region,
            account,
            organization,
            settings: options.settings,
            faults: options.faults,
            folder: options.folder,
            runner,
            states_latency: StatesLatency::default(),
            lambda_latency: LambdaLatency::default(),
        });
        if let Some(roles) = &management_roles {
            roles::put_management(&aws, roles)?;
        }
        roles::put_member(&aws, &member_roles, &options.member_roles)?;
        let deployed = deploy::deploy(&aws, &resolved, &options.root)?;
        events::begin(&aws, &deployed.rules);
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        aws.put_stack(Stack {
            arn: format!(
                "arn:{}:cloudformation:{}:{}:stack/{}/33333333-0000-4000-8000-000000000000",
                surroundings.partition, surroundings.region, surroundings.account, surroundings.stack
            ),
            name: surroundings.stack,
            created: aws.clock().now(),
            parameters: resolved.parameters.iter().map(|(name, it)| (name.clone(), text(it))).collect(),
            outputs: resolved.outputs.clone(),
        });
        Ok(Self { aws, resolved, deployed, metrics: Arc::default() })
    }

    /// The stack's bucket.
    pub fn bucket(&self) -> &str {
        self.output("BucketName")
    }

    /// An output of the stack; empty when there is none of this name.
    pub fn output(&self, name: &str) -> &str {
        self.resolved.outputs.get(name).map(String::as_str).unwrap_or_default()
    }

    /// Starts a run of the declarative policies report.
    pub fn start_report(&self, request: Value) -> Result<Arc<Execution>, local_states::service::Refused> {
        self.aws.states().start(self.output("ReportStateMachineArn"), None, request)
    }

    /// Starts an inventory of the organization.
    pub fn start_inventory(&self, request: Value) -> Result<Arc<Execution>, local_states::service::Refused> {
        self.aws.states().start(self.output("InventoryStateMachineArn"), None, request)
    }

    /// Starts an access report over the organization.
    pub fn start_access_report(
        &self,
        request: Value,
    ) -> Result<Arc<Execution>, local_states::service::Refused> {
        self.aws.states().start(self.output("AccessReportStateMachineArn"), None, request)
    }

    /// Starts a generation of policies over the organization.
    pub fn start_policy_generation(
        &self,
        request: Value,
    ) -> Result<Arc<Execution>, local_states::service::Refused> {
        self.aws.states().start(self.output("PolicyGenerationStateMachineArn"), None, request)
    }

    /// Starts a run of findings.
    pub fn start_findings(&self, request: Value) -> Result<Arc<Execution>, local_states::service::Refused> {
        self.aws.states().start(self.output("FindingsStateMachineArn"), None, request)
    }

    /// Starts a run that makes a batch of accounts.
    pub fn start_accounts(&self, request: Value) -> Result<Arc<Execution>, local_states::service::Refused> {
        self.aws.states().start(self.output("AccountsStateMachineArn"), None, request)
    }

    /// Starts a run that plans, applies or takes back changes of the organization's set-up.
    pub fn start_setup(&self, request: Value) -> Result<Arc<Execution>, local_states::service::Refused> {
        self.aws.states().start(self.output("SetupStateMachineArn"), None, request)
    }

    /// Delivers a time to the schedules that are on, as EventBridge Scheduler does; twice is the same
    /// run.
    pub fn deliver_schedule(
        &self,
        due: jiff::Timestamp,
    ) -> Result<Vec<Arc<Execution>>, local_states::service::Refused> {
        let mut started = Vec::new();
        for schedule in self.deployed.schedules.iter().filter(|schedule| schedule.enabled) {
            let input = serde_json::from_str(&schedule.input_at(due)).unwrap_or_default();
            started.push(self.aws.start_execution_as(&schedule.role, &schedule.machine, input)?);
        }
        Ok(started)
    }

    /// Credentials of somebody who may do everything in the stack's account.
    pub fn administrator(&self) -> Credentials {
        Credentials::administrator()
    }
}

fn read(root: &Path, name: &str) -> Result<Template, StartError> {
    let path = root.join(name);
    let text = std::fs::read_to_string(&path).map_err(|source| StartError::Template { path, source })?;
    Ok(Template::parse(&text)?)
}
