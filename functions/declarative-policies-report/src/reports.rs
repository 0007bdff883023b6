//! The four EC2 operations, and what their answers mean.
//!
//! EC2 models no error of these operations, and AWS's pages and observed answers disagree about the
//! suffix `Exception`; codes are compared without it.

use std::collections::HashSet;

use account_status::{AwsAttribute, AwsSummary};
use aws_sdk_ec2::Client;
use aws_sdk_ec2::config::http::HttpResponse;
use aws_sdk_ec2::config::retry::RetryConfig;
use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ec2::operation::RequestId;
use aws_sdk_ec2::types::{DeclarativePoliciesReport as AwsReport, ResourceType, Tag, TagSpecification};
use errors::{Answer, AwsError, JobError};
use jiff::Timestamp;
use models::{AwsDetail, BucketName, ErrorName, KeyPrefix, ReportId, RunId, TargetId};
use runtime::aws::time;

use crate::request::Tags;

/// Where a report stands, in AWS's own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Status {
    Running,
    Complete,
    Cancelled,
    Error,
    /// A word of the future, or none: not finished.
    Other(String),
}

impl Status {
    fn read(word: &str) -> Self {
        match word {
            "running" => Self::Running,
            "complete" => Self::Complete,
            "cancelled" => Self::Cancelled,
            "error" => Self::Error,
            other => Self::Other(other.to_owned()),
        }
    }

    /// Whether a report in this state keeps others from starting. What is not known to have ended
    /// may well be running.
    pub(crate) fn may_run(&self) -> bool {
        matches!(self, Self::Running | Self::Other(_))
    }
}

/// One report as Describe shows it, ours or somebody else's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) id: ReportId,
    pub(crate) status: Status,
    pub(crate) bucket: String,
    /// Without slashes at its ends.
    pub(crate) prefix: String,
    pub(crate) target: String,
    pub(crate) started: Option<Timestamp>,
    pub(crate) ended: Option<Timestamp>,
}

/// What came of asking AWS to start.
#[derive(Debug)]
pub(crate) enum Start {
    Started(ReportId),
    /// Another report of the organization runs.
    AnotherRuns,
}

/// What came of asking AWS to cancel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cancel {
    Cancelled,
    /// It was complete, cancelled or failed already.
    HadEnded,
    /// AWS does not know the id.
    Unknown,
}

/// What a dry run of the start says.
#[derive(Debug)]
pub(crate) enum DryRun {
    /// AWS's word for it: the caller has the permissions. What else it looks at is not established.
    WouldStart,
    /// Another report of the organization runs.
    AnotherRuns,
    /// AWS refuses; the error says why.
    Refused(JobError),
}

/// A report to be started.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Order<'a> {
    pub(crate) target: &'a TargetId,
    pub(crate) bucket: &'a BucketName,
    pub(crate) prefix: &'a KeyPrefix,
    pub(crate) tags: &'a Tags,
    pub(crate) run: &'a str,
}

/// The reports of the organization.
#[derive(Debug, Clone)]
pub(crate) struct Reports {
    client: Client,
}

const DESCRIBE: &str = "ec2:DescribeDeclarativePoliciesReports";
const START: &str = "ec2:StartDeclarativePoliciesReport";
const SUMMARY: &str = "ec2:GetDeclarativePoliciesReportSummary";
const CANCEL: &str = "ec2:CancelDeclarativePoliciesReport";

