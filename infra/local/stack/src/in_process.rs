//! The functions' own code, run in this process: the same handlers, the same JSON.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use local_aws::connector::sdk_config;
use local_aws::iam::Credentials;
use local_aws::lambda::{FunctionConfig, FunctionError, Request, Runner, Sandbox};
use local_aws::{Aws, WeakAws};
use runtime::changes;
use runtime::lanes::{self, FanOut, LaneStep};
use runtime::lifecycle::{self, Step};
use runtime::{Environment, Function, InvalidEnvironment, Invocation, Metrics};
use serde_json::Value;
use tokio::time::Instant;

use declarative_policies_report::DeclarativePoliciesReport;
use findings::Findings;
use organization_accounts::OrganizationAccounts;
use organization_inventory::OrganizationInventory;
use organization_policies::OrganizationPolicies;
use organization_setup::OrganizationSetup;
use organizations_access_report::OrganizationsAccessReport;
use policy_generation::PolicyGeneration;

/// The binaries of the workspace, by name, and the variables each reads.
pub const BINARIES: [(&str, &[runtime::Variable]); 30] = [
    ("declarative-policies-report-start", &declarative_policies_report::VARIABLES),
    ("declarative-policies-report-status", &declarative_policies_report::VARIABLES),
    ("declarative-policies-report-parse", &declarative_policies_report::VARIABLES),
    ("declarative-policies-report-cancel", &declarative_policies_report::VARIABLES),
    ("organization-inventory-plan", &organization_inventory::VARIABLES),
    ("organization-inventory-read", &organization_inventory::VARIABLES),
    ("organization-inventory-gather", &organization_inventory::VARIABLES),
    ("organizations-access-report-plan", &organizations_access_report::VARIABLES),
    ("organizations-access-report-start", &organizations_access_report::VARIABLES),
    ("organizations-access-report-status", &organizations_access_report::VARIABLES),
    ("organizations-access-report-collect", &organizations_access_report::VARIABLES),
    ("organizations-access-report-gather", &organizations_access_report::VARIABLES),
    ("policy-generation-plan", &policy_generation::VARIABLES),
    ("policy-generation-start", &policy_generation::VARIABLES),
    ("policy-generation-status", &policy_generation::VARIABLES),
    ("policy-generation-collect", &policy_generation::VARIABLES),
    ("policy-generation-gather", &policy_generation::VARIABLES),
    ("organization-policies-plan", &organization_policies::VARIABLES),
    ("organization-policies-apply", &organization_policies::VARIABLES),
    ("organization-policies-verify", &organization_policies::VARIABLES),
    ("organization-setup-plan", &organization_setup::VARIABLES),
    ("organization-setup-apply", &organization_setup::VARIABLES),
    ("organization-setup-verify", &organization_setup::VARIABLES),
    ("organization-accounts-plan", &organization_accounts::VARIABLES),
    ("organization-accounts-start", &organization_accounts::VARIABLES),
    ("organization-accounts-status", &organization_accounts::VARIABLES),
    ("organization-accounts-gather", &organization_accounts::VARIABLES),
    ("findings-evaluate", &findings::VARIABLES),
    ("findings-publish", &findings::VARIABLES),
    ("sweep", &sweep::VARIABLES),
];

