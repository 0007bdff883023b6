//! What a planned change comes to, given what AWS tells of the present.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::effective::{Attribute, Because, Candidate, Effective, Reason, Unknown, attribute};
use crate::inheritance::chain::{Chain, World, distinct};
use crate::inheritance::levels::Levels;
use crate::inheritance::merge::{self, Merge, Merged};
use crate::kind::PolicyKind;
use crate::pointer;
use crate::told::Told;

/// The effective policy after a change, settled as far as the present effective policy can settle it.
///
/// `told` is the content that DescribeEffectivePolicy tells while the policies are as in `before`.
/// For each attribute it says in which of the possible ways AWS has merged the policies of `before`.
/// At every level where the same policies with the same operators are allowed in `after`, they are
/// taken to merge in the same way: their order of attachment has not changed. A policy that is
/// detached and attached again between `before` and `after` must therefore not be taken for
/// unchanged; give it another name in `after`.
///
/// Where `told` is none of the values that are possible for `before`, the attribute is unknown after
/// the change as well ([`Reason::AwsTellsOtherwise`]): either AWS has not published the last change
/// yet, or it merges otherwise than is known. When `told` cannot be read, nothing is settled.
pub fn predict(before: &Levels, told: &Value, after: &Levels) -> Effective {
    let later = merge::merge(after);
    let Ok(told) = Told::read(after.kind(), told) else { return later.effective() };
    if before.kind() != after.kind() {
        return later.effective();
    }
    let now = merge::merge(before);
    let mut attributes = BTreeMap::new();
    for (path, merged) in &later.places {
        if let Some(attribute) = predicted(&now, &told, path, merged) {
            attributes.insert(path.clone(), attribute);
        }
    }
    for (path, candidate) in told.candidates() {
        let explained = now.places.contains_key(path) || later.places.contains_key(path);
        if !explained && !is_default(&now, path, &candidate) {
            // AWS tells what no policy sets, and nothing here says that it will not go on
            let attribute = otherwise(vec![Candidate::Absent, candidate], Vec::new());
            attributes.insert(path.to_owned(), attribute);
        }
    }
    later.with(attributes)
}

/// Whether an attribute that no policy sets is told as what it is then.
fn is_default(now: &Merge, path: &str, candidate: &Candidate) -> bool {
    let rule = pointer::keys(path).nth(1);
    let known = rule.is_none_or(|rule| now.kind != PolicyKind::Tag || now.spelling.contains_key(&rule));
    known && candidate.meaning(now.kind, path) == Candidate::Absent.meaning(now.kind, path)
}

fn predicted(now: &Merge, told: &Told, path: &str, later: &Merged) -> Option<Attribute> {
    let meaning = told.candidate(path).meaning(now.kind, path);
    let all = || attribute(later.worlds.candidates(), later.worlds.exhaustive, later.because.clone());
    let unexplained = || Some(otherwise(later.worlds.candidates(), later.because.clone()));
    let Some(present) = now.places.get(path) else {
        // no policy says anything here at present, so AWS should not either
        return if Candidate::Absent.meaning(now.kind, path) == meaning { all() } else { unexplained() };
    };
    let so: Vec<&World> =
        present.worlds.list.iter().filter(|world| world.outcome.meaning(now.kind, path) == meaning).collect();
    match (present.worlds.exhaustive, so.is_empty()) {
        (true, true) => unexplained(),
        // what is told may come about in a way that is not listed
        (false, _) => all(),
        (true, false) => {
            let possible =
                later.worlds.list.iter().filter(|world| {
                    so.iter().any(|present_world| agree(present, present_world, later, world))
                });
            let candidates = distinct(possible);
            attribute(candidates, later.worlds.exhaustive, later.because.clone())
        }
    }
}

/// Whether both worlds can be, one now and the other after the change.
fn agree(present: &Merged, now: &World, later: &Merged, then: &World) -> bool {
    let same = |one: Option<bool>, other: Option<bool>| one.is_none() || other.is_none() || one == other;
    if !same(now.groups_control, then.groups_control) || !same(now.empty_is_told, then.empty_is_told) {
        return false;
    }
    let (Some(now_chain), Some(then_chain)) = (chain(present, now), chain(later, then)) else { return true };
    then_chain.links.iter().zip(&then.picks).all(|(link, pick)| {
        let unchanged = now_chain.links.iter().zip(&now.picks).find(|(present, _)| *present == link);
        unchanged.is_none_or(|(_, present)| present == pick)
    })
}

fn chain<'a>(merged: &'a Merged, world: &World) -> Option<&'a Chain> {
    merged.chains.iter().find(|chain| chain.groups_control == world.groups_control)
}

/// These are possible, and something else is possible too.
fn otherwise(candidates: Vec<Candidate>, mut because: Vec<Because>) -> Attribute {
    because.push(Because { reason: Reason::AwsTellsOtherwise, target: String::new(), policies: Vec::new() });
    Attribute::Unknown(Unknown { candidates, exhaustive: false, because })
}
