//! A policy's document as IAM sends it: JSON, URL-encoded by RFC 3986.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use serde::de::IgnoredAny;

/// The document as it was written; `None` where that cannot be told: what is not a JSON object after
/// decoding says nothing about what a principal may do.
pub(super) fn decoded(encoded: &str) -> Option<String> {
    // The library leaves a wrong escape as it is, which would be another document.
    let is_escape =
        |rest: &str| rest.as_bytes().get(..2).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
    if !encoded.split('%').skip(1).all(is_escape) {
        return None;
    }
    let text = percent_decode_str(encoded).decode_utf8().ok()?;
    serde_json::from_str::<BTreeMap<String, IgnoredAny>>(&text).ok()?;
    Some(text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_decoded_to_the_text_that_was_written() {
        for (encoded, text) in [
            ("%7B%22Version%22%3A%222012-10-17%22%7D", r#"{"Version":"2012-10-17"}"#),
            // A plus is a plus, and an escaped percent is one.
            ("%7B%0A%20%22a%2Bb+c%22%3A%2225%25%22%7D", "{\n \"a+b+c\":\"25%\"}"),
            ("%7b%22t%22%3a%22%c3%a9%20%24%7Baws%3Ausername%7D%22%7d", r#"{"t":"é ${aws:username}"}"#),
            ("{\"plain\":true}", "{\"plain\":true}"),
        ] {
            assert_eq!(decoded(encoded).as_deref(), Some(text), "{encoded}");
        }
    }

    #[test]
    fn what_is_no_json_object_in_utf_8_is_no_document() {
        for encoded in [
            "",
            "%7B",
            "%7B%22a%22%3A1%7D%7D",
            "%7B%22a%22%3A%22%FF%22%7D",
            "%22text%22",
            "%5B%5D",
            "null",
            // Escapes that are cut off, or none.
            "%7B%22a%22%3A%22%2%22%7D",
            "%7B%22a%22%3A%22%zz%22%7D",
            "{\"a\":\"%",
        ] {
            assert_eq!(decoded(encoded), None, "{encoded}");
        }
    }
}
