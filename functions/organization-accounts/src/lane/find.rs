//! Whether the account, or a request for it, is there already, and whose it is.
//!
//! A request tells the name that the account shall have, and not its address: one of the same name may be
//! for another account. Whose an account is, its address and its tags tell.

use std::collections::HashSet;
use std::time::Duration;

use errors::JobError;
use jiff::{SignedDuration, Timestamp};
use models::{AccountId, ErrorName, RunId};
use organizations::{Account, AccountRequest, AccountState, token_loop};
use runtime::lanes::Turn;

use super::{BETWEEN_LOOKS, MOST_WAIT, Next, SHOWS_WITHIN, Working, failed};
use crate::item::Item;
use crate::reasons::{self, EMAIL_ALREADY_EXISTS};
use crate::state::{Because, Stage, Whose};
use crate::wished::DIGEST_TAG;

/// How long after an order without an answer its request may come to light. Before that nobody asks again.
pub(crate) const LOST_WITHIN: SignedDuration = SignedDuration::from_mins(5);
/// By how much AWS's clock may be behind ours.
const SKEW: SignedDuration = SignedDuration::from_mins(2);
/// How often AWS is asked for one account.
pub(super) const MOST_ASKS: u32 = 4;
/// Accounts of the same name that are looked at, the newest first.
const MOST_NAMESAKES: usize = 20;
/// How often all accounts are looked through for an address that AWS says is taken, and after how long
/// again: the newest may not show yet.
const ROUNDS: u32 = 3;
const BETWEEN_ROUNDS: Duration = Duration::from_secs(60);
/// How long after an account was made its tags may not show yet.
const TAGS_WITHIN: SignedDuration = SignedDuration::from_mins(5);

impl Working<'_, '_> {
    /// Nothing was asked for: the account may be there, or on its way.
    pub(super) async fn begin(&mut self, item: &Item) -> Result<Next, JobError> {
        let progress = &self.lane.state.progress;
        let now = self.lane.now();
        if let Some(left) = progress.not_before.map(|at| at.duration_since(now)).filter(|it| it.is_positive())
        {
            let left = Duration::try_from(left).unwrap_or_default();
            return Ok(Next::Turn(Turn::Wait(left.max(Duration::from_secs(1)))));
        }
        if let Some(account) = item.existing.clone().filter(|id| !progress.others.contains(id)) {
            return Ok(self.go(Stage::Has { account }));
        }
        if !item.looked && !progress.looked {
            return Ok(self.go(Stage::Search { because: Because::NotLooked, token: None, round: 1 }));
        }
        let namesakes = self.namesakes(item).await?;
        if let Some(open) = namesakes.iter().find(|it| it.state == "IN_PROGRESS") {
            return Ok(self.go(Stage::Requested { request: open.id.clone(), whose: Whose::Others }));
        }
        for request in namesakes.into_iter().take(MOST_NAMESAKES) {
            let Some(account) = request.account.clone() else { continue };
            if self.lane.state.progress.others.contains(&account) {
                continue;
            }
            let is_young = request.completed.is_some_and(|at| now.duration_since(at) < SHOWS_WITHIN);
            match self.described(&account).await? {
                Some(found) if item.wished.has_email(&found.email) => {
                    self.remember(&request);
                    return Ok(self.go(Stage::Has { account }));
                }
                // It may not show yet, and have the address.
                None if is_young => return Ok(Next::Turn(Turn::Wait(BETWEEN_LOOKS))),
                _ => drop(self.lane.state.progress.others.insert(account)),
            }
        }
        self.ask(item).await
    }

    /// Whether AWS was asked is open: a request that came about that time is likely ours.
    pub(super) async fn find_lost(&mut self, item: &Item, at: Timestamp) -> Result<Next, JobError> {
        let since = at.checked_sub(SKEW).unwrap_or(at);
        let mut namesakes = self.namesakes(item).await?.into_iter();
        let request = namesakes.rfind(|it| it.requested.is_none_or(|requested| requested >= since));
        if let Some(request) = request {
            return Ok(self.go(Stage::Requested { request: request.id, whose: Whose::Maybe { asked: at } }));
        }
        match self.lane.now().duration_since(at) >= LOST_WITHIN {
            true => Ok(self.go(Stage::Search { because: Because::Lost, token: None, round: 1 })),
            false => Ok(Next::Turn(Turn::Wait(BETWEEN_LOOKS))),
        }
    }

