//! What is listed one by one: findings, what became of those of the last run, proposals.

use std::collections::BTreeSet;

use models::RunId;

use super::charts::{Bar, PLAIN, bars};
use super::text::{clean, count, document, moment, number, short};
use super::view::{self, Chart, Page};
use super::{DOCUMENT, FINDINGS, GONE};
use crate::kinds::Severity;
use crate::proposals::Proposal;
use crate::publish::Counts;
use crate::publish::drift::Drift;
use crate::publish::row::{PriorRow, Row};

/// The findings that the page shows, as they go by.
#[derive(Debug, Default)]
pub(in crate::publish) struct Shown {
    findings: Vec<view::Finding>,
    gone: Vec<view::Finding>,
    all: u64,
}

impl Shown {
    /// The gravest come first, so the page has those.
    pub(in crate::publish) fn finding(&mut self, row: &Row<'_>) {
        self.all += 1;
        if self.findings.len() >= FINDINGS {
            return;
        }
        let (finding, seen) = (row.finding, row.seen);
        let evidence = &finding.evidence;
        let at = [
            evidence.run_id.as_ref().map(|run| format!("run {run}")),
            (!evidence.table.is_empty()).then(|| format!("table {}", evidence.table)),
            (!evidence.filter.is_empty()).then(|| evidence.filter.clone()),
            evidence.observed_at.map(|at| format!("observed {}", moment(at))),
        ];
        let exception = row
            .exception
            .map(|it| format!("{} (until {}, {} answers for it)", it.reason, it.expires, it.owner));
        self.findings.push(view::Finding {
            id: finding.id.to_string(),
            severity: finding.severity.as_str().to_owned(),
            kind: finding.kind.as_str().to_owned(),
            title: finding.kind.title().to_owned(),
            entity: short(&finding.entity_id),
            entity_name: finding.entity_name.as_deref().map(short).unwrap_or_default(),
            account_id: finding.account_id.as_deref().map(short).unwrap_or_default(),
            attribute: finding.attribute.as_deref().map(short).unwrap_or_default(),
            text: clean(&finding.text),
            owner: finding.owner.as_deref().map(short).unwrap_or_default(),
            status: seen.drift.words().to_owned(),
            first_seen: seen.first_seen.strftime("%Y-%m-%d").to_string(),
            runs: count(seen.runs.unsigned_abs(), "run", "runs"),
            is_complete: evidence.missing.is_empty(),
            coverage: clean(&evidence.missing),
            remedy: finding.kind.remedy().to_owned(),
            evidence: clean(&at.into_iter().flatten().collect::<Vec<_>>().join("; ")),
            exception: exception.as_deref().map(clean).unwrap_or_default(),
        });
    }

    /// What the last run had and this one has not.
    pub(in crate::publish) fn gone(&mut self, drift: Drift, row: &PriorRow<'_>) {
        if self.gone.len() >= GONE {
            return;
        }
        let of = |name: &str| row.text(name).map(short).unwrap_or_default();
        self.gone.push(view::Finding {
            id: row.id.to_string(),
            severity: row.kind.severity().as_str().to_owned(),
            kind: row.kind.as_str().to_owned(),
            title: row.kind.title().to_owned(),
            entity: of("entity_id"),
            entity_name: of("entity_name"),
            account_id: of("account_id"),
            attribute: of("attribute"),
            text: row.text("text").map(clean).unwrap_or_default(),
            owner: of("owner"),
            status: drift.words().to_owned(),
            first_seen: String::new(),
            runs: format!("last seen {}", row.last_seen.strftime("%Y-%m-%d")),
            // What it says was so in an earlier run.
            is_complete: drift == Drift::Resolved,
            coverage: match drift {
                Drift::Resolved => String::new(),
                _ => "its evidence is missing now: neither resolved nor unchanged".to_owned(),
            },
            remedy: row.kind.remedy().to_owned(),
            evidence: row.text("run_id").map(|run| format!("run {run}")).unwrap_or_default(),
            exception: String::new(),
        });
    }
}

