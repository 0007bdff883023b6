//! Access Analyzer in one account and Region: a generation from its order to its documents.
//!
//! * [`refusal`]: what its errors mean.
//! * [`documents`]: a finished generation in its three forms; [`checks`]: what AWS says about a policy.

mod checks;
mod documents;
mod refusal;

use std::collections::HashSet;
use std::time::Duration;

use aws_sdk_accessanalyzer::Client;
use aws_sdk_accessanalyzer::config::Region;
use aws_sdk_accessanalyzer::operation::RequestId;
use aws_sdk_accessanalyzer::operation::get_generated_policy::GetGeneratedPolicyOutput;
use aws_sdk_accessanalyzer::primitives::DateTime;
use aws_sdk_accessanalyzer::types::{CloudTrailDetails, JobStatus, PolicyGenerationDetails, Trail};
use aws_types::SdkConfig;
use errors::{AwsError, JobError};
use jiff::Timestamp;
use organizations::token_loop;

pub(crate) use checks::Finding;
pub(crate) use documents::{Documents, Form, TrailRead};
pub(crate) use refusal::{Refusal, is_not_found};

use crate::order::Order;

pub(crate) const START: &str = "access-analyzer:StartPolicyGeneration";
const GET: &str = "access-analyzer:GetGeneratedPolicy";
const LIST: &str = "access-analyzer:ListPolicyGenerations";
const CANCEL: &str = "access-analyzer:CancelPolicyGeneration";

/// Access Analyzer in the name of one session.
#[derive(Debug)]
pub(crate) struct Analyzer {
    client: Client,
}

/// Where a generation stands.
#[derive(Debug)]
pub(crate) enum Standing {
    InProgress,
    Succeeded {
        started: Timestamp,
        completed: Timestamp,
    },
    /// It ended without a policy.
    Failed(Failed),
    /// Somebody cancelled it.
    Canceled,
    /// AWS knows no such job any more.
    Unknown(JobError),
}

/// Why a generation failed.
#[derive(Debug)]
pub(crate) struct Failed {
    /// Whether it would have read more of CloudTrail than AWS allows: a smaller window may do.
    pub(crate) too_much: bool,
    pub(crate) error: JobError,
}

/// A generation in the account's list: of the last seven days, anybody's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) job_id: String,
    pub(crate) principal_arn: String,
    pub(crate) in_progress: bool,
    pub(crate) started: Timestamp,
}

impl Analyzer {
    /// `region` is where the account's quotas count.
    pub(crate) fn new(config: &SdkConfig, region: &str) -> Self {
        let config =
            aws_sdk_accessanalyzer::config::Builder::from(config).region(Region::new(region.to_owned()));
        Self { client: Client::from_conf(config.build()) }
    }

    /// Orders a generation. Repeating the call with the same order is safe: its client token is the same.
    pub(crate) async fn start(&self, order: &Order) -> Result<String, Refusal> {
        let principal = PolicyGenerationDetails::builder().principal_arn(&order.principal_arn).build();
        let principal = principal.map_err(JobError::defect)?;
        let trail = order.cloud_trail.as_ref().map(cloud_trail).transpose()?;
        let call = self.client.start_policy_generation().policy_generation_details(principal);
        let call = call.set_cloud_trail_details(trail).client_token(&order.client_token);
        match call.send().await {
            Ok(output) if !output.job_id.is_empty() => Ok(output.job_id),
            Ok(_) => Err(JobError::defect(format!("{START} answered no job id")).into()),
            Err(error) => Err(refusal::started(&error)),
        }
    }

    /// Asks where a generation stands.
    pub(crate) async fn standing(&self, job: &str) -> Result<Standing, JobError> {
        let answer = self.client.get_generated_policy().job_id(job).send().await;
        let output = match answer {
            Ok(output) => output,
            Err(error) => {
                return refusal::of_job(AwsError::new(GET, &error)).map(Standing::Unknown);
            }
        };
        let Some(details) = output.job_details() else {
            return Err(JobError::defect(format!("{GET} answered no jobDetails")));
        };
        Ok(match details.status() {
            JobStatus::Succeeded => {
                let started = moment(details.started_on())?;
                let completed = details.completed_on().map_or(Ok(started), moment)?;
                Standing::Succeeded { started, completed }
            }
            JobStatus::Failed => Standing::Failed(refusal::failed(details.job_error(), output.request_id())),
            JobStatus::Canceled => Standing::Canceled,
            JobStatus::InProgress => Standing::InProgress,
            // A word of the future does not say that the job has ended.
            other => {
                tracing::warn!(
                    job,
                    status = other.as_str(),
                    "the job's status is not known, so not finished"
                );
                Standing::InProgress
            }
        })
    }