impl Reports {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// Every report that AWS lists: all pages, or an error. No paginator exists for this operation,
    /// and the answer for an unknown id is not established, so ids are matched here.
    pub(crate) async fn list(&self) -> Result<Vec<Report>, JobError> {
        let mut reports = Vec::new();
        let mut seen = HashSet::new();
        let mut token: Option<String> = None;
        loop {
            let page = self
                .client
                .describe_declarative_policies_reports()
                .max_results(1_000)
                .set_next_token(token)
                .send()
                .await
                .map_err(|error| meaning(DESCRIBE, &error))?;
            for report in page.reports() {
                reports.push(read(report)?);
            }
            token = page.next_token.filter(|token| !token.is_empty());
            match &token {
                None => return Ok(reports),
                Some(token) if !seen.insert(token.clone()) => {
                    return Err(JobError::new(
                        ErrorName::Incomplete,
                        format!("{DESCRIBE} answered a page token it had answered before"),
                        "Run again; if it persists, open a case with AWS.",
                    ));
                }
                Some(_) => {}
            }
        }
    }

    /// Starts a report. The SDK does not repeat this call: it has no client token, so an answer that
    /// was lost must be looked for in the list before anybody calls it again.
    pub(crate) async fn start(&self, order: Order<'_>) -> Result<Start, JobError> {
        let answer = self
            .ordered(order)
            .customize()
            .config_override(aws_sdk_ec2::config::Config::builder().retry_config(RetryConfig::disabled()))
            .send()
            .await;
        match answer {
            Ok(output) => match output.report_id().unwrap_or_default().parse() {
                Ok(id) => Ok(Start::Started(id)),
                // It runs, and nobody can say which it is: it is to be looked for.
                Err(error) => Err(AwsError {
                    detail: AwsDetail {
                        operation: START.to_owned(),
                        code: None,
                        message: Some(error.to_string()),
                        request_id: output.request_id().map(str::to_owned),
                    },
                    answer: Answer::Unknown,
                }
                .into_job_error()),
            },
            Err(error) if AwsError::new(START, &error).code() == "IncorrectState" => Ok(Start::AnotherRuns),
            Err(error) => Err(meaning(START, &error)),
        }
    }

    /// Asks whether the report would be started, without starting it.
    pub(crate) async fn dry_run(&self, order: Order<'_>) -> Result<DryRun, JobError> {
        let Err(error) = self.ordered(order).dry_run(true).send().await else {
            return Err(JobError::defect(format!("{START} with DryRun answered as if it had started")));
        };
        match AwsError::new(START, &error).code() {
            "DryRunOperation" => return Ok(DryRun::WouldStart),
            "IncorrectState" => return Ok(DryRun::AnotherRuns),
            _ => {}
        }
        let error = meaning(START, &error);
        match error.name() {
            name if ErrorName::TRANSIENT.contains(&name) => Err(error),
            _ => Ok(DryRun::Refused(error)),
        }
    }

    fn ordered(
        &self,
        order: Order<'_>,
    ) -> aws_sdk_ec2::operation::start_declarative_policies_report::builders::StartDeclarativePoliciesReportFluentBuilder
    {
        let tags = (!order.tags.is_empty()).then(|| {
            TagSpecification::builder()
                .resource_type(ResourceType::DeclarativePoliciesReport)
                .set_tags(Some(tags(order)))
                .build()
        });
        self.client
            .start_declarative_policies_report()
            .target_id(order.target.as_str())
            .s3_bucket(order.bucket.as_str())
            .s3_prefix(order.prefix.as_str())
            .set_tag_specifications(tags.map(|tags| vec![tags]))
    }

    /// AWS's own summary of a complete report.
    pub(crate) async fn summary(&self, id: &ReportId) -> Result<AwsSummary, JobError> {
        let output = self
            .client
            .get_declarative_policies_report_summary()
            .report_id(id.as_str())
            .send()
            .await
            .map_err(|error| meaning(SUMMARY, &error))?;
        let attributes = output.attribute_summaries().iter().map(|attribute| AwsAttribute {
            name: attribute.attribute_name().unwrap_or_default().to_owned(),
            most_frequent: attribute.most_frequent_value().unwrap_or_default().to_owned(),
            matched: count(attribute.number_of_matched_accounts()),
            unmatched: count(attribute.number_of_unmatched_accounts()),
            regions: attribute
                .regional_summaries()
                .iter()
                .map(|region| {
                    let name = region.region_name().unwrap_or_default().to_owned();
                    (
                        name,
                        count(region.number_of_matched_accounts()),
                        count(region.number_of_unmatched_accounts()),
                    )
                })
                .collect(),
        });
        Ok(AwsSummary {
            accounts: count(output.number_of_accounts()),
            failed_accounts: count(output.number_of_failed_accounts()),
            started: output.start_time().and_then(time),
            ended: output.end_time().and_then(time),
            attributes: attributes.collect(),
        })
    }