pub(super) fn drift(page: &mut Page, counts: &Counts, compared_with: Option<&RunId>) {
    page.has_drift = compared_with.is_some();
    page.drift_note = match compared_with {
        Some(run) => format!("Compared with run {run}, the last one of this scope."),
        None => "There is no earlier run of this scope to compare with.".to_owned(),
    };
    let of = |drift: Drift, note: &str, tone| view::Drift {
        status: drift.words().to_owned(),
        count: number(counts.of(drift)),
        note: note.to_owned(),
        tone,
    };
    page.drift = vec![
        of(Drift::New, "not there in the last run", "warn"),
        of(Drift::Changed, "the same finding, and its state differs", "plain"),
        of(Drift::Unchanged, "", "plain"),
        of(Drift::Resolved, "read again, and not so any more", "good"),
        of(Drift::NotObserved, "its evidence is missing now: neither resolved nor unchanged", "unknown"),
    ];
    if !page.has_drift {
        return;
    }
    let drawn = [Drift::New, Drift::Changed, Drift::Resolved, Drift::NotObserved]
        .map(|drift| Bar { label: drift.words().to_owned(), numbers: vec![counts.of(drift)] });
    page.drift_chart = Chart {
        svg: bars(&[("", PLAIN)], &drawn),
        caption: format!(
            "Findings by what became of them since the last run; {} are unchanged.",
            number(counts.of(Drift::Unchanged))
        ),
    };
}

pub(super) fn findings(page: &mut Page, counts: &Counts, shown: Shown) {
    let gone = counts.of(Drift::Resolved) + counts.of(Drift::NotObserved);
    let more = [
        (shown.all - shown.findings.len() as u64, "of the least severity"),
        (gone - shown.gone.len() as u64, "that are resolved or not observed"),
    ];
    let more = more.into_iter().filter(|(count, _)| *count > 0);
    let more: Vec<_> = more.map(|(count, which)| format!("{} more {which}", number(count))).collect();
    page.findings = shown.findings;
    page.findings.extend(shown.gone);
    page.findings_total = number(shown.all + gone);
    page.findings_shown = number(page.findings.len() as u64);
    if !more.is_empty() {
        page.findings_more =
            format!("{} are in findings.csv, findings.json and the table findings.", more.join(" and "));
    }
    let distinct = |of: fn(&view::Finding) -> &String| -> BTreeSet<String> {
        page.findings.iter().map(|finding| of(finding).clone()).collect()
    };
    let (kinds, owners, statuses) =
        (distinct(|it| &it.kind), distinct(|it| &it.owner), distinct(|it| &it.status));
    let severities = distinct(|it| &it.severity);
    page.kinds = kinds.into_iter().collect();
    page.owners = owners.into_iter().collect();
    page.statuses = statuses.into_iter().collect();
    let severities =
        Severity::ALL.iter().map(|it| it.as_str().to_owned()).filter(|it| severities.contains(it));
    page.severities = severities.collect();
}

pub(super) fn proposal(at: usize, it: &Proposal) -> view::Proposal {
    let more = it.blocked.saturating_sub(it.blocked_by.len() as u64);
    let more = if more > 0 { format!(" and {} more", number(more)) } else { String::new() };
    view::Proposal {
        id: format!("{at}."),
        title: it.kind.title().to_owned(),
        about: short(format!("{} {}", it.target_name, it.target).trim()),
        is_withheld: it.is_withheld,
        state: if it.is_withheld { "withheld" } else { "to review" }.to_owned(),
        why: clean(&it.why),
        has_blockers: !it.blocked_by.is_empty(),
        blockers: format!("{}{more}", it.blocked_by.join(", ")),
        file: it.file.clone(),
        size: if it.size > 0 { format!("{} bytes", number(it.size)) } else { String::new() },
        apply: it.apply.clone(),
        content: document(&it.content, DOCUMENT),
    }
}
