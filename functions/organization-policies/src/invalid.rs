//! What AWS does not accept of what policies come to, by its own list. What is on it when a plan is made is
//! told with the plan, and is not held against it later.

use std::collections::{BTreeMap, BTreeSet};

use changes::{Change, Draft, Kept, ObjectId, Observer, Operation, Planning, Proving, keys_of};
use errors::JobError;
use models::{AccountId, TargetId};
use serde_json::Value;

use crate::desired::is_authorization;
use crate::effect::{Effects, TypeEffects};
use crate::plan::target;
use crate::prove::changed;

/// The document beside a plan that says what was on the list, and where the plan names it.
const DOCUMENT: &str = "invalid-today";
const DETAIL: &str = "invalidToday";
/// Errors that a text names.
const EXAMPLES: usize = 5;

/// Accounts by policy type.
type Listed = BTreeMap<String, BTreeSet<AccountId>>;

/// Keeps beside a plan what AWS does not accept when it is made.
pub(crate) async fn complete(planning: &mut Planning<'_>, draft: &mut Draft) -> Result<(), JobError> {
    let types = types(draft.waves().flat_map(|wave| &wave.changes));
    let mut today = Listed::new();
    for policy_type in types {
        let listed = planning.observer.organization().invalid_accounts(&policy_type).await?;
        if listed.is_empty() {
            continue;
        }
        draft.warnings.push(format!(
            "AWS does not accept today what the {policy_type} come to in {} accounts: those are not looked at for it when \
             the plan is proven",
            listed.len()
        ));
        today.insert(policy_type, listed.into_iter().collect());
    }
    if today.is_empty() || !planning.keeps {
        return Ok(());
    }
    let kept = Kept::write(&planning.access.store, planning.run.run_id, DOCUMENT, &today).await?;
    draft.details[DETAIL] = serde_json::to_value(kept).map_err(JobError::defect)?;
    Ok(())
}

/// What AWS says against what the policies come to in an account that a wave changes.
pub(crate) enum Invalid {
    None,
    Some(String),
    /// Some accounts are listed, and there was no time to see whether they are of the wave.
    NotLooked,
}

/// Looks at every type that the wave changes, whether or not its effect is known.
pub(crate) async fn invalid(
    proving: &Proving<'_>,
    observer: &mut Observer,
    effects: Option<&Effects>,
    is_late: bool,
) -> Result<Invalid, JobError> {
    let today = today(proving).await?;
    for policy_type in types(proving.changes) {
        let mut listed = observer.organization().invalid_accounts(&policy_type).await?;
        let known = today.get(&policy_type);
        listed.retain(|account| !known.is_some_and(|known| known.contains(account)));
        if listed.is_empty() {
            continue;
        }
        let of_type =
            effects.and_then(|effects| effects.types.iter().find(|it| it.kind.api() == policy_type));
        let affected = match of_type {
            Some(of_type) => affected(proving, of_type, &policy_type),
            None if is_late => return Ok(Invalid::NotLooked),
            None => reached(proving, observer, &policy_type).await?,
        };
        let Some(account) = listed.iter().find(|account| affected.contains(account)) else { continue };
        let errors = observer.organization().validation_errors(&policy_type, account).await?;
        let errors: Vec<_> = errors
            .iter()
            .take(EXAMPLES)
            .map(|error| format!("{} at {}: {}", error.code, error.path, error.message))
            .collect();
        return Ok(Invalid::Some(format!(
            "AWS does not accept what the {policy_type} come to in {account}: {}",
            errors.join("; ")
        )));
    }
    Ok(Invalid::None)
}

async fn today(proving: &Proving<'_>) -> Result<Listed, JobError> {
    match &proving.plan.details[DETAIL] {
        Value::Null => Ok(Listed::new()),
        kept => {
            let kept: Kept = serde_json::from_value(kept.clone()).map_err(JobError::defect)?;
            kept.read(&proving.access.store).await
        }
    }
}

/// The types of changes that come to effective policies.
fn types<'a>(changes: impl IntoIterator<Item = &'a Change>) -> BTreeSet<String> {
    let of_change = |change: &Change| match change.call.object() {
        ObjectId::Policy { policy_type, .. } | ObjectId::Attachments { policy_type, .. } => Some(policy_type),
        _ => None,
    };
    changes.into_iter().filter_map(of_change).filter(|it| !is_authorization(it)).collect()
}

/// The accounts that a wave changes, or may change.
fn affected(proving: &Proving<'_>, of_type: &TypeEffects, policy_type: &str) -> BTreeSet<AccountId> {
    let targets = targets(proving, policy_type);
    let classes = of_type.classes.iter().filter(|class| {
        let may_change = class.unknown.is_some() && class.targets.iter().any(|it| targets.contains(it));
        may_change || changed(class, proving.wave).is_some()
    });
    classes.flat_map(|class| &class.accounts).chain(&of_type.unplaced).cloned().collect()
}

/// The accounts at the targets that a wave changes policies of a type at, and those of which AWS does not
/// tell where they lie.
async fn reached(
    proving: &Proving<'_>,
    observer: &mut Observer,
    policy_type: &str,
) -> Result<BTreeSet<AccountId>, JobError> {
    let mut accounts: BTreeSet<AccountId> =
        observer.unplaced().await?.into_iter().map(|account| account.id.clone()).collect();
    let targets = targets(proving, policy_type);
    let mut at: Vec<TargetId> = targets.iter().map(|it| target(it)).collect::<Result<_, _>>()?;
    if updates(proving, policy_type).next().is_some() && proving.plan.rolls_back.is_some() {
        // The plan of a way back has not read where the policy is attached: it may be anywhere.
        at.push(observer.root_target().await?);
    }
    for at in at {
        let at = observer.accounts_at(&at).await?;
        accounts.extend(at.into_iter().map(|account| account.id.clone()));
    }
    Ok(accounts)
}

/// The policies of a type that a wave makes say something else.
fn updates(proving: &Proving<'_>, policy_type: &str) -> impl Iterator<Item = String> {
    proving.changes.iter().filter_map(move |change| match &change.call {
        Operation::UpdatePolicy { policy_type: of, policy, content: Some(_), .. } if of == policy_type => {
            Some(policy.to_string())
        }
        _ => None,
    })
}

/// The roots, units and accounts that a wave changes policies of a type at: of one that is made to say
/// something else, wherever it was attached when the plan was made.
fn targets(proving: &Proving<'_>, policy_type: &str) -> BTreeSet<String> {
    let mut targets: BTreeSet<String> = proving
        .changes
        .iter()
        .filter_map(|change| match &change.call {
            Operation::AttachPolicy { policy_type: of, target, .. }
            | Operation::DetachPolicy { policy_type: of, target, .. }
                if of == policy_type =>
            {
                Some(target.clone())
            }
            _ => None,
        })
        .collect();
    for policy in updates(proving, policy_type) {
        for read in &proving.plan.objects {
            match &read.id {
                ObjectId::Attachments { policy_type: of, target }
                    if of == policy_type && keys_of(&read.state).contains(&policy) =>
                {
                    targets.insert(target.clone());
                }
                ObjectId::InForce { policy_type: of } if of == policy_type => {
                    let attachments = read.state["attachments"].as_object().into_iter().flatten();
                    let has = attachments.filter(|(_, policies)| keys_of(policies).contains(&policy));
                    targets.extend(has.map(|(target, _)| target.clone()));
                }
                _ => {}
            }
        }
    }
    targets
}
