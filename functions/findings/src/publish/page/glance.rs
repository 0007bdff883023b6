//! The top of the page: how much of the evidence there is, and the headline numbers.

use super::text::{count, number};
use super::view;
use crate::evaluate::Evaluation;
use crate::kinds::Severity;
use crate::proposals::Proposal;
use crate::publish::Counts;
use crate::publish::drift::Drift;
use crate::sources::Evidence;
use models::Kind;

/// How much of the evidence there is, in a sentence.
pub(super) fn covered(coverage: &models::Coverage) -> String {
    let seen = number(coverage.seen_accounts);
    let expected = coverage.expected_accounts.map_or_else(|| "an unknown number of".to_owned(), number);
    if coverage.is_complete() {
        return format!("{seen} of {expected} accounts, every source complete");
    }
    let gaps: Vec<&str> = coverage.gaps.keys().map(String::as_str).collect();
    let why = if gaps.is_empty() { "accounts are missing".to_owned() } else { gaps.join(", ") };
    format!("INCOMPLETE: {seen} of {expected} accounts; {why}. Nothing is concluded from what is missing.")
}

pub(super) fn headlines(
    evaluation: &Evaluation,
    counts: &Counts,
    coverage: &models::Coverage,
    proposals: &[Proposal],
) -> Vec<view::Headline> {
    let headline = |label: &str, value: String, note: String, tone| view::Headline {
        label: label.to_owned(),
        value,
        note,
        tone,
    };
    let readiness = &evaluation.attributes.readiness;
    let report = evaluation.sources.of(Kind::DeclarativePoliciesReport);
    let report_is_whole = report.is_some_and(Evidence::is_complete);
    let ready = readiness.iter().filter(|it| it.is_ready).count() as u64;
    let deviate = readiness.iter().filter(|it| it.unmatched > 0).count() as u64;
    let of_severity = |severity| counts.severities.get(&severity).copied().unwrap_or(0);
    let grave = of_severity(Severity::Critical) + of_severity(Severity::High);
    let new = counts.of(Drift::New);
    let withheld = proposals.iter().filter(|it| it.is_withheld).count() as u64;
    let made = proposals.len() as u64 - withheld;
    let unknown = || "unknown".to_owned();
    let root = evaluation.services.0.iter().find(|it| it.id.starts_with("r-"));
    vec![
        match evaluation.accounts {
            Some(accounts) => headline(
                "Accounts in use",
                number(accounts),
                format!("in {}", count(evaluation.places.len().saturating_sub(1) as u64, "unit", "units")),
                "plain",
            ),
            None => headline("Accounts in use", unknown(), "no inventory is published".to_owned(), "unknown"),
        },
        match readiness.is_empty() {
            true => headline("Attributes ready", unknown(), "no report is published".to_owned(), "unknown"),
            false => headline(
                "Attributes ready",
                format!("{ready} of {}", readiness.len()),
                format!("{deviate} deviate"),
                if report_is_whole { "plain" } else { "unknown" },
            ),
        },
        headline("Findings", number(counts.open), format!("{} new", number(new)), "plain"),
        headline(
            "Critical and high",
            number(grave),
            "without what is excepted".to_owned(),
            if grave > 0 { "bad" } else { "plain" },
        ),
        match root {
            Some(root) if root.unknown == 0 => headline(
                "Services nobody uses",
                number(root.not_used.len() as u64),
                format!(
                    "of {} open to the organization",
                    number((root.used.len() + root.not_used.len()) as u64)
                ),
                "plain",
            ),
            Some(root) => headline(
                "Services nobody uses",
                number(root.not_used.len() as u64),
                format!("and {} of which it is unknown", number(root.unknown)),
                "unknown",
            ),
            None => headline("Services nobody uses", unknown(), "not reported on".to_owned(), "unknown"),
        },
        match evaluation.principals.principals {
            0 => headline("Without activity", unknown(), "no role or user was read".to_owned(), "unknown"),
            all => headline(
                "Without activity",
                number(evaluation.principals.statuses.get("no_activity").copied().unwrap_or(0)),
                format!("of {} roles and users", number(all)),
                "plain",
            ),
        },
        headline(
            "Accounts read",
            match coverage.expected_accounts {
                Some(expected) => format!("{} of {}", number(coverage.seen_accounts), number(expected)),
                None => unknown(),
            },
            "by the account status".to_owned(),
            if coverage.expected_accounts == Some(coverage.seen_accounts) { "good" } else { "unknown" },
        ),
        headline("Proposals", number(made), format!("to review; {} withheld", number(withheld)), "plain"),
    ]
}
