//! Identifiers. Each type holds only what AWS's own pattern allows, anchored at both ends; where
//! AWS documents none, the type says so and keeps to what is safe in a key and a log line.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::digest;

/// A text that is not the identifier it was given as.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} is not {expected}")]
pub struct InvalidId {
    /// The text, cut to 128 characters: it may be hostile and may be long.
    pub value: String,
    /// What it should have been, with an example.
    pub expected: &'static str,
}

impl InvalidId {
    pub(crate) fn new(value: &str, expected: &'static str) -> Self {
        Self { value: value.chars().take(128).collect(), expected }
    }
}

/// `[0-9a-z]`, the alphabet of most Organizations ids.
fn lower_alphanumeric(byte: u8) -> bool {
    byte.is_ascii_digit() || byte.is_ascii_lowercase()
}

fn all(text: &str, lengths: std::ops::RangeInclusive<usize>, allowed: fn(u8) -> bool) -> bool {
    lengths.contains(&text.len()) && text.bytes().all(allowed)
}

/// Declares a validated text newtype: `FromStr`, `Display`, `AsRef<str>` and serde as a string.
macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $expected:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let valid: fn(&str) -> bool = $valid;
                if valid(text) { Ok(Self(text.to_owned())) } else { Err(InvalidId::new(text, $expected)) }
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

text_id! {
    /// `^\d{12}$`. Leading zeros are part of it, so it is never a number.
    AccountId, "an account id (12 digits, such as 012345678901)",
    |text| all(text, 12..=12, |byte| byte.is_ascii_digit())
}

impl AccountId {
    /// The account id in a text that a spreadsheet may have turned into a number: 8 to 12 digits,
    /// the lost leading zeros put back. Fewer digits are more likely a count than an id.
    pub fn from_digits(text: &str) -> Option<Self> {
        all(text, 8..=12, |byte| byte.is_ascii_digit()).then(|| Self(format!("{text:0>12}")))
    }
}

text_id! {
    /// `^o-[a-z0-9]{10,32}$`.
    OrganizationId, "an organization id (such as o-a1b2c3d4e5)",
    |text| text.strip_prefix("o-").is_some_and(|rest| all(rest, 10..=32, lower_alphanumeric))
}

text_id! {
    /// `arn:PARTITION:iam::ACCOUNT:role/PATH/NAME`, at most 2,048 characters.
    RoleArn, "the ARN of a role (such as arn:aws:iam::012345678901:role/reader)",
    |text| {
        let mut parts = text.splitn(6, ':');
        let mut part = || parts.next().unwrap_or_default();
        text.len() <= 2_048
            && part() == "arn"
            && part().parse::<Partition>().is_ok()
            && part() == "iam"
            && part().is_empty()
            && part().parse::<AccountId>().is_ok()
            && part().strip_prefix("role/").is_some_and(|name| all(name, 1..=576, |byte| byte.is_ascii_graphic()))
    }
}

impl RoleArn {
    /// The account that the role is in.
    pub fn account(&self) -> AccountId {
        // The pattern above holds, so the fifth part is an account id.
        AccountId(self.0.split(':').nth(4).unwrap_or_default().to_owned())
    }

    /// The role of the same path and name in another account.
    pub fn in_account(&self, account: &AccountId) -> Self {
        let mut parts: Vec<&str> = self.0.splitn(6, ':').collect();
        if let Some(part) = parts.get_mut(4) {
            *part = account.as_str();
        }
        Self(parts.join(":"))
    }
}

text_id! {
    /// `^r-[0-9a-z]{4,32}$`.
    RootId, "a root id (such as r-ab12)",
    |text| text.strip_prefix("r-").is_some_and(|rest| all(rest, 4..=32, lower_alphanumeric))
}

text_id! {
    /// `^ou-[0-9a-z]{4,32}-[a-z0-9]{8,32}$`.
    OrganizationalUnitId, "an organizational unit id (such as ou-ab12-c3d4e5f6)",
    |text| text
        .strip_prefix("ou-")
        .and_then(|rest| rest.split_once('-'))
        .is_some_and(|(root, unit)| all(root, 4..=32, lower_alphanumeric) && all(unit, 8..=32, lower_alphanumeric))
}