    /// Requests for accounts of this name that are in progress or have succeeded, the newest first.
    async fn namesakes(&self, item: &Item) -> Result<Vec<AccountRequest>, JobError> {
        let mut requests = self.organization.account_requests(&["IN_PROGRESS", "SUCCEEDED"]).await?;
        let others = &self.lane.state.progress.others_requests;
        requests.retain(|it| it.account_name == item.wished.name && !others.contains(&it.id));
        requests.sort_by_key(|it| std::cmp::Reverse(it.requested));
        Ok(requests)
    }

    /// Looks through all accounts for the address; a page may outlast an invocation.
    pub(super) async fn search(
        &mut self,
        item: &Item,
        because: Because,
        token: Option<String>,
        round: u32,
    ) -> Result<Next, JobError> {
        if because == Because::EmailTaken
            && token.is_none()
            && let Some(next) = self.waits_for_others(item).await?
        {
            return Ok(next);
        }
        let (mut token, mut seen) = (token, HashSet::new());
        let mut resumes = token.is_some();
        loop {
            let page = match self.organization.accounts_page(token.clone()).await {
                // The token of an earlier invocation: from the beginning, then.
                Err(error) if resumes && error.name() == ErrorName::InvalidRequest => {
                    tracing::warn!("all accounts are looked through again: {error}");
                    (token, resumes) = (None, false);
                    continue;
                }
                page => page?,
            };
            resumes = false;
            let others = &self.lane.state.progress.others;
            let is_it = |it: &Account| item.wished.has_email(&it.email) && !others.contains(&it.id);
            if let Some(account) = page.0.into_iter().find(is_it) {
                return Ok(self.go(Stage::Has { account: account.id }));
            }
            let Some(next) = page.1.filter(|next| !next.is_empty()) else {
                return self.not_there(item, because, round).await;
            };
            if !seen.insert(next.clone()) {
                return Err(token_loop());
            }
            if !self.lane.has_time() {
                self.lane.state.progress.stage = Stage::Search { because, token: Some(next), round };
                return Ok(Next::Turn(Turn::Again));
            }
            token = Some(next);
        }
    }

    /// What comes before another look at all accounts: the end of requests that were in progress when AWS
    /// said that an account has the address.
    async fn waits_for_others(&mut self, item: &Item) -> Result<Option<Next>, JobError> {
        if self.lane.state.progress.waits_for.is_empty() {
            return Ok(None);
        }
        let open = self.organization.account_requests(&["IN_PROGRESS"]).await?;
        let progress = &mut self.lane.state.progress;
        progress.waits_for.retain(|id| open.iter().any(|it| it.id == *id));
        let named =
            |it: &&AccountRequest| it.account_name == item.wished.name && progress.waits_for.contains(&it.id);
        if let Some(same) = open.iter().find(named) {
            let request = same.id.clone();
            return Ok(Some(self.go(Stage::Requested { request, whose: Whose::Others })));
        }
        if progress.waits_for.is_empty() || self.lasted() >= MOST_WAIT {
            self.lane.state.progress.waits_for.clear();
            return Ok(None);
        }
        Ok(Some(Next::Turn(Turn::Wait(BETWEEN_ROUNDS))))
    }

    /// No account of the organization has the address.
    async fn not_there(&mut self, item: &Item, because: Because, round: u32) -> Result<Next, JobError> {
        self.lane.state.progress.looked = true;
        match because {
            Because::NotLooked => Ok(self.go(Stage::Begin)),
            Because::Lost if self.lane.state.progress.asks >= MOST_ASKS => Err(JobError::new(
                ErrorName::Gone,
                format!("AWS was asked for it {MOST_ASKS} times, and knows neither a request nor an account"),
                "Look at the organization's requests for accounts in the console, then resume the run with retry \
                 \"failed\".",
            )),
            Because::Lost => Ok(self.go(Stage::Begin)),
            Because::EmailTaken if round < ROUNDS => {
                let stage = Stage::Search { because, token: None, round: round + 1 };
                self.go(stage);
                Ok(Next::Turn(Turn::Wait(BETWEEN_ROUNDS)))
            }
            // An account that is being made has its address, and is not listed: whether it is of this
            // organization, the end of what is in progress now tells.
            Because::EmailTaken if round == ROUNDS => {
                let open = self.organization.account_requests(&["IN_PROGRESS"]).await?;
                self.lane.state.progress.waits_for = open.into_iter().map(|it| it.id).collect();
                Ok(self.go(Stage::Search { because, token: None, round: round + 1 }))
            }
            Because::EmailTaken => {
                let reason = reasons::of_failure(EMAIL_ALREADY_EXISTS);
                let error = failed("AWS did not make the account", EMAIL_ALREADY_EXISTS, reason);
                self.refuse(item, &error, Some((EMAIL_ALREADY_EXISTS, reason))).await?;
                Ok(Next::On)
            }
        }
    }

