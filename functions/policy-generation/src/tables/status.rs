//! What came of a principal.
//!
//! A generation that failed, was cancelled, or was not made says nothing about what the principal needs.
//! *No activity* is concluded only from service-last-accessed data that was read, that does not
//! contradict itself, and that had the time to show what there is.

use jiff::Timestamp;
use models::{Failure, ItemOutcome, OutcomeStatus, RunId};

use super::conclusion::Services;
use crate::entry::{Generated, NotDue};

/// How the items ended that are about a principal.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Outcomes<'a> {
    /// Of putting the account's principals into an order.
    pub(crate) order: Option<&'a ItemOutcome>,
    pub(crate) generate: Option<&'a ItemOutcome>,
}

/// What a lane has read of a principal.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Evidence<'a> {
    /// `None` where access was not read.
    pub(crate) services: Option<&'a Services>,
    /// Of a role: what IAM says itself.
    pub(crate) last_used: Option<Timestamp>,
    pub(crate) not_due: Option<&'a NotDue>,
    pub(crate) generated: Option<&'a Generated>,
}

impl Evidence<'_> {
    pub(crate) fn last_activity(&self) -> Option<Timestamp> {
        self.services.and_then(|it| it.last).max(self.last_used)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status<'a> {
    Generated(&'a Generated),
    NoActivity { since: Timestamp },
    ValidPolicyExists { at: Timestamp, run: &'a RunId },
    Failed,
    CarriedOver,
    Overdue,
    Unknown(Unknown),
}

/// Why it is not known what came of a principal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unknown {
    /// The account's principals were not put into an order.
    NotDecided,
    /// A generation ended as skipped, or as succeeded without documents.
    NothingLeft,
    /// No activity was found in data that is not there, or that says otherwise by now.
    ActivityContradicts,
    /// No activity was found, and none of its policies allows anything: use of what others allow it, such
    /// as a bucket's policy, would not show.
    ActivityWouldNotShow,
    /// No activity was found, and the principal is so new that it need not show yet.
    ActivityMayNotShowYet,
}

impl Unknown {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::NotDecided => "not_decided",
            Self::NothingLeft => "nothing_left",
            Self::ActivityContradicts => "activity_contradicts",
            Self::ActivityWouldNotShow => "activity_would_not_show",
            Self::ActivityMayNotShowYet => "activity_may_not_show_yet",
        }
    }
}

impl Status<'_> {
    pub(crate) const fn as_str(&self) -> &'static str {
        match self {
            Self::Generated(_) => "generated",
            Self::NoActivity { .. } => "no_activity",
            Self::ValidPolicyExists { .. } => "valid_policy_exists",
            Self::Failed => "failed",
            Self::CarriedOver => "carried_over",
            Self::Overdue => "overdue",
            Self::Unknown(_) => "unknown",
        }
    }
}

/// What came of a principal, and the error that is the reason, if any.
pub(crate) fn of<'a>(outcomes: Outcomes<'a>, evidence: Evidence<'a>) -> (Status<'a>, Option<&'a Failure>) {
    if let Some(outcome) = outcomes.generate {
        let status = match (outcome.status, evidence.generated, evidence.not_due) {
            (OutcomeStatus::Succeeded, Some(generated), _) => Status::Generated(generated),
            // Another run has done it while this one went on.
            (OutcomeStatus::Succeeded, None, Some(NotDue::GeneratedAt { at, run })) => {
                Status::ValidPolicyExists { at: *at, run }
            }
            (OutcomeStatus::Succeeded, None, _) | (OutcomeStatus::Skipped, ..) => {
                Status::Unknown(Unknown::NothingLeft)
            }
            (OutcomeStatus::Failed, ..) => Status::Failed,
            (OutcomeStatus::Overdue, ..) => Status::Overdue,
            (OutcomeStatus::CarriedOver, ..) => Status::CarriedOver,
        };
        return (status, outcome.failure.as_ref());
    }
    match (evidence.not_due, outcomes.order) {
        (Some(NotDue::NoActivity { since }), _) => (no_activity(*since, evidence), None),
        (Some(NotDue::GeneratedAt { at, run }), _) => (Status::ValidPolicyExists { at: *at, run }, None),
        (None, Some(order)) if order.status == OutcomeStatus::Overdue => {
            (Status::Overdue, order.failure.as_ref())
        }
        (None, order) => {
            (Status::Unknown(Unknown::NotDecided), order.and_then(|outcome| outcome.failure.as_ref()))
        }
    }
}

