//! A role that every account has alike, as a StackSet makes it.

use std::fmt;
use std::str::FromStr;

use crate::id::{AccountId, InvalidId, RoleArn};

const EXPECTED: &str =
    "the ARN of a role in every account (such as arn:aws:iam::*:role/MusterPolicyGeneration)";

/// `arn:PARTITION:iam::*:role/PATH/NAME`: the role of this path and name, in whichever account. The
/// text is what a policy has as `Resource` that allows to take it on, or to pass it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MemberRole {
    text: String,
    /// The role of some account.
    role: RoleArn,
}

impl MemberRole {
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The role of this account.
    pub fn in_account(&self, account: &AccountId) -> RoleArn {
        self.role.in_account(account)
    }
}

impl FromStr for MemberRole {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        // In another place an asterisk would be the role of another name.
        let role = match text.split_once(":iam::*:") {
            Some((partition, role)) if !role.contains(['*', '?']) => {
                format!("{partition}:iam::000000000000:{role}").parse().ok()
            }
            _ => None,
        };
        role.map(|role| Self { text: text.to_owned(), role }).ok_or_else(|| InvalidId::new(text, EXPECTED))
    }
}

impl fmt::Display for MemberRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn it_names_the_same_role_in_every_account() {
        let account: AccountId = "012345678901".parse().unwrap();
        for (text, arn) in [
            (
                "arn:aws:iam::*:role/MusterPolicyGeneration",
                "arn:aws:iam::012345678901:role/MusterPolicyGeneration",
            ),
            ("arn:aws-us-gov:iam::*:role/a/b/c", "arn:aws-us-gov:iam::012345678901:role/a/b/c"),
        ] {
            let role: MemberRole = text.parse().unwrap();
            assert_eq!((role.as_str(), role.to_string().as_str()), (text, text));
            assert_eq!(role.in_account(&account).as_str(), arn);
            assert_eq!(role.in_account(&account).account(), account);
        }
    }

    #[test]
    fn an_asterisk_stands_for_the_account_and_for_nothing_else() {
        for text in [
            "",
            "*",
            "arn:aws:iam::012345678901:role/MusterPolicyGeneration",
            "arn:aws:iam::*:role/Muster*",
            "arn:aws:iam::*:role/Muste?",
            "arn:aws:iam::*:role/",
            "arn:aws:iam::*:user/MusterPolicyGeneration",
            "arn:*:iam::*:role/MusterPolicyGeneration",
            "arn:aws:iam::*:role/*:iam::*:role/x",
            "arn:aws:iam::0123*:role/MusterPolicyGeneration",
            "x:iam::*:role/MusterPolicyGeneration",
        ] {
            let refused = text.parse::<MemberRole>().unwrap_err();
            assert_eq!(refused.expected, EXPECTED, "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_accepted_is_a_role_of_the_account_that_is_asked_for(
            name in "[ -~]{1,80}", account in "[0-9]{12}",
        ) {
            let account: AccountId = account.parse().unwrap();
            if let Ok(role) = format!("arn:aws:iam::*:role/{name}").parse::<MemberRole>() {
                let arn = role.in_account(&account);
                prop_assert_eq!(arn.as_str().parse(), Ok(arn.clone()));
                prop_assert_eq!(arn.account(), account);
            }
        }
    }
}
