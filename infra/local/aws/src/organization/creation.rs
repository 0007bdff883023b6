//! Accounts that are being created.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::policies::{RCP, SCP};
use super::requests::AccountRequest;
use super::{Account, Organization, OrganizationSettings, mix, span};

/// How a request for an account ends, and after how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountCreation {
    Succeeds(Duration),
    /// With one of [`super::FAILURES`].
    Fails(&'static str, Duration),
    /// The request is no longer known, and there is no account.
    Vanishes(Duration),
}

impl AccountCreation {
    fn after(self) -> Duration {
        let (Self::Succeeds(after) | Self::Fails(_, after) | Self::Vanishes(after)) = self;
        after
    }
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) name: String,
    pub(crate) email: String,
    /// The role by which the management account administers the new account.
    pub(crate) role: String,
    pub(crate) tags: Vec<(String, String)>,
    /// Whether there is to be one in AWS GovCloud (US) beside it.
    pub(crate) govcloud: bool,
}

/// Accounts in progress, and those that were created lately.
#[derive(Debug, Clone, Default)]
pub(crate) struct Creations {
    pending: Vec<Creation>,
    /// New accounts, and when they are active.
    activations: Vec<(Timestamp, String)>,
    /// New accounts whose role nobody has made.
    without_role: Vec<(String, String)>,
}

#[derive(Debug, Clone)]
struct Creation {
    request: String,
    wanted: Wanted,
    outcome: AccountCreation,
    due: Timestamp,
}

impl Organization {
    /// How many accounts are in progress.
    pub(crate) fn in_progress(&self) -> usize {
        self.requests.iter().filter(|request| request.state == "IN_PROGRESS").count()
    }

    /// Begins to create an account.
    pub(crate) fn create_account(
        &mut self,
        wanted: Wanted,
        now: Timestamp,
        settings: &mut OrganizationSettings,
    ) -> &AccountRequest {
        let in_progress = |it: &Creation| {
            matches!(it.outcome, AccountCreation::Succeeds(_))
                && it.wanted.email.eq_ignore_ascii_case(&wanted.email)
        };
        let outcome = match settings.account_creations.is_empty() {
            true if settings.address_taken_while_made && self.creations.pending.iter().any(in_progress) => {
                AccountCreation::Fails("EMAIL_ALREADY_EXISTS", Duration::from_secs(1))
            }
            true => AccountCreation::Succeeds(settings.account_creation_duration),
            false => settings.account_creations.remove(0),
        };
        let id = format!("car-{}", self.new_id(32, 16));
        let due = now + span(outcome.after());
        let request = AccountRequest {
            id: id.clone(),
            name: wanted.name.clone(),
            state: "IN_PROGRESS",
            requested: now,
            completed: None,
            account: None,
            govcloud: None,
            failure: None,
        };
        self.creations.pending.push(Creation { request: id, wanted, outcome, due });
        self.requests.push(request);
        &self.requests[self.requests.len() - 1]
    }

    /// Ends the requests that are due, in the order in which they are, and activates accounts.
    pub(super) fn settle_creations(&mut self, now: Timestamp, settings: &OrganizationSettings) {
        while let Some(place) = self.next_creation(now) {
            let creation = self.creations.pending.remove(place);
            match creation.outcome {
                AccountCreation::Vanishes(_) => {
                    self.requests.retain(|request| request.id != creation.request);
                }
                AccountCreation::Fails(reason, _) => self.failed(&creation, reason),
                AccountCreation::Succeeds(_) if self.is_taken(&creation.wanted.email, settings) => {
                    self.failed(&creation, "EMAIL_ALREADY_EXISTS");
                }
                AccountCreation::Succeeds(_) => self.created(creation, span(settings.activation_duration)),
            }
        }
        self.activate(now);
    }

    fn next_creation(&self, now: Timestamp) -> Option<usize> {
        let pending = self.creations.pending.iter().enumerate();
        let due = pending.filter(|(_, it)| it.due <= now).min_by_key(|(_, it)| it.due);
        due.map(|(place, _)| place)
    }

    fn activate(&mut self, now: Timestamp) {
        if self.creations.activations.iter().all(|(due, _)| *due > now) {
            return;
        }
        for (_, id) in self.creations.activations.extract_if(.., |(due, _)| *due <= now) {
            let account = self.accounts.iter_mut().find(|account| account.id == id);
            if let Some(account) = account.filter(|account| account.state == "PENDING_ACTIVATION") {
                account.state = "ACTIVE";
            }
        }
    }

    /// Whether an account has this address, here or elsewhere.
    fn is_taken(&self, email: &str, settings: &OrganizationSettings) -> bool {
        let here = self.accounts.iter().map(|account| account.email.as_str());
        let elsewhere = settings.emails_elsewhere.iter().map(String::as_str);
        here.chain(elsewhere).any(|it| it.eq_ignore_ascii_case(email))
    }

    fn request(&mut self, id: &str) -> Option<&mut AccountRequest> {
        self.requests.iter_mut().find(|request| request.id == id)
    }

    fn failed(&mut self, creation: &Creation, reason: &'static str) {
        if let Some(request) = self.request(&creation.request) {
            request.state = "FAILED";
            request.completed = Some(creation.due);
            request.failure = Some(reason);
        }
    }

    fn created(&mut self, creation: Creation, activation: SignedDuration) {
        let Creation { request, wanted, due, .. } = creation;
        let account = self.new_account_id();
        let govcloud = wanted.govcloud.then(|| self.new_account_id());
        if let Some(request) = self.request(&request) {
            request.state = "SUCCEEDED";
            request.completed = Some(due);
            request.account = Some(account.clone());
            request.govcloud = govcloud;
        }
        self.accounts.push(Account {
            id: account.clone(),
            name: wanted.name,
            email: wanted.email,
            state: "PENDING_ACTIVATION",
            parent: self.root.clone(),
            path: format!("{}/{}/{account}/", self.id, self.root),
            joined: due,
            unreadable: None,
        });
        self.set_tags(&account, wanted.tags);
        let on = |kind: &str| self.policy_types.iter().any(|it| it.name == kind);
        let kinds: Vec<&str> = [SCP, RCP].into_iter().filter(|kind| on(kind)).collect();
        let own = self.policies.iter_mut().filter(|it| it.aws_managed && kinds.contains(&it.kind.as_str()));
        own.for_each(|policy| policy.targets.push(account.clone()));
        self.creations.activations.push((due + activation, account.clone()));
        self.creations.without_role.push((account, wanted.role));
    }

    /// Accounts that were created since this was last asked, with the name of the role that each is to
    /// have.
    pub(crate) fn take_created(&mut self) -> Vec<(String, String)> {
        std::mem::take(&mut self.creations.without_role)
    }

    fn new_account_id(&mut self) -> String {
        loop {
            self.made += 1;
            let id = format!("{:012}", mix(self.seed ^ mix(self.made)) % 1_000_000_000_000);
            if self.account(&id).is_none() {
                return id;
            }
        }
    }
}
