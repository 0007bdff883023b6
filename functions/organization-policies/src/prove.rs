//! Whether the accounts that a wave changes have come to what was planned.
//!
//! Every account is read, in slices: first all in their order, then those again that AWS did not show yet.

use changes::{Observer, Proof, Proving, StopOn, last_of_each, same};
use errors::JobError;
use management_policies::{Agreement, Effective, PolicyKind, compare};
use models::{AccountId, ErrorName};
use organizations::{EffectivePolicy, Organization};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::effect::{Class, Effects, kept};

/// Accounts that a text names.
const EXAMPLES: usize = 5;

/// How far a proof is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Slice {
    /// Whether all have been read once.
    through: bool,
    /// How many of them have been read the first time.
    read: usize,
    /// Positions of those that AWS did not show as planned when they were read last.
    pending: Vec<usize>,
}

/// One account that has to come to something.
struct Due<'a> {
    kind: PolicyKind,
    account: &'a AccountId,
    effective: &'a Effective,
    /// Of its class.
    is_first: bool,
}

pub(crate) async fn prove(proving: Proving<'_>, observer: &mut Observer) -> Result<Proof, JobError> {
    let Some(effects) = effects(&proving).await? else { return Ok(Proof::Shown) };
    let due = due(&effects, proving.wave);
    let mut slice: Slice = match proving.proof {
        Value::Null => Slice::default(),
        proof => serde_json::from_value(proof.clone()).map_err(JobError::defect)?,
    };
    let organization = observer.organization();
    let mut last = None;
    if !slice.through {
        while let Some(next) = due.get(slice.read) {
            if proving.is_over() {
                return more(&slice);
            }
            if let Some(differs) = differs(organization, next).await? {
                slice.pending.push(slice.read);
                last = Some(differs);
            }
            slice.read += 1;
        }
        slice.through = true;
    } else {
        let mut still = Vec::new();
        let mut waiting = slice.pending.iter();
        while let Some(at) = waiting.next() {
            if proving.is_over() {
                still.push(*at);
                still.extend(waiting);
                slice.pending = still;
                return more(&slice);
            }
            let Some(next) = due.get(*at) else { continue };
            if let Some(differs) = differs(organization, next).await? {
                still.push(*at);
                last = Some(differs);
            }
        }
        slice.pending = still;
    }
    if let Some(last) = last {
        let what = format!("{} of {} accounts are not as planned: {last}", slice.pending.len(), due.len());
        return Ok(Proof::NotYet { proof: serde_json::to_value(slice).map_err(JobError::defect)?, what });
    }
    match invalid(organization, &effects, proving.wave).await? {
        None => Ok(Proof::Shown),
        Some(what) => {
            Ok(Proof::NotYet { proof: serde_json::to_value(slice).map_err(JobError::defect)?, what })
        }
    }
}

/// Why a run ends when a wave has been left alone, if it does. Of each class of accounts, one is read.
pub(crate) async fn stops(proving: Proving<'_>, on: StopOn) -> Result<Option<String>, JobError> {
    let mut observer = proving.access.observer(proving.making.run.run_id).await?;
    let Some(effects) = effects(&proving).await? else { return as_made(&proving, &mut observer, on).await };
    match on {
        StopOn::InvalidEffectivePolicy => invalid(observer.organization(), &effects, proving.wave).await,
        StopOn::NotAsPlanned => {
            if let Some(what) = as_made(&proving, &mut observer, on).await? {
                return Ok(Some(what));
            }
            let due = due(&effects, proving.wave);
            for one in due.iter().filter(|due| due.is_first) {
                if let Some(differs) = differs(observer.organization(), one).await? {
                    return Ok(Some(differs));
                }
            }
            Ok(None)
        }
    }
}

