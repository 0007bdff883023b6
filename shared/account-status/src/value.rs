//! A cell: its canonical value, or the reason why it is unknown.
//!
//! The read APIs write values with hyphens, policy documents with underscores, and booleans are
//! `true`/`false` here and `enabled`/`disabled` there; all become one spelling, so that the same
//! setting is counted as the same. What looks like an error's text is unknown.

use std::borrow::Cow;

use serde_json::Value as Json;

use crate::{error_text, reasons};

/// Why a cell is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Unknown {
    Blank,
    NotUtf8,
    Nul,
    ErrorText,
    /// The same cell came twice with different values.
    Contradiction,
    /// The last cell of a file whose last line has no end.
    CutOff,
}

impl Unknown {
    pub(crate) const ALL: [Self; 6] =
        [Self::Blank, Self::NotUtf8, Self::Nul, Self::ErrorText, Self::Contradiction, Self::CutOff];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Blank => reasons::BLANK_CELL,
            Self::NotUtf8 => reasons::NOT_UTF8,
            Self::Nul => reasons::NUL_CHARACTER,
            Self::ErrorText => reasons::ERROR_TEXT,
            Self::Contradiction => reasons::CONTRADICTING_ROWS,
            Self::CutOff => reasons::POSSIBLY_CUT_OFF,
        }
    }
}

/// What a cell says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reading<'a> {
    Value(Cow<'a, str>),
    Unknown(Unknown),
}

/// Reads a cell of an attribute in its canonical spelling.
pub(crate) fn read<'a>(attribute: &str, cell: &'a [u8]) -> Reading<'a> {
    let Ok(text) = std::str::from_utf8(cell) else { return Reading::Unknown(Unknown::NotUtf8) };
    let text = text.trim();
    if text.is_empty() {
        return Reading::Unknown(Unknown::Blank);
    }
    if text.contains('\0') {
        return Reading::Unknown(Unknown::Nul);
    }
    if text.starts_with(['{', '['])
        && let Ok(json) = serde_json::from_str::<Json>(text)
    {
        return match error_text::in_json(attribute, &json) {
            true => Reading::Unknown(Unknown::ErrorText),
            false => Reading::Value(Cow::Owned(sorted(json).to_string())),
        };
    }
    if error_text::in_text(attribute, text) {
        return Reading::Unknown(Unknown::ErrorText);
    }
    Reading::Value(canonical(attribute, text))
}

/// Whether a cell may be the beginning of one that reads as the value, or of a longer number. Any
/// spelling of the value is thought of: what is cut is what was written.
pub(crate) fn may_begin(cell: &[u8], value: &str) -> bool {
    let Ok(text) = std::str::from_utf8(cell) else { return true };
    let text = loose(text.trim());
    let is_longer = |written: &str| written.len() > text.len() && written.starts_with(&text);
    let written: &[&str] = match value {
        "enabled" | "allowed" => &["true", "enabled"],
        "disabled" | "not-allowed" => &["false", "disabled"],
        _ => &[],
    };
    text.ends_with(char::is_numeric) || is_longer(&loose(value)) || written.iter().any(|it| is_longer(it))
}

/// One spelling of whatever differs only in case and in what joins its words.
fn loose(text: &str) -> String {
    text.to_lowercase().replace(['_', ' '], "-")
}

