//! Going through `open/`.

use std::ops::Add;
use std::time::Duration;

use aws_sdk_lambda::primitives::Blob;
use aws_sdk_sfn::types::ExecutionStatus;
use errors::{AwsError, JobError};
use jiff::SignedDuration;
use models::{ErrorName, ItemName, JobRecord, Kind, Phase, RunId, keys};
use runtime::Invocation;
use runtime::aws::timeouts;
use runtime::function::about;
use runtime::lifecycle::Caught;
use serde_json::{Value, json};
use store::Records;
use tokio::time::Instant;

use crate::config::Config;
use crate::event::{Ended, caught};

/// An execution as young as this may not be visible to DescribeExecution yet.
const YOUNG: SignedDuration = SignedDuration::from_mins(5);

/// Time that is left unused at the end of the invocation, so that it ends by itself.
const RESERVE: Duration = Duration::from_secs(30);
/// How long a sweep goes on where nothing ends the invocation.
const UNBOUNDED: Duration = Duration::from_secs(15 * 60);

/// What a sweep did.
#[derive(Debug, Default)]
pub(crate) struct Swept {
    pub(crate) seen: u32,
    pub(crate) closed: u32,
    /// Items whose run goes on, or that this invocation had no time for.
    pub(crate) left: u32,
    pub(crate) failures: Vec<JobError>,
}

impl Add for Swept {
    type Output = Self;

    fn add(mut self, other: Self) -> Self {
        self.failures.extend(other.failures);
        Self {
            seen: self.seen + other.seen,
            closed: self.closed + other.closed,
            left: self.left + other.left,
            failures: self.failures,
        }
    }
}

pub(crate) struct Sweep<'a> {
    config: &'a Config,
    invocation: &'a Invocation,
}

impl<'a> Sweep<'a> {
    pub(crate) fn new(config: &'a Config, invocation: &'a Invocation) -> Self {
        Self { config, invocation }
    }

    /// Closes the run of an execution that has just ended, whether or not it got so far as to write
    /// anything.
    pub(crate) async fn close_ended(&self, ended: &Ended) -> Swept {
        let mut swept = Swept::default();
        let kind = self.config.kind_of_machine(&ended.machine);
        let (Some(kind), Some(payload)) = (kind, ended.cancel_payload()) else {
            tracing::warn!(
                execution = ended.execution,
                "an execution ended that is not one of this stack's kinds"
            );
            return swept;
        };
        swept.seen = 1;
        match self.cancel(kind, payload).await {
            Ok(()) => swept.closed = 1,
            Err(error) => swept.failures.push(error),
        }
        swept
    }

    /// Goes through all markers and closes those whose run is over.
    pub(crate) async fn all(&self, ended: Option<&Ended>) -> Result<Swept, JobError> {
        let mut swept = Swept::default();
        let mut listing = self.config.store.list(keys::OPEN);
        while let Some(page) = listing.next_page().await? {
            for entry in page {
                let Some((run, item)) = keys::parse_marker(&entry.key) else {
                    tracing::warn!(key = entry.key, "this is not one of Muster's markers");
                    continue;
                };
                swept.seen += 1;
                about(&run, Some(&item));
                if self.is_out_of_time() {
                    swept.left += 1;
                    continue;
                }
                match self.item(&run, &item, ended).await {
                    Ok(true) => swept.closed += 1,
                    Ok(false) => swept.left += 1,
                    Err(error) => {
                        tracing::error!("{error}");
                        swept.failures.push(error);
                    }
                }
            }
        }
        Ok(swept)
    }

    /// How long this invocation may go on, but for its reserve.
    fn time_left(&self) -> Duration {
        let left = self.invocation.ends_at.map(|ends_at| ends_at.saturating_duration_since(Instant::now()));
        left.unwrap_or(UNBOUNDED).saturating_sub(RESERVE)
    }

    fn is_out_of_time(&self) -> bool {
        self.time_left().is_zero()
    }

