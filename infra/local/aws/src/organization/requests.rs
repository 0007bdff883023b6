//! Requests for new accounts, and how they went.

use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};

use super::Account;

/// A request for a new account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRequest {
    pub id: String,
    pub name: String,
    /// `IN_PROGRESS`, `SUCCEEDED` or `FAILED`.
    pub state: &'static str,
    pub requested: Timestamp,
    pub completed: Option<Timestamp>,
    pub account: Option<String>,
    /// The account beside it in AWS GovCloud (US), where one was asked for.
    pub govcloud: Option<String>,
    pub failure: Option<&'static str>,
}

/// Every reason that botocore's model has for a request that failed.
pub const FAILURES: [&str; 15] = [
    "ACCOUNT_LIMIT_EXCEEDED",
    "EMAIL_ALREADY_EXISTS",
    "INVALID_ADDRESS",
    "INVALID_EMAIL",
    "CONCURRENT_ACCOUNT_MODIFICATION",
    "INTERNAL_FAILURE",
    "GOVCLOUD_ACCOUNT_ALREADY_EXISTS",
    "MISSING_BUSINESS_VALIDATION",
    "FAILED_BUSINESS_VALIDATION",
    "PENDING_BUSINESS_VALIDATION",
    "INVALID_IDENTITY_FOR_BUSINESS_VALIDATION",
    "UNKNOWN_BUSINESS_VALIDATION",
    "MISSING_PAYMENT_INSTRUMENT",
    "INVALID_PAYMENT_INSTRUMENT",
    "UPDATE_EXISTING_RESOURCE_POLICY_WITH_TAGS_NOT_SUPPORTED",
];

/// The newest accounts' requests, one that goes on, and one that failed for each reason.
pub(super) fn generate(rng: &mut Rng, accounts: &[Account], now: Timestamp) -> Vec<AccountRequest> {
    let mut id = || format!("car-{}", (0..32).map(|_| rng.digit(16)).collect::<String>());
    let minutes = SignedDuration::from_mins;
    let mut requests: Vec<_> = accounts
        .iter()
        .skip(1)
        .rev()
        .take(30)
        .enumerate()
        .map(|(number, account)| AccountRequest {
            id: id(),
            name: account.name.clone(),
            state: "SUCCEEDED",
            requested: account.joined - minutes(4),
            completed: Some(account.joined),
            account: Some(account.id.clone()),
            govcloud: (number == 0).then(|| account.id.chars().rev().collect()),
            failure: None,
        })
        .collect();
    requests.extend(FAILURES.iter().enumerate().map(|(number, failure)| AccountRequest {
        id: id(),
        name: format!("failed-{number}"),
        state: "FAILED",
        requested: now - minutes(90),
        completed: Some(now - minutes(89)),
        account: None,
        govcloud: None,
        failure: Some(failure),
    }));
    requests.push(AccountRequest {
        id: id(),
        name: "on-its-way".to_owned(),
        state: "IN_PROGRESS",
        requested: now - minutes(1),
        completed: None,
        account: None,
        govcloud: None,
        failure: None,
    });
    requests
}
