//! Texts that tell of an error where a setting should stand.
//!
//! Nobody documents how a setting that could not be read shows, so what tells of errors is
//! recognised wherever it is: the codes of AWS's errors and of its SDKs, the sentences around them,
//! and JSON that holds either. A value that is taken for an error costs a conclusion; an error that
//! is taken for a value would invent one. So the lists are long, and hold nothing that the known
//! settings are spelled with (`unblocked`, `not-allowed`, `update-in-progress`, ...).

use std::borrow::Cow;

use serde_json::{Map, Value as Json};

/// Whole texts that say that there is nothing.
const NOTHING: [&str; 8] =
    ["-", "n/a", "na", "none available", "not applicable", "not available", "null", "unknown"];

/// Members that only an error has. What is in them does not matter: who writes them, even empty,
/// writes of a call and not of a setting.
const ERROR_MEMBERS: [&str; 6] = ["error", "errorcode", "errormessage", "errors", "errortype", "exception"];

/// Texts that people choose and that may speak of errors without being one: the message that a
/// policy shows to whoever it stops (AWS's own says that access is denied), and names of images.
const FREE_TEXTS: [&str; 3] = ["exceptionmessage", "imagenames", "imagenameset"];

/// Words that tell of an error wherever they stand in a text, by the letter they begin with.
fn words(first: u8) -> &'static [&'static str] {
    match first {
        b'e' => &["error", "exceeded", "exception"],
        b'f' => &["failed", "failure", "forbidden"],
        b'i' => &["insufficient", "invalid"],
        b'm' => &["malformed"],
        b't' => &["throttl", "timeout"],
        b'u' => &["unauthorized", "unavailable", "unreachable", "unrecognized"],
        _ => &[],
    }
}

/// Several words, without what joins them: `AccessDenied`, `access denied` and `access_denied` are
/// the same.
fn phrases(first: u8) -> &'static [&'static str] {
    match first {
        b'a' => &["accessdenied"],
        b'b' => &["badgateway"],
        b'c' => &["couldnot"],
        b'd' => &["dryrunoperation"],
        b'e' => &["expiredtoken"],
        b'h' => &["hasexpired"],
        b'i' => &["incompletesignature", "incorrectstate", "internalserver", "isexpired"],
        b'm' => &["missingaction", "missingauthentication", "missingparameter"],
        b'n' => &["nocredential", "nosuch", "notauthorized", "notfound", "notpermitted", "notsubscribed"],
        b'o' => &["optinrequired"],
        b'p' => &["pendingverification", "permissiondenied"],
        b'r' => &["regiondisabled", "requestabort", "requestcancel", "requestexpired"],
        b's' => &["securitytoken", "signaturedoesnotmatch", "slowdown", "subscriptionrequired"],
        b't' => &["timedout", "tokenexpired", "toomanyrequests"],
        b'u' => &["unableto", "unknownoperation", "unknownparameter", "unsupportedoperation"],
        _ => &[],
    }
}

/// Whether the text of a cell or of a JSON member tells of an error or of nothing.
pub(crate) fn in_text(name: &str, text: &str) -> bool {
    let text = text.trim().to_ascii_lowercase();
    if NOTHING.contains(&text.as_str()) {
        return true;
    }
    // A free text may mention errors: only one that begins as an error does is taken for one.
    tells(&text) && (!is_free(name) || text.starts_with("an error occurred") || tells(code(&text)))
}

fn tells(lower: &str) -> bool {
    holds(lower, words) || holds(&joined(lower), phrases)
}

/// Whether JSON stands for an error and not for a setting: by its members, or by a text in it, at any
/// depth. A part that could not be read makes the whole unknown; the texts that people choose may
/// mention errors (see `FREE_TEXTS`), as no other text of a setting does.
pub(crate) fn in_json(name: &str, json: &Json) -> bool {
    match json {
        Json::String(text) => in_text(name, text),
        Json::Array(items) => items.iter().any(|item| in_json(name, item)),
        Json::Object(members) => {
            is_error(members) || members.iter().any(|(name, member)| in_json(name, member))
        }
        Json::Null | Json::Bool(_) | Json::Number(_) => false,
    }
}