/// The same JSON with its members in the order of their names. The order of lists may mean
/// something, and stays.
fn sorted(json: Json) -> Json {
    match json {
        Json::Object(members) => {
            let mut members: Vec<(String, Json)> =
                members.into_iter().map(|(name, value)| (name, sorted(value))).collect();
            members.sort_by(|a, b| a.0.cmp(&b.0));
            Json::Object(members.into_iter().collect())
        }
        Json::Array(items) => Json::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

/// One spelling of a plain value.
fn canonical<'a>(attribute: &str, text: &'a str) -> Cow<'a, str> {
    let exclusions = attribute.ends_with("exclusions_allowed");
    let is_token =
        text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b' '));
    if !is_token {
        return Cow::Borrowed(text);
    }
    let token = if text.bytes().any(|byte| byte.is_ascii_uppercase() || matches!(byte, b'_' | b' ')) {
        Cow::Owned(text.to_ascii_lowercase().replace(['_', ' '], "-"))
    } else {
        Cow::Borrowed(text)
    };
    match (token.as_ref(), exclusions) {
        ("true" | "enabled", true) => Cow::Borrowed("allowed"),
        ("false" | "disabled", true) => Cow::Borrowed("not-allowed"),
        ("true", false) => Cow::Borrowed("enabled"),
        ("false", false) => Cow::Borrowed("disabled"),
        _ => token,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(attribute: &str, cell: &str) -> String {
        match read(attribute, cell.as_bytes()) {
            Reading::Value(value) => value.into_owned(),
            Reading::Unknown(why) => format!("? {}", why.as_str()),
        }
    }

    #[test]
    fn the_same_setting_has_one_spelling() {
        for cell in ["block-new-sharing", "block_new_sharing", "BLOCK_NEW_SHARING", " Block New Sharing "] {
            assert_eq!(value("image_block_public_access", cell), "block-new-sharing");
        }
        for (cell, canonical) in [
            ("true", "enabled"),
            ("TRUE", "enabled"),
            ("enabled", "enabled"),
            ("False", "disabled"),
            ("off", "off"),
            ("-1", "-1"),
            ("2", "2"),
        ] {
            assert_eq!(value("serial_console_access", cell), canonical);
        }
        for (cell, canonical) in [
            ("allowed", "allowed"),
            ("enabled", "allowed"),
            ("not_allowed", "not-allowed"),
            ("false", "not-allowed"),
        ] {
            assert_eq!(value("exclusions_allowed", cell), canonical);
        }
        assert_eq!(value("x", "vpc-012: a/b"), "vpc-012: a/b");
    }

    #[test]
    fn json_is_the_same_in_any_order_and_any_spacing() {
        let one = value("allowed_images_settings", r#"{"state":"enabled","a":{"c":1,"b":[2,1]}}"#);
        let other =
            value("allowed_images_settings", "{ \"a\" : {\"b\":[2,1], \"c\":1},\n\"state\": \"enabled\" }");
        assert_eq!(one, other);
        assert_eq!(one, r#"{"a":{"b":[2,1],"c":1},"state":"enabled"}"#);
        assert_eq!(value("x", "{not json"), "{not json");
    }

    #[test]
    fn what_cannot_be_read_is_unknown_with_its_reason() {
        for cell in ["", "   ", "\t"] {
            assert_eq!(value("x", cell), "? blank cell");
        }
        for cell in [
            "Error: AccessDenied",
            "AccessDeniedException",
            "n/a",
            "NULL",
            "-",
            "Request timed out",
            "OptInRequired",
            r#"{"error":"x"}"#,
            r#"{"errorCode":"AuthFailure"}"#,
            r#"{"Code":"AccessDenied","Message":"no"}"#,
        ] {
            assert_eq!(value("x", cell), "? error text", "{cell}");
        }
        assert_eq!(value("x", "a\0b"), "? NUL character");
        assert_eq!(read("x", b"\xC3\x28"), Reading::Unknown(Unknown::NotUtf8));
    }

    #[test]
    fn a_cell_may_be_the_beginning_of_any_spelling_of_a_longer_value() {
        for (cell, value) in [
            ("block", "block-new-sharing"),
            ("Block_New ", "block-new-sharing"),
            ("Foo", "Foo: bar"),
            ("t", "enabled"),
            ("dis", "not-allowed"),
            ("6", "off"),
            ("a1", "a1"),
        ] {
            assert!(may_begin(cell.as_bytes(), value), "{cell} {value}");
        }
        for (cell, value) in [
            ("off", "off"),
            ("true", "enabled"),
            ("enabled", "allowed"),
            ("block-new-sharing", "block"),
            ("new", "block-new-sharing"),
        ] {
            assert!(!may_begin(cell.as_bytes(), value), "{cell} {value}");
        }
    }

    #[test]
    fn cells_that_a_spreadsheet_would_run_are_values_like_others() {
        for cell in ["=1+1", "+cmd", "@SUM(A1)"] {
            assert_eq!(value("x", cell), cell);
        }
    }
}
