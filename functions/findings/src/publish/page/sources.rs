//! What the page rests on: each source, its age, and what it could not read.

use jiff::Timestamp;
use models::Kind;

use super::text::{age, clean, count, moment, number};
use super::view;
use crate::publish::result::state;
use crate::sources::{Evidence, Source};

pub(super) fn source(evidence: &Evidence, now: Timestamp) -> view::Source {
    let state = state(evidence);
    let seen =
        match (evidence.result("/seenAccounts").as_u64(), evidence.result("/expectedAccounts").as_u64()) {
            (Some(seen), Some(expected)) => format!("{} of {} accounts", number(seen), number(expected)),
            (Some(seen), None) => count(seen, "account", "accounts"),
            _ => String::new(),
        };
    let gaps = evidence.gaps().map(|(reason, count)| view::Gap {
        reason: clean(reason),
        count: number(count),
        examples: String::new(),
    });
    let gaps: Vec<_> = gaps.collect();
    view::Source {
        title: Source::of(evidence.kind).map_or("", |it| it.title).to_owned(),
        kind: evidence.kind.to_string(),
        state: state.to_owned(),
        tone: match state {
            "complete" => "good",
            "off" => "plain",
            "too old" => "warn",
            _ => "unknown",
        },
        run_id: evidence.run_id().map(ToString::to_string).unwrap_or_default(),
        observed_at: evidence.observed_at().map(moment).unwrap_or_default(),
        age: evidence.observed_at().map(|at| age(at, now)).unwrap_or_default(),
        seen,
        note: match state {
            "missing" => "no run is published: nothing is known of it".to_owned(),
            "off" => "not part of this stack".to_owned(),
            "too old" => format!("older than {} hours", evidence.max_age_hours),
            _ => String::new(),
        },
        has_gaps: !gaps.is_empty(),
        gaps,
    }
}

/// What a source could not read, and why.
pub(super) fn unread(evidence: &Evidence) -> Vec<view::Unread> {
    let title = Source::of(evidence.kind).map_or("", |it| it.title);
    let of = |what: &str, why: &str, count: String| view::Unread {
        source: title.to_owned(),
        what: clean(what),
        why: why.to_owned(),
        count,
        examples: String::new(),
    };
    match state(evidence) {
        "missing" => vec![of("everything", "no run is published", String::new())],
        "off" => Vec::new(),
        _ => {
            let why = match evidence.kind {
                Kind::DeclarativePoliciesReport => "the report does not tell",
                _ => "the run could not read it: its item_outcomes have the errors",
            };
            evidence.gaps().map(|(reason, count)| of(reason, why, number(count))).collect()
        }
    }
}
