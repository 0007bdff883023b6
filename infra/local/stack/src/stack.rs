//! The simulated AWS with the template deployed on it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use local_aws::aws::Options;
use local_aws::iam::Credentials;
use local_aws::lambda::Latency as LambdaLatency;
use local_aws::organization::{Shape, generate};
use local_aws::{Aws, FaultRule, Settings};
use local_clock::Clock;
use local_states::Execution;
use local_states::service::Latency as StatesLatency;
use serde_json::Value;

use crate::deploy::{self, Deployed};
use crate::events;
use crate::in_process::{InProcess, KeptMetrics};
use crate::template::{InvalidTemplate, Resolved, Surroundings, Template};

/// What a local stack begins with.
#[derive(Debug, Clone)]
pub struct StackOptions {
    pub name: String,
    pub region: String,
    pub shape: Shape,
    pub settings: Settings,
    pub faults: Vec<FaultRule>,
    /// Values of the template's parameters.
    pub parameters: BTreeMap<String, String>,
    /// Where buckets are folders; in memory without it.
    pub folder: Option<PathBuf>,
    /// The repository: `template.yaml` and the definitions it names.
    pub root: PathBuf,
}

/// Why a local stack did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("{path}: {source}", path = path.display())]
    Template { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Invalid(#[from] InvalidTemplate),
}

/// A deployed stack.
#[derive(Debug)]
pub struct LocalStack {
    pub aws: Aws,
    pub resolved: Resolved,
    pub deployed: Deployed,
    pub metrics: Arc<KeptMetrics>,
}

impl LocalStack {
    /// Deploys the template; the functions run in this process.
    pub fn start(clock: Clock, options: StackOptions) -> Result<Self, StartError> {
        let path = options.root.join("template.yaml");
        let text = std::fs::read_to_string(&path).map_err(|source| StartError::Template { path, source })?;
        let template = Template::parse(&text)?;
        let organization = generate(&options.shape, clock.now());
        let account = organization.management_account.clone();
        let surroundings = Surroundings {
            stack: options.name,
            partition: "aws".to_owned(),
            region: options.region.clone(),
            account: account.clone(),
        };
        let resolved = template.resolve(&surroundings, &options.parameters)?;
        let runner = Arc::new(InProcess::default());
        let metrics = Arc::clone(&runner.metrics);
        let aws = Aws::new(Options {
            clock,
            partition: surroundings.partition.clone(),
            region: options.region,
            account,
            organization,
            settings: options.settings,
            faults: options.faults,
            folder: options.folder,
            runner: Arc::<InProcess>::clone(&runner),
            states_latency: StatesLatency::default(),
            lambda_latency: LambdaLatency::default(),
        });
        runner.connect(&aws);
        let deployed = deploy::deploy(&aws, &resolved, &options.root)?;
        events::begin(&aws, &deployed.rules);
        Ok(Self { aws, resolved, deployed, metrics })
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

    /// Delivers a schedule's time, as EventBridge Scheduler does; twice is the same run.
    pub fn deliver_schedule(
        &self,
        due: jiff::Timestamp,
    ) -> Result<Vec<Arc<Execution>>, local_states::service::Refused> {
        let mut started = Vec::new();
        for schedule in &self.deployed.schedules {
            let input = serde_json::from_str(&schedule.input_at(due)).unwrap_or_default();
            started.push(self.aws.start_execution_as(&schedule.role, &schedule.machine, input)?);
        }
        Ok(started)
    }

    /// Credentials of somebody who may do everything in the stack's account.
    pub fn administrator(&self) -> Credentials {
        self.aws.administrator()
    }
}
