//! What could be done about it, as files to review. Nothing of it is ever applied by a run of findings.
//!
//! A proposal for a unit is made only where everything below the unit is known; where it is not, the
//! proposal is withheld and names the accounts that keep it from being made. What an exception covers is
//! not proposed. What a unit further up is proposed for is not proposed again below it.

mod declarative;
mod deny;
mod principals;

use std::collections::{BTreeMap, BTreeSet};

use errors::JobError;
use models::{Kind, digest, keys};
use runtime::{Part, RunContext};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::Store;

use crate::evaluate::Evaluation;
use crate::exceptions::Exceptions;
use crate::finding::{EntityType, Finding};
use crate::kinds::FindingKind;
use crate::publish::{nowhere, whole};

/// What a proposal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ProposalKind {
    DeclarativePolicy,
    DenyUnusedServices,
    LeastPrivilege,
}

impl ProposalKind {
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::DeclarativePolicy => "Declarative policy for what is uniform",
            Self::DenyUnusedServices => "Service control policy that denies what nobody uses",
            Self::LeastPrivilege => "Least-privilege policies for roles and users",
        }
    }
}

/// One proposal, or why it is not made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Proposal {
    pub(crate) kind: ProposalKind,
    /// The root or unit it is for.
    pub(crate) target: String,
    pub(crate) target_name: String,
    /// Why it is proposed, or withheld.
    pub(crate) why: String,
    pub(crate) is_withheld: bool,
    /// The accounts that keep it from being made, the first of them, and how many there are.
    pub(crate) blocked_by: Vec<String>,
    pub(crate) blocked: u64,
    /// Where the file lies; empty where there is none.
    pub(crate) file: String,
    /// How it is applied.
    pub(crate) apply: String,
    /// Bytes of the file.
    pub(crate) size: u64,
    /// What it holds, for whoever reads the page.
    #[serde(skip)]
    pub(crate) content: String,
}

/// A proposal before its file is written.
struct Draft {
    proposal: Proposal,
    name: String,
    content: Option<Value>,
}

impl Draft {
    fn of(kind: ProposalKind, target: &str, target_name: &str) -> Self {
        let proposal = Proposal {
            kind,
            target: target.to_owned(),
            target_name: target_name.to_owned(),
            why: String::new(),
            is_withheld: false,
            blocked_by: Vec::new(),
            blocked: 0,
            file: String::new(),
            apply: String::new(),
            size: 0,
            content: String::new(),
        };
        Self { proposal, name: String::new(), content: None }
    }

    fn withheld(mut self, why: impl Into<String>, blocked_by: &[String], blocked: u64) -> Self {
        self.proposal.is_withheld = true;
        self.proposal.why = why.into();
        self.proposal.blocked_by = blocked_by.to_vec();
        self.proposal.blocked = blocked;
        self
    }
}

/// A unit, as proposals need it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Place {
    pub(crate) name: String,
    /// The root and the units that it lies in.
    pub(crate) ancestors: Vec<String>,
}

/// By unit, what is proposed for it.
type Proposed<T> = BTreeMap<String, BTreeSet<T>>;

/// What the units above one are proposed for already.
fn above<T: Ord + Clone>(proposed: &Proposed<T>, place: &Place) -> BTreeSet<T> {
    place.ancestors.iter().filter_map(|unit| proposed.get(unit)).flatten().cloned().collect()
}

/// The units with what is known of them, those further up first.
fn from_the_root<'a, T>(
    units: &'a [T],
    id: impl Fn(&T) -> &str,
    places: &'a BTreeMap<String, Place>,
) -> Vec<(&'a T, &'a Place)> {
    let known = units.iter().filter_map(|unit| Some((unit, places.get(id(unit))?)));
    let mut known: Vec<_> = known.collect();
    known.sort_by_key(|(_, place)| place.ancestors.len());
    known
}

/// Whether an exception covers what would be proposed for a unit: there, further up, or below it, where the
/// proposal takes effect as well.
fn is_excepted(
    exceptions: &Exceptions,
    places: &BTreeMap<String, Place>,
    kind: FindingKind,
    unit: &str,
    attribute: &str,
) -> bool {
    if exceptions.len() == 0 {
        return false;
    }
    let above = places.get(unit).into_iter().flat_map(|place| place.ancestors.iter());
    let below = places.iter().filter(|(_, place)| place.ancestors.iter().any(|it| it == unit));
    let mut concerned = above.chain(below.map(|(id, _)| id)).map(String::as_str).chain([unit]);
    concerned.any(|unit| covers(exceptions, kind, unit, Some(attribute)))
}

/// Whether an exception covers the finding of an entity.
fn covers(exceptions: &Exceptions, kind: FindingKind, entity: &str, attribute: Option<&str>) -> bool {
    let finding = Finding::new(kind, EntityType::of_target(entity), entity, attribute, &nowhere());
    exceptions.of(&finding).is_some()
}

/// Why nothing is proposed of a source: what it says was so then.
fn outdated(evaluation: &Evaluation, kind: Kind) -> Option<String> {
    let evidence = evaluation.sources.of(kind)?;
    evidence
        .is_too_old
        .then(|| format!("The newest evidence of {kind} is older than {} hours.", evidence.max_age_hours))
}

/// The name of a policy that is told from every other by what it says: a policy that an earlier proposal
/// has made is not changed by a later one.
fn name_of(beginning: &str, unit: &str, content: &Value) -> String {
    let mut digest = digest::sha256(content.to_string());
    digest.truncate(8);
    format!("{beginning}-{unit}-{digest}")
}

/// Makes the proposals of an evaluation, and writes their files as parts of the run.
pub(crate) async fn propose(
    store: &Store,
    run: RunContext<'_>,
    evaluation: &Evaluation,
    exceptions: &Exceptions,
    protected: &[String],
) -> Result<(Vec<Proposal>, Vec<Part>), JobError> {
    let mut drafts = declarative::drafts(evaluation, exceptions);
    drafts.extend(deny::drafts(evaluation, exceptions, protected));
    drafts.extend(principals::draft(evaluation, exceptions, protected));
    let (mut proposals, mut parts) = (Vec::new(), Vec::new());
    for Draft { mut proposal, name, content } in drafts {
        if let Some(content) = content {
            let text = serde_json::to_string_pretty(&content).map_err(JobError::defect)?;
            let name = format!("proposals/{name}.json");
            proposal.file = keys::findings(run.run_id, &name);
            proposal.size = text.len() as u64;
            parts.push(whole(store, run, &name, text.clone()).await?);
            proposal.content = text;
        }
        proposals.push(proposal);
    }
    let index = serde_json::to_vec_pretty(&proposals).map_err(JobError::defect)?;
    parts.push(whole(store, run, "proposals.json", index).await?);
    Ok((proposals, parts))
}
