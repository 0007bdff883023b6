//! The levels one after another, at one place, and every value that can come out of them.

use std::collections::BTreeSet;

use crate::document::Entry;
use crate::effective::Candidate;
use crate::inheritance::levels::{Level, Levels};
use crate::inheritance::order::{self, Functions, State, Step};
use crate::operators::Operators;
use crate::pointer;
use crate::syntax::place::{Empty, Place};
use crate::value::{Same, SettingValue};

/// What the policies of one level do at a place, under child controls from above.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    /// The level.
    pub(crate) target: String,
    /// The policies with the operators that they may use.
    pub(crate) steps: Vec<(String, Step)>,
    /// What they can do together.
    pub(crate) functions: Functions,
}

/// The levels that still matter at a place: those above one that replaces every value do not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chain {
    /// Whether child controls of groups limit the settings inside; `None` where it is all the same.
    pub(crate) groups_control: Option<bool>,
    pub(crate) links: Vec<Link>,
}

/// One way in which everything that is not known may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct World {
    /// As in [`Chain`].
    pub(crate) groups_control: Option<bool>,
    /// Whether an emptied list is told as an empty list; `None` where it is all the same.
    pub(crate) empty_is_told: Option<bool>,
    /// For each level of the chain, which of its functions.
    pub(crate) picks: Vec<usize>,
    /// What comes out.
    pub(crate) outcome: Candidate,
}

/// Every world of a place.
#[derive(Clone, Debug)]
pub(crate) struct Worlds {
    pub(crate) list: Vec<World>,
    /// Whether there are no others.
    pub(crate) exhaustive: bool,
}

/// So many worlds are kept of one chain.
const MOST_WORLDS: usize = 512;

/// The chains of a place: one, or two where it matters what child controls of groups do.
pub(crate) fn chains(levels: &Levels, path: &str) -> Vec<Chain> {
    let own = links(levels, path, false);
    let groups = links(levels, path, true);
    if own == groups {
        return vec![Chain { groups_control: None, links: own }];
    }
    vec![
        Chain { groups_control: Some(false), links: own },
        Chain { groups_control: Some(true), links: groups },
    ]
}

fn links(levels: &Levels, path: &str, groups_control: bool) -> Vec<Link> {
    let mut links: Vec<Link> = Vec::new();
    let mut allowed = Operators::EVERY;
    for level in levels.levels() {
        let steps = steps(level, path, allowed);
        if !steps.is_empty() {
            let plain: Vec<Step> = steps.iter().map(|(_, step)| step.clone()).collect();
            let functions = order::functions(&plain);
            if functions.list.iter().all(order::Function::replaces) {
                links.clear();
            }
            links.push(Link { target: level.target.clone(), steps, functions });
        }
        // a child control is for the policies at lower levels, not for those beside it
        for attached in &level.attached {
            let entries = attached.document.entries();
            let own = entries.get(path).and_then(|entry| entry.children);
            allowed = own.map_or(allowed, |own| allowed.and(own));
            if groups_control {
                let above = pointer::ancestors(path).filter_map(|group| entries.get(group)?.children);
                allowed = above.fold(allowed, Operators::and);
            }
        }
    }
    links
}

fn steps(level: &Level, path: &str, allowed: Operators) -> Vec<(String, Step)> {
    let mut steps = Vec::new();
    for attached in &level.attached {
        let Some(entry) = attached.document.entries().get(path) else { continue };
        let Entry { assign, append, remove, .. } = entry;
        let assign = assign.clone().filter(|_| allowed.assign).map(Step::Assign);
        let append = append.clone().filter(|_| allowed.append).map(Step::Append);
        let remove = remove.clone().filter(|_| allowed.remove).map(Step::Remove);
        let policy = attached.policy.as_str();
        steps.extend([assign, append, remove].into_iter().flatten().map(|step| (policy.to_owned(), step)));
    }
    steps
}

impl Chain {
    /// Whether single values and lists meet at the place, which no policy type has.
    pub(crate) fn mixes(&self) -> bool {
        let one = |step: &Step| matches!(step, Step::Assign(SettingValue::One(_)));
        let mut steps = self.links.iter().flat_map(|link| &link.steps).map(|(_, step)| step);
        let mut others = steps.clone();
        steps.any(one) && others.any(|step| !one(step))
    }

    /// Adds the worlds of this chain.
    pub(crate) fn worlds(&self, place: Option<Place>, worlds: &mut Worlds) {
        let mut states = vec![(Vec::new(), State::Absent)];
        for link in &self.links {
            worlds.exhaustive &= link.functions.exhaustive;
            let mut next = Vec::new();
            for (picks, state) in &states {
                for (index, function) in link.functions.list.iter().enumerate() {
                    let mut picks: Vec<usize> = picks.clone();
                    picks.push(index);
                    next.push((picks, function.of(state)));
                }
            }
            if next.len() > MOST_WORLDS {
                next.truncate(MOST_WORLDS);
                worlds.exhaustive = false;
            }
            states = next;
        }
        for (picks, state) in states {
            for (empty_is_told, outcome) in outcomes(&state, place) {
                let picks = picks.clone();
                let groups_control = self.groups_control;
                worlds.list.push(World { groups_control, empty_is_told, picks, outcome });
            }
        }
    }
}

/// What a value is in an effective policy.
fn outcomes(state: &State, place: Option<Place>) -> Vec<(Option<bool>, Candidate)> {
    let many = |items: &Vec<_>| Candidate::Value(SettingValue::Many(items.clone()));
    match state {
        State::Absent => vec![(None, Candidate::Absent)],
        State::One(scalar) => vec![(None, Candidate::Value(SettingValue::One(scalar.clone())))],
        State::Many { items, .. } if !items.is_empty() => vec![(None, many(items))],
        State::Many { items, emptied } => {
            let empty = match place {
                Some(Place::Many(empty)) => empty,
                Some(Place::One) | None => Empty::NotEstablished,
            };
            match (empty, emptied) {
                // as in the guide's example that removes all resource types of enforced_for
                (Empty::Nothing, _) => vec![(None, Candidate::Absent)],
                // as in the guide's example that prevents the use of a tag key
                (Empty::NoValue, false) => vec![(None, many(items))],
                (Empty::NoValue, true) | (Empty::NotEstablished, _) => {
                    vec![(Some(false), Candidate::Absent), (Some(true), many(items))]
                }
            }
        }
    }
}

impl Worlds {
    /// What can come out, each once.
    pub(crate) fn candidates(&self) -> Vec<Candidate> {
        distinct(self.list.iter())
    }
}

/// What comes out of some worlds, each once.
pub(crate) fn distinct<'a>(worlds: impl Iterator<Item = &'a World>) -> Vec<Candidate> {
    let mut seen: BTreeSet<Same> = BTreeSet::new();
    worlds.filter(|world| seen.insert(world.outcome.same())).map(|world| world.outcome.clone()).collect()
}
