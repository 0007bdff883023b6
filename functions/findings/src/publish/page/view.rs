//! What the page shows, as its template takes it: texts, made harmless and short enough to be read.

use askama::Template;

/// The page. `css`, `js` and the charts are this project's own; all else is escaped.
#[derive(Template)]
#[template(path = "report.html")]
pub(super) struct Report<'a> {
    pub(super) page: Page,
    pub(super) css: &'a str,
    pub(super) js: &'a str,
    /// What a browser may do: run exactly this script and this style, and load nothing.
    pub(super) csp: String,
}

macro_rules! views {
    ($($(#[$doc:meta])* $name:ident { $($member:ident: $type:ty),* $(,)? })*) => {
        $($(#[$doc])* #[derive(Debug, Default)] pub(super) struct $name { $(pub(super) $member: $type),* })*
    };
}

views! {
    Page {
        title: String, organization_id: String, scope: String, run_id: String, generated_at: String,
        is_complete: bool, coverage: String,
        headlines: Vec<Headline>, sources: Vec<Source>,
        has_readiness: bool, readiness: Vec<Readiness>, readiness_chart: Chart,
        regions: Vec<Region>, regions_chart: Chart,
        has_deviations: bool, deviations: Vec<Deviation>, deviations_more: String,
        has_unused: bool, unused: Vec<Unused>, unused_chart: Chart, unused_note: String,
        has_principals: bool, principals: Vec<Principals>, principals_chart: Chart, principals_note: String,
        unused_by_service: Vec<ByService>,
        has_drift: bool, drift_note: String, drift: Vec<Drift>, drift_chart: Chart,
        findings_total: String, findings_shown: String, findings_more: String,
        kinds: Vec<String>, severities: Vec<String>, statuses: Vec<String>, owners: Vec<String>,
        findings: Vec<Finding>,
        has_proposals: bool, proposals: Vec<Proposal>, proposals_more: String,
        has_unread: bool, unread: Vec<Unread>,
        exceptions_note: String,
    }
    Headline { label: String, value: String, note: String, tone: &'static str }
    Source {
        title: String, kind: String, state: String, tone: &'static str, run_id: String, observed_at: String,
        age: String, seen: String, note: String, has_gaps: bool, gaps: Vec<Gap>,
    }
    Gap { reason: String, count: String, examples: String }
    Readiness {
        attribute: String, most_frequent: String, matched: String, unmatched: String, unknown: String,
        state: String, tone: &'static str, has_regions: bool, regions: Vec<Region>,
    }
    Region { region: String, matched: String, unmatched: String, unknown: String }
    /// An SVG of this project's own, and what it shows in a sentence.
    Chart { svg: String, caption: String }
    Deviation {
        attribute: String, most_frequent: String, account_id: String, account_name: String, owner: String,
        regions: String, value: String,
    }
    Unused {
        unit_id: String, unit_name: String, services: String, of: String, state: String, tone: &'static str,
        names: String, more: String,
    }
    Principals { status: String, count: String, note: String }
    ByService { service: String, principals: String }
    Drift { status: String, count: String, note: String, tone: &'static str }
    Finding {
        id: String, severity: String, kind: String, title: String, entity: String, entity_name: String,
        account_id: String, attribute: String, text: String, owner: String, status: String,
        first_seen: String, runs: String, is_complete: bool, coverage: String, remedy: String,
        evidence: String, exception: String,
    }
    Proposal {
        id: String, title: String, about: String, is_withheld: bool, state: String, why: String,
        has_blockers: bool, blockers: String, file: String, size: String, apply: String, content: String,
    }
    Unread { source: String, what: String, why: String, count: String, examples: String }
}
