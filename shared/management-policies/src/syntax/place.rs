//! What a place of a policy holds.

use crate::kind::PolicyKind;
use crate::pointer;
use crate::syntax::shape::Shape;

/// What an attribute holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// One value.
    One,
    /// A list of values.
    Many(Empty),
}

/// What an empty list means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Empty {
    /// The same as no list: nothing is named, so nothing is enforced or reported.
    Nothing,
    /// No value is acceptable, which is not what no list means. AWS's guide says so of the values of
    /// a tag, in its example that prevents the use of a tag key.
    NoValue,
    /// Not documented.
    NotEstablished,
}

impl Place {
    /// What the place holds, by its pointer with the policy key in any case; `None` where AWS
    /// documents no setting.
    pub(crate) fn of(kind: PolicyKind, path: &str) -> Option<Self> {
        let mut keys = pointer::keys(path);
        if keys.next()? != kind.top_key() {
            return None;
        }
        let mut shape = super::below_top(kind);
        for key in keys {
            shape = shape.member(&key)?;
        }
        match shape {
            Shape::Choice(_) | Shape::Integer(_) | Shape::Text | Shape::TagKey => Some(Self::One),
            Shape::List(items) => Some(Self::Many(items.empty())),
            Shape::Group(_) | Shape::Numbered | Shape::Rules => None,
        }
    }
}
