//! The names that become parts of ARNs.

/// Whether a text may name a machine, an execution or a Map: 1 to so many characters, none of those
/// that AWS forbids.
pub(crate) fn is_name(text: &str, most: usize) -> bool {
    let forbidden =
        |it: char| it.is_whitespace() || it.is_control() || "<>{}[]?*\"#%\\^|~`$&,;:/".contains(it);
    (1..=most).contains(&text.chars().count()) && !text.chars().any(forbidden)
}
