//! The policies of each type: what they say, and where they are attached.

use std::collections::HashSet;

use errors::JobError;
use models::OutcomeStatus;
use organizations::{Organization, Policy, Root, token_loop};
use runtime::lanes::Turn;

use super::{InventoryLane, State, is_gone, is_spent, passes};
use crate::entry::Entry;

/// Every type that the model of Organizations names.
pub(crate) const TYPES: [&str; 15] = [
    "SERVICE_CONTROL_POLICY",
    "RESOURCE_CONTROL_POLICY",
    "TAG_POLICY",
    "BACKUP_POLICY",
    "AISERVICES_OPT_OUT_POLICY",
    "CHATBOT_POLICY",
    "DECLARATIVE_POLICY_EC2",
    "SECURITYHUB_POLICY",
    "SECURITYHUB_CSPM_POLICY",
    "INSPECTOR_POLICY",
    "UPGRADE_ROLLOUT_POLICY",
    "BEDROCK_POLICY",
    "S3_POLICY",
    "NETWORK_SECURITY_DIRECTOR_POLICY",
    "GUARDDUTY_POLICY",
];

/// The types to read: those that are known, and those of the future that the root has.
pub(crate) fn types(root: &Root) -> Vec<String> {
    let mut types: Vec<String> = TYPES.iter().map(|&name| name.to_owned()).collect();
    let unknown = root.policy_types.iter().filter(|it| !TYPES.contains(&it.name.as_str()));
    types.extend(unknown.map(|it| it.name.clone()));
    types
}

pub(crate) async fn turn(
    organization: &Organization,
    lane: &mut InventoryLane<'_>,
) -> Result<Turn, JobError> {
    while let Some(item) = lane.item() {
        let kind = item.name.to_string();
        match read_type(organization, lane, &kind).await {
            Ok(true) => lane.finish(OutcomeStatus::Succeeded, None)?,
            Ok(false) => break,
            // This AWS has no such type, so there are no policies of it.
            Err(error) if is_unknown_type(&error) => lane.finish(OutcomeStatus::Skipped, None)?,
            Err(error) => return Err(error),
        }
        if !lane.has_time() {
            break;
        }
    }
    Ok(Turn::Again)
}

/// Reads the policies of a type; `true` after the last.
async fn read_type(
    organization: &Organization,
    lane: &mut InventoryLane<'_>,
    kind: &str,
) -> Result<bool, JobError> {
    let (listed, mut done, mut token) = match std::mem::take(&mut lane.state) {
        State::Policies { done, token } => (listed(lane, kind).await?, done, token),
        _ => {
            let policies = organization.policies(kind).await?;
            for policy in &policies {
                lane.write(&Entry::Listed(policy.clone())).await?;
            }
            (policies, 0, None)
        }
    };
    while let Some(policy) = listed.get(done) {
        lane.state = State::Policies { done, token: token.take() };
        if !read(organization, lane, policy).await? {
            return Ok(false);
        }
        done += 1;
        lane.state = State::Policies { done, token: None };
        lane.checkpoint().await?;
        if !lane.has_time() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The policies of the type as an earlier invocation listed them.
async fn listed(lane: &InventoryLane<'_>, kind: &str) -> Result<Vec<Policy>, JobError> {
    let mut policies: Vec<Policy> = Vec::new();
    lane.so_far()?
        .all_entries(|entry| {
            if let Entry::Listed(policy) = entry
                && policy.kind == kind
                && policies.iter().all(|it| it.id != policy.id)
            {
                policies.push(policy);
            }
            Ok(())
        })
        .await?;
    Ok(policies)
}

/// Reads content and targets, at once as far as they go: they are read with different operations.
/// `true` when both are read; a policy that was deleted since it was listed leaves nothing.
async fn read(
    organization: &Organization,
    lane: &mut InventoryLane<'_>,
    policy: &Policy,
) -> Result<bool, JobError> {
    let id = &policy.id;
    let mut token = match &lane.state {
        State::Policies { token, .. } => token.clone(),
        _ => None,
    };
    let mut page = match token {
        Some(_) => organization.targets_page(id, token.clone()).await,
        None => {
            let (content, page) = tokio::join!(organization.content(id), organization.targets_page(id, None));
            if [content.as_ref().err(), page.as_ref().err()].into_iter().flatten().any(is_gone) {
                return Ok(true);
            }
            let content = unless_passing(content)?;
            lane.write(&Entry::Policy { policy: policy.clone(), content }).await?;
            page
        }
    };
    // A token of an earlier invocation may be too old; then the list begins again.
    if token.is_some() && page.as_ref().is_err_and(is_spent) {
        token = None;
        page = organization.targets_page(id, None).await;
    }
    let mut seen = HashSet::new();
    loop {
        let (targets, next) = match unless_passing(page)? {
            Ok(page) => page,
            Err(error) => {
                let policy = id.clone();
                lane.write(&Entry::TargetsUnreadable { policy, error }).await?;
                return Ok(true);
            }
        };
        let next = next.filter(|next| !next.is_empty());
        let (begins, ends) = (token.is_none(), next.is_none());
        lane.write(&Entry::Targets { policy: id.clone(), targets, begins, ends }).await?;
        let Some(next) = next else { return Ok(true) };
        if !seen.insert(next.clone()) {
            return Err(token_loop());
        }
        if let State::Policies { token, .. } = &mut lane.state {
            *token = Some(next.clone());
        }
        lane.checkpoint().await?;
        if !lane.has_time() {
            return Ok(false);
        }
        page = organization.targets_page(id, Some(next.clone())).await;
        token = Some(next);
    }
}

/// What was read, or why it cannot be: an error that may pass by itself is one of the turn.
fn unless_passing<T>(answer: Result<T, JobError>) -> Result<Result<T, String>, JobError> {
    match answer {
        Ok(answer) => Ok(Ok(answer)),
        Err(error) if passes(&error) => Err(error),
        Err(error) => Ok(Err(error.to_string())),
    }
}

fn is_unknown_type(error: &JobError) -> bool {
    error.aws().is_some_and(|aws| {
        aws.is("PolicyTypeNotAvailableForOrganization")
            || aws.is("UnsupportedAPIEndpoint")
            || (aws.is("InvalidInput")
                && aws.message.as_deref().is_some_and(|message| message.contains("INVALID_ENUM_POLICY_TYPE")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use organizations::PolicyType;

    #[test]
    fn every_known_type_is_read_and_those_of_the_future_that_the_root_has() {
        let of = |name: &str, status: &str| PolicyType { name: name.to_owned(), status: status.to_owned() };
        let root = Root {
            id: "r-ab12".parse().unwrap(),
            arn: String::new(),
            name: "Root".to_owned(),
            policy_types: vec![
                of("TAG_POLICY", "PENDING_ENABLE"),
                of("BACKUP_POLICY", "ENABLED"),
                of("SERVICE_CONTROL_POLICY", "ENABLED"),
                of("FUTURE_POLICY", "ENABLED"),
            ],
        };
        let read = types(&root);
        assert_eq!(read.len(), TYPES.len() + 1);
        assert!(read.iter().any(|name| name == "FUTURE_POLICY"));
        // Effective policies only of types that are on, and that have one.
        assert_eq!(super::super::effective::types(&root), ["BACKUP_POLICY", "FUTURE_POLICY"]);
    }
}
