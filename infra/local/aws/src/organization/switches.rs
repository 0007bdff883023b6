//! Switches of Organizations: what AWS leaves open, and how long its asynchronous changes take.

use std::time::Duration;

use super::creation::AccountCreation;

/// How the simulated Organizations behaves where AWS's documentation is silent, and how its changes go.
#[derive(Debug, Clone)]
pub struct OrganizationSettings {
    /// How long a policy type is on its way to being on, and from it. AWS says that it is asynchronous,
    /// not how long it takes.
    pub policy_type_duration: Duration,
    /// How long after a type shows as `ENABLED` its policies still cannot be attached.
    pub policy_type_settling: Duration,
    /// How long a change of policies, attachments and places takes until effective policies show it.
    pub effective_policy_lag: Duration,
    /// How long after a change of policies another one of the same type is answered
    /// `PolicyChangesInProgressException`; zero is never.
    pub policy_change_duration: Duration,
    /// How long after any write another one, whoever makes it, is answered
    /// `ConcurrentModificationException`; zero is never.
    pub modification_window: Duration,
    /// How policies are refused in an organization with consolidated billing alone.
    pub consolidated_billing: BillingRefusal,
    /// What a policy type that is on its way answers to another change of it.
    pub pending_type: PendingType,
    /// Policy types that need trusted access, with the service that needs it. AWS names Security Hub's as
    /// an example; which others do is not established.
    pub types_with_service: Vec<(String, String)>,
    /// The most delegated administrators of one service. AWS says that there is a limit and that some
    /// services have one administrator only, not which.
    pub administrators_per_service: usize,
    /// How long an account takes, unless [`OrganizationSettings::account_creations`] says otherwise.
    pub account_creation_duration: Duration,
    /// How the next requests for accounts end; those after the last succeed.
    pub account_creations: Vec<AccountCreation>,
    /// How long a new account's `State` is `PENDING_ACTIVATION`.
    pub activation_duration: Duration,
    /// Addresses that accounts outside of the organization have.
    pub emails_elsewhere: Vec<String>,
    /// Whether an address is taken as soon as an account with it is in progress, or once it is made.
    pub address_taken_while_made: bool,
    /// The most accounts that can be in progress at a time (user guide, quotas: 5).
    pub accounts_in_progress: usize,
    /// The word for one request more than that.
    pub too_many_in_progress: TooManyInProgress,
    /// The most accounts of the organization, closed ones and those in progress among them.
    pub account_quota: usize,
    /// How long after `CreateOrganization` no account can be created; AWS says up to an hour.
    pub finalizing: Duration,
    /// Whether the management account has an account beside it in AWS GovCloud (US).
    pub govcloud: bool,
    /// What moving an account from a parent that it does not lie in is answered.
    pub wrong_source: WrongSource,
}

/// The answer to a change of policies where only billing is consolidated: the model has two errors that
/// fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BillingRefusal {
    /// `ConstraintViolationException`, `ORGANIZATION_NOT_IN_ALL_FEATURES_MODE`.
    NotInAllFeaturesMode,
    /// `PolicyTypeNotAvailableForOrganizationException`, of the operations that have it.
    NotAvailable,
}

/// The answer to a change of a policy type that is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PendingType {
    /// `PolicyChangesInProgressException`, but for turning on what is about to be on.
    InProgress,
    /// `PolicyTypeAlreadyEnabledException` to turning it on, `PolicyTypeNotEnabledException` to turning it
    /// off, whichever way it goes.
    Refused,
}

/// The reason of a `ConstraintViolationException` for one account in progress too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TooManyInProgress {
    /// `ACCOUNT_CREATION_RATE_LIMIT_EXCEEDED`, which the model describes so.
    CreationRate,
    /// `ACCOUNT_NUMBER_LIMIT_EXCEEDED`.
    AccountNumber,
}

/// The answer where the source of a move exists and is not the account's parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WrongSource {
    /// `AccountNotFoundException`: the account is not there.
    AccountNotFound,
    /// `SourceParentNotFoundException`: that is not its source.
    SourceNotFound,
}

impl Default for OrganizationSettings {
    fn default() -> Self {
        Self {
            policy_type_duration: Duration::from_secs(10),
            policy_type_settling: Duration::from_secs(5),
            effective_policy_lag: Duration::from_secs(30),
            policy_change_duration: Duration::ZERO,
            modification_window: Duration::ZERO,
            consolidated_billing: BillingRefusal::NotInAllFeaturesMode,
            pending_type: PendingType::InProgress,
            types_with_service: vec![(
                "SECURITYHUB_POLICY".to_owned(),
                "securityhub.amazonaws.com".to_owned(),
            )],
            administrators_per_service: 5,
            account_creation_duration: Duration::from_secs(2 * 60),
            account_creations: Vec::new(),
            activation_duration: Duration::from_secs(60),
            emails_elsewhere: Vec::new(),
            address_taken_while_made: false,
            accounts_in_progress: 5,
            too_many_in_progress: TooManyInProgress::CreationRate,
            account_quota: 50_000,
            finalizing: Duration::from_secs(15 * 60),
            govcloud: true,
            wrong_source: WrongSource::AccountNotFound,
        }
    }
}