/// The object that stands for an error, as AWS's protocols write them: with a code and a message, or
/// under a name of its own.
fn is_error(members: &Map<String, Json>) -> bool {
    let (mut code, mut message) = (false, false);
    for name in members.keys() {
        let name = name.to_ascii_lowercase();
        let name = joined(&name);
        if ERROR_MEMBERS.contains(&name.as_ref()) {
            return true;
        }
        code |= matches!(name.as_ref(), "code" | "statuscode" | "type");
        message |= name == "message";
    }
    code && message
}

fn is_free(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let name = joined(&name);
    FREE_TEXTS.iter().any(|free| name.ends_with(free))
}

/// The error code that a text may begin with: one word, up to a space or a sign behind it. What has
/// other signs within it (`error-pages-*`) is no code.
fn code(text: &str) -> &str {
    let end = text.find(|it: char| it.is_whitespace() || matches!(it, ':' | ',' | ';' | '('));
    let word = &text[..end.unwrap_or(text.len())];
    if word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.') { word } else { "" }
}

/// The text without what joins its words.
fn joined(lower: &str) -> Cow<'_, str> {
    if lower.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Cow::Borrowed(lower);
    }
    Cow::Owned(lower.chars().filter(|it| !it.is_ascii() || it.is_ascii_alphanumeric()).collect())
}

