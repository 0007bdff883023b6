//! The policies of each type: what they say, and where they are attached.

use errors::JobError;
use models::{OutcomeStatus, PolicyId};
use organizations::{Organization, Policy, Root};
use runtime::lanes::Turn;

use super::{InventoryLane, State, is_gone, passes};
use crate::entry::{Entry, ReadPolicy};

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
    let listed = organization.policies(kind).await?;
    let (ids, mut done) = match std::mem::take(&mut lane.state) {
        State::Policies { ids, done } => (ids, done),
        _ => (listed.iter().map(|policy| policy.id.clone()).collect::<Vec<_>>(), 0),
    };
    while let Some(id) = ids.get(done) {
        // One that is not listed any more was deleted since.
        if let Some(policy) = listed.iter().find(|policy| policy.id == *id)
            && let Some(read) = read(organization, policy).await?
        {
            lane.write(&Entry::Policy(read)).await?;
        }
        done += 1;
        lane.state = State::Policies { ids: ids.clone(), done };
        lane.checkpoint().await?;
        if !lane.has_time() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Content and targets, at once: they are read with different operations. `None` for a policy that
/// was deleted since it was listed.
async fn read(organization: &Organization, policy: &Policy) -> Result<Option<ReadPolicy>, JobError> {
    let id: &PolicyId = &policy.id;
    let (content, targets) = tokio::join!(organization.content(id), organization.targets_of(id));
    if [content.as_ref().err(), targets.as_ref().err()].into_iter().flatten().any(is_gone) {
        return Ok(None);
    }
    Ok(Some(ReadPolicy {
        policy: policy.clone(),
        content: unless_passing(content)?,
        targets: unless_passing(targets)?,
    }))
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
