//! What the tests of the calls share, and what holds for each of them.

use super::*;
use crate::canned::{Canned, config};

pub(super) const ROLE: &str = "arn:aws:iam::012345678901:role/team/reader";

/// A caller who is given these answers.
pub(super) fn iam(answers: Vec<(u16, String)>) -> (Iam, Canned) {
    let (config, canned) = config(answers);
    (Iam::new(&config), canned)
}

/// The answer of an operation, with the marker of the next page.
pub(super) fn answer(operation: &str, members: &str, marker: Option<&str>) -> (u16, String) {
    let marker = marker.map(|it| format!("<Marker>{it}</Marker>")).unwrap_or_default();
    let text = format!(
        "<{operation}Response xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><{operation}Result>{members}\
         <IsTruncated>{}</IsTruncated>{marker}</{operation}Result></{operation}Response>",
        !marker.is_empty()
    );
    (200, text)
}

/// The same, saying that there is more and not where.
pub(super) fn cut_off(answer: (u16, String)) -> (u16, String) {
    (answer.0, answer.1.replace("<IsTruncated>false", "<IsTruncated>true"))
}

pub(super) fn error(status: u16, code: &str) -> (u16, String) {
    let text = format!(
        "<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><Error><Type>Sender</Type>\
         <Code>{code}</Code><Message>why</Message></Error></ErrorResponse>"
    );
    (status, text)
}

/// What each of the calls makes of an error.
async fn errors(status: u16, code: &str) -> [JobError; 4] {
    let job = "00000000-0000-4000-8000-000000000001";
    let one = || iam(vec![error(status, code)]).0;
    [
        one().described().await.unwrap_err(),
        one().order(ROLE).await.unwrap_err(),
        one().standing(job).await.unwrap_err(),
        one().granting(ROLE, vec!["s3".to_owned()]).await.unwrap_err(),
    ]
}

#[tokio::test]
async fn a_refusal_names_the_member_role_and_its_template() {
    for error in errors(403, "AccessDenied").await {
        assert_eq!(error.name(), ErrorName::Denied);
        let text = error.to_string();
        assert!(text.contains("member role") && text.contains("infra/roles/member-roles.yaml"), "{text}");
        assert!(text.contains("AccessDenied: why (request id r-1)"), "{text}");
    }
}

#[tokio::test]
async fn a_throttle_and_a_server_error_may_pass() {
    for error in errors(400, "Throttling").await {
        assert_eq!(error.name(), ErrorName::Throttled, "{error}");
    }
    for error in errors(500, "ServiceFailure").await {
        assert_eq!(error.name(), ErrorName::Transient, "{error}");
    }
}

#[tokio::test]
async fn a_principal_that_was_removed_is_gone_and_named() {
    let ordered = iam(vec![error(404, "NoSuchEntity")]).0.order(ROLE).await.unwrap_err();
    let listed =
        iam(vec![error(404, "NoSuchEntity")]).0.granting(ROLE, vec!["s3".to_owned()]).await.unwrap_err();
    for error in [ordered, listed] {
        assert_eq!(error.name(), ErrorName::Gone);
        assert!(error.to_string().contains(ROLE), "{error}");
    }
}