    /// The account's generations of the last seven days, whole.
    pub(crate) async fn list(&self) -> Result<Vec<Listed>, JobError> {
        self.listed(None).await
    }

    /// Finds the job of an order whose answer was lost, if it is in progress. As long as one is, AWS
    /// begins no other, so that the order can be repeated: for its client token AWS answers with the job
    /// that it has begun for it, and refuses it where the one in progress is somebody else's.
    pub(crate) async fn in_progress(&self, order: &Order) -> Result<Option<String>, JobError> {
        if !self.listed(Some(&order.principal_arn)).await?.iter().any(|it| it.in_progress) {
            return Ok(None);
        }
        match self.start(order).await {
            Ok(job) => Ok(Some(job)),
            Err(Refusal::Quota(_) | Refusal::Conflict(_)) => Ok(None),
            Err(Refusal::Throttled(_, error) | Refusal::Other(error)) => Err(error),
        }
    }

    async fn listed(&self, principal_arn: Option<&str>) -> Result<Vec<Listed>, JobError> {
        let (mut listed, mut token, mut seen) = (Vec::new(), None::<String>, HashSet::new());
        loop {
            let call = self.client.list_policy_generations().set_next_token(token);
            let page = call.set_principal_arn(principal_arn.map(str::to_owned)).send().await;
            let page = page.map_err(|error| refusal::plain(AwsError::new(LIST, &error)))?;
            for it in page.policy_generations {
                listed.push(Listed {
                    // A word of the future may mean that it still goes on.
                    in_progress: !matches!(
                        it.status,
                        JobStatus::Succeeded | JobStatus::Failed | JobStatus::Canceled
                    ),
                    started: moment(&it.started_on)?,
                    job_id: it.job_id,
                    principal_arn: it.principal_arn,
                });
            }
            let Some(next) = page.next_token.filter(|token| !token.is_empty()) else { return Ok(listed) };
            if !seen.insert(next.clone()) {
                return Err(token_loop());
            }
            token = Some(next);
        }
    }

    /// Cancels a generation; one that has ended or is not known any more needs nothing.
    pub(crate) async fn cancel(&self, job: &str) -> Result<(), JobError> {
        match self.client.cancel_policy_generation().job_id(job).send().await {
            Ok(_) => Ok(()),
            Err(error) => refusal::of_job(AwsError::new(CANCEL, &error)).map(drop),
        }
    }

    async fn get(&self, job: &str, form: Form) -> Result<GetGeneratedPolicyOutput, JobError> {
        let call = self.client.get_generated_policy().job_id(job);
        let call = call
            .include_resource_placeholders(form == Form::ResourcePlaceholders)
            .include_service_level_template(form == Form::ServiceLevelTemplate);
        call.send().await.map_err(|error| refusal::plain(AwsError::new(GET, &error)))
    }
}

fn cloud_trail(details: &crate::order::CloudTrail) -> Result<CloudTrailDetails, JobError> {
    let mut builder = CloudTrailDetails::builder()
        .access_role(details.access_role.as_str())
        .start_time(date_time(details.start))
        .set_end_time(details.end.map(date_time));
    for trail in &details.trails {
        let regions = (!trail.regions.is_empty()).then(|| trail.regions.iter().cloned().collect());
        let trail = Trail::builder()
            .cloud_trail_arn(&trail.cloud_trail_arn)
            .set_regions(regions)
            .set_all_regions(trail.all_regions);
        builder = builder.trails(trail.build().map_err(JobError::defect)?);
    }
    builder.build().map_err(JobError::defect)
}

fn date_time(at: Timestamp) -> DateTime {
    DateTime::from_secs(at.as_second())
}

fn moment(at: &DateTime) -> Result<Timestamp, JobError> {
    Timestamp::from_nanosecond(at.as_nanos()).map_err(JobError::defect)
}

/// How long AWS asks to wait, bounded.
fn after(seconds: Option<i32>) -> Option<Duration> {
    let seconds = u64::try_from(seconds?).ok()?;
    Some(Duration::from_secs(seconds.clamp(1, 3_600)))
}

#[cfg(test)]
mod tests;