/// Whether what a wave has attached is still so.
async fn as_made(
    proving: &Proving<'_>,
    observer: &mut Observer,
    on: StopOn,
) -> Result<Option<String>, JobError> {
    if on != StopOn::NotAsPlanned {
        return Ok(None);
    }
    proving.recall(observer).await?;
    for change in last_of_each(proving.changes) {
        let object = change.call.object();
        if !same(&observer.observe(&object).await?, &change.after) {
            return Ok(Some(format!("{object} is not as it was made")));
        }
    }
    Ok(None)
}

async fn effects(proving: &Proving<'_>) -> Result<Option<Effects>, JobError> {
    match kept(&proving.plan.details)? {
        None => Ok(None),
        Some(kept) => kept.read(&proving.access.store).await.map(Some),
    }
}

/// The accounts that a wave changes, in an order of their own. Where the effect is not known there is
/// nothing to be proven.
fn due(effects: &Effects, wave: usize) -> Vec<Due<'_>> {
    let mut due = Vec::new();
    for of_type in &effects.types {
        for class in &of_type.classes {
            let Some(after) = changed(class, wave) else { continue };
            due.extend(class.accounts.iter().enumerate().map(|(number, account)| Due {
                kind: of_type.kind,
                account,
                effective: &after.effective,
                is_first: number == 0,
            }));
        }
    }
    due
}

fn changed(class: &Class, wave: usize) -> Option<&crate::effect::After> {
    let after = class.waves.get(wave)?;
    (class.unknown.is_none() && !after.changes.is_empty()).then_some(after)
}

/// How an account differs from what was planned, if it does.
async fn differs(organization: &Organization, due: &Due<'_>) -> Result<Option<String>, JobError> {
    let account = due.account;
    let told = organization.effective_policy(due.kind.api(), Some(account)).await;
    let content = match told {
        Ok(EffectivePolicy::Content { content, .. }) => content,
        Ok(EffectivePolicy::NotFound) => {
            return Ok(Some(format!("{account} has no effective {}", due.kind.api())));
        }
        // It has left the organization since.
        Err(error) if error.aws().is_some_and(|aws| aws.is("TargetNotFound")) => {
            return Ok(Some(format!("{account} is not in the organization any more")));
        }
        Err(error) if error.name() == ErrorName::Denied => return Ok(Some(format!("{account}: {error}"))),
        Err(error) => return Err(error),
    };
    let told = serde_json::from_str(&content).unwrap_or(Value::Null);
    Ok(match compare(due.effective, &told) {
        Agreement::Agrees => None,
        Agreement::Differs(differs) => {
            let paths: Vec<_> = differs.iter().take(EXAMPLES).map(|it| it.path.as_str()).collect();
            Some(format!("{account} at {}", paths.join(", ")))
        }
        Agreement::Undecided(paths) => Some(format!("{account} at {}", paths.join(", "))),
        Agreement::NotReadable(why) => Some(format!("{account}: {why}")),
    })
}

/// What AWS says against what the policies come to in an account that the wave changes.
async fn invalid(
    organization: &Organization,
    effects: &Effects,
    wave: usize,
) -> Result<Option<String>, JobError> {
    for of_type in &effects.types {
        let changed: Vec<_> = of_type.classes.iter().filter(|class| changed(class, wave).is_some()).collect();
        if changed.is_empty() {
            continue;
        }
        let kind = of_type.kind.api();
        let listed = organization.invalid_accounts(kind).await?;
        let affected =
            |account: &AccountId| changed.iter().any(|class| class.accounts.binary_search(account).is_ok());
        let Some(account) = listed.iter().find(|account| affected(account)) else { continue };
        let errors = organization.validation_errors(kind, account).await?;
        let errors: Vec<_> = errors
            .iter()
            .take(EXAMPLES)
            .map(|error| format!("{} at {}: {}", error.code, error.path, error.message))
            .collect();
        return Ok(Some(format!(
            "AWS does not accept what the {kind} come to in {account}: {}",
            errors.join("; ")
        )));
    }
    Ok(None)
}

fn more(slice: &Slice) -> Result<Proof, JobError> {
    serde_json::to_value(slice).map(Proof::More).map_err(JobError::defect)
}