/// The function that a binary serves; `None` when there is no such binary.
fn function(binary: &str, environment: &Environment) -> Option<Result<Function, InvalidEnvironment>> {
    Some(match binary {
        "declarative-policies-report-start" => {
            lifecycle::function::<DeclarativePoliciesReport>(Step::Start, environment)
        }
        "declarative-policies-report-status" => {
            lifecycle::function::<DeclarativePoliciesReport>(Step::Status, environment)
        }
        "declarative-policies-report-parse" => {
            lifecycle::function::<DeclarativePoliciesReport>(Step::Collect, environment)
        }
        "declarative-policies-report-cancel" => {
            lifecycle::function::<DeclarativePoliciesReport>(Step::Cancel, environment)
        }
        "organization-inventory-plan" => {
            lifecycle::function::<FanOut<OrganizationInventory>>(Step::Plan, environment)
        }
        "organization-inventory-read" => {
            lanes::function::<OrganizationInventory>(LaneStep::Start, "read", environment)
        }
        "organization-inventory-gather" => lanes::gather_function::<OrganizationInventory>(environment),
        "organizations-access-report-plan" => {
            lifecycle::function::<FanOut<OrganizationsAccessReport>>(Step::Plan, environment)
        }
        "organizations-access-report-start" => {
            lanes::function::<OrganizationsAccessReport>(LaneStep::Start, "start", environment)
        }
        "organizations-access-report-status" => {
            lanes::function::<OrganizationsAccessReport>(LaneStep::Status, "status", environment)
        }
        "organizations-access-report-collect" => {
            lanes::function::<OrganizationsAccessReport>(LaneStep::Collect, "collect", environment)
        }
        "organizations-access-report-gather" => {
            lanes::gather_function::<OrganizationsAccessReport>(environment)
        }
        "policy-generation-plan" => lifecycle::function::<FanOut<PolicyGeneration>>(Step::Plan, environment),
        "policy-generation-start" => {
            lanes::function::<PolicyGeneration>(LaneStep::Start, "start", environment)
        }
        "policy-generation-status" => {
            lanes::function::<PolicyGeneration>(LaneStep::Status, "status", environment)
        }
        "policy-generation-collect" => {
            lanes::function::<PolicyGeneration>(LaneStep::Collect, "collect", environment)
        }
        "policy-generation-gather" => lanes::gather_function::<PolicyGeneration>(environment),
        "organization-policies-plan" => changes::plan_function::<OrganizationPolicies>(environment),
        "organization-policies-apply" => changes::apply_function::<OrganizationPolicies>(environment),
        "organization-policies-verify" => changes::verify_function::<OrganizationPolicies>(environment),
        "organization-setup-plan" => changes::plan_function::<OrganizationSetup>(environment),
        "organization-setup-apply" => changes::apply_function::<OrganizationSetup>(environment),
        "organization-setup-verify" => changes::verify_function::<OrganizationSetup>(environment),
        "organization-accounts-plan" => {
            lifecycle::function::<FanOut<OrganizationAccounts>>(Step::Plan, environment)
        }
        "organization-accounts-start" => {
            lanes::function::<OrganizationAccounts>(LaneStep::Start, "start", environment)
        }
        "organization-accounts-status" => {
            lanes::function::<OrganizationAccounts>(LaneStep::Status, "status", environment)
        }
        "organization-accounts-gather" => lanes::gather_function::<OrganizationAccounts>(environment),
        "findings-evaluate" => lifecycle::function::<Findings>(Step::Evaluate, environment),
        "findings-publish" => lifecycle::function::<Findings>(Step::Publish, environment),
        "sweep" => sweep::function(environment),
        _ => return None,
    })
}

/// Metric lines, kept for whoever asks; as the text that they are, which takes a tenth of the memory.
#[derive(Debug, Default)]
pub struct KeptMetrics(Mutex<Vec<String>>);

impl KeptMetrics {
    pub fn lines(&self) -> Vec<Value> {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }
}

impl Metrics for KeptMetrics {
    fn emit(&self, line: &Value) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line.to_string());
    }
}

/// Runs functions in this process.
#[derive(Default)]
pub struct InProcess {
    aws: OnceLock<WeakAws>,
    pub metrics: Arc<KeptMetrics>,
}

impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InProcess").finish_non_exhaustive()
    }
}

impl InProcess {
    /// Connects the AWS that the functions call; the first call counts.
    pub fn connect(&self, aws: &Aws) {
        let _ = self.aws.set(aws.downgrade());
    }
}

impl Runner for InProcess {
    fn start<'a>(
        &'a self,
        config: &'a FunctionConfig,
        credentials: Credentials,
    ) -> BoxFuture<'a, Result<Box<dyn Sandbox>, FunctionError>> {
        async move {
            let aws = self.aws.get().and_then(WeakAws::upgrade);
            let aws = aws.ok_or_else(|| FunctionError::new("Runtime.Unknown", "no AWS is connected"))?;
            let sdk = sdk_config(&aws, &credentials, runtime::aws::retries(), runtime::aws::timeouts());
            let metrics = Arc::<KeptMetrics>::clone(&self.metrics) as Arc<dyn Metrics>;
            let environment = Environment::new(config.environment.clone(), sdk, metrics);
            let function = function(&config.binary, &environment).ok_or_else(|| {
                FunctionError::new(
                    "Runtime.InvalidEntrypoint",
                    format!("there is no binary {}", config.binary),
                )
            })?;
            Ok(Box::new(Instance(function)) as Box<dyn Sandbox>)
        }
        .boxed()
    }
}

struct Instance(Result<Function, InvalidEnvironment>);

impl Sandbox for Instance {
    fn invoke(&self, request: Request) -> BoxFuture<'_, Result<Value, FunctionError>> {
        async move {
            let answered = match &self.0 {
                Ok(function) => {
                    let invocation = Invocation::new(request.id, Some(Instant::now() + request.timeout));
                    function.invoke(request.payload, invocation).await
                }
                Err(error) => Err(runtime::lambda::misconfigured(error)),
            };
            answered.map_err(|error| FunctionError::new(error.name().as_str(), error.to_string()))
        }
        .boxed()
    }
}