    /// Cancels a report that is known to be ours.
    pub(crate) async fn cancel(&self, id: &ReportId) -> Result<Cancel, JobError> {
        match self.client.cancel_declarative_policies_report().report_id(id.as_str()).send().await {
            Ok(output) if output.r#return() == Some(true) => Ok(Cancel::Cancelled),
            Ok(_) => Err(JobError::new(
                ErrorName::Transient,
                format!("{CANCEL} of {id} answered that it did not cancel"),
                "The call is repeated.",
            )),
            Err(error) => match AwsError::new(CANCEL, &error).code() {
                "IncorrectState" => Ok(Cancel::HadEnded),
                "InvalidDeclarativePoliciesReportId.NotFound" | "InvalidParameter" => Ok(Cancel::Unknown),
                _ => Err(meaning(CANCEL, &error)),
            },
        }
    }
}

fn tags(order: Order<'_>) -> Vec<Tag> {
    // Tagging may need a permission of its own, so Muster's tag only goes along with the user's.
    std::iter::once((RunId::TAG, order.run))
        .chain(order.tags.iter())
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect()
}

fn count(number: Option<i32>) -> Option<u64> {
    number.and_then(|number| u64::try_from(number).ok())
}

fn read(report: &AwsReport) -> Result<Report, JobError> {
    // Left out, it might be the very report that is looked for.
    let id: ReportId = report
        .report_id()
        .unwrap_or_default()
        .parse()
        .map_err(|error| JobError::defect(format!("{DESCRIBE}: {error}")))?;
    let status = Status::read(report.status().map_or("", |status| status.as_str()));
    if let Status::Other(word) = &status {
        tracing::warn!(%id, word, "a report has a status this version does not know; it counts as not finished");
    }
    Ok(Report {
        id,
        status,
        bucket: report.s3_bucket().unwrap_or_default().to_owned(),
        prefix: report.s3_prefix().unwrap_or_default().trim_matches('/').to_owned(),
        target: report.target_id().unwrap_or_default().to_owned(),
        started: report.start_time().and_then(time),
        ended: report.end_time().and_then(time),
    })
}

/// What an error of these operations means.
fn meaning<E>(operation: &str, error: &SdkError<E, HttpResponse>) -> JobError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let aws = AwsError::new(operation, error);
    let (name, remedy) = match aws.code() {
        "DeclarativePoliciesAccessDenied" => (
            ErrorName::Denied,
            "Call from the management account or a delegated administrator for EC2, and check that the target \
             exists and belongs to the organization.",
        ),
        "DeclarativePoliciesNotEnabled" => (
            ErrorName::NotEnabled,
            "Turn on trusted access for EC2 with a run of organization-setup (trustedAccess: {\"ec2.amazonaws.com\": \
             \"enabled\"}), or in Organizations: enabling the policy type in the console does it.",
        ),
        "InaccessibleStorageLocation" => (
            ErrorName::StorageInaccessible,
            "Check that the bucket exists in this Region and this account, and that its policy lets the report be \
             delivered (template.yaml holds the statement).",
        ),
        "InvalidDeclarativePoliciesReportId.Malformed" => {
            (ErrorName::InvalidRequest, "The report id in the ticket is not one of AWS's.")
        }
        _ => return aws.into_job_error(),
    };
    JobError::from_aws(name, remedy, aws)
}
