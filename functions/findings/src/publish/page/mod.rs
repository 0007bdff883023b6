//! `report.html`: one file that people open, with nothing loaded from anywhere.
//!
//! What it shows is bounded: the gravest findings, the first deviations and proposals, each with how many
//! more there are and where. Names, tags and policies are other people's: the template escapes them, and
//! the page's policy lets no script run but its own.

mod charts;
mod text;
mod view;

use std::collections::BTreeSet;

use askama::Template;
use aws_smithy_types::base64;
use errors::JobError;
use jiff::Timestamp;
use models::{Kind, RunId};
use runtime::RunContext;
use sha2::{Digest, Sha256};

use super::drift::Drift;
use super::row::{PriorRow, Row};
use super::{Counts, state};
use crate::evaluate::{Deviation, Evaluation, Readiness, UnitServices};
use crate::kinds::Severity;
use crate::proposals::Proposal;
use crate::sources::{Evidence, Source};
use charts::{Bar, GOOD, PLAIN, UNKNOWN, WARN, bars};
use text::{age, clean, count, document, listed, moment, number, short};
use view::{Chart, Page, Report};

const CSS: &str = include_str!("../../../templates/report.css");
const JS: &str = include_str!("../../../templates/report.js");

/// Findings on the page: so many are laid out within two seconds on a slow machine, see
/// tests/conformance/page.
const FINDINGS: usize = 1_500;
/// Of those that are gone, so many.
const GONE: usize = 200;
const DEVIATIONS: usize = 300;
const UNITS: usize = 100;
const PROPOSALS: usize = 60;
const SERVICES: usize = 40;
/// Characters of a proposal's document.
const DOCUMENT: usize = 16_000;
/// Bars of a chart.
const BARS: usize = 15;

/// The findings that the page shows, as they go by.
#[derive(Debug, Default)]
pub(super) struct Shown {
    findings: Vec<view::Finding>,
    gone: Vec<view::Finding>,
    all: u64,
}

