//! Why AWS does not make an account: the reasons of a request that failed, and those of a call that was
//! refused, each with what follows from it and what an operator can do.
//!
//! The words are those of AWS's model (Organizations, `CreateAccountFailureReason` and
//! `ConstraintViolationExceptionReason`); which of them pass is our judgement. A word of the future is the
//! operator's: it is never tried again blindly.

use serde::{Deserialize, Serialize};

/// What follows from a reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Class {
    /// It may go well in some minutes.
    Retry,
    /// It may go well when something else has ended: in an hour, or later.
    Wait,
    /// Somebody has to do something first.
    Operator,
    /// It cannot go well as it was asked for.
    Permanent,
}

impl Class {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Wait => "wait",
            Self::Operator => "operator",
            Self::Permanent => "permanent",
        }
    }
}

/// A reason in AWS's own word, and what to make of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reason {
    pub(crate) word: &'static str,
    pub(crate) class: Class,
    pub(crate) remedy: &'static str,
}

const fn reason(word: &'static str, class: Class, remedy: &'static str) -> Reason {
    Reason { word, class, remedy }
}

/// That another account has the address: which one decides what follows.
pub(crate) const EMAIL_ALREADY_EXISTS: &str = "EMAIL_ALREADY_EXISTS";

const VALIDATION: &str = "Complete the business validation of the management account in its billing console, then \
                          resume the run with retry \"failed\".";
const SUPPORT: &str = "Open a case with AWS Support for the management account, then resume the run with retry \
                       \"failed\".";

/// Every reason why a request fails, the same of both operations that ask and both that tell.
pub(crate) const FAILURES: [Reason; 15] = [
    reason(
        "ACCOUNT_LIMIT_EXCEEDED",
        Class::Operator,
        "The organization has as many accounts as its quota allows. Have the quota \"Default maximum number of \
         accounts\" raised, or close accounts, then resume the run with retry \"failed\".",
    ),
    reason(
        EMAIL_ALREADY_EXISTS,
        Class::Operator,
        "An account outside of this organization has the address, or had it and is closed. Choose another address.",
    ),
    reason(
        "INVALID_ADDRESS",
        Class::Operator,
        "Correct the postal address of the management account, then resume the run with retry \"failed\".",
    ),
    reason(
        "INVALID_EMAIL",
        Class::Permanent,
        "AWS does not accept the address. Choose another, and run again.",
    ),
    reason(
        "CONCURRENT_ACCOUNT_MODIFICATION",
        Class::Retry,
        "The account was being changed at the same time. Resume the run with retry \"failed\".",
    ),
    reason(
        "INTERNAL_FAILURE",
        Class::Retry,
        "AWS failed by itself. Resume the run with retry \"failed\"; if it persists, open a case with AWS Support.",
    ),
    reason(
        "GOVCLOUD_ACCOUNT_ALREADY_EXISTS",
        Class::Permanent,
        "An account in AWS GovCloud (US) has the address. Choose another, or wish for an account without govCloud.",
    ),
    reason("MISSING_BUSINESS_VALIDATION", Class::Operator, VALIDATION),
    reason(
        "FAILED_BUSINESS_VALIDATION",
        Class::Operator,
        "AWS has not accepted the business validation of the management account. Correct what it asks for in the billing \
         console, then resume the run with retry \"failed\".",
    ),
    reason(
        "PENDING_BUSINESS_VALIDATION",
        Class::Wait,
        "The business validation of the management account is in progress. Resume the run with retry \"failed\" when it \
         is complete.",
    ),
    reason(
        "INVALID_IDENTITY_FOR_BUSINESS_VALIDATION",
        Class::Operator,
        "The identity of the management account's owner does not fit its business validation. Correct it in the billing \
         console, then resume the run with retry \"failed\".",
    ),
    reason("UNKNOWN_BUSINESS_VALIDATION", Class::Operator, SUPPORT),
    reason(
        "MISSING_PAYMENT_INSTRUMENT",
        Class::Operator,
        "Add a payment method to the management account, then resume the run with retry \"failed\".",
    ),
    reason(
        "INVALID_PAYMENT_INSTRUMENT",
        Class::Operator,
        "Correct the payment method of the management account, then resume the run with retry \"failed\".",
    ),
    reason(
        "UPDATE_EXISTING_RESOURCE_POLICY_WITH_TAGS_NOT_SUPPORTED",
        Class::Operator,
        "AWS says that a resource policy cannot be changed together with tags, which no request for an account does. \
         Look at the organization's resource policy, and open a case with AWS Support.",
    ),
];

