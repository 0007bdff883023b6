//! Who is in need of a policy, and in what order.

use std::cmp::Reverse;

use jiff::{SignedDuration, Timestamp};
use models::ItemName;

use crate::cursor::Past;
use crate::entry::NotDue;
use crate::principal::{Activity, Principal};

/// What is known of a principal when its turn is decided.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    pub(crate) principal: Principal,
    /// `None` where it could not be read: that is no evidence of no activity.
    pub(crate) activity: Option<Activity>,
    pub(crate) past: Past,
}

/// What is decided.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Decided {
    /// Those in need: never generated first, then the oldest, then those with most that is granted and
    /// not used. One whose generation failed takes its turn with those of its day: it keeps nobody else
    /// from a policy, however often it fails.
    pub(crate) due: Vec<Principal>,
    pub(crate) not_due: Vec<(ItemName, NotDue)>,
}

/// What counts for all of an account.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms {
    pub(crate) now: Timestamp,
    /// Days without activity after which nothing is generated.
    pub(crate) window: SignedDuration,
    /// How long a generated policy counts.
    pub(crate) valid: SignedDuration,
    /// Whether no policy of the past counts: principals are asked for by name, or made from something of
    /// the request's own.
    pub(crate) anew: bool,
}

pub(crate) fn decide(candidates: Vec<Candidate>, terms: Terms) -> Decided {
    let mut decided = Decided { due: Vec::new(), not_due: Vec::new() };
    let mut due = Vec::new();
    for candidate in candidates {
        match not_due(&candidate, terms) {
            Some(because) => decided.not_due.push((candidate.principal.id, because)),
            None => due.push(candidate),
        }
    }
    // Nothing is less than something, so those without a policy come first.
    due.sort_by_cached_key(|it| {
        let unused = it.activity.as_ref().map_or(0, |it| it.unused);
        let last = it.past.tried.max(it.past.valid.as_ref().map(|(at, _)| *at));
        (last, Reverse(unused), it.principal.arn.clone())
    });
    decided.due = due.into_iter().map(|it| it.principal).collect();
    decided
}

fn not_due(candidate: &Candidate, terms: Terms) -> Option<NotDue> {
    let since = terms.now - terms.window;
    if let Some(activity) = candidate.activity.as_ref().filter(|it| !it.tells_nothing) {
        let last = activity.last.max(candidate.principal.last_used);
        if last.is_none_or(|last| last < since) {
            return Some(NotDue::NoActivity { since });
        }
    }
    still_valid(&candidate.past, terms)
}

/// That a policy was generated not long ago, where one of the past counts at all.
pub(crate) fn still_valid(past: &Past, terms: Terms) -> Option<NotDue> {
    match &past.valid {
        Some((at, run)) if !terms.anew && *at + terms.valid > terms.now => {
            Some(NotDue::GeneratedAt { at: *at, run: run.clone() })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::principal::{Access, GrantedService, PrincipalKind};

    const NOW: &str = "2026-11-21T06:30:00Z";
    const RUN: &str = "20261101T063000Z-9f86d081";

    fn service(last: Option<&str>) -> GrantedService {
        GrantedService {
            namespace: "s3".into(),
            name: "Amazon S3".into(),
            last: last.map(|at| at.parse().unwrap()),
            region: None,
            entities: Some(i64::from(last.is_some())),
            actions: None,
            granted_by: None,
        }
    }

    fn candidate(name: &str, last: &[Option<&str>], generated: Option<&str>) -> Candidate {
        let principal = Principal {
            id: name.parse().unwrap(),
            arn: format!("arn:aws:iam::012345678901:role/{name}"),
            name: name.into(),
            path: "/".into(),
            kind: PrincipalKind::Role,
            created: None,
            tags: [].into(),
            last_used: None,
            last_region: None,
        };
        let services = last.iter().map(|last| service(*last)).collect();
        Candidate {
            principal,
            activity: Some(Activity::of(&Access {
                completed: NOW.parse().unwrap(),
                services,
                granting_not_read: None,
            })),
            past: Past {
                valid: generated.map(|at| (at.parse().unwrap(), RUN.parse().unwrap())),
                tried: None,
            },
        }
    }

    fn terms() -> Terms {
        let days = |days: i64| SignedDuration::from_hours(24 * days);
        Terms { now: NOW.parse().unwrap(), window: days(90), valid: days(30), anew: false }
    }

    fn names(decided: &Decided) -> Vec<&str> {
        decided.due.iter().map(|it| it.name.as_str()).collect()
    }

    const RECENT: Option<&str> = Some("2026-11-20T00:00:00Z");

    #[test]
    fn those_without_a_policy_come_first_then_the_oldest_then_those_with_most_that_is_unused() {
        let decided = decide(
            vec![
                candidate("new", &[RECENT], Some("2026-10-10T00:00:00Z")),
                candidate("old", &[RECENT], Some("2026-09-10T00:00:00Z")),
                candidate("lean", &[RECENT], None),
                candidate("fat", &[RECENT, None, None], None),
            ],
            terms(),
        );
        assert_eq!(names(&decided), ["fat", "lean", "old", "new"]);
        assert_eq!(decided.not_due, []);
    }

    #[test]
    fn nothing_is_generated_without_activity_or_while_a_policy_counts_unless_it_is_asked_for_by_name() {
        let candidates = vec![
            candidate("idle", &[None, Some("2026-01-01T00:00:00Z")], None),
            candidate("done", &[RECENT], Some("2026-11-10T00:00:00Z")),
            candidate("due", &[RECENT], None),
        ];
        let decided = decide(candidates.clone(), terms());
        assert_eq!(names(&decided), ["due"]);
        let since = "2026-08-23T06:30:00Z".parse().unwrap();
        let at = "2026-11-10T00:00:00Z".parse().unwrap();
        let because = [NotDue::NoActivity { since }, NotDue::GeneratedAt { at, run: RUN.parse().unwrap() }];
        let not_due = decided.not_due.iter().map(|(_, it)| it.clone());
        assert_eq!(not_due.collect::<Vec<_>>(), because);
        let by_name = decide(candidates, Terms { anew: true, ..terms() });
        assert_eq!(names(&by_name), ["due", "done"]);
    }

    #[test]
    fn what_could_not_be_read_is_no_evidence_of_no_activity() {
        let mut unread = candidate("unread", &[], None);
        unread.activity = None;
        let mut role = candidate("role", &[None], None);
        role.principal.last_used = Some("2026-11-20T00:00:00Z".parse().unwrap());
        assert_eq!(names(&decide(vec![unread, role], terms())), ["role", "unread"]);
    }

    #[test]
    fn what_others_grant_would_not_show_so_one_that_is_granted_nothing_is_due() {
        assert_eq!(names(&decide(vec![candidate("bare", &[], None)], terms())), ["bare"]);
    }

    #[test]
    fn one_that_fails_again_and_again_keeps_nobody_from_a_policy() {
        let tried = |name: &str, at: &str| {
            let mut it = candidate(name, &[RECENT], None);
            it.past.tried = Some(at.parse().unwrap());
            it
        };
        let decided = decide(
            vec![
                tried("fails", "2026-11-20T00:00:00Z"),
                candidate("old", &[RECENT], Some("2026-09-10T00:00:00Z")),
                candidate("new", &[RECENT], None),
                tried("failed", "2026-09-01T00:00:00Z"),
            ],
            terms(),
        );
        assert_eq!(names(&decided), ["new", "failed", "old", "fails"]);
    }
}