    /// An account seems to have the address: whether it is ours, its tags tell.
    pub(super) async fn tell_whose(&mut self, item: &Item, id: AccountId) -> Result<Next, JobError> {
        let account = match self.described(&id).await? {
            Some(account) if item.wished.has_email(&account.email) => account,
            None if self.may_show_later() => return Ok(Next::Turn(Turn::Wait(BETWEEN_LOOKS))),
            // It has left, or was given another address, since it was listed.
            _ => {
                self.lane.state.progress.others.insert(id);
                return Ok(self.go(Stage::Begin));
            }
        };
        let tags = self.organization.tags_of(&id).await?;
        if tags.get(DIGEST_TAG).map(String::as_str) == Some(item.digest.as_str()) {
            let run = self.lane.run_id().as_str();
            let known = &mut self.lane.state.progress.known;
            known.account = Some(id.clone());
            known.found = tags.get(RunId::TAG).map(String::as_str) != Some(run);
            self.recall(item, &id).await?;
            self.note(item).await?;
            return Ok(self.go(Stage::Place { account: id }));
        }
        let is_young =
            account.joined.is_some_and(|joined| self.lane.now().duration_since(joined) < TAGS_WITHIN);
        if is_young && !tags.contains_key(DIGEST_TAG) {
            return Ok(Next::Turn(Turn::Wait(BETWEEN_LOOKS)));
        }
        self.lane.state.progress.known.account = Some(id.clone());
        Err(already_there(&account, tags.get(RunId::TAG).map(String::as_str)))
    }

    /// What its request tells of an account besides itself: its account in AWS GovCloud (US) no other call
    /// does.
    async fn recall(&mut self, item: &Item, id: &AccountId) -> Result<(), JobError> {
        let known = &self.lane.state.progress.known;
        if known.request.is_some() && (known.gov_cloud_account.is_some() || !item.wished.gov_cloud) {
            return Ok(());
        }
        let requests = self.organization.account_requests(&["SUCCEEDED"]).await?;
        if let Some(request) = requests.into_iter().find(|it| it.account.as_ref() == Some(id)) {
            self.remember(&request);
        }
        Ok(())
    }

    /// Keeps what a request tells.
    pub(super) fn remember(&mut self, request: &AccountRequest) {
        let known = &mut self.lane.state.progress.known;
        known.request = Some(request.id.clone());
        known.requested_at = request.requested;
        known.completed_at = request.completed;
        if request.account.is_some() {
            known.account.clone_from(&request.account);
        }
        if request.gov_cloud_account.is_some() {
            known.gov_cloud_account.clone_from(&request.gov_cloud_account);
        }
    }

    /// An account as it is now; nothing if the organization has none of this id.
    pub(super) async fn described(&self, id: &AccountId) -> Result<Option<Account>, JobError> {
        match self.organization.account(id).await {
            Err(error) if error.aws().is_some_and(|aws| aws.is("AccountNotFound")) => Ok(None),
            account => account.map(Some),
        }
    }

    /// Whether something that was made a moment ago may not show yet.
    pub(super) fn may_show_later(&self) -> bool {
        self.lasted() < SHOWS_WITHIN
    }
}

fn already_there(account: &Account, run: Option<&str>) -> JobError {
    let state = match &account.state {
        AccountState::NotActive(word) => format!(" ({word})"),
        AccountState::Active | AccountState::Unknown => String::new(),
    };
    match run {
        None => JobError::new(
            ErrorName::AlreadyExists,
            format!(
                "account {}{state} of this organization has its address, and not from Muster",
                account.id
            ),
            "Choose another address, or leave the account out of the batch.",
        ),
        Some(run) => JobError::new(
            ErrorName::AlreadyExists,
            format!(
                "account {}{state} has its address and was made by run {}, but from another wish",
                account.id,
                run.chars().filter(|it| it.is_ascii_graphic()).take(64).collect::<String>()
            ),
            "Wish for it as it was then (its tag muster:digest tells), change the account by hand and leave it out of the \
             batch, or choose another address.",
        ),
    }
}
