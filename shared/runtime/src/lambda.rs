//! The glue to AWS Lambda: what the `main` of a function's binary calls.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use errors::JobError;
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use models::ErrorName;
use serde_json::Value;
use tokio::time::Instant;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::environment::{Environment, InvalidEnvironment};
use crate::function::{Function, Invocation};
use crate::job::Job;
use crate::lanes::{self, FanOut, LaneStep, Lanes};
use crate::lifecycle::{self, Step};
use crate::metrics::StandardOutput;

/// A step's error as Lambda reports it: `errorType` is the stable name that state machines match.
#[derive(Debug)]
struct Failed(JobError);

impl From<Failed> for Diagnostic {
    fn from(Failed(error): Failed) -> Self {
        Self { error_type: error.name().as_str().to_owned(), error_message: error.to_string() }
    }
}

/// Serves the start step of a kind.
pub async fn start<J: Job>() -> Result<(), lambda_runtime::Error> {
    serve(|environment| lifecycle::function::<J>(Step::Start, environment)).await
}

/// Serves the status step of a kind.
pub async fn status<J: Job>() -> Result<(), lambda_runtime::Error> {
    serve(|environment| lifecycle::function::<J>(Step::Status, environment)).await
}

/// Serves the collect step of a kind.
pub async fn collect<J: Job>() -> Result<(), lambda_runtime::Error> {
    serve(|environment| lifecycle::function::<J>(Step::Collect, environment)).await
}

/// Serves the cancel step of a kind.
pub async fn cancel<J: Job>() -> Result<(), lambda_runtime::Error> {
    serve(|environment| lifecycle::function::<J>(Step::Cancel, environment)).await
}

/// Serves the plan step of a kind whose runs have lanes.
pub async fn plan<L: Lanes>() -> Result<(), lambda_runtime::Error> {
    serve(|environment| lifecycle::function::<FanOut<L>>(Step::Plan, environment)).await
}

/// Serves a step of the lanes of a kind, under the step's own name.
pub async fn lane<L: Lanes>(step: LaneStep, name: &'static str) -> Result<(), lambda_runtime::Error> {
    serve(|environment| lanes::function::<L>(step, name, environment)).await
}

/// Serves the gather step of a kind whose runs have lanes.
pub async fn gather<L: Lanes>() -> Result<(), lambda_runtime::Error> {
    serve(lanes::gather_function::<L>).await
}

/// Serves a function until Lambda ends the process.
///
/// A configuration that is not valid does not end the process: Lambda would only say
/// `Runtime.ExitError`. Every invocation answers it as an error with a name and a remedy.
pub async fn serve(
    function: impl FnOnce(&Environment) -> Result<Function, InvalidEnvironment>,
) -> Result<(), lambda_runtime::Error> {
    // A second subscriber is refused; the first one keeps working.
    let _ = tracing::subscriber::set_global_default(log_lines(std::io::stdout));
    let variables: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let environment = Environment::new(variables, crate::aws::sdk_config().await, Arc::new(StandardOutput));
    let function = function(&environment);
    let function = &function;
    lambda_runtime::Runtime::new(service_fn(move |event: LambdaEvent<Value>| async move {
        let function = function.as_ref().map_err(|error| Failed(misconfigured(error)))?;
        let ends_at = Instant::now() + remaining(event.context.deadline);
        let invocation = Invocation::new(event.context.request_id, Some(ends_at));
        function.invoke(event.payload, invocation).await.map_err(Failed)
    }))
    .run()
    .await
}

/// What every invocation of a function with a bad configuration answers.
pub fn misconfigured(error: &InvalidEnvironment) -> JobError {
    JobError::new(
        ErrorName::Defect,
        error.to_string(),
        "Deploy the stack again; if the function was changed by hand, correct the variable.",
    )
}

/// The time until a deadline in milliseconds since the epoch, as Lambda states it.
fn remaining(deadline: u64) -> Duration {
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    Duration::from_millis(deadline).saturating_sub(now)
}

/// JSON lines, each with the fields of its step.
pub fn log_lines<W>(to: W) -> impl tracing::Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_from_env("AWS_LAMBDA_LOG_LEVEL").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .json()
        .with_writer(to)
        .with_env_filter(filter)
        .with_current_span(true)
        .with_span_list(false)
        .with_target(false)
        .flatten_event(true)
        .finish()
}