fn no_activity(since: Timestamp, evidence: Evidence<'_>) -> Status<'static> {
    match evidence.services {
        Some(services) if !services.contradicts && evidence.last_activity().is_none_or(|at| at < since) => {
            if services.grants_nothing {
                Status::Unknown(Unknown::ActivityWouldNotShow)
            } else if services.is_new {
                Status::Unknown(Unknown::ActivityMayNotShowYet)
            } else {
                Status::NoActivity { since }
            }
        }
        _ => Status::Unknown(Unknown::ActivityContradicts),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn since() -> Timestamp {
        NOW - SignedDuration::from_hours(24 * 90)
    }

    fn outcome(status: OutcomeStatus) -> ItemOutcome {
        let failure = (status != OutcomeStatus::Succeeded).then(|| Failure::new("JobFailed", "why"));
        ItemOutcome { item: "generate-AROA1".parse().unwrap(), status, at: NOW, failure }
    }

    fn generated() -> Generated {
        serde_json::from_value(serde_json::json!({
            "id": "AROA1", "jobId": "j", "started": NOW, "completed": NOW, "window": null, "isComplete": null,
            "documents": "runs/r/policies/a/AROA1.json", "policies": 1, "withPlaceholders": 1, "serviceLevel": 1,
            "placeholders": 0, "withoutStatements": 0, "findings": {},
        }))
        .unwrap()
    }

    fn services() -> Services {
        Services {
            observed: NOW,
            last: None,
            used: 0,
            not_used: 3,
            unknown: 0,
            grants_nothing: false,
            contradicts: false,
            is_new: false,
            granted_by_unread: 0,
        }
    }

    fn idle(services: Option<&Services>, last_used: Option<Timestamp>) -> &'static str {
        let not_due = NotDue::NoActivity { since: since() };
        let evidence = Evidence { services, last_used, not_due: Some(&not_due), generated: None };
        let order = outcome(OutcomeStatus::Succeeded);
        let (status, failure) = of(Outcomes { order: Some(&order), generate: None }, evidence);
        assert_eq!(failure, None);
        match status {
            Status::Unknown(because) => because.as_str(),
            other => other.as_str(),
        }
    }

    #[test]
    fn a_generation_that_did_not_succeed_concludes_nothing_even_where_no_use_shows() {
        let (services, generated) = (services(), generated());
        let evidence =
            Evidence { services: Some(&services), generated: Some(&generated), ..Evidence::default() };
        for (ended, expected) in [
            (OutcomeStatus::Failed, Status::Failed),
            (OutcomeStatus::Overdue, Status::Overdue),
            (OutcomeStatus::CarriedOver, Status::CarriedOver),
            (OutcomeStatus::Skipped, Status::Unknown(Unknown::NothingLeft)),
        ] {
            let outcome = outcome(ended);
            let (status, failure) = of(Outcomes { generate: Some(&outcome), order: None }, evidence);
            assert_eq!(status, expected);
            assert_eq!(failure.unwrap().cause, "why");
        }
    }

    #[test]
    fn a_generation_that_succeeded_has_documents_or_is_unknown() {
        let (outcome, generated) = (outcome(OutcomeStatus::Succeeded), generated());
        let outcomes = Outcomes { generate: Some(&outcome), order: None };
        let evidence = Evidence { generated: Some(&generated), ..Evidence::default() };
        assert_eq!(of(outcomes, evidence), (Status::Generated(&generated), None));
        let nothing = Status::Unknown(Unknown::NothingLeft);
        assert_eq!(of(outcomes, Evidence::default()), (nothing, None));
    }

    #[test]
    fn no_activity_is_concluded_from_data_that_was_read_and_does_not_contradict_it() {
        let long_ago = Some(since() - SignedDuration::from_hours(1));
        assert_eq!(idle(Some(&services()), None), "no_activity");
        assert_eq!(idle(Some(&Services { last: long_ago, ..services() }), long_ago), "no_activity");
        assert_eq!(idle(None, None), "activity_contradicts");
        assert_eq!(idle(Some(&Services { last: Some(NOW), ..services() }), None), "activity_contradicts");
        assert_eq!(idle(Some(&services()), Some(NOW)), "activity_contradicts");
        let contradicts = Services { contradicts: true, ..services() };
        assert_eq!(idle(Some(&contradicts), None), "activity_contradicts");
    }

    #[test]
    fn no_activity_of_a_principal_that_was_just_made_is_unknown() {
        assert_eq!(idle(Some(&Services { is_new: true, ..services() }), None), "activity_may_not_show_yet");
    }

    #[test]
    fn a_policy_that_counts_is_named_by_its_run() {
        let run: RunId = "20261101T063000Z-9f86d081".parse().unwrap();
        let not_due = NotDue::GeneratedAt { at: NOW, run: run.clone() };
        let evidence = Evidence { not_due: Some(&not_due), ..Evidence::default() };
        // Decided beforehand, or found when its turn came.
        let meanwhile = outcome(OutcomeStatus::Succeeded);
        for generate in [None, Some(&meanwhile)] {
            let (status, _) = of(Outcomes { generate, order: None }, evidence);
            assert_eq!(status, Status::ValidPolicyExists { at: NOW, run: &run });
        }
    }

    #[test]
    fn a_principal_whose_account_was_not_put_into_an_order_is_unknown_or_overdue() {
        for (ended, expected) in [
            (OutcomeStatus::Failed, "unknown"),
            (OutcomeStatus::Overdue, "overdue"),
            (OutcomeStatus::Succeeded, "unknown"),
        ] {
            let order = outcome(ended);
            let outcomes = Outcomes { order: Some(&order), generate: None };
            let (status, failure) = of(outcomes, Evidence::default());
            assert_eq!((status.as_str(), failure), (expected, order.failure.as_ref()));
        }
    }
}
