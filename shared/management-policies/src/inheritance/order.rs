//! What the policies of one level do to an inherited value, in every order.
//!
//! AWS's guide says that policies of one level are evaluated in the order in which they were
//! attached, and in its example the policy attached first prevails. It does not say how other
//! combinations come out, and the API does not tell the order. So every order of the operators is
//! possible here, and what comes out of one order only is known.
//! <https://docs.aws.amazon.com/organizations/latest/userguide/inheritance-examples.html>

use std::collections::BTreeSet;

use crate::value::{Same, Scalar, SettingValue, add_missing, take_out, texts};

/// One operator with its values, of one policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Assign(SettingValue),
    Append(Vec<Scalar>),
    Remove(Vec<Scalar>),
}

/// A value on its way from the root to the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Absent,
    One(Scalar),
    Many {
        items: Vec<Scalar>,
        /// It is empty because of `@@remove`, and was not assigned so.
        emptied: bool,
    },
}

/// What the operators of one level do together. Every sequence of them comes to this form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Function {
    /// The value that `@@assign` puts in the place of the inherited one.
    assigned: Option<State>,
    /// Otherwise: what is taken out of the inherited list, before
    remove: Vec<Scalar>,
    /// this is added.
    append: Vec<Scalar>,
    /// Whether `@@append` was used: then there is a list, even if it is empty.
    appended: bool,
}

/// What makes two functions the same.
type Key = (Option<(Same, bool)>, BTreeSet<String>, BTreeSet<String>, bool);

impl Function {
    /// Nothing happens.
    pub(crate) fn keep() -> Self {
        Self { assigned: None, remove: Vec::new(), append: Vec::new(), appended: false }
    }

    /// Whether the inherited value does not matter.
    pub(crate) fn replaces(&self) -> bool {
        self.assigned.is_some()
    }

    fn then(&mut self, step: &Step) {
        match (step, &mut self.assigned) {
            (Step::Assign(value), _) => {
                let state = match value.clone() {
                    SettingValue::One(scalar) => State::One(scalar),
                    SettingValue::Many(items) => {
                        let mut distinct = Vec::new();
                        add_missing(&mut distinct, &items);
                        State::Many { items: distinct, emptied: false }
                    }
                };
                *self = Self { assigned: Some(state), ..Self::keep() };
            }
            (Step::Append(more), Some(state)) => *state = state.clone().changed(&[], more, true),
            (Step::Remove(out), Some(state)) => *state = state.clone().changed(out, &[], false),
            (Step::Append(more), None) => {
                add_missing(&mut self.append, more);
                self.appended = true;
            }
            (Step::Remove(out), None) => {
                take_out(&mut self.append, out);
                add_missing(&mut self.remove, out);
            }
        }
    }

    /// The value after this level.
    pub(crate) fn of(&self, inherited: &State) -> State {
        match &self.assigned {
            Some(state) => state.clone(),
            None => inherited.clone().changed(&self.remove, &self.append, self.appended),
        }
    }

    fn key(&self) -> Key {
        let assigned = self.assigned.as_ref().map(|state| (state.same(), state.emptied()));
        let append = texts(&self.append);
        let remove = texts(&self.remove).difference(&append).cloned().collect();
        (assigned, remove, append, self.appended)
    }
}

impl State {
    fn changed(self, out: &[Scalar], more: &[Scalar], appended: bool) -> Self {
        match self {
            Self::Absent if !appended => Self::Absent,
            Self::Absent => {
                let mut items = Vec::new();
                add_missing(&mut items, more);
                Self::Many { emptied: items.is_empty(), items }
            }
            // operators of lists at a single value are kept out before
            Self::One(scalar) => Self::One(scalar),
            Self::Many { mut items, emptied } => {
                let before = items.len();
                take_out(&mut items, out);
                let removed = items.len() < before;
                add_missing(&mut items, more);
                Self::Many { emptied: items.is_empty() && (emptied || removed), items }
            }
        }
    }

    pub(crate) fn emptied(&self) -> bool {
        matches!(self, Self::Many { emptied: true, .. })
    }

    pub(crate) fn same(&self) -> Same {
        match self {
            Self::Absent => Same::Absent,
            Self::One(scalar) => Same::One(scalar.text().into_owned()),
            Self::Many { items, .. } => Same::Many(texts(items)),
        }
    }
}