fn holds(text: &str, those: impl Fn(u8) -> &'static [&'static str]) -> bool {
    let text = text.as_bytes();
    text.iter()
        .enumerate()
        .any(|(at, first)| those(*first).iter().any(|word| text[at..].starts_with(word.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> bool {
        in_json("allowed_images_settings", &serde_json::from_str(text).unwrap())
    }

    /// Every spelling that a setting is known to have, as the read APIs, the policies and JSON put it.
    const SETTINGS: [&str; 44] = [
        "account",
        "allowed",
        "amazon",
        "attempt-enforce",
        "attempt-monitor",
        "attempt_enforce",
        "audit-mode",
        "audit_mode",
        "aws_backup_vault",
        "aws_marketplace",
        "block-all-sharing",
        "block-bidirectional",
        "block-ingress",
        "block-new-sharing",
        "block_all_sharing",
        "block_bidirectional",
        "block_ingress",
        "block_new_sharing",
        "declarative-policy",
        "default-state",
        "disabled",
        "enabled",
        "enforce",
        "false",
        "internet_gateway",
        "monitor",
        "nat_gateway",
        "no-preference",
        "no_preference",
        "not-allowed",
        "not_allowed",
        "off",
        "on",
        "optional",
        "required",
        "true",
        "unblocked",
        "unmanaged",
        "update-complete",
        "update-in-progress",
        "UpdateInProgress",
        "-1",
        "64",
        "012345678901",
    ];

    #[test]
    fn no_known_setting_is_taken_for_an_error() {
        for setting in SETTINGS {
            for text in [setting.to_owned(), setting.to_uppercase(), setting.replace(['-', '_'], " ")] {
                assert!(!in_text("x", &text), "{text}");
            }
            assert!(!json(&format!(r#"{{"{setting}":["{setting}"]}}"#)), "{setting}");
        }
        for text in [
            r#"{"state":"enabled","managedBy":"declarative-policy","imageCriterionSet":[{"imageProviderSet":
                ["amazon","012345678901"],"marketplaceProductCodeSet":["abc123"],"imageNameSet":["golden-*"],
                "deprecationTimeCondition":{"maximumDaysSinceDeprecated":0},"imageWatermarkSet":[],
                "creationDateCondition":{"maximumDaysSinceCreated":300},"scanResultCondition":null}]}"#,
            r#"{"httpTokens":"required","httpPutResponseHopLimit":2,"httpEndpoint":"enabled",
                "instanceMetadataTags":"disabled","httpTokensEnforced":"enabled"}"#,
            r#"{"state":"update-complete","internetGatewayBlockMode":"off","exclusionsAllowed":"not-allowed"}"#,
            "{}",
            "[]",
        ] {
            assert!(!json(text), "{text}");
        }
    }

    #[test]
    fn an_error_of_aws_or_of_its_sdks_is_none_of_the_settings() {
        for text in [
            "RequestLimitExceeded: Request limit exceeded.",
            "Rate exceeded",
            "ThrottlingException",
            "TooManyRequestsException",
            "SlowDown",
            "ServiceUnavailable",
            "Service unavailable",
            "service_unavailable",
            "Unavailable: The service is overloaded",
            "The service is currently unavailable.",
            "InternalServerError",
            "Internal Server Exception",
            "InternalServer",
            "InternalFailure",
            "502 Bad Gateway",
            "OptInRequired",
            "You are not subscribed to this service",
            "SubscriptionRequired",
            "InvalidClientTokenId",
            "InvalidParameterValue",
            "InvalidVpcID.NotFound",
            "The security token included in the request is expired",
            "ExpiredToken",
            "ExpiredTokenException",
            "Request has expired.",
            "RequestExpired",
            "SignatureDoesNotMatch",
            "MissingAuthenticationToken",
            "UnrecognizedClientException",
            "AuthFailure",
            "UnauthorizedOperation",
            "Client.UnauthorizedOperation: You are not authorized to perform this operation.",
            "User: arn:aws:iam::012345678901:user/x is not authorized to perform: ec2:GetSerialConsoleAccessStatus",
            "AccessDenied",
            "access denied",
            "Forbidden",
            "PendingVerification",
            "RegionDisabledException",
            "InsufficientInstanceCapacity",
            "UnsupportedOperation",
            "IncorrectState",
            "An error occurred (X) when calling the Y operation",
            "Request timed out",
            "Connect timeout on endpoint URL",
            "Could not connect to the endpoint URL",
            "Unable to locate credentials",
            "{'Code': 'AccessDenied'}",
        ] {
            assert!(in_text("x", text), "{text}");
            assert!(in_text("x", &format!("  {} ", text.to_uppercase())), "{text}");
        }
        for text in ["-", "n/a", "N/A", "null", "Unknown", "not available", "Not applicable"] {
            assert!(in_text("x", text), "{text}");
        }
    }

    #[test]
    fn json_is_an_error_by_its_members_and_by_its_texts_at_any_depth() {
        for text in [
            r#"{"error":"x"}"#,
            r#"{"Error":null}"#,
            r#"{"errorCode":"X"}"#,
            r#"{"error_message":"x"}"#,
            r#"{"Code":"AccessDenied","Message":"x"}"#,
            r#"{"Code":"Strange","Message":"x"}"#,
            r#"{"code":403,"message":"x"}"#,
            r#"{"__type":"com.amazonaws.ec2#Strange","message":"x"}"#,
            r#"{"Response":{"Errors":[{"Code":"X"}]}}"#,
            r#"{"state":"enabled","imageCriterionSet":{"Code":"Strange","Message":"x"}}"#,
            r#"{"state":"ServiceUnavailable"}"#,
            r#"{"state":"n/a"}"#,
            r#"["RequestLimitExceeded"]"#,
            r#"[[{"a":["Rate exceeded"]}]]"#,
        ] {
            assert!(json(text), "{text}");
        }
    }

    #[test]
    fn a_text_that_people_choose_may_mention_errors_and_is_one_only_if_it_begins_as_one() {
        let default =
            "Access is denied by an organizational policy. If this is an error, ask the platform team";
        for (text, is_error) in [
            (default, false),
            ("access denied: see https://wiki/errors", false),
            ("AccessDenied", true),
            ("RequestLimitExceeded: Request limit exceeded.", true),
            ("Error: AccessDenied", true),
            ("An error occurred (AccessDenied) when calling", true),
            ("n/a", true),
        ] {
            for name in ["exception_message", "image_block_public_access.exception_message"] {
                assert_eq!(in_text(name, text), is_error, "{text}");
            }
            let within = serde_json::json!({"state": "enabled", "exceptionMessage": text});
            assert_eq!(in_json("x", &within), is_error, "{within}");
        }
        assert!(in_text("x", default), "in any other attribute it is one");
        for name in ["error-pages-*", "golden-failed-over-?", "prod-error-handler"] {
            let within =
                serde_json::json!({"state": "enabled", "imageCriterionSet": [{"imageNameSet": [name]}]});
            assert!(!in_json("x", &within), "{within}");
        }
    }
}
