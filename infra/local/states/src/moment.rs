//! The moments that a Wait may name.

use jiff::Timestamp;

/// Reads `2024-08-18T17:33:00Z`: RFC 3339 with an uppercase T and Z, as AWS has it and stricter than
/// what the library takes. AWS cuts it to whole seconds.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    let (seconds, rest) = text.split_at_checked(19)?;
    let zone = match rest.strip_prefix('.') {
        None => rest,
        Some(fraction) => fraction.trim_start_matches(|it: char| it.is_ascii_digit()),
    };
    let zoned = zone == "Z" || fits(zone, "+00:00") || fits(zone, "-00:00");
    if !zoned || !fits(seconds, "0000-00-00T00:00:00") {
        return None;
    }
    let moment: Timestamp = text.parse().ok()?;
    Timestamp::from_second(moment.as_second()).ok()
}

/// Whether a text has the form, in which 0 stands for any digit.
fn fits(text: &str, form: &str) -> bool {
    let fits = |(byte, form): (u8, u8)| if form == b'0' { byte.is_ascii_digit() } else { byte == form };
    text.len() == form.len() && text.bytes().zip(form.bytes()).all(fits)
}