/// The reasons of a refused call that are about accounts and their requests.
pub(crate) const CONSTRAINTS: [Reason; 9] = [
    // More than five in progress, somebody else's among them, are refused with one of these two: which is
    // not established.
    reason(
        "ACCOUNT_CREATION_RATE_LIMIT_EXCEEDED",
        Class::Wait,
        "Too many accounts are being created at the same time, whoever asked for them. Resume the run later with retry \
         \"failed\".",
    ),
    reason(
        "ACCOUNT_NUMBER_LIMIT_EXCEEDED",
        Class::Wait,
        "The organization has as many accounts as its quota allows, or is younger than an hour. Have the quota \"Default \
         maximum number of accounts\" raised, or close accounts, then resume the run with retry \"failed\".",
    ),
    reason(
        "ACCOUNT_CREATION_NOT_COMPLETE",
        Class::Wait,
        "The management account itself is not set up completely. Sign in to it and complete what AWS asks for, then \
         resume the run with retry \"failed\".",
    ),
    reason(
        "MASTER_ACCOUNT_NOT_GOVCLOUD_ENABLED",
        Class::Operator,
        "The management account has no account in AWS GovCloud (US) beside it. Sign up for one in its account settings, or \
         wish for accounts without govCloud.",
    ),
    reason(
        "MASTER_ACCOUNT_MISSING_CONTACT_INFO",
        Class::Operator,
        "Complete the contact information of the management account, then resume the run with retry \"failed\".",
    ),
    reason(
        "MASTER_ACCOUNT_PAYMENT_INSTRUMENT_REQUIRED",
        Class::Operator,
        "Add a payment method to the management account, then resume the run with retry \"failed\".",
    ),
    reason(
        "INVALID_PAYMENT_INSTRUMENT",
        Class::Operator,
        "Correct the payment method of the management account, then resume the run with retry \"failed\".",
    ),
    reason(
        "TAG_POLICY_VIOLATION",
        Class::Permanent,
        "A tag policy of the organization forbids the tags. Correct them, or the tag policy (the tags muster:run-id and \
         muster:digest are set besides), and run again.",
    ),
    reason(
        "MAX_TAG_LIMIT_EXCEEDED",
        Class::Permanent,
        "The account would have more tags than AWS allows. Wish for fewer, and run again.",
    ),
];

const FUTURE: Reason = reason(
    "",
    Class::Operator,
    "Muster does not know this reason. Look it up in AWS's reference of CreateAccount, and resume the run with retry \
     \"failed\" when what it says is remedied.",
);

/// What to make of the reason of a request that failed.
pub(crate) fn of_failure(word: &str) -> Reason {
    FAILURES.into_iter().find(|it| it.word == word).unwrap_or(FUTURE)
}

/// What to make of the reason of a call that was refused.
pub(crate) fn of_constraint(word: &str) -> Reason {
    CONSTRAINTS.into_iter().find(|it| it.word == word).unwrap_or(FUTURE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_reason_is_there_once_with_something_to_do() {
        for reasons in [&FAILURES[..], &CONSTRAINTS[..]] {
            let words: BTreeSet<_> = reasons.iter().map(|it| it.word).collect();
            assert_eq!(words.len(), reasons.len());
            assert!(reasons.iter().all(|it| it.remedy.len() > 40), "{reasons:?}");
        }
    }

    #[test]
    fn what_may_pass_is_told_from_what_somebody_has_to_do() {
        let of =
            |class| FAILURES.iter().filter(move |it| it.class == class).map(|it| it.word).collect::<Vec<_>>();
        assert_eq!(of(Class::Retry), ["CONCURRENT_ACCOUNT_MODIFICATION", "INTERNAL_FAILURE"]);
        assert_eq!(of(Class::Wait), ["PENDING_BUSINESS_VALIDATION"]);
        assert_eq!(of(Class::Permanent), ["INVALID_EMAIL", "GOVCLOUD_ACCOUNT_ALREADY_EXISTS"]);
    }

    #[test]
    fn a_word_of_the_future_is_the_operators_and_never_tried_again() {
        assert_eq!(of_failure("INSUFFICIENT_STARDUST").class, Class::Operator);
        assert_eq!(of_constraint("INSUFFICIENT_STARDUST").class, Class::Operator);
    }
}
