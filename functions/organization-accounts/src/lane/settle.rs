//! From an account that is ours to one that lies where it shall and is active.

use errors::JobError;
use models::{AccountId, ErrorName};
use organizations::{AccountState, Refusal};
use runtime::lanes::Turn;

use super::ask::FOR_ROOM;
use super::follow::closed;
use super::{BETWEEN_LOOKS, Next, Working};
use crate::item::Item;
use crate::state::Stage;

/// How often an account is moved that AWS still shows where it was.
const MOST_MOVES: u32 = 6;

impl Working<'_, '_> {
    /// Moves it from where AWS puts new accounts to where it shall lie.
    pub(super) async fn place(&mut self, item: &Item, account: AccountId) -> Result<Next, JobError> {
        let Some(parent) = self.parent_of(&account).await? else {
            return Ok(Next::Turn(Turn::Wait(BETWEEN_LOOKS)));
        };
        self.lane.state.progress.known.parent = Some(parent.clone());
        match item.wished.parent.as_deref() {
            Some(wished) if wished != parent => self.move_from(item, account, &parent, wished).await,
            _ => {
                self.note(item).await?;
                Ok(self.go(Stage::Activate { account }))
            }
        }
    }

    async fn move_from(
        &mut self,
        item: &Item,
        account: AccountId,
        parent: &str,
        wished: &str,
    ) -> Result<Next, JobError> {
        if parent != item.root.as_str() {
            return Err(JobError::new(
                ErrorName::Outdated,
                format!("account {account} is there, and lies in {parent} instead of {wished}"),
                "Somebody has moved it since it was made: Muster moves accounts from the root alone. Move it by hand, or \
                 wish for it there.",
            ));
        }
        if self.lane.state.progress.moves >= MOST_MOVES {
            return Err(JobError::new(
                ErrorName::Unproven,
                format!(
                    "account {account} was moved to {wished} {MOST_MOVES} times, and still lies in {parent}"
                ),
                "Look in CloudTrail who moves it back, then resume the run with retry \"failed\".",
            ));
        }
        let mut lease = match self.lease().await? {
            Ok(lease) => lease,
            Err(wait) => return Ok(Next::Turn(wait)),
        };
        let moved = self.move_under(item, &mut lease, &account, parent, wished).await;
        self.give_back(lease).await;
        moved
    }

    async fn move_under(
        &mut self,
        item: &Item,
        lease: &mut store::Lease<'_>,
        account: &AccountId,
        parent: &str,
        wished: &str,
    ) -> Result<Next, JobError> {
        if !self.lane.goes_on().await? {
            return Ok(Next::Turn(Turn::Again));
        }
        let writer = self.config.writer.open(self.lane.run_id()).await?;
        if let Some(wait) = self.keep(lease).await? {
            return Ok(Next::Turn(wait));
        }
        let moved = writer.move_account(account, parent, wished).await;
        // A call that AWS refused has moved nothing.
        if matches!(moved, Ok(()) | Err(Refusal::AlreadySo(_) | Refusal::Open(_))) {
            self.lane.state.progress.moves += 1;
        }
        match moved {
            // Where it lies is looked at again, whoever moved it. AWS may not show it yet.
            Ok(()) | Err(Refusal::AlreadySo(_)) if self.lane.state.progress.moves > 1 => {
                Ok(Next::Turn(Turn::Wait(BETWEEN_LOOKS)))
            }
            Ok(()) | Err(Refusal::AlreadySo(_)) => Ok(Next::On),
            Err(Refusal::Open(error)) => {
                tracing::warn!(account = account.as_str(), error = error.name().as_str(), "no answer");
                Ok(Next::Turn(Turn::Wait(BETWEEN_LOOKS)))
            }
            Err(refusal) => {
                let error = refusal.into_error();
                let is = |code| error.aws().is_some_and(|aws| aws.is(code));
                // It does not show there yet, or not any more.
                if (is("AccountNotFound") || is("SourceParentNotFound")) && self.may_show_later() {
                    return Ok(Next::Turn(Turn::Wait(BETWEEN_LOOKS)));
                }
                if is("DestinationParentNotFound") {
                    return Err(JobError::new(
                        ErrorName::Outdated,
                        format!("account {account} is there, and {wished}, where it shall lie, is gone"),
                        "Move the account by hand, and correct the batch.",
                    ));
                }
                if ErrorName::TRANSIENT.contains(&error.name()) {
                    tracing::info!(account = account.as_str(), error = error.name().as_str(), "not now");
                    let wait = Next::Turn(Turn::Wait(FOR_ROOM));
                    return self.wait_or_leave(item, "AWS has not let it be moved", wait).await;
                }
                Err(error)
            }
        }
    }

    /// Where it lies; nothing while AWS does not show it there.
    async fn parent_of(&self, account: &AccountId) -> Result<Option<String>, JobError> {
        match self.organization.parent_of(account.as_str()).await {
            Err(error) if error.aws().is_some_and(|aws| aws.is("ChildNotFound")) && self.may_show_later() => {
                Ok(None)
            }
            parent => parent.map(Some),
        }
    }

    /// Waits until AWS says that it is active.
    pub(super) async fn activate(&mut self, item: &Item, account: AccountId) -> Result<Next, JobError> {
        let state = match self.described(&account).await? {
            Some(found) => found.state,
            None if self.may_show_later() => return Ok(self.poll()),
            None => {
                return Err(JobError::new(
                    ErrorName::Gone,
                    format!("account {account} was made, and the organization does not have it any more"),
                    "Look in CloudTrail whether somebody has removed or closed it.",
                ));
            }
        };
        match state {
            AccountState::Active => {
                let now = self.lane.now();
                self.lane.state.progress.known.active_at = Some(now);
                self.done(item).await
            }
            // What AWS does not say is no conclusion.
            AccountState::Unknown => {
                self.wait_or_leave(item, "AWS has not told its state", self.poll()).await
            }
            AccountState::NotActive(word) if word == "PENDING_ACTIVATION" => {
                self.wait_or_leave(item, "it has been pending activation", self.poll()).await
            }
            AccountState::NotActive(word) => Err(closed(account.as_str(), &word)),
        }
    }
}
