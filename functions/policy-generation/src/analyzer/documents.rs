//! A finished generation in its three forms.

use errors::JobError;
use serde::Serialize;

use super::{Analyzer, GET};

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
    pub(crate) policies: Vec<String>,
    pub(crate) with_resource_placeholders: Vec<String>,
    pub(crate) service_level_template: Vec<String>,
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

impl Analyzer {
    /// Reads every document of a generation that succeeded.
    pub(crate) async fn documents(&self, job: &str) -> Result<Documents, JobError> {
        let (is_complete, policies) = self.form(job, Form::Plain).await?;
        let (complete_too, with_resource_placeholders) = self.form(job, Form::ResourcePlaceholders).await?;
        let (_, service_level_template) = self.form(job, Form::ServiceLevelTemplate).await?;
        // Whole only where neither answer says otherwise.
        let is_complete = match (is_complete, complete_too) {
            (Some(one), Some(other)) => Some(one && other),
            (one, other) => one.or(other).filter(|it| !it),
        };
        Ok(Documents { is_complete, policies, with_resource_placeholders, service_level_template })
    }

    async fn form(&self, job: &str, form: Form) -> Result<(Option<bool>, Vec<String>), JobError> {
        let output = self.get(job, form).await?;
        let Some(result) = output.generated_policy_result() else {
            return Err(JobError::defect(format!(
                "{GET} answered no generatedPolicyResult of a job that succeeded"
            )));
        };
        let is_complete = result.properties().and_then(|it| it.is_complete());
        let policies = result.generated_policies().iter().map(|it| it.policy().to_owned());
        Ok((is_complete, policies.collect()))
    }
}
