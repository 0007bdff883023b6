//! The path of an entity, as the report takes it.

use std::fmt;
use std::str::FromStr;

use models::{AccountId, OrganizationId, TargetId};
use serde::{Deserialize, Serialize};

/// `o-…/r-…[/ou-…][/ACCOUNT]`, 19 to 427 characters, without a slash at its end: with one, AWS accepts
/// the order and fails the job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct EntityPath(String);

/// A path that AWS would not take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the path of an entity (o-…/r-…[/ou-…][/account], 19 to 427 characters)")]
pub(crate) struct InvalidPath(String);

impl EntityPath {
    /// The path that Organizations answers, which ends with a slash.
    pub(crate) fn of(path: &str) -> Result<Self, InvalidPath> {
        path.strip_suffix('/').unwrap_or(path).parse()
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EntityPath {
    type Err = InvalidPath;

    fn from_str(text: &str) -> Result<Self, InvalidPath> {
        let invalid = || InvalidPath(text.chars().take(128).collect());
        let mut parts = text.split('/');
        let organization = parts.next().is_some_and(|part| part.parse::<OrganizationId>().is_ok());
        let root = parts.next().is_some_and(|part| matches!(part.parse(), Ok(TargetId::Root(_))));
        let mut account = false;
        let below = parts.all(|part| match part.parse() {
            // Nothing lies below an account.
            Ok(TargetId::OrganizationalUnit(_)) => !account,
            Ok(TargetId::Account(_)) => !std::mem::replace(&mut account, true),
            _ => false,
        });
        let valid = organization && root && below && (19..=427).contains(&text.len());
        if valid { Ok(Self(text.to_owned())) } else { Err(invalid()) }
    }
}

impl TryFrom<String> for EntityPath {
    type Error = InvalidPath;

    fn try_from(text: String) -> Result<Self, InvalidPath> {
        text.parse()
    }
}

impl From<EntityPath> for String {
    fn from(path: EntityPath) -> Self {
        path.0
    }
}

impl fmt::Display for EntityPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The account at the end of a path, if it is one's.
pub(crate) fn account_of(path: &str) -> Option<AccountId> {
    path.trim_end_matches('/').rsplit('/').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_a_root_a_unit_and_an_account_is_one_and_its_last_slash_is_taken_off() {
        for path in [
            "o-a1b2c3d4e5/r-ab12",
            "o-a1b2c3d4e5/r-ab12/ou-ab12-c3d4e5f6/ou-ab12-c3d4e5f7",
            "o-a1b2c3d4e5/r-ab12/ou-ab12-c3d4e5f6/012345678901",
            "o-a1b2c3d4e5/r-ab12/012345678901",
        ] {
            assert_eq!(EntityPath::of(&format!("{path}/")).unwrap().as_str(), path);
            assert_eq!(path.parse::<EntityPath>().unwrap().as_str(), path);
        }
    }

    #[test]
    fn what_aws_would_refuse_or_fail_is_no_path() {
        let long = format!("o-a1b2c3d4e5/r-ab12{}", "/ou-ab12-c3d4e5f6".repeat(25));
        for path in [
            "",
            "o-a1b2c3d4e5",
            "o-a1b2c3d4e5/",
            "o-a1b2c3d4e5/r-ab12/",
            "o-a1b2c3d4e5/r-ab12//",
            "o-a1b2c3d4e5/ou-ab12-c3d4e5f6",
            "o-a1b2c3d4e5/r-ab12/r-ab12",
            "o-a1b2c3d4e5/r-ab12/012345678901/ou-ab12-c3d4e5f6",
            "o-a1b2c3d4e5/r-ab12/012345678901/012345678902",
            "O-a1b2c3d4e5/r-ab12",
            " o-a1b2c3d4e5/r-ab12",
            &long,
        ] {
            assert!(path.parse::<EntityPath>().is_err(), "{path}");
        }
    }

    #[test]
    fn the_account_of_a_path_is_its_end_if_that_is_one() {
        let account = |path| account_of(path).map(String::from);
        assert_eq!(account("o-a1b2c3d4e5/r-ab12/012345678901/").as_deref(), Some("012345678901"));
        assert_eq!(account("o-a1b2c3d4e5/r-ab12"), None);
    }
}