text_id! {
    /// `^p-[0-9a-zA-Z_]{8,128}$`: a policy of Organizations.
    PolicyId, "a policy id (such as p-a1b2c3d4)",
    |text| text.strip_prefix("p-").is_some_and(|rest| all(rest, 8..=128, |byte| byte.is_ascii_alphanumeric() || byte == b'_'))
}

text_id! {
    /// `^car-[a-z0-9]{8,32}$`: a request for a new account.
    AccountRequestId, "an account request id (such as car-a1b2c3d4)",
    |text| text.strip_prefix("car-").is_some_and(|rest| all(rest, 8..=32, lower_alphanumeric))
}

text_id! {
    /// `^[a-z]{2,4}(-[a-z]+)+-\d$`, the form of every Region in every partition so far.
    Region, "a Region (such as eu-central-1)",
    |text| {
        let mut parts = text.split('-');
        let area = parts.next().is_some_and(|area| all(area, 2..=4, |byte| byte.is_ascii_lowercase()));
        let Some(number) = parts.next_back() else { return false };
        let words: Vec<&str> = parts.collect();
        area && all(number, 1..=1, |byte| byte.is_ascii_digit())
            && !words.is_empty()
            && words.iter().all(|word| all(word, 1..=16, |byte| byte.is_ascii_lowercase()))
    }
}

text_id! {
    /// `aws`, `aws-cn`, `aws-us-gov` or one of the isolated partitions.
    Partition, "a partition (such as aws)",
    |text| text == "aws" || text.strip_prefix("aws-").is_some_and(|rest| all(rest, 2..=16, |byte| byte.is_ascii_lowercase() || byte == b'-'))
}

text_id! {
    /// The id of a declarative policies report. AWS shows the form `p-xxxxxxxxxx` and documents no
    /// pattern; `p-` and a safe alphabet is all that is asked for.
    ReportId, "a report id (such as p-0a1b2c3d4e)",
    |text| text.strip_prefix("p-").is_some_and(|rest| all(rest, 1..=64, |byte| byte.is_ascii_alphanumeric()))
}

text_id! {
    /// A general purpose bucket's name, by S3's naming rules.
    BucketName, "a bucket name (3 to 63 lower-case letters, digits, hyphens and dots)",
    |text| {
        let label = |byte: u8| lower_alphanumeric(byte) || byte == b'-';
        let labels: Vec<&str> = text.split('.').collect();
        let address = labels.len() == 4 && labels.iter().all(|part| all(part, 1..=3, |byte| byte.is_ascii_digit()));
        (3..=63).contains(&text.len())
            && !address
            && labels.iter().all(|part| all(part, 1..=63, label) && !part.starts_with('-') && !part.ends_with('-'))
    }
}

text_id! {
    /// The beginning of object keys: segments of S3's safe characters, without a slash at either
    /// end, an empty segment, `.` or `..`. At most 512 bytes, so that a file name fits behind it.
    KeyPrefix, "a key prefix (such as raw/reports: letters, digits and !-_.*'()= in segments, no slash at either end)",
    |text| {
        let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"!-_.*'()=".contains(&byte);
        (1..=512).contains(&text.len())
            && text.split('/').all(|part| all(part, 1..=512, safe) && part != "." && part != "..")
    }
}

impl KeyPrefix {
    /// This prefix and one more segment below it. `None` when that would break the rules.
    pub fn join(&self, segment: &str) -> Option<Self> {
        format!("{}/{segment}", self.0).parse().ok()
    }
}

text_id! {
    /// One item of a run: the name of its record, marker and parts.
    ItemName, "an item name (1 to 128 letters, digits, hyphens, underscores and dots)",
    |text| all(text, 1..=128, |byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) && text.bytes().any(|byte| byte != b'.')
}

