//! `report.html`: one file that people open, with nothing loaded from anywhere.
//!
//! What it shows is bounded: the gravest findings, the first deviations and proposals, each with how many
//! more there are and where. Names, tags and policies are other people's: the template escapes them, and
//! the page's policy lets no script run but its own.
//!
//! * [`view`]: what the template takes; [`text`], [`charts`]: how texts and numbers become that.
//! * [`glance`], [`sources`], [`status`], [`access`], [`listed`]: the page from its top to its end.

mod access;
mod charts;
mod glance;
mod listed;
mod sources;
mod status;
mod text;
mod view;

use askama::Template;
use aws_smithy_types::base64;
use errors::JobError;
use sha2::{Digest, Sha256};

use super::result::Outcome;
pub(super) use listed::Shown;
use text::{count, moment, number};
use view::{Page, Report};

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

/// Writes the page.
pub(super) fn page(outcome: &Outcome<'_>, shown: Shown) -> Result<String, JobError> {
    let report = Report { csp: policy(), css: CSS, js: JS, page: view(outcome, shown) };
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

fn view(outcome: &Outcome<'_>, shown: Shown) -> Page {
    let Outcome { run, evaluation, counts, compared_with, coverage, exceptions, proposals } = *outcome;
    let mut page = Page {
        title: "Organization governance report".to_owned(),
        organization_id: evaluation.organization_id.clone().unwrap_or_else(|| "not known".to_owned()),
        scope: run.item.to_string(),
        run_id: run.run_id.to_string(),
        generated_at: moment(run.now),
        is_complete: coverage.is_complete(),
        coverage: glance::covered(coverage),
        headlines: glance::headlines(evaluation, counts, coverage, proposals),
        sources: evaluation.sources.0.iter().map(|it| sources::source(it, run.now)).collect(),
        ..Page::default()
    };
    status::readiness(&mut page, evaluation);
    access::services(&mut page, evaluation);
    access::principals(&mut page, evaluation);
    listed::drift(&mut page, counts, compared_with);
    listed::findings(&mut page, counts, shown);
    page.exceptions_note = match (counts.excepted, exceptions) {
        (_, 0) => String::new(),
        (excepted, _) => format!(
            "{} covered by an exception. They are shown, and not counted by severity.",
            count(excepted, "finding is", "findings are")
        ),
    };
    page.proposals =
        (1..).zip(proposals.iter().take(PROPOSALS)).map(|(at, it)| listed::proposal(at, it)).collect();
    page.has_proposals = !page.proposals.is_empty();
    let more = proposals.len().saturating_sub(page.proposals.len()) as u64;
    if more > 0 {
        page.proposals_more = format!("{} more are in proposals.json.", number(more));
    }
    page.unread = evaluation.sources.0.iter().flat_map(sources::unread).collect();
    page.has_unread = !page.unread.is_empty();
    page
}
