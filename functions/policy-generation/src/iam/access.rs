//! Service-last-accessed data: which services a principal's policies allow, and when it used them.

use aws_sdk_iam::operation::RequestId;
use aws_sdk_iam::operation::get_service_last_accessed_details::GetServiceLastAccessedDetailsOutput;
use aws_sdk_iam::types::{
    AccessAdvisorUsageGranularityType, JobStatusType, ServiceLastAccessed, TrackedActionLastAccessed,
};
use errors::{Answer, AwsError, JobError};
use jiff::Timestamp;
use models::{AwsDetail, ErrorName};
use runtime::aws::time;

use super::{Iam, Markers, incomplete, refused, refused_principal, required};
use crate::principal::{Access, GrantedService, TrackedAction};

const GENERATE: &str = "iam:GenerateServiceLastAccessedDetails";
const GET: &str = "iam:GetServiceLastAccessedDetails";
/// As many rows as a page may have: a principal with every service has about 450.
const PAGE: i32 = 1_000;

/// Where a job stands.
#[derive(Debug)]
pub(crate) enum Standing {
    InProgress,
    /// Its answer, whole.
    Complete(Access),
    /// It ended without one.
    Failed(JobError),
    /// AWS knows no such job of ours: it is gone, or this session does not count as the one that ordered
    /// it.
    Unknown,
}

impl Iam {
    /// Orders the data of a role or user, and answers the id of the job. The order changes nothing in the
    /// account, so it may be repeated.
    pub(crate) async fn order(&self, arn: &str) -> Result<String, JobError> {
        let order = self.client.generate_service_last_accessed_details().arn(arn);
        let answer = order.granularity(AccessAdvisorUsageGranularityType::ActionLevel).send().await;
        match answer {
            Ok(output) => match output.job_id {
                Some(id) if id.len() == 36 => Ok(id),
                other => Err(JobError::defect(format!("{GENERATE} answered the job id {other:?}"))),
            },
            Err(error) => Err(refused_principal(AwsError::new(GENERATE, &error), arn)),
        }
    }

    /// Asks where a job stands, and reads its answer if it is complete.
    pub(crate) async fn standing(&self, job: &str) -> Result<Standing, JobError> {
        let Some(first) = self.page(job, None).await? else { return Ok(Standing::Unknown) };
        match &first.job_status {
            JobStatusType::Completed => {}
            JobStatusType::InProgress => return Ok(Standing::InProgress),
            JobStatusType::Failed => return Ok(Standing::Failed(failed(&first))),
            // A word of the future does not say that the job has ended.
            other => {
                tracing::warn!(
                    job,
                    status = other.as_str(),
                    "the job's status is not known, so not finished"
                );
                return Ok(Standing::InProgress);
            }
        }
        let mut access =
            Access { completed: completed(&first)?, services: Vec::new(), granting_not_read: None };
        let mut markers = Markers::new(GET);
        let mut page = first;
        loop {
            for service in page.services_last_accessed {
                access.services.push(granted(service)?);
            }
            let Some(marker) = markers.next(page.is_truncated, page.marker)? else {
                return Ok(Standing::Complete(access));
            };
            let Some(next) = self.page(job, Some(marker)).await? else { return Ok(Standing::Unknown) };
            if next.job_status != JobStatusType::Completed {
                return Err(incomplete(GET, "answered a page of a job that is not complete any more"));
            }
            page = next;
        }
    }

    async fn page(
        &self,
        job: &str,
        marker: Option<String>,
    ) -> Result<Option<GetServiceLastAccessedDetailsOutput>, JobError> {
        let page = self.client.get_service_last_accessed_details().job_id(job).max_items(PAGE);
        match page.set_marker(marker).send().await {
            Ok(output) => Ok(Some(output)),
            Err(error) => {
                let aws = AwsError::new(GET, &error);
                if aws.code() == "NoSuchEntity" { Ok(None) } else { Err(refused(aws)) }
            }
        }
    }
}

/// When the job was completed. The SDK puts the beginning of 1970 where the member is absent.
fn completed(page: &GetServiceLastAccessedDetailsOutput) -> Result<Timestamp, JobError> {
    let at = time(&page.job_completion_date).filter(|at| *at != Timestamp::UNIX_EPOCH);
    at.ok_or_else(|| incomplete(GET, "answered a completed job without the time of its completion"))
}

fn granted(service: ServiceLastAccessed) -> Result<GrantedService, JobError> {
    // AWS leaves the member out where it tracks no action of the service, and also where the principal
    // used none of those that it tracks: an empty list would claim the latter.
    let actions = service.tracked_actions_last_accessed.filter(|actions| !actions.is_empty());
    let actions =
        actions.map(|actions| actions.into_iter().map(tracked).collect::<Result<_, _>>()).transpose()?;
    Ok(GrantedService {
        namespace: required(GET, Some(service.service_namespace), "a service without its namespace")?,
        name: service.service_name,
        last: service.last_authenticated.as_ref().and_then(time),
        region: service.last_authenticated_region,
        entities: service.total_authenticated_entities.map(i64::from),
        actions,
        granted_by: None,
    })
}

fn tracked(action: TrackedActionLastAccessed) -> Result<TrackedAction, JobError> {
    Ok(TrackedAction {
        name: required(GET, action.action_name, "a tracked action without its name")?,
        last: action.last_accessed_time.as_ref().and_then(time),
        region: action.last_accessed_region,
    })
}

/// The error of a job that failed: AWS's own code and message. It documents none of the codes.
fn failed(answer: &GetServiceLastAccessedDetailsOutput) -> JobError {
    let details = answer.error();
    let aws = AwsError {
        detail: AwsDetail {
            operation: GET.to_owned(),
            code: details.map(|it| it.code().to_owned()),
            message: details.map(|it| it.message().to_owned()),
            request_id: answer.request_id().map(str::to_owned),
        },
        answer: Answer::Refused { status: 200 },
    };
    JobError::from_aws(
        ErrorName::JobFailed,
        "What the principal uses is not known, which says nothing about its need. Resume the run with retry \
         \"failed\"; if it persists, report it to AWS Support.",
        aws,
    )
    .while_doing("AWS accepted the order, and its job failed")
}

#[cfg(test)]
mod tests;
