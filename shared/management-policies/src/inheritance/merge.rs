//! All attributes of an effective policy, with everything that is not known about them.

use std::collections::{BTreeMap, BTreeSet};

use crate::effective::{
    Attribute, Because, Candidate, Effective, Reason, Unknown, attribute, default_tag_key,
};
use crate::inheritance::chain::{self, Chain, Worlds};
use crate::inheritance::levels::Levels;
use crate::inheritance::order::Step;
use crate::kind::PolicyKind;
use crate::operators::Operators;
use crate::pointer;
use crate::syntax::place::Place;

/// What the policies of an account come to.
#[derive(Debug)]
pub(crate) struct Merge {
    pub(crate) kind: PolicyKind,
    /// Every place where some policy sets a value.
    pub(crate) places: BTreeMap<String, Merged>,
    /// The policy keys of tag policies: in lower case, and as the effective policy writes them.
    pub(crate) spelling: BTreeMap<String, String>,
}

/// What the policies of an account come to at one place.
#[derive(Debug)]
pub(crate) struct Merged {
    pub(crate) chains: Vec<Chain>,
    pub(crate) worlds: Worlds,
    /// Why something may be unknown here; holds if there is more than one possibility.
    pub(crate) because: Vec<Because>,
}

pub(crate) fn merge(levels: &Levels) -> Merge {
    let mut paths = BTreeSet::new();
    let mut rules: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for attached in levels.levels().iter().flat_map(|level| &level.attached) {
        let entries = attached.document.entries().iter();
        paths.extend(entries.filter(|(_, entry)| entry.sets_values()).map(|(path, _)| path.clone()));
        for (rule, spellings) in attached.document.rules() {
            rules.entry(rule.clone()).or_default().extend(spellings.iter().cloned());
        }
    }
    let places = paths.into_iter().map(|path| {
        let merged = merged(levels, &path);
        (path, merged)
    });
    Merge {
        kind: levels.kind(),
        places: places.collect(),
        spelling: rules
            .into_iter()
            .map(|(rule, spellings)| (rule.clone(), spelling(rule, spellings)))
            .collect(),
    }
}

/// The guide's examples keep a policy key as the policies write it. Where they write it differently,
/// it is in lower case here; how AWS writes it then makes no difference to what it means.
fn spelling(rule: String, spellings: BTreeSet<String>) -> String {
    let mut spellings = spellings.into_iter();
    match (spellings.next(), spellings.next()) {
        (Some(only), None) => only,
        _ => rule,
    }
}

fn merged(levels: &Levels, path: &str) -> Merged {
    let chains = chain::chains(levels, path);
    let place = Place::of(levels.kind(), path);
    let mut worlds = Worlds { list: Vec::new(), exhaustive: true };
    let mut because = not_understood(levels, path, &chains);
    worlds.exhaustive = because.is_empty();
    chains.iter().for_each(|chain| chain.worlds(place, &mut worlds));
    if because.is_empty() && !worlds.exhaustive {
        because.push(Because {
            reason: Reason::TooManyPossibilities,
            target: String::new(),
            policies: Vec::new(),
        });
    }
    because.extend(conflicts(&chains));
    if chains.len() > 1 {
        because.extend(controls_of_groups(levels, path));
    }
    if worlds.list.iter().any(|world| world.empty_is_told.is_some()) {
        because.extend(emptied(&chains));
    }
    because.sort();
    because.dedup();
    Merged { chains, worlds, because }
}

/// The policies with something at the place, or around it, whose form is not documented.
fn not_understood(levels: &Levels, path: &str, chains: &[Chain]) -> Vec<Because> {
    let mixes = chains.iter().any(Chain::mixes);
    let mut because = Vec::new();
    for level in levels.levels() {
        let policies: Vec<String> = level
            .attached
            .iter()
            .filter(|attached| {
                let entries = attached.document.entries();
                let opaque = |at: &str| entries.get(at).is_some_and(|entry| entry.opaque);
                (mixes && entries.contains_key(path)) || opaque(path) || pointer::ancestors(path).any(opaque)
            })
            .map(|attached| attached.policy.clone())
            .collect();
        if !policies.is_empty() {
            because.push(Because { reason: Reason::NotUnderstood, target: level.target.clone(), policies });
        }
    }
    because
}

fn conflicts(chains: &[Chain]) -> impl Iterator<Item = Because> {
    let links = chains.iter().flat_map(|chain| &chain.links);
    links.filter(|link| link.functions.list.len() > 1 || !link.functions.exhaustive).map(|link| {
        let conflicting = link.steps.iter().zip(&link.functions.conflicting);
        let policies: BTreeSet<String> =
            conflicting.filter(|(_, conflicts)| **conflicts).map(|((policy, _), _)| policy.clone()).collect();
        Because {
            reason: Reason::OrderAtOneLevel,
            target: link.target.clone(),
            policies: policies.into_iter().collect(),
        }
    })
}

