//! What a place of a policy holds.

use crate::kind::PolicyKind;
use crate::pointer;
use crate::syntax::shape::Shape;
use crate::value::Scalar;

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
        match shape(kind, path)? {
            Shape::Choice(_) | Shape::Integer(_) | Shape::Text | Shape::TagKey => Some(Self::One),
            Shape::List(items) => Some(Self::Many(items.empty())),
            Shape::Group(_) | Shape::Numbered | Shape::Rules => None,
        }
    }
}

/// The documented shape of a place.
fn shape(kind: PolicyKind, path: &str) -> Option<&'static Shape> {
    let mut keys = pointer::keys(path);
    if keys.next()? != kind.top_key() {
        return None;
    }
    let mut shape = super::below_top(kind);
    for key in keys {
        shape = shape.member(&key)?;
    }
    Some(shape)
}

/// The value of the setting at a place that somebody else's text stands for: of a choice the word that
/// consists of the same letters and digits, of a number the number. `None` where it is none that AWS
/// documents, or the setting is of another form.
pub fn value_of(kind: PolicyKind, path: &str, text: &str) -> Option<Scalar> {
    match shape(kind, path)? {
        Shape::Choice(words) => {
            let word = words.iter().find(|word| spelled(word) == spelled(text))?;
            Some(Scalar::Text((*word).to_owned()))
        }
        Shape::Integer(range) => {
            let number: i64 = text.trim().parse().ok()?;
            (range.least..=range.most).contains(&number).then(|| Scalar::Number(number.to_string()))
        }
        _ => None,
    }
}

/// The settings of which [`value_of`] can tell a value, by their pointers.
pub(crate) fn settings_of(kind: PolicyKind) -> Vec<String> {
    fn walk(shape: &Shape, path: &str, found: &mut Vec<String>) {
        match shape {
            Shape::Group(members) => {
                for member in *members {
                    walk(&member.shape, &pointer::join(path, member.name), found);
                }
            }
            Shape::Choice(_) | Shape::Integer(_) => found.push(path.to_owned()),
            Shape::Numbered | Shape::Rules | Shape::Text | Shape::TagKey | Shape::List(_) => {}
        }
    }
    let mut found = Vec::new();
    walk(super::below_top(kind), &pointer::join("", kind.top_key()), &mut found);
    found
}

/// A word without what stands between its parts, and without case.
pub fn spelled(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).map(|it| it.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_stands_for_a_value_that_the_setting_can_have_or_for_none() {
        let of = |path: &str, text: &str| value_of(PolicyKind::DeclarativeEc2, path, text);
        let text = |text: &str| Some(Scalar::Text(text.to_owned()));
        let number = |number: &str| Some(Scalar::Number(number.to_owned()));
        let metadata = |name: &str| format!("/ec2_attributes/instance_metadata_defaults/{name}");
        assert_eq!(of(&metadata("http_tokens"), "Required"), text("required"));
        assert_eq!(of(&metadata("http_tokens"), "no-preference"), text("no_preference"));
        assert_eq!(of(&metadata("http_tokens"), "not-configured"), None);
        assert_eq!(of(&metadata("http_put_response_hop_limit"), "-1"), number("-1"));
        assert_eq!(of(&metadata("http_put_response_hop_limit"), "1"), number("1"));
        assert_eq!(of(&metadata("http_put_response_hop_limit"), "65"), None);
        assert_eq!(of("/ec2_attributes/exception_message", "hello"), None);
        assert_eq!(of("/tags/x", "hello"), None);
    }
}
