//! What service-last-accessed data lets anybody conclude about a principal.
//!
//! *Not used* is concluded only where AWS has said so about something that it tracks, and means no more
//! than *not within the tracking period*. AWS documents that the time and the count of a service are
//! both absent, or the count is 0, where the principal did not try to use it.

use jiff::{SignedDuration, Timestamp};

use crate::principal::{Access, GrantedService, TrackedAction};

/// AWS tracks at least so many days.
pub(crate) const TRACKING_DAYS: i64 = 400;
/// And shows activity within so many hours.
pub(crate) const LAG_HOURS: i64 = 4;

/// The service of [`PASS_ROLE`].
pub(crate) const IAM: &str = "iam";
/// Not a call, so AWS tracks no use of it: a principal that uses nothing else of IAM shows no use of IAM.
pub(crate) const PASS_ROLE: &str = "PassRole";

/// Why nothing can be concluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Unknown {
    /// The time, the count and the actions of the service do not fit together.
    ContradictsItself,
    /// The principal was made so lately that its activity need not show yet.
    ActivityMayNotShowYet,
    /// IAM shows no use, and passing a role would not show.
    PassRoleNotTracked,
}

impl Unknown {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::ContradictsItself => "contradicts_itself",
            Self::ActivityMayNotShowYet => "activity_may_not_show_yet",
            Self::PassRoleNotTracked => "pass_role_not_tracked",
        }
    }

    /// Whether it is evidence that could have been there: what AWS never tracks is missed by no run.
    pub(crate) fn is_gap(self) -> bool {
        self != Self::PassRoleNotTracked
    }
}

/// What is concluded about the tracking period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conclusion {
    Used,
    NotUsed,
    /// AWS keeps no account of it.
    NotTracked,
    Unknown(Unknown),
}

impl Conclusion {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Used => "used",
            Self::NotUsed => "not_used",
            Self::NotTracked => "not_tracked",
            Self::Unknown(_) => "unknown",
        }
    }

    pub(crate) const fn because(self) -> Option<Unknown> {
        match self {
            Self::Unknown(because) => Some(because),
            _ => None,
        }
    }
}

/// Whether activity of a principal need not show yet. Where AWS does not tell when it was made, nothing
/// says that it is new.
pub(crate) fn is_new(created: Option<Timestamp>, observed: Timestamp) -> bool {
    created.is_some_and(|at| observed.duration_since(at) < SignedDuration::from_hours(LAG_HOURS))
}

/// What is concluded about a service; `is_new` of the principal.
pub(crate) fn of_service(service: &GrantedService, is_new: bool) -> Conclusion {
    let mut actions = service.actions.iter().flatten();
    match (service.last, service.entities) {
        (Some(_), Some(1..)) => Conclusion::Used,
        (None, None | Some(0)) if actions.all(|action| action.last.is_none()) => {
            if is_new {
                Conclusion::Unknown(Unknown::ActivityMayNotShowYet)
            } else if service.namespace == IAM {
                Conclusion::Unknown(Unknown::PassRoleNotTracked)
            } else {
                Conclusion::NotUsed
            }
        }
        _ => Conclusion::Unknown(Unknown::ContradictsItself),
    }
}

/// What is concluded about an action that AWS tracks, of a service about which `of_service` is.
pub(crate) fn of_action(action: &TrackedAction, of_service: Conclusion, is_new: bool) -> Conclusion {
    const CONTRADICTS: Conclusion = Conclusion::Unknown(Unknown::ContradictsItself);
    match (action.last, of_service) {
        (Some(_), _) => Conclusion::Used,
        (None, CONTRADICTS) => CONTRADICTS,
        (None, _) if is_new => Conclusion::Unknown(Unknown::ActivityMayNotShowYet),
        (None, _) => Conclusion::NotUsed,
    }
}

/// What is known of all the services that a principal's policies allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Services {
    pub(crate) observed: Timestamp,
    /// When any of them was last used.
    pub(crate) last: Option<Timestamp>,
    pub(crate) used: u64,
    pub(crate) not_used: u64,
    pub(crate) unknown: u64,
    /// Whether no service is granted at all: what others grant, such as a bucket's policy, would not show.
    pub(crate) grants_nothing: bool,
    /// Whether anything contradicts itself: then no use that shows is no evidence of no use.
    pub(crate) contradicts: bool,
    pub(crate) is_new: bool,
    /// Services of which it could not be read which policies allow them.
    pub(crate) granted_by_unread: u64,
}

