//! The inheritance operators.
//! <https://docs.aws.amazon.com/organizations/latest/userguide/policy-operators.html>

/// Sets a value, whatever is inherited.
pub(crate) const ASSIGN: &str = "@@assign";
/// Adds values to an inherited list.
pub(crate) const APPEND: &str = "@@append";
/// Takes values out of an inherited list.
pub(crate) const REMOVE: &str = "@@remove";
/// The child control operator: which value-setting operators policies at lower levels may use.
pub(crate) const CHILD_CONTROL: &str = "@@operators_allowed_for_child_policies";
/// The child control operator's value for every operator, which is also the default.
pub(crate) const ALL: &str = "@@all";
/// The child control operator's value for no operator.
pub(crate) const NONE: &str = "@@none";

/// A set of value-setting operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Operators {
    pub(crate) assign: bool,
    pub(crate) append: bool,
    pub(crate) remove: bool,
}

impl Operators {
    pub(crate) const EVERY: Self = Self { assign: true, append: true, remove: true };
    pub(crate) const NO: Self = Self { assign: false, append: false, remove: false };

    /// What both allow. AWS intersects child controls of one level, and no child control gives back
    /// what one above took.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            assign: self.assign && other.assign,
            append: self.append && other.append,
            remove: self.remove && other.remove,
        }
    }

    /// The set that the values of a child control name: `@@all` or `@@none` alone, or one or more
    /// of the value-setting operators. `None` for everything else.
    pub(crate) fn named<'a>(words: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let words: Vec<&str> = words.into_iter().collect();
        match words.as_slice() {
            [] => None,
            [ALL] => Some(Self::EVERY),
            [NONE] => Some(Self::NO),
            several => several.iter().try_fold(Self::NO, |set, word| match *word {
                ASSIGN => Some(Self { assign: true, ..set }),
                APPEND => Some(Self { append: true, ..set }),
                REMOVE => Some(Self { remove: true, ..set }),
                _ => None,
            }),
        }
    }
}

/// Whether a key is meant as an operator.
pub(crate) fn is_operator(key: &str) -> bool {
    key.starts_with("@@")
}

/// Whether a key is one of the three operators that set values.
pub(crate) fn sets_values(key: &str) -> bool {
    matches!(key, ASSIGN | APPEND | REMOVE)
}
