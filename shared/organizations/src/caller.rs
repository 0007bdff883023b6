//! One call: its turn, its repetitions, and what its error means.
//!
//! The SDK's own retries are off: it would repeat a call out of turn, and multiply calls to a bucket
//! that is not ours alone.

use std::future::Future;
use std::time::Duration;

use aws_sdk_organizations::Client;
use aws_sdk_organizations::config::http::HttpResponse;
use aws_sdk_organizations::config::retry::RetryConfig;
use aws_sdk_organizations::error::{ProvideErrorMetadata, SdkError};
use aws_types::SdkConfig;
use errors::{AwsError, JobError};
use models::ErrorName;
use serde_json::Value;

use crate::pace::Pace;
use crate::rates::Operation;
use crate::refusal::{self, Refusal};

/// Attempts at one call. With the pauses between them they last about two minutes: longer than a burst
/// of somebody else's calls.
const ATTEMPTS: u32 = 9;
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Calls Organizations at our pace.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) client: Client,
    pace: Pace,
}

impl Caller {
    pub(crate) fn new(config: &SdkConfig, share: f64) -> Self {
        let config = aws_sdk_organizations::config::Builder::from(config)
            .retry_config(RetryConfig::disabled())
            .build();
        Self { client: Client::from_conf(config), pace: Pace::new(share) }
    }

    /// Makes a read, again and again while its error may pass by itself.
    pub(crate) async fn call<T, E, F>(
        &self,
        operation: Operation,
        send: impl Fn(&Client) -> F,
    ) -> Result<T, JobError>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    {
        let passes = |error: &AwsError| ErrorName::TRANSIENT.contains(&meaning(error.clone()).name());
        self.repeated(operation, send, passes).await.map_err(meaning)
    }

    /// Makes a call with an effect. It is made again only after a refusal that passes by itself; where an
    /// answer leaves open what became of it, that is for the caller to look at.
    pub(crate) async fn write<T, E, F>(
        &self,
        operation: Operation,
        send: impl Fn(&Client) -> F,
    ) -> Result<T, Refusal>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    {
        self.repeated(operation, send, refusal::passes).await.map_err(refusal::of_write)
    }

    /// Makes a call with an effect once, whatever comes of it: of an operation that AWS takes so rarely
    /// that its repetitions would outlast the writer's lease.
    pub(crate) async fn write_once<T, E, F>(
        &self,
        operation: Operation,
        send: impl Fn(&Client) -> F,
    ) -> Result<T, Refusal>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    {
        self.once(operation, &send).await.map_err(refusal::of_write)
    }

    /// Makes a call again while its error may pass by itself.
    async fn repeated<T, E, F>(
        &self,
        operation: Operation,
        send: impl Fn(&Client) -> F,
        passes: impl Fn(&AwsError) -> bool,
    ) -> Result<T, AwsError>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    {
        let mut attempt = 1;
        loop {
            let error = match self.once(operation, &send).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            if attempt == ATTEMPTS || !passes(&error) {
                return Err(error);
            }
            tracing::debug!(operation = operation.name, attempt, "{error}");
            tokio::time::sleep(pause(attempt)).await;
            attempt += 1;
        }
    }

    /// One call, in its turn.
    async fn once<T, E, F>(&self, operation: Operation, send: impl Fn(&Client) -> F) -> Result<T, AwsError>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    {
        self.pace.turn(operation).await;
        let error = match send(&self.client).await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let mut aws = AwsError::new(&format!("organizations:{}", operation.name), &error);
        if let (Some(message), Some(reason)) = (&mut aws.detail.message, reason(&error)) {
            message.push_str(&format!(" [{reason}]"));
        }
        if aws.is_throttle() {
            self.pace.throttled(operation);
        }
        Err(aws)
    }
}

/// The `Reason` that errors such as InvalidInput carry: it says more than their message.
fn reason<E>(error: &SdkError<E, HttpResponse>) -> Option<String> {
    let body: Value = serde_json::from_slice(error.raw_response()?.body().bytes()?).ok()?;
    body["Reason"].as_str().map(str::to_owned)
}

/// With full jitter, so that readers who were throttled together do not come back together.
fn pause(attempt: u32) -> Duration {
    let longest = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(attempt - 1)).min(LONGEST_PAUSE);
    longest.mul_f64(0.5 + fastrand::f64() / 2.0)
}

/// What an error of an Organizations read means.
fn meaning(aws: AwsError) -> JobError {
    match aws.code() {
        "AccessDenied" => JobError::from_aws(
            ErrorName::Denied,
            "Only the management account and delegated administrators may read the organization.",
            aws,
        ),
        _ => refusal::common(aws),
    }
}
