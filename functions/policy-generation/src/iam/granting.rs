//! Which of a principal's policies grant a service: ListPoliciesGrantingServiceAccess.

use std::collections::BTreeMap;

use aws_sdk_iam::types::{PolicyGrantingServiceAccess, PolicyOwnerEntityType};
use errors::{AwsError, JobError};

use super::{Iam, Markers, refused_principal, required};

const LIST: &str = "iam:ListPoliciesGrantingServiceAccess";
/// As many services as one call may name.
const NAMESPACES: usize = 200;

impl Iam {
    /// The policies that grant each of these services to a role or user: managed ones by ARN, inline ones
    /// by name, with a group's name before it where they are a group's (`GROUP/NAME`). A service that AWS
    /// says nothing about is not in it.
    pub(crate) async fn granting(
        &self,
        arn: &str,
        namespaces: Vec<String>,
    ) -> Result<BTreeMap<String, Vec<String>>, JobError> {
        let mut granting: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for some in namespaces.chunks(NAMESPACES) {
            let mut markers = Markers::new(LIST);
            let mut marker = None;
            loop {
                let call = self.client.list_policies_granting_service_access().arn(arn);
                let page = call.set_service_namespaces(Some(some.to_vec())).set_marker(marker).send().await;
                let page = page.map_err(|error| refused_principal(AwsError::new(LIST, &error), arn))?;
                for entry in page.policies_granting_service_access {
                    let namespace = required(
                        LIST,
                        entry.service_namespace,
                        "policies without the service that they grant",
                    )?;
                    let policies = entry.policies.unwrap_or_default().into_iter().map(shown);
                    granting.entry(namespace).or_default().extend(policies);
                }
                marker = markers.next(page.is_truncated, page.marker)?;
                if marker.is_none() {
                    break;
                }
            }
        }
        Ok(granting)
    }
}

fn shown(policy: PolicyGrantingServiceAccess) -> String {
    match (policy.policy_arn, policy.entity_type, policy.entity_name) {
        (Some(arn), ..) => arn,
        // No name in IAM has a slash.
        (None, Some(PolicyOwnerEntityType::Group), Some(group)) => format!("{group}/{}", policy.policy_name),
        (None, ..) => policy.policy_name,
    }
}

#[cfg(test)]
mod tests;
