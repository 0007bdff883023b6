//! What AWS says about a policy.

use std::collections::HashSet;

use aws_sdk_accessanalyzer::types::{AccessCheckPolicyType, PolicyType};
use errors::{AwsError, JobError};
use organizations::token_loop;
use serde::Serialize;

use super::{Analyzer, refusal};

const VALIDATE: &str = "access-analyzer:ValidatePolicy";
const CHECK: &str = "access-analyzer:CheckNoNewAccess";

/// A finding of ValidatePolicy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Finding {
    /// `ERROR`, `SECURITY_WARNING`, `SUGGESTION` or `WARNING`.
    #[serde(rename = "findingType")]
    pub(crate) kind: String,
    pub(crate) issue_code: String,
    pub(crate) finding_details: String,
    pub(crate) learn_more_link: String,
}

impl Analyzer {
    /// All findings about an identity policy.
    pub(crate) async fn validate(&self, document: &str) -> Result<Vec<Finding>, JobError> {
        let (mut findings, mut token, mut seen) = (Vec::new(), None::<String>, HashSet::new());
        loop {
            let call = self.client.validate_policy().policy_document(document);
            let page = call.policy_type(PolicyType::IdentityPolicy).set_next_token(token).send().await;
            let page = page.map_err(|error| refusal::plain(AwsError::new(VALIDATE, &error)))?;
            findings.extend(page.findings.into_iter().map(|it| Finding {
                kind: it.finding_type.as_str().to_owned(),
                issue_code: it.issue_code,
                finding_details: it.finding_details,
                learn_more_link: it.learn_more_link,
            }));
            let Some(next) = page.next_token.filter(|token| !token.is_empty()) else { return Ok(findings) };
            if !seen.insert(next.clone()) {
                return Err(token_loop());
            }
            token = Some(next);
        }
    }

    /// Whether `new` allows nothing that `existing` does not: AWS's word, `PASS` or `FAIL`. It charges for
    /// the call.
    pub(crate) async fn no_new_access(&self, new: &str, existing: &str) -> Result<String, JobError> {
        let call = self.client.check_no_new_access().new_policy_document(new);
        let call = call.existing_policy_document(existing).policy_type(AccessCheckPolicyType::IdentityPolicy);
        let output = call.send().await.map_err(|error| refusal::plain(AwsError::new(CHECK, &error)))?;
        output
            .result
            .map(|it| it.as_str().to_owned())
            .ok_or_else(|| JobError::defect(format!("{CHECK} answered no result")))
    }
}
