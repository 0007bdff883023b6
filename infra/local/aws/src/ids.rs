//! Ids as UUIDs have them.

use crate::organization::mix;

/// 36 characters, the same for the same number.
pub(crate) fn uuid(number: u64) -> String {
    let first = mix(number);
    let second = mix(first);
    format!(
        "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
        first >> 32,
        (first >> 16) & 0xFFFF,
        first & 0xFFF,
        second >> 52,
        second & 0xFFFF_FFFF_FFFF
    )
}