text_id! {
    /// One run: when it was due, to the second, and eight hexadecimal digits of what started it.
    /// Sorts by time; safe in a key, an execution name and a tag.
    RunId, "a run id (such as 20261121T063000Z-9f86d081)",
    |text| {
        let Some((time, hash)) = text.split_once('-') else { return false };
        let bytes = time.as_bytes();
        bytes.len() == 16
            && bytes.iter().enumerate().all(|(index, byte)| match index {
                8 => *byte == b'T',
                15 => *byte == b'Z',
                _ => byte.is_ascii_digit(),
            })
            && all(hash, 8..=8, |byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    }
}

impl RunId {
    /// The tag that says which run has made something in AWS.
    pub const TAG: &str = "muster:run-id";

    /// The run that `cause` (an execution's ARN, a schedule's machine) is at `due`. The same
    /// arguments give the same id: a repeated step finds its own run again.
    pub fn derive(due: Timestamp, cause: &str) -> Self {
        let digest = digest::sha256(cause);
        let hash = digest.get(..8).unwrap_or_default();
        Self(format!("{}-{hash}", due.strftime("%Y%m%dT%H%M%SZ")))
    }
}

/// What a report or a policy is about: a root, an organizational unit or an account.
///
/// The model's own pattern for it is not anchored, so each arm is checked whole.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum TargetId {
    Root(RootId),
    OrganizationalUnit(OrganizationalUnitId),
    Account(AccountId),
}

impl TargetId {
    pub fn as_str(&self) -> &str {
        match self {
            Self::Root(id) => id.as_str(),
            Self::OrganizationalUnit(id) => id.as_str(),
            Self::Account(id) => id.as_str(),
        }
    }
}

impl FromStr for TargetId {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        text.parse()
            .map(Self::Root)
            .or_else(|_| text.parse().map(Self::OrganizationalUnit))
            .or_else(|_| text.parse().map(Self::Account))
            .map_err(|_| {
                InvalidId::new(
                    text,
                    "a target: a root (r-ab12), an organizational unit (ou-ab12-c3d4e5f6) or an account (012345678901)",
                )
            })
    }
}

impl TryFrom<String> for TargetId {
    type Error = InvalidId;
    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl From<TargetId> for String {
    fn from(id: TargetId) -> String {
        id.as_str().to_owned()
    }
}

impl fmt::Display for TargetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn accepts<T: FromStr>(texts: &[&str]) {
        for text in texts {
            assert!(text.parse::<T>().is_ok(), "{text:?} should be accepted");
        }
    }

    fn refuses<T: FromStr>(texts: &[&str]) {
        for text in texts {
            assert!(text.parse::<T>().is_err(), "{text:?} should be refused");
        }
    }

    #[test]
    fn identifiers_follow_awss_patterns_from_end_to_end() {
        accepts::<AccountId>(&["012345678901"]);
        refuses::<AccountId>(&[
            "",
            "12345678901",
            "0123456789012",
            "01234567890a",
            "012345678901\n",
            "٠١٢٣٤٥٦٧٨٩٠١",
        ]);
        accepts::<OrganizationId>(&["o-a1b2c3d4e5"]);
        refuses::<OrganizationId>(&["o-a1b2c3d4e", "o-A1b2c3d4e5", "xo-a1b2c3d4e5"]);
        accepts::<RoleArn>(&[
            "arn:aws:iam::012345678901:role/reader",
            "arn:aws-us-gov:iam::012345678901:role/a/b/reader",
        ]);
        refuses::<RoleArn>(&[
            "",
            "reader",
            "arn:aws:iam::012345678901:role/",
            "arn:aws:iam::012345678901:user/reader",
            "arn:aws:iam:eu-central-1:012345678901:role/reader",
            "arn:aws:iam::1:role/reader",
            "arn:aws:iam::012345678901:role/a reader",
        ]);
        accepts::<RootId>(&["r-ab12", "r-0123456789abcdefghijklmnopqrstuv"]);
        refuses::<RootId>(&["r-ab1", "r-AB12", "r-ab12/", " r-ab12"]);
        accepts::<OrganizationalUnitId>(&["ou-ab12-c3d4e5f6"]);
        refuses::<OrganizationalUnitId>(&[
            "ou-ab12",
            "ou-ab12-c3d4e5f",
            "ou-ab12-c3d4e5f6-x",
            "ou-ab12-c3d4e5f6\0",
        ]);
        accepts::<Region>(&["eu-central-1", "us-gov-east-1", "us-isob-east-1", "ap-southeast-7"]);
        refuses::<Region>(&["eu-central", "eu-central-12", "EU-central-1", "eu--1", "e-central-1", "global"]);
        accepts::<Partition>(&["aws", "aws-cn", "aws-us-gov", "aws-iso-b"]);
        refuses::<Partition>(&["", "aws-", "amazon", "aws_cn"]);
        accepts::<ReportId>(&["p-0a1b2c3d4e"]);
        refuses::<ReportId>(&["p-", "r-0a1b2c3d4e", "p-../x"]);
    }

