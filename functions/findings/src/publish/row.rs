//! The table `findings`.

use jiff::Timestamp;
use table::{Cell, Column, Kind, Table};

use super::drift::{Drift, Seen};
use crate::covered::Sought;
use crate::exceptions::Exception;
use crate::finding::{EntityType, Evidence, Finding, FindingId};
use crate::kinds::FindingKind;

pub(crate) const COLUMNS: [Column; 32] = [
    Column::required("run_id", Kind::Text),
    Column::required("finding_id", Kind::Text),
    Column::required("kind", Kind::Text),
    Column::required("severity", Kind::Text),
    // `new`, `changed`, `unchanged`, `resolved`, or `not_observed`: it was so, and is not known any more.
    Column::required("status", Kind::Text),
    Column::required("entity_type", Kind::Text),
    Column::required("entity_id", Kind::Text),
    Column::optional("entity_name", Kind::Text),
    Column::optional("attribute", Kind::Text),
    Column::optional("account_id", Kind::Text),
    Column::optional("owner", Kind::Text),
    Column::required("text", Kind::Text),
    // An object as JSON.
    Column::required("details", Kind::Text),
    Column::required("remedy", Kind::Text),
    Column::optional("evidence_kind", Kind::Text),
    Column::optional("evidence_run_id", Kind::Text),
    Column::required("evidence_table", Kind::Text),
    Column::required("evidence_filter", Kind::Text),
    Column::optional("observed_at", Kind::Timestamp),
    // Whether nothing of its evidence is missing; else what.
    Column::required("evidence_complete", Kind::Boolean),
    Column::required("evidence_missing", Kind::Text),
    Column::required("first_seen_at", Kind::Timestamp),
    Column::required("last_seen_at", Kind::Timestamp),
    Column::required("runs", Kind::Integer),
    Column::required("state", Kind::Text),
    Column::required("excepted", Kind::Boolean),
    Column::optional("exception_reason", Kind::Text),
    Column::optional("exception_owner", Kind::Text),
    Column::optional("exception_expires", Kind::Text),
    Column::required("title", Kind::Text),
    Column::required("decided_at", Kind::Timestamp),
    Column::required("schema_version", Kind::Integer),
];

pub(crate) const FINDINGS: Table = Table { name: "findings", columns: &COLUMNS };

const SCHEMA_VERSION: i64 = 1;

/// A finding as it is published.
#[derive(Debug)]
pub(crate) struct Row<'a> {
    pub(crate) finding: &'a Finding,
    pub(crate) seen: Seen,
    pub(crate) exception: Option<&'a Exception>,
}

impl Row<'_> {
    /// Hands the row's cells to `take`.
    pub(crate) fn cells<T>(&self, run: &str, now: Timestamp, take: impl FnOnce(&[Cell<'_>]) -> T) -> T {
        let (finding, seen) = (self.finding, self.seen);
        let evidence = &finding.evidence;
        let (id, state) = (finding.id.to_string(), finding.state());
        let details = serde_json::to_string(&finding.details).unwrap_or_default();
        let expires = self.exception.map(|it| it.expires.to_string());
        take(&[
            run.into(),
            (&id).into(),
            finding.kind.as_str().into(),
            finding.severity.as_str().into(),
            seen.drift.as_str().into(),
            finding.entity_type.as_str().into(),
            (&finding.entity_id).into(),
            finding.entity_name.as_ref().into(),
            finding.attribute.as_ref().into(),
            finding.account_id.as_ref().into(),
            finding.owner.as_ref().into(),
            (&finding.text).into(),
            (&details).into(),
            finding.kind.remedy().into(),
            evidence.kind.map(|kind| kind.as_str()).into(),
            evidence.run_id.as_ref().map(|id| id.as_str()).into(),
            (&evidence.table).into(),
            (&evidence.filter).into(),
            evidence.observed_at.map(|at| at.as_millisecond()).into(),
            evidence.missing.is_empty().into(),
            (&evidence.missing).into(),
            seen.first_seen.as_millisecond().into(),
            seen.last_seen.as_millisecond().into(),
            seen.runs.into(),
            (&state).into(),
            self.exception.is_some().into(),
            self.exception.map(|it| &it.reason).into(),
            self.exception.map(|it| &it.owner).into(),
            expires.as_ref().into(),
            finding.kind.title().into(),
            now.as_millisecond().into(),
            SCHEMA_VERSION.into(),
        ])
    }
}

/// The columns of the last run that are read to carry a finding on: all of them.
pub(crate) const PRIOR: [&str; COLUMNS.len()] = {
    let mut names = [""; COLUMNS.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = COLUMNS[at].name;
        at += 1;
    }
    names
};

/// A row of the last run.
#[derive(Debug)]
pub(crate) struct PriorRow<'a> {
    pub(crate) id: FindingId,
    pub(crate) kind: FindingKind,
    pub(crate) last_seen: Timestamp,
    cells: &'a [Cell<'a>; COLUMNS.len()],
}

