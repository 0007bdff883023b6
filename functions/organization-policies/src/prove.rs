//! Whether the accounts that a wave changes have come to what was planned.
//!
//! Every account is read, in passes that outlast invocations: first all in their order, then, as often as
//! need be, those again that did not show what was planned in the pass before.

use std::time::Duration;

use changes::{Observer, Proof, Proving, StopOn, last_of_each, same};
use errors::JobError;
use jiff::Timestamp;
use management_policies::{Agreement, Effective, PolicyKind, compare};
use models::{AccountId, ErrorName};
use organizations::{EffectivePolicy, Organization};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::effect::{Class, Effects, kept};
use crate::invalid::{Invalid, invalid};

/// Accounts that a text names.
const EXAMPLES: usize = 5;
/// What it takes to list 50,000 accounts at half of AWS's rate, and a little more.
const ALL_ACCOUNTS: Duration = Duration::from_secs(12 * 60);

/// How far a proof is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Passes {
    /// How many accounts have been read for the first time.
    read: usize,
    /// Positions of accounts that this pass has to read again.
    again: Vec<usize>,
    /// Since when this pass lasts: whatever it saw, it saw later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<Timestamp>,
    /// Positions of accounts that were not as planned in this pass.
    pending: Vec<usize>,
    /// How the last of them differed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    differs: Option<String>,
}

impl Passes {
    /// The position of the account that is read next; in no pass is one read twice.
    fn next(&mut self, accounts: usize) -> Option<usize> {
        if self.read < accounts {
            self.read += 1;
            return Some(self.read - 1);
        }
        self.again.pop()
    }

    /// Whether something is left to be read in this pass.
    fn is_open(&self, accounts: usize) -> bool {
        self.read < accounts || !self.again.is_empty()
    }

    /// What the pass has come to, where AWS did not show everything; the next pass reads that again.
    fn end(&mut self, accounts: usize, now: Timestamp) -> Option<(Timestamp, String)> {
        let since = self.since.take().unwrap_or(now);
        let differs = self.differs.take()?;
        self.again = std::mem::take(&mut self.pending);
        // They are taken from the end.
        self.again.reverse();
        Some((since, format!("{} of {accounts} accounts are not as planned: {differs}", self.again.len())))
    }

    fn kept(&self) -> Result<Value, JobError> {
        serde_json::to_value(self).map_err(JobError::defect)
    }
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
    let effects = effects(&proving).await?;
    let due = effects.as_ref().map(|effects| due(effects, proving.wave)).unwrap_or_default();
    let mut passes: Passes = match proving.proof {
        Value::Null => Passes::default(),
        // Of another version: all are read again.
        proof => serde_json::from_value(proof.clone()).unwrap_or_else(|error| {
            tracing::warn!("how far the proof was cannot be read, and it begins again: {error}");
            Passes::default()
        }),
    };
    let organization = observer.organization();
    while passes.is_open(due.len()) {
        if proving.is_over() {
            return passes.kept().map(Proof::More);
        }
        passes.since.get_or_insert_with(|| proving.making.now());
        let Some(at) = passes.next(due.len()) else { break };
        let Some(next) = due.get(at) else { continue };
        if let Some(differs) = differs(organization, next).await? {
            passes.pending.push(at);
            passes.differs = Some(differs);
        }
    }
    let now = proving.making.now();
    if let Some((as_of, what)) = passes.end(due.len(), now) {
        return Ok(Proof::NotYet { proof: passes.kept()?, as_of, what });
    }
    // To find out where accounts lie may take what an invocation lasts: it is left to the next, if need be.
    let is_late = !proving.making.lasts(ALL_ACCOUNTS);
    match invalid(&proving, observer, effects.as_ref(), is_late).await? {
        Invalid::None => Ok(Proof::Shown),
        Invalid::NotLooked => passes.kept().map(Proof::More),
        Invalid::Some(what) => Ok(Proof::NotYet { proof: passes.kept()?, as_of: now, what }),
    }
}

/// Why a run ends when a wave has been left alone, if it does. Of each class of accounts, one is read.
pub(crate) async fn stops(proving: Proving<'_>, on: StopOn) -> Result<Option<String>, JobError> {
    let mut observer = proving.access.observer(proving.making.run.run_id).await?;
    let effects = effects(&proving).await?;
    match on {
        StopOn::InvalidEffectivePolicy => {
            Ok(match invalid(&proving, &mut observer, effects.as_ref(), false).await? {
                Invalid::Some(what) => Some(what),
                Invalid::None | Invalid::NotLooked => None,
            })
        }
        StopOn::NotAsPlanned => {
            if let Some(what) = as_made(&proving, &mut observer).await? {
                return Ok(Some(what));
            }
            let due = effects.as_ref().map(|effects| due(effects, proving.wave)).unwrap_or_default();
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
async fn as_made(proving: &Proving<'_>, observer: &mut Observer) -> Result<Option<String>, JobError> {
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

pub(crate) fn changed(class: &Class, wave: usize) -> Option<&crate::effect::After> {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a pass to its end; `shows` says of which positions AWS shows what was planned.
    fn pass(passes: &mut Passes, accounts: usize, shows: impl Fn(usize) -> bool) -> Vec<usize> {
        let mut read = Vec::new();
        while let Some(at) = passes.next(accounts) {
            // As it is kept between invocations.
            *passes = serde_json::from_value(passes.kept().unwrap()).unwrap();
            read.push(at);
            if !shows(at) {
                passes.pending.push(at);
                passes.differs = Some(format!("account {at}"));
            }
        }
        assert!(!passes.is_open(accounts));
        read
    }

    #[test]
    fn what_one_pass_did_not_see_the_next_one_reads_again_and_nothing_else() {
        let mut passes = Passes::default();
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(pass(&mut passes, 6, |at| at > 2), [0, 1, 2, 3, 4, 5]);
        let (_, what) = passes.end(6, now).unwrap();
        assert_eq!(what, "3 of 6 accounts are not as planned: account 2");
        assert_eq!(pass(&mut passes, 6, |at| at != 1), [0, 1, 2]);
        assert_eq!(passes.end(6, now).unwrap().1, "1 of 6 accounts are not as planned: account 1");
        assert_eq!(pass(&mut passes, 6, |_| true), [1]);
        assert_eq!(passes.end(6, now), None);
    }

    #[test]
    fn a_wave_without_accounts_has_nothing_to_read() {
        let mut passes = Passes::default();
        assert!(!passes.is_open(0));
        assert_eq!(passes.end(0, Timestamp::UNIX_EPOCH), None);
    }
}