impl Services {
    pub(crate) fn of(access: &Access, created: Option<Timestamp>) -> Self {
        let is_new = is_new(created, access.completed);
        let mut services = Self {
            observed: access.completed,
            last: access.services.iter().filter_map(|it| it.last).max(),
            used: 0,
            not_used: 0,
            unknown: 0,
            grants_nothing: access.services.is_empty(),
            contradicts: false,
            is_new,
            granted_by_unread: 0,
        };
        for service in &access.services {
            services.granted_by_unread += u64::from(service.granted_by.is_none());
            match of_service(service, is_new) {
                Conclusion::Used => services.used += 1,
                Conclusion::NotUsed => services.not_used += 1,
                Conclusion::NotTracked => services.unknown += 1,
                Conclusion::Unknown(because) => {
                    services.unknown += 1;
                    services.contradicts |= because == Unknown::ContradictsItself;
                }
            }
        }
        services
    }

    pub(crate) fn granted(&self) -> u64 {
        self.used + self.not_used + self.unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THEN: Option<Timestamp> = Some(Timestamp::UNIX_EPOCH);

    fn service(last: Option<Timestamp>, entities: Option<i64>) -> GrantedService {
        GrantedService {
            namespace: "s3".into(),
            name: "Amazon S3".into(),
            last,
            region: None,
            entities,
            actions: None,
            granted_by: Some(Vec::new()),
        }
    }

    fn action(last: Option<Timestamp>) -> TrackedAction {
        TrackedAction { name: "ListAllMyBuckets".into(), last, region: None }
    }

    #[test]
    fn a_service_without_use_is_not_used_where_aws_says_so_by_a_count_of_none_or_by_no_count_at_all() {
        assert_eq!(of_service(&service(THEN, Some(1)), false), Conclusion::Used);
        for entities in [Some(0), None] {
            assert_eq!(of_service(&service(None, entities), false), Conclusion::NotUsed);
        }
    }

    #[test]
    fn a_service_that_contradicts_itself_concludes_nothing() {
        let contradicts = Conclusion::Unknown(Unknown::ContradictsItself);
        for (last, entities) in [(None, Some(1)), (THEN, Some(0)), (THEN, None), (None, Some(-1))] {
            assert_eq!(of_service(&service(last, entities), false), contradicts, "{last:?} {entities:?}");
        }
        let used_by_an_action =
            GrantedService { actions: Some(vec![action(THEN)]), ..service(None, Some(0)) };
        assert_eq!(of_service(&used_by_an_action, false), contradicts);
    }

    #[test]
    fn an_action_that_aws_lists_without_a_time_is_not_used_unless_its_service_contradicts_itself() {
        let contradicts = Conclusion::Unknown(Unknown::ContradictsItself);
        for of_service in [Conclusion::Used, Conclusion::NotUsed] {
            assert_eq!(of_action(&action(None), of_service, false), Conclusion::NotUsed);
        }
        assert_eq!(of_action(&action(None), contradicts, false), contradicts);
        assert_eq!(of_action(&action(THEN), contradicts, false), Conclusion::Used);
    }

    #[test]
    fn iam_without_use_is_not_unused_for_passing_a_role_does_not_show_but_its_tracked_actions_are() {
        let iam = GrantedService { namespace: IAM.into(), ..service(None, Some(0)) };
        let concluded = of_service(&iam, false);
        assert_eq!(concluded, Conclusion::Unknown(Unknown::PassRoleNotTracked));
        assert!(!Unknown::PassRoleNotTracked.is_gap());
        assert_eq!(of_action(&action(None), concluded, false), Conclusion::NotUsed);
        let used = GrantedService { namespace: IAM.into(), ..service(THEN, Some(1)) };
        assert_eq!(of_service(&used, false), Conclusion::Used);
    }

    #[test]
    fn a_principal_made_within_the_hours_in_which_activity_need_not_show_has_no_unused_service() {
        let observed: Timestamp = "2026-11-21T06:30:00Z".parse().unwrap();
        let created = |minutes| Some(observed - SignedDuration::from_mins(minutes));
        assert!(is_new(created(239), observed));
        assert!(!is_new(created(240), observed) && !is_new(None, observed));
        let unknown = Conclusion::Unknown(Unknown::ActivityMayNotShowYet);
        assert_eq!(of_service(&service(None, Some(0)), true), unknown);
        assert_eq!(of_action(&action(None), unknown, true), unknown);
        // What shows, shows.
        assert_eq!(of_service(&service(THEN, Some(1)), true), Conclusion::Used);
        assert_eq!(of_action(&action(THEN), unknown, true), Conclusion::Used);
    }

    #[test]
    fn services_are_counted_by_what_is_concluded_about_them() {
        let unread = GrantedService { granted_by: None, ..service(None, Some(0)) };
        let services = vec![service(THEN, Some(1)), unread, service(None, Some(2)), service(None, None)];
        let access = Access { completed: Timestamp::UNIX_EPOCH, services, granting_not_read: None };
        let counted = Services::of(&access, None);
        assert_eq!((counted.used, counted.not_used, counted.unknown, counted.granted()), (1, 2, 1, 4));
        assert_eq!((counted.last, counted.granted_by_unread, counted.contradicts), (THEN, 1, true));
    }
}
