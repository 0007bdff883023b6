//! Functions as processes of their own: the binaries that are deployed to AWS.

use std::fmt;
use std::fs::OpenOptions;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::OnceLock;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use local_aws::iam::Credentials;
use local_aws::lambda::{FunctionConfig, FunctionError, Request, Runner, Sandbox};
use serde_json::Value;
use tokio::process::{Child, Command};
use tokio::sync::Mutex;

use crate::runtime_api::RuntimeApi;

/// Where the binaries are, and where what they print goes.
#[derive(Debug, Clone)]
pub struct ProcessOptions {
    pub binaries: PathBuf,
    /// A folder with one file for each function; nowhere without it.
    pub logs: Option<PathBuf>,
}

/// Runs functions as processes that call an [`Endpoint`](crate::Endpoint).
pub struct Processes {
    options: ProcessOptions,
    region: String,
    endpoint: OnceLock<String>,
}

impl fmt::Debug for Processes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Processes").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Processes {
    pub fn new(options: ProcessOptions, region: &str) -> Self {
        Self { options, region: region.to_owned(), endpoint: OnceLock::new() }
    }

    /// The endpoint that the processes call; the first call counts.
    pub fn connect(&self, endpoint: &str) {
        let _ = self.endpoint.set(endpoint.to_owned());
    }

    fn command(
        &self,
        function: &FunctionConfig,
        credentials: &Credentials,
        api: &RuntimeApi,
    ) -> std::io::Result<Command> {
        let mut command = Command::new(self.options.binaries.join(&function.binary));
        let endpoint = self.endpoint.get().map(String::as_str).unwrap_or_default();
        // Nothing of this process's own environment: on AWS there is none of it.
        command
            .env_clear()
            .envs(&function.environment)
            .envs([
                ("AWS_ACCESS_KEY_ID", credentials.access_key_id.as_str()),
                ("AWS_SECRET_ACCESS_KEY", credentials.secret_access_key.as_str()),
                ("AWS_REGION", self.region.as_str()),
                ("AWS_DEFAULT_REGION", self.region.as_str()),
                ("AWS_ENDPOINT_URL", endpoint),
                ("AWS_LAMBDA_FUNCTION_NAME", function.name.as_str()),
                ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
                ("AWS_LAMBDA_LOG_FORMAT", "JSON"),
                ("TZ", ":UTC"),
            ])
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", function.memory_mib.to_string())
            .env("AWS_LAMBDA_RUNTIME_API", api.address().to_string())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        match &self.options.logs {
            None => {
                command.stdout(Stdio::null()).stderr(Stdio::null());
            }
            Some(folder) => {
                std::fs::create_dir_all(folder)?;
                let path = folder.join(format!("{}.log", function.binary));
                let log = OpenOptions::new().create(true).append(true).open(path)?;
                command.stdout(log.try_clone()?).stderr(log);
            }
        }
        Ok(command)
    }
}

impl Runner for Processes {
    fn start<'a>(
        &'a self,
        function: &'a FunctionConfig,
        credentials: Credentials,
    ) -> BoxFuture<'a, Result<Box<dyn Sandbox>, FunctionError>> {
        async move {
            let unstarted = |error: std::io::Error| {
                let binary = self.options.binaries.join(&function.binary);
                FunctionError::new("Runtime.InvalidEntrypoint", format!("{}: {error}", binary.display()))
            };
            let api = RuntimeApi::bind(&function.arn).await.map_err(unstarted)?;
            let child = self
                .command(function, &credentials, &api)
                .and_then(|mut it| it.spawn())
                .map_err(unstarted)?;
            Ok(Box::new(Process { api, child: Mutex::new(child) }) as Box<dyn Sandbox>)
        }
        .boxed()
    }
}

/// One process. It ends when this is dropped.
struct Process {
    api: RuntimeApi,
    child: Mutex<Child>,
}

impl Sandbox for Process {
    fn invoke(&self, request: Request) -> BoxFuture<'_, Result<Value, FunctionError>> {
        async move {
            let id = request.id.clone();
            let mut child = self.child.lock().await;
            tokio::select! {
                answer = self.api.invoke(request) => answer,
                status = child.wait() => {
                    let status = status.map_or_else(|error| error.to_string(), |status| status.to_string());
                    Err(FunctionError::new(
                        "Runtime.ExitError",
                        format!("RequestId: {id} Error: Runtime exited with error: {status}"),
                    ))
                }
            }
        }
        .boxed()
    }
}
