//! A finished generation in its three forms.

use aws_sdk_accessanalyzer::types::{CloudTrailProperties, GeneratedPolicyProperties};
use errors::JobError;
use jiff::Timestamp;
use models::ErrorName;
use serde::{Deserialize, Serialize};

use super::{Analyzer, GET, moment};
use crate::request::Trail;

/// A form in which AWS gives a generated policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Resources are `*`: a policy as it stands.
    Plain,
    /// Resources have `${…}` for what is to be filled in: no policy until it is.
    ResourcePlaceholders,
    /// A template of the services that were used, to be completed by hand.
    ServiceLevelTemplate,
}

/// All documents of a generation: of each form several where one managed policy cannot hold it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Documents {
    #[serde(skip)]
    pub(crate) is_complete: Option<bool>,
    #[serde(skip)]
    pub(crate) read: Option<TrailRead>,
    pub(crate) policies: Vec<String>,
    pub(crate) with_resource_placeholders: Vec<String>,
    pub(crate) service_level_template: Vec<String>,
}

/// What of CloudTrail AWS says that it read for a generation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct TrailRead {
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
    pub(crate) trails: Vec<Trail>,
}

impl TrailRead {
    /// `None` where AWS does not say of each trail which Regions of it.
    fn of(told: &CloudTrailProperties) -> Result<Option<Self>, JobError> {
        let trails = told.trail_properties().iter().map(|it| Trail {
            cloud_trail_arn: it.cloud_trail_arn().to_owned(),
            regions: it.regions().iter().cloned().collect(),
            all_regions: it.all_regions(),
        });
        let trails: Vec<_> = trails.collect();
        if trails.is_empty() || trails.iter().any(|it| it.regions.is_empty() && it.all_regions != Some(true))
        {
            return Ok(None);
        }
        Ok(Some(Self { start: moment(told.start_time())?, end: moment(told.end_time())?, trails }))
    }
}

impl Documents {
    /// Those of the plain form that grant nothing, or that nobody can read.
    pub(crate) fn without_statements(&self) -> u64 {
        let has_statements = |document: &str| {
            let parsed: Option<serde_json::Value> = serde_json::from_str(document).ok();
            parsed.is_some_and(|it| match &it["Statement"] {
                serde_json::Value::Array(statements) => !statements.is_empty(),
                one => one.is_object(),
            })
        };
        let without = self.policies.iter().filter(|document| !has_statements(document)).count();
        u64::try_from(without).unwrap_or(u64::MAX)
    }

    /// `${…}` in the form that has them.
    pub(crate) fn placeholders(&self) -> u64 {
        let count = self.with_resource_placeholders.iter().map(|it| it.matches("${").count()).sum::<usize>();
        u64::try_from(count).unwrap_or(u64::MAX)
    }
}

/// One form of them.
struct Answer {
    is_complete: Option<bool>,
    read: Option<TrailRead>,
    policies: Vec<String>,
}

impl Analyzer {
    /// Reads every document of a generation of this principal that succeeded.
    pub(crate) async fn documents(&self, job: &str, principal_arn: &str) -> Result<Documents, JobError> {
        let plain = self.form(job, principal_arn, Form::Plain).await?;
        let placeholders = self.form(job, principal_arn, Form::ResourcePlaceholders).await?;
        let template = self.form(job, principal_arn, Form::ServiceLevelTemplate).await?;
        // Whole only where neither answer says otherwise.
        let is_complete = match (plain.is_complete, placeholders.is_complete) {
            (Some(one), Some(other)) => Some(one && other),
            (one, other) => one.or(other).filter(|it| !it),
        };
        Ok(Documents {
            is_complete,
            read: plain.read,
            policies: plain.policies,
            with_resource_placeholders: placeholders.policies,
            service_level_template: template.policies,
        })
    }

    async fn form(&self, job: &str, principal_arn: &str, form: Form) -> Result<Answer, JobError> {
        let output = self.get(job, form).await?;
        let Some(result) = output.generated_policy_result() else {
            return Err(JobError::defect(format!(
                "{GET} answered no generatedPolicyResult of a job that succeeded"
            )));
        };
        let properties = result.properties();
        let of = properties.map(GeneratedPolicyProperties::principal_arn).filter(|it| !it.is_empty());
        if let Some(other) = of.filter(|it| *it != principal_arn) {
            return Err(JobError::new(
                ErrorName::Incomplete,
                format!("AWS answers with a policy of {other} for job {job}, which was ordered for another"),
                "Nothing is known of what the principal needs. Report it to AWS Support with the job's id.",
            ));
        }
        let policies = result.generated_policies().iter().map(|it| it.policy().to_owned());
        Ok(Answer {
            is_complete: properties.and_then(|it| it.is_complete()),
            read: match properties.and_then(GeneratedPolicyProperties::cloud_trail_properties) {
                Some(told) => TrailRead::of(told)?,
                None => None,
            },
            policies: policies.collect(),
        })
    }
}