    /// Closes one item if its run is over; `false` when the run goes on.
    async fn item(&self, run: &RunId, item: &ItemName, ended: Option<&Ended>) -> Result<bool, JobError> {
        let records = Records::new(&self.config.store);
        let record = match records.load(run, item).await? {
            Some(record) => Some(record.value),
            None => records.marked(run, item).await?,
        };
        // Closed by somebody else between the listing and now.
        let Some(record) = record else { return Ok(true) };
        let Some(why) = self.why_over(&record, ended).await? else { return Ok(false) };
        let payload = json!({"ticket": record.ticket(), "error": why});
        self.cancel(record.kind, payload).await?;
        Ok(true)
    }

    /// Why the record's run is over; `None` when it goes on.
    async fn why_over(&self, record: &JobRecord, ended: Option<&Ended>) -> Result<Option<Caught>, JobError> {
        let now = self.invocation.now();
        if let Phase::Closed { .. } = &record.phase {
            return Ok(Some(Caught { error: "Stopped".to_owned(), cause: String::new() }));
        }
        let Some(execution) = &record.execution else {
            // Steps that somebody invokes by hand: over when their deadline is.
            let overdue = Caught {
                error: ErrorName::Overdue.as_str().to_owned(),
                cause: "The run had no execution, and nobody finished it before its deadline.".to_owned(),
            };
            return Ok((now >= record.deadline).then_some(overdue));
        };
        if let Some(ended) = ended.filter(|ended| ended.execution == *execution) {
            return Ok(Some(ended.caught.clone()));
        }
        let described = self.config.states.describe_execution().execution_arn(execution).send().await;
        match described {
            Ok(output) => Ok(match output.status() {
                ExecutionStatus::Succeeded => Some(Caught {
                    error: ErrorName::Incomplete.as_str().to_owned(),
                    cause: "The execution succeeded without closing this item.".to_owned(),
                }),
                status => caught(
                    status.as_str(),
                    output.error().map(str::to_owned),
                    output.cause().map(str::to_owned),
                ),
            }),
            Err(error) => {
                let aws = AwsError::new("states:DescribeExecution", &error);
                if aws.code() != "ExecutionDoesNotExist" {
                    return Err(aws.into());
                }
                let old = now.duration_since(record.updated_at) >= YOUNG;
                Ok(old.then(|| Caught {
                    error: "Stopped".to_owned(),
                    cause: "The execution no longer exists.".to_owned(),
                }))
            }
        }
    }

    /// Has the kind's cancel function close an item, by this sweep's clock.
    async fn cancel(&self, kind: Kind, mut payload: Value) -> Result<(), JobError> {
        payload["enteredAt"] = json!(self.invocation.now());
        let function = self.config.cancel_functions.get(&kind).ok_or_else(|| {
            JobError::defect(format!("MUSTER_CANCEL_FUNCTIONS names no function for {kind}"))
        })?;
        // Thousands of generations take their time to be cancelled: its answer is waited for as long as
        // there is time, and not asked for again.
        let left = self.time_left();
        let timeouts = timeouts()
            .to_builder()
            .read_timeout(left)
            .operation_attempt_timeout(left)
            .operation_timeout(left)
            .build();
        let call =
            self.config.lambda.invoke().function_name(function).payload(Blob::new(payload.to_string()));
        let output = call
            .customize()
            .config_override(aws_sdk_lambda::config::Builder::new().timeout_config(timeouts))
            .send()
            .await
            .map_err(|error| AwsError::new("lambda:Invoke", &error).into_job_error())?;
        if output.function_error().is_none() {
            return Ok(());
        }
        let answer = output.payload().map(|blob| String::from_utf8_lossy(blob.as_ref()).into_owned());
        Err(JobError::new(
            ErrorName::Transient,
            format!("{function} failed: {}", answer.unwrap_or_default()),
            "The sweep tries again within 15 minutes.",
        ))
    }
}