impl Step {
    fn same(&self) -> (u8, Same) {
        match self {
            Self::Assign(value) => (0, value.same()),
            Self::Append(items) => (1, Same::Many(texts(items))),
            Self::Remove(items) => (2, Same::Many(texts(items))),
        }
    }

    /// Whether the order of two steps makes no difference.
    fn commutes(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Assign(one), Self::Assign(other)) => one.same() == other.same(),
            (Self::Assign(SettingValue::Many(items)), Self::Append(more))
            | (Self::Append(more), Self::Assign(SettingValue::Many(items))) => {
                texts(more).is_subset(&texts(items)) && !items.is_empty()
            }
            (Self::Assign(SettingValue::Many(items)), Self::Remove(out))
            | (Self::Remove(out), Self::Assign(SettingValue::Many(items)))
            | (Self::Append(items), Self::Remove(out))
            | (Self::Remove(out), Self::Append(items)) => texts(items).is_disjoint(&texts(out)),
            (Self::Append(_), Self::Append(_)) | (Self::Remove(_), Self::Remove(_)) => true,
            (Self::Assign(SettingValue::One(_)), Self::Append(_) | Self::Remove(_))
            | (Self::Append(_) | Self::Remove(_), Self::Assign(SettingValue::One(_))) => false,
        }
    }
}

/// What a level can do, over all orders of its operators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Functions {
    /// Each once.
    pub(crate) list: Vec<Function>,
    /// Whether there are no others.
    pub(crate) exhaustive: bool,
    /// Which of the given steps the order matters for.
    pub(crate) conflicting: Vec<bool>,
}

/// So many steps are put into every order: 6! is 720.
const MOST_PERMUTED: usize = 6;
/// So many different functions are kept of one level.
const MOST_FUNCTIONS: usize = 64;

/// Every function that an order of the steps comes to.
pub(crate) fn functions(steps: &[Step]) -> Functions {
    let conflicting: Vec<bool> =
        steps.iter().map(|step| steps.iter().any(|other| !step.commutes(other))).collect();
    // a step that is there twice does the same as its last occurrence alone
    let mut seen = BTreeSet::new();
    let distinct: Vec<(&Step, bool)> = steps
        .iter()
        .zip(&conflicting)
        .filter(|(step, _)| seen.insert(step.same()))
        .map(|(step, conflicts)| (step, *conflicts))
        .collect();
    let mut start = Function::keep();
    distinct.iter().filter(|(_, conflicts)| !conflicts).for_each(|(step, _)| start.then(step));
    let mut open: Vec<&Step> =
        distinct.iter().filter(|(_, conflicts)| *conflicts).map(|(step, _)| *step).collect();

    let mut found = Found { keys: BTreeSet::new(), list: Vec::new(), exhaustive: true };
    if open.iter().all(|step| matches!(step, Step::Assign(_))) && !open.is_empty() {
        // only the last one counts
        open.iter().for_each(|step| found.add(start.clone(), &[step]));
    } else if open.len() <= MOST_PERMUTED {
        let count = open.len();
        permute(&mut open, count, &mut |order| found.add(start.clone(), order));
    } else {
        // too many orders: each step once at the end, and it is said that there are others
        for _ in 0..open.len() {
            found.add(start.clone(), &open);
            open.rotate_left(1);
        }
        found.exhaustive = false;
    }
    Functions { list: found.list, exhaustive: found.exhaustive, conflicting }
}

struct Found {
    keys: BTreeSet<Key>,
    list: Vec<Function>,
    exhaustive: bool,
}

impl Found {
    fn add(&mut self, mut function: Function, order: &[&Step]) {
        order.iter().for_each(|step| function.then(step));
        if self.keys.contains(&function.key()) {
            return;
        }
        if self.list.len() >= MOST_FUNCTIONS {
            self.exhaustive = false;
            return;
        }
        self.keys.insert(function.key());
        self.list.push(function);
    }
}

/// Every order of the first `count` steps, beginning with the given one.
fn permute<'a>(steps: &mut Vec<&'a Step>, count: usize, visit: &mut impl FnMut(&[&'a Step])) {
    if count <= 1 {
        visit(steps);
        return;
    }
    for index in (0..count).rev() {
        steps.swap(index, count - 1);
        permute(steps, count - 1, visit);
        steps.swap(index, count - 1);
    }
}
