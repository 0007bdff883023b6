//! The two calls of the report, and what their answers mean.

use std::collections::HashSet;

use aws_sdk_iam::Client;
use aws_sdk_iam::operation::RequestId;
use aws_sdk_iam::operation::get_organizations_access_report::GetOrganizationsAccessReportOutput;
use aws_sdk_iam::types::{AccessDetail, JobStatusType, SortKeyType};
use aws_types::SdkConfig;
use errors::{Answer, AwsError, JobError};
use models::{AwsDetail, ErrorName, PolicyId};
use runtime::aws::time;

use crate::entity::EntityPath;
use crate::entry::{Service, Whole};

const GENERATE: &str = "iam:GenerateOrganizationsAccessReport";
const GET: &str = "iam:GetOrganizationsAccessReport";
/// As many rows as a page may have: a report has about 450.
const PAGE: i32 = 1_000;

/// Orders and reads reports in the name of one session.
#[derive(Debug)]
pub(crate) struct Reports {
    client: Client,
}

/// What came of an order.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ordered {
    /// The id of its job.
    Job(String),
    /// AWS runs one at a time for the account, and another runs.
    Busy,
}

/// Where a job stands.
#[derive(Debug)]
pub(crate) enum Standing {
    InProgress,
    /// The report, whole.
    Complete(Whole),
    /// It ended without a report.
    Failed(JobError),
    /// AWS knows no such job of ours: it is gone, or these credentials do not count as those that
    /// ordered it.
    Unknown,
}

impl Reports {
    pub(crate) fn new(config: &SdkConfig) -> Self {
        Self { client: Client::new(config) }
    }

    /// Orders a report. Repeating the call is safe: for about a minute AWS answers the same order with
    /// the same job.
    pub(crate) async fn order(
        &self,
        path: &EntityPath,
        policy: Option<&PolicyId>,
    ) -> Result<Ordered, JobError> {
        let order = self.client.generate_organizations_access_report().entity_path(path.as_str());
        let answer = order.set_organizations_policy_id(policy.map(|id| id.as_str().to_owned())).send().await;
        match answer {
            Ok(output) => match output.job_id {
                Some(id) if id.len() == 36 => Ok(Ordered::Job(id)),
                other => Err(JobError::defect(format!("{GENERATE} answered the job id {other:?}"))),
            },
            Err(error) => {
                let aws = AwsError::new(GENERATE, &error);
                match aws.code() {
                    "ReportGenerationLimitExceeded" => Ok(Ordered::Busy),
                    _ => Err(refused(aws)),
                }
            }
        }
    }

    /// Asks where a job stands, and reads its report if it is complete.
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
        let mut whole = Whole {
            completed: first.job_completion_date().and_then(time),
            accessible: first.number_of_services_accessible.map(i64::from),
            not_accessed: first.number_of_services_not_accessed.map(i64::from),
            services: Vec::new(),
        };
        let mut seen = HashSet::new();
        let mut page = first;
        loop {
            whole.services.extend(page.access_details().iter().map(service));
            // A page may be shorter than asked for, and others follow.
            if !page.is_truncated {
                return Ok(Standing::Complete(whole));
            }
            let marker = page
                .marker
                .filter(|marker| !marker.is_empty())
                .ok_or_else(|| incomplete("said that there is more, and not where it goes on"))?;
            if !seen.insert(marker.clone()) {
                return Err(incomplete("answered a marker for the second time: its pages would never end"));
            }
            let Some(next) = self.page(job, Some(marker)).await? else { return Ok(Standing::Unknown) };
            if next.job_status != JobStatusType::Completed {
                return Err(incomplete("answered a page of a job that is not complete any more"));
            }
            page = next;
        }
    }

    async fn page(
        &self,
        job: &str,
        marker: Option<String>,
    ) -> Result<Option<GetOrganizationsAccessReportOutput>, JobError> {
        let page = self.client.get_organizations_access_report().job_id(job).max_items(PAGE);
        // A marker is good for one order of the rows only.
        let page = page.sort_key(SortKeyType::ServiceNamespaceAscending).set_marker(marker);
        match page.send().await {
            Ok(output) => Ok(Some(output)),
            Err(error) => {
                let aws = AwsError::new(GET, &error);
                if aws.code() == "NoSuchEntity" { Ok(None) } else { Err(refused(aws)) }
            }
        }
    }
}

fn refused(aws: AwsError) -> JobError {
    match aws.code() {
        "AccessDenied" => JobError::from_aws(
            ErrorName::Denied,
            "The report is the management account's alone: check that the role is in it, that it may call \
             iam:GenerateOrganizationsAccessReport and iam:GetOrganizationsAccessReport, and that the entity is of \
             this organization.",
            aws,
        ),
        _ => aws.into_job_error(),
    }
}

fn incomplete(what: &str) -> JobError {
    JobError::new(
        ErrorName::Incomplete,
        format!("{GET} {what}, so the report is not whole"),
        "Resume the run with retry \"failed\". If it persists, report it to AWS Support with the job's id.",
    )
}

/// The error of a job that failed: AWS's own code and message, and what they mean.
fn failed(answer: &GetOrganizationsAccessReportOutput) -> JobError {
    let details = answer.error_details();
    let code = details.map(|it| it.code().to_owned());
    let (name, remedy) = meaning(code.as_deref().unwrap_or_default());
    let aws = AwsError {
        detail: AwsDetail {
            operation: GET.to_owned(),
            code,
            message: details.map(|it| it.message().to_owned()),
            request_id: answer.request_id().map(str::to_owned),
        },
        answer: Answer::Refused { status: 200 },
    };
    JobError::from_aws(name, remedy, aws).while_doing("AWS accepted the order, and its job failed")
}

/// What a job's error means, by its code. These have been observed; AWS documents no list.
fn meaning(code: &str) -> (ErrorName, &'static str) {
    match code {
        "ORGANIZATIONS_REPORT_ACCESS_DENIED" => (
            ErrorName::Denied,
            "The role that orders reports lacks a permission that AWS looks for only then: it must be allowed \
             organizations:DescribePolicy, ListChildren, ListParents, ListPoliciesForTarget, ListRoots and \
             ListTargetsForPolicy, by its policy and by whatever limits it.",
        ),
        "INVALID_ORGANIZATIONS_ENTITY_PATH" => (
            ErrorName::JobFailed,
            "The entity does not lie there, or not any more: it was moved or removed since the inventory. Run again \
             with inventoryMaxAgeHours 0.",
        ),
        "INVALID_ORGANIZATIONS_POLICY" => (
            ErrorName::JobFailed,
            "There is no such service control policy any more: it was removed since the inventory. Run again with \
             inventoryMaxAgeHours 0.",
        ),
        _ => (
            ErrorName::JobFailed,
            "Muster does not know this code. Resume the run with retry \"failed\"; if it persists, report it to AWS \
             Support.",
        ),
    }
}

fn service(detail: &AccessDetail) -> Service {
    Service {
        namespace: detail.service_namespace().to_owned(),
        name: detail.service_name().to_owned(),
        last: detail.last_authenticated_time().and_then(time),
        region: detail.region().map(str::to_owned),
        entity: detail.entity_path().map(str::to_owned),
        accounts: detail.total_authenticated_entities().map(i64::from),
    }
}

#[cfg(test)]
mod tests;