impl<'a> PriorRow<'a> {
    /// `None` of a kind of finding that this version does not know.
    pub(crate) fn of(cells: &'a [Cell<'a>; COLUMNS.len()]) -> Option<Self> {
        let text = |name| cell(cells, name).text();
        Some(Self {
            id: text("finding_id")?.parse().ok()?,
            kind: FindingKind::of(text("kind")?)?,
            last_seen: Timestamp::from_millisecond(cell(cells, "last_seen_at").integer()?).ok()?,
            cells,
        })
    }

    pub(crate) fn text(&self, name: &str) -> Option<&'a str> {
        cell(self.cells, name).text()
    }

    /// What evidence would have to show.
    pub(crate) fn sought(&self) -> Sought<'a> {
        let observed_at = cell(self.cells, "observed_at").integer();
        Sought {
            kind: self.kind,
            id: self.id,
            place: self.text("account_id").or_else(|| self.text("entity_id")).unwrap_or_default(),
            attribute: self.text("attribute"),
            observed_at: observed_at.and_then(|at| Timestamp::from_millisecond(at).ok()),
        }
    }

    /// The finding, as far as exceptions look at it.
    pub(crate) fn finding(&self, evidence: &Evidence) -> Finding {
        let entity = self.text("entity_id").unwrap_or_default();
        Finding::new(self.kind, EntityType::of_target(entity), entity, self.text("attribute"), evidence)
    }

    /// The row as it is carried on by another run, under the exceptions of today.
    pub(crate) fn carried<'b>(
        &self,
        run: &'b str,
        drift: Drift,
        now: Timestamp,
        exception: Option<(&'b Exception, &'b str)>,
    ) -> [Cell<'b>; COLUMNS.len()]
    where
        'a: 'b,
    {
        let mut cells: [Cell<'b>; COLUMNS.len()] = *self.cells;
        for (cell, column) in cells.iter_mut().zip(COLUMNS) {
            match column.name {
                "run_id" => *cell = run.into(),
                "status" => *cell = drift.as_str().into(),
                "decided_at" => *cell = now.as_millisecond().into(),
                "schema_version" => *cell = SCHEMA_VERSION.into(),
                "excepted" => *cell = exception.is_some().into(),
                "exception_reason" => *cell = exception.map(|(it, _)| &it.reason).into(),
                "exception_owner" => *cell = exception.map(|(it, _)| &it.owner).into(),
                "exception_expires" => *cell = exception.map(|(_, expires)| expires).into(),
                _ => {}
            }
        }
        cells
    }
}

/// The cell of a column.
pub(crate) fn cell<'a>(cells: &[Cell<'a>], name: &str) -> Cell<'a> {
    let of_name = COLUMNS.iter().zip(cells).find(|(column, _)| column.name == name);
    of_name.map_or(Cell::Null, |(_, cell)| *cell)
}