fn controls_of_groups(levels: &Levels, path: &str) -> Vec<Because> {
    let mut because = Vec::new();
    for level in levels.levels() {
        let limiting = |group: &str, entries: &BTreeMap<String, crate::document::Entry>| {
            entries.get(group).and_then(|entry| entry.children).is_some_and(|set| set != Operators::EVERY)
        };
        let policies: Vec<String> = level
            .attached
            .iter()
            .filter(|attached| {
                pointer::ancestors(path).any(|group| limiting(group, attached.document.entries()))
            })
            .map(|attached| attached.policy.clone())
            .collect();
        if !policies.is_empty() {
            because.push(Because { reason: Reason::ControlOfGroup, target: level.target.clone(), policies });
        }
    }
    because
}

fn emptied(chains: &[Chain]) -> impl Iterator<Item = Because> {
    let links = chains.iter().flat_map(|chain| &chain.links);
    links.filter_map(|link| {
        let steps = link.steps.iter().filter(|(_, step)| match step {
            Step::Remove(_) => true,
            Step::Append(items) => items.is_empty(),
            Step::Assign(value) => value.same() == crate::value::Same::Many(BTreeSet::new()),
        });
        let policies: BTreeSet<String> = steps.map(|(policy, _)| policy.clone()).collect();
        (!policies.is_empty()).then(|| Because {
            reason: Reason::EmptiedList,
            target: link.target.clone(),
            policies: policies.into_iter().collect(),
        })
    })
}

impl Merge {
    /// The effective policy, without asking AWS.
    pub(crate) fn effective(&self) -> Effective {
        let attributes = self.places.iter().filter_map(|(path, merged)| {
            let candidates = merged.worlds.candidates();
            let attribute = attribute(candidates, merged.worlds.exhaustive, merged.because.clone())?;
            Some((path.clone(), attribute))
        });
        self.with(attributes.collect())
    }

    /// The effective policy of these attributes, with the defaults of tag policies.
    pub(crate) fn with(&self, attributes: BTreeMap<String, Attribute>) -> Effective {
        let mut effective = Effective { kind: self.kind, attributes, spelling: self.spelling.clone() };
        for rule in self.spelling.keys() {
            default_of(rule, &mut effective);
        }
        effective
    }
}

/// Whether an attribute is in the effective policy, whatever its value.
fn is_there(attribute: &Attribute) -> bool {
    match attribute {
        Attribute::Known(_) => true,
        Attribute::Unknown(unknown) => unknown.exhaustive && !unknown.candidates.contains(&Candidate::Absent),
    }
}

/// "If case treatment isn't defined, lowercase is the default case treatment for tag keys."
/// <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_example-tag-policies.html>
fn default_of(rule: &str, effective: &mut Effective) {
    let path = pointer::join(&pointer::join("", PolicyKind::Tag.top_key()), rule);
    let tag_key = pointer::join(&path, crate::syntax::TAG_KEY);
    let inside = format!("{path}/");
    let there = effective
        .attributes
        .range(inside.clone()..)
        .take_while(|(path, _)| path.starts_with(&inside))
        .any(|(path, attribute)| *path != tag_key && is_there(attribute));
    let default = default_tag_key(rule);
    match effective.attributes.get(&tag_key) {
        Some(Attribute::Unknown(unknown)) if there => {
            // what is not assigned is in lower case
            let assigned = unknown.candidates.iter().filter(|candidate| **candidate != Candidate::Absent);
            let mut candidates: Vec<Candidate> = assigned.cloned().collect();
            let lower = Candidate::Value(default);
            if candidates.len() < unknown.candidates.len() && !candidates.contains(&lower) {
                candidates.push(lower);
            }
            match attribute(candidates, unknown.exhaustive, unknown.because.clone()) {
                Some(attribute) => effective.attributes.insert(tag_key, attribute),
                None => effective.attributes.remove(&tag_key),
            };
        }
        Some(_) => {}
        None if there => {
            effective.attributes.insert(tag_key, Attribute::Known(default));
        }
        None => {
            let because =
                Because { reason: Reason::RuleWithoutContent, target: String::new(), policies: Vec::new() };
            let unknown = Unknown {
                candidates: vec![Candidate::Absent, Candidate::Value(default)],
                exhaustive: true,
                because: vec![because],
            };
            effective.attributes.insert(tag_key, Attribute::Unknown(unknown));
        }
    }
}