    #[test]
    fn bucket_names_and_prefixes_cannot_leave_their_place() {
        accepts::<BucketName>(&["abc", "my-bucket.with-dots", "0-0"]);
        refuses::<BucketName>(&["ab", "Bucket", "-abc", "abc-", "a..b", "192.168.0.1", "a_b"]);
        accepts::<KeyPrefix>(&["raw", "raw/reports/2026", "a=b/c"]);
        refuses::<KeyPrefix>(&["", "/raw", "raw/", "a//b", "a/../b", "./a", "a b", "a/\u{e9}"]);
        accepts::<ItemName>(&["r-ab12", "012345678901.eu-central-1"]);
        refuses::<ItemName>(&["", ".", "..", "a/b", "a b"]);
    }

    #[test]
    fn a_target_is_a_root_a_unit_or_an_account_and_nothing_else() {
        assert!(matches!("r-ab12".parse(), Ok(TargetId::Root(_))));
        assert!(matches!("ou-ab12-c3d4e5f6".parse(), Ok(TargetId::OrganizationalUnit(_))));
        assert!(matches!("012345678901".parse(), Ok(TargetId::Account(_))));
        refuses::<TargetId>(&["p-12345678", "r-ab12 or 012345678901", "012345678901x", ""]);
    }

    #[test]
    fn a_spreadsheets_number_becomes_an_account_id_again() {
        let padded = AccountId::from_digits("1234567890").map(String::from);
        assert_eq!(padded.as_deref(), Some("001234567890"));
        assert_eq!(AccountId::from_digits("1234567"), None);
        assert_eq!(AccountId::from_digits("1.23457E+11"), None);
    }

    #[test]
    fn a_run_id_is_the_same_for_the_same_cause_and_sorts_by_time() {
        let due: Timestamp = "2026-11-21T06:30:00Z".parse().unwrap();
        let later: Timestamp = "2026-11-21T06:30:01Z".parse().unwrap();
        let id = RunId::derive(due, "arn:aws:states:eu-central-1:012345678901:execution:m:n");
        assert_eq!(id, RunId::derive(due, "arn:aws:states:eu-central-1:012345678901:execution:m:n"));
        assert_ne!(id, RunId::derive(due, "another"));
        assert!(id < RunId::derive(later, "another"));
        assert_eq!(id.as_str().parse(), Ok(id.clone()));
        refuses::<RunId>(&["20261121T063000Z", "20261121T063000Z-9F86D081", "2026-11-21T06:30:00Z-9f86d081"]);
    }

    proptest! {
        #[test]
        fn no_text_makes_an_identifier_panic_or_change(text in "\\PC*") {
            if let Ok(id) = text.parse::<TargetId>() { prop_assert_eq!(id.as_str(), &text); }
            if let Ok(id) = text.parse::<Region>() { prop_assert_eq!(id.as_str(), &text); }
            if let Ok(id) = text.parse::<KeyPrefix>() { prop_assert_eq!(id.as_str(), &text); }
            if let Ok(id) = text.parse::<BucketName>() { prop_assert_eq!(id.as_str(), &text); }
        }
    }
}