impl Shown {
    /// The gravest come first, so the page has those.
    pub(super) fn finding(&mut self, row: &Row<'_>) {
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
    pub(super) fn gone(&mut self, drift: Drift, row: &PriorRow<'_>) {
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

/// What the page is made of.
pub(super) struct Made<'a> {
    pub(super) run: RunContext<'a>,
    pub(super) evaluation: &'a Evaluation,
    pub(super) counts: &'a Counts,
    pub(super) compared_with: Option<&'a RunId>,
    pub(super) coverage: &'a models::Coverage,
    pub(super) exceptions: usize,
    pub(super) proposals: &'a [Proposal],
    pub(super) shown: Shown,
}

/// Writes the page.
pub(super) fn page(made: Made<'_>) -> Result<String, JobError> {
    let report = Report { csp: policy(), css: CSS, js: JS, page: view(made) };
    report.render().map_err(JobError::defect)
}

/// The page's Content-Security-Policy.
fn policy() -> String {
    let hash = |text: &str| format!("'sha256-{}'", base64::encode(Sha256::digest(text)));
    format!(
        "default-src 'none'; style-src {}; script-src {}; img-src data:; base-uri 'none'; form-action 'none'",
        hash(CSS),
        hash(JS)
    )
}

fn view(made: Made<'_>) -> Page {
    let Made { run, evaluation, counts, compared_with, coverage, exceptions, proposals, shown } = made;
    let mut page = Page {
        title: "Organization governance report".to_owned(),
        organization_id: evaluation.organization_id.clone().unwrap_or_else(|| "not known".to_owned()),
        scope: run.item.to_string(),
        run_id: run.run_id.to_string(),
        generated_at: moment(run.now),
        is_complete: coverage.is_complete(),
        coverage: covered(coverage),
        headlines: headlines(evaluation, counts, coverage, proposals),
        sources: evaluation.sources.0.iter().map(|it| source(it, run.now)).collect(),
        ..Page::default()
    };
    readiness(&mut page, evaluation);
    services(&mut page, evaluation);
    principals(&mut page, evaluation);
    drift(&mut page, counts, compared_with);
    findings(&mut page, counts, shown);
    page.exceptions_note = match (counts.excepted, exceptions) {
        (_, 0) => String::new(),
        (excepted, _) => format!(
            "{} covered by an exception. They are shown, and not counted by severity.",
            count(excepted, "finding is", "findings are")
        ),
    };
    page.proposals = (1..).zip(proposals.iter().take(PROPOSALS)).map(|(at, it)| proposal(at, it)).collect();
    page.has_proposals = !page.proposals.is_empty();
    page.unread = evaluation.sources.0.iter().flat_map(unread).collect();
    page.has_unread = !page.unread.is_empty();
    page
}

fn covered(coverage: &models::Coverage) -> String {
    let seen = number(coverage.seen_accounts);
    let expected = coverage.expected_accounts.map_or_else(|| "an unknown number of".to_owned(), number);
    if coverage.is_complete() {
        return format!("{seen} of {expected} accounts, every source complete");
    }
    let gaps: Vec<&str> = coverage.gaps.keys().map(String::as_str).collect();
    let why = if gaps.is_empty() { "accounts are missing".to_owned() } else { gaps.join(", ") };
    format!("INCOMPLETE: {seen} of {expected} accounts; {why}. Nothing is concluded from what is missing.")
}

fn headlines(
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
    let new = counts.drift.get(&Drift::New).copied().unwrap_or(0);
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

fn source(evidence: &Evidence, now: Timestamp) -> view::Source {
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

fn readiness(page: &mut Page, evaluation: &Evaluation) {
    let attributes = &evaluation.attributes;
    page.has_readiness = !attributes.readiness.is_empty();
    page.readiness = attributes.readiness.iter().map(attribute).collect();
    let bar = |it: &Readiness| Bar {
        label: clean(&it.attribute),
        numbers: vec![it.matched, it.unmatched, it.unknown],
    };
    let drawn: Vec<_> = attributes.readiness.iter().take(BARS).map(bar).collect();
    let ready = attributes.readiness.iter().filter(|it| it.is_ready).count();
    page.readiness_chart = Chart {
        svg: bars(&[("matched", GOOD), ("unmatched", WARN), ("unknown", UNKNOWN)], &drawn),
        caption: format!(
            "Accounts matched, unmatched and unknown, by attribute. {ready} of {} attributes can be enforced: every \
             account has the value in every Region, and nothing is missing.",
            attributes.readiness.len()
        ),
    };
    page.deviations =
        attributes.deviations.iter().take(DEVIATIONS).map(|it| deviation(it, attributes)).collect();
    page.has_deviations = !page.deviations.is_empty();
    let more = attributes.deviating.saturating_sub(page.deviations.len() as u64);
    if more > 0 {
        page.deviations_more = format!("{} more in the table account_status.", number(more));
    }
}

fn attribute(it: &Readiness) -> view::Readiness {
    let (state, tone) = match it {
        it if it.is_ready => ("ready", "good"),
        it if it.unmatched > 0 => ("deviates", "warn"),
        it if it.is_uniform => ("uniform", "plain"),
        _ => ("unknown", "unknown"),
    };
    let regions = it.regions.iter().map(|(region, [matched, unmatched, unknown])| view::Region {
        region: clean(region),
        matched: number(*matched),
        unmatched: number(*unmatched),
        unknown: number(*unknown),
    });
    let regions: Vec<_> = regions.collect();
    view::Readiness {
        attribute: short(&it.attribute),
        most_frequent: it.most_frequent.as_deref().map(short).unwrap_or_default(),
        matched: number(it.matched),
        unmatched: number(it.unmatched),
        unknown: number(it.unknown),
        state: state.to_owned(),
        tone,
        has_regions: !regions.is_empty(),
        regions,
    }
}

fn deviation(it: &Deviation, attributes: &crate::evaluate::Attributes) -> view::Deviation {
    let of = attributes.readiness.iter().find(|readiness| readiness.attribute == it.attribute);
    let regions: BTreeSet<&str> = it.values.values().flatten().map(String::as_str).collect();
    let all = of.is_some_and(|of| of.regions.len() == regions.len());
    view::Deviation {
        attribute: short(&it.attribute),
        most_frequent: of.and_then(|of| of.most_frequent.as_deref()).map(short).unwrap_or_default(),
        account_id: it.account_id.clone(),
        account_name: it.account_name.as_deref().map(short).unwrap_or_default(),
        owner: it.owner.as_deref().map(short).unwrap_or_default(),
        regions: if all {
            "all".to_owned()
        } else {
            clean(&regions.into_iter().collect::<Vec<_>>().join(", "))
        },
        value: short(&it.values.keys().cloned().collect::<Vec<_>>().join(", ")),
    }
}

fn services(page: &mut Page, evaluation: &Evaluation) {
    let mut units: Vec<&UnitServices> = evaluation.services.0.iter().collect();
    units.sort_by_key(|unit| evaluation.places.get(&unit.id).map_or(0, |place| place.ancestors.len()));
    let name = |unit: &UnitServices| {
        evaluation.places.get(&unit.id).map_or_else(|| unit.id.clone(), |place| place.name.clone())
    };
    page.has_unused = !units.is_empty();
    page.unused = units
        .iter()
        .take(UNITS)
        .map(|unit| {
            let names: Vec<&str> = unit.not_used.iter().map(String::as_str).collect();
            let (names, more) = listed(&names, SERVICES);
            let (state, tone) = match unit.unknown {
                0 => ("complete".to_owned(), "good"),
                unknown => (format!("{} unknown", number(unknown)), "unknown"),
            };
            view::Unused {
                unit_id: unit.id.clone(),
                unit_name: short(&name(unit)),
                services: number(unit.not_used.len() as u64),
                of: number((unit.used.len() + unit.not_used.len()) as u64 + unit.unknown),
                state,
                tone,
                names: clean(&names),
                more: if more > 0 { format!("and {} more", number(more)) } else { String::new() },
            }
        })
        .collect();
    let bar = |unit: &&UnitServices| Bar {
        label: clean(&name(unit)),
        numbers: vec![unit.used.len() as u64, unit.not_used.len() as u64, unit.unknown],
    };
    page.unused_chart = Chart {
        svg: bars(
            &[("used", GOOD), ("not used", WARN), ("unknown", UNKNOWN)],
            &units.iter().take(BARS).map(bar).collect::<Vec<_>>(),
        ),
        caption:
            "Services that policies leave open to each unit: used, not used, and of which it is unknown."
                .to_owned(),
    };
    if let Some(unit) = units.first() {
        page.unused_note = format!(
            "Not used is said of at least {} days, of the accounts below a unit, and not of the management account.",
            unit.tracking_days
        );
    }
}

/// What came of roles and users, as the page says it.
const STATUSES: [(&str, &str, &str); 7] = [
    ("generated", "policy generated", "from what they have done in the window"),
    ("valid_policy_exists", "policy still valid", "an earlier run has generated it"),
    ("no_activity", "no activity", "nothing shows in AWS's tracking period"),
    ("failed", "failed", "AWS ended the generation with an error: nothing is concluded"),
    ("overdue", "overdue", "not done at the deadline: nothing is concluded"),
    ("carried_over", "left to the next run", "the day's quota is used up: nothing is concluded"),
    ("unknown", "unknown", "nobody can say: nothing is concluded"),
];

fn principals(page: &mut Page, evaluation: &Evaluation) {
    let principals = &evaluation.principals;
    page.has_principals = principals.principals > 0;
    let known = STATUSES
        .iter()
        .filter_map(|(word, status, note)| Some((*status, *note, *principals.statuses.get(*word)?)));
    let known: Vec<_> = known.collect();
    page.principals = known
        .iter()
        .map(|(status, note, count)| view::Principals {
            status: (*status).to_owned(),
            count: number(*count),
            note: (*note).to_owned(),
        })
        .collect();
    let drawn: Vec<_> = known
        .iter()
        .map(|(status, _, count)| Bar { label: (*status).to_owned(), numbers: vec![*count] })
        .collect();
    page.principals_chart = Chart {
        svg: bars(&[("", PLAIN)], &drawn),
        caption: "Roles and users by what is known of them.".to_owned(),
    };
    if page.has_principals {
        page.principals_note = format!(
            "{} in {}; {} have services that they do not use, and of {} access was not read.",
            count(principals.principals, "role or user", "roles and users"),
            count(principals.accounts_read, "account", "accounts"),
            number(principals.with_unused_services),
            number(principals.access_unknown),
        );
    }
    let mut services: Vec<(&String, &u64)> = principals.unused.iter().collect();
    services.sort_by(|(a, of_a), (b, of_b)| of_b.cmp(of_a).then(a.cmp(b)));
    page.unused_by_service = services
        .into_iter()
        .take(SERVICES)
        .map(|(service, count)| view::ByService { service: short(service), principals: number(*count) })
        .collect();
}

fn drift(page: &mut Page, counts: &Counts, compared_with: Option<&RunId>) {
    page.has_drift = compared_with.is_some();
    page.drift_note = match compared_with {
        Some(run) => format!("Compared with run {run}, the last one of this scope."),
        None => "No run of this scope was published before.".to_owned(),
    };
    let of = |drift: Drift, note: &str, tone| view::Drift {
        status: drift.words().to_owned(),
        count: number(counts.drift.get(&drift).copied().unwrap_or(0)),
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
}

fn findings(page: &mut Page, counts: &Counts, shown: Shown) {
    let gone = [Drift::Resolved, Drift::NotObserved].map(|it| counts.drift.get(&it).copied().unwrap_or(0));
    let all = shown.all + gone.iter().sum::<u64>();
    page.findings = shown.findings;
    page.findings.extend(shown.gone);
    let has = page.findings.len() as u64;
    page.findings_total = number(all);
    page.findings_shown = number(has);
    if all > has {
        page.findings_more = format!(
            "{} more, of the least severity, are in findings.csv, findings.json and the table findings.",
            number(all - has)
        );
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

fn proposal(at: usize, it: &Proposal) -> view::Proposal {
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

/// What a source could not read, and why.
fn unread(evidence: &Evidence) -> Vec<view::Unread> {
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
