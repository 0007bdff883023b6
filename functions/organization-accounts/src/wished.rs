//! An account that is wished for, and by what it is known again.

use std::collections::BTreeMap;
use std::fmt;

use errors::JobError;
use models::{ItemName, RunId, digest};
use organizations::NewAccount;
use serde::{Deserialize, Serialize};

/// The tag with the digest of what was wished for.
pub(crate) const DIGEST_TAG: &str = "muster:digest";
/// Digits of the hash that an item is named by.
const NAME_DIGITS: usize = 16;

/// An account that is wished for.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Wished {
    /// An address that no other account of AWS has.
    pub email: String,
    pub name: String,
    /// The root or unit that it shall lie in; where AWS puts it, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// The role by which the management account administers it; AWS's own if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_name: Option<String>,
    /// `ALLOW` or `DENY`; AWS's own if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iam_user_access_to_billing: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Whether there shall be one in AWS GovCloud (US) beside it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gov_cloud: bool,
}

/// Without the address, which is somebody's.
impl fmt::Debug for Wished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wished").field("parent", &self.parent).finish_non_exhaustive()
    }
}

impl Wished {
    /// Whether an account of this address is the one.
    pub(crate) fn has_email(&self, email: &str) -> bool {
        self.email.eq_ignore_ascii_case(email)
    }

    /// What it is called in records, keys and logs: by a hash of its address.
    pub(crate) fn item_name(&self) -> Result<ItemName, JobError> {
        let hash = digest::sha256(self.email.to_ascii_lowercase());
        let hash = hash.get(..NAME_DIGITS).unwrap_or_default();
        format!("account-{hash}").parse().map_err(JobError::defect)
    }

    /// SHA-256 of everything that is wished, as JSON with sorted keys and without white space.
    pub(crate) fn digest(&self) -> Result<String, JobError> {
        let same = Self { email: self.email.to_ascii_lowercase(), ..self.clone() };
        digest::sha256_of_document(&same).map_err(JobError::defect)
    }

    /// What AWS is asked for in a run's name.
    pub(crate) fn asked_by(&self, run: &RunId, digest: &str) -> NewAccount {
        let mut tags = self.tags.clone();
        tags.insert(RunId::TAG.to_owned(), run.to_string());
        tags.insert(DIGEST_TAG.to_owned(), digest.to_owned());
        NewAccount {
            email: self.email.clone(),
            name: self.name.clone(),
            role_name: self.role_name.clone(),
            iam_user_access_to_billing: self.iam_user_access_to_billing.clone(),
            tags,
        }
    }

    /// The text without this account's address: AWS may repeat it.
    pub(crate) fn redacted(&self, text: &str) -> String {
        let (lower, email) = (text.to_ascii_lowercase(), self.email.to_ascii_lowercase());
        if email.is_empty() || !lower.contains(&email) {
            return text.to_owned();
        }
        let (mut kept, mut from) = (String::with_capacity(text.len()), 0);
        for (at, found) in lower.match_indices(&email) {
            kept.push_str(text.get(from..at).unwrap_or_default());
            kept.push_str("(its address)");
            from = at + found.len();
        }
        kept.push_str(text.get(from..).unwrap_or_default());
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn wished(email: &str) -> Wished {
        serde_json::from_value(json!({"email": email, "name": "Data", "tags": {"team": "data"}})).unwrap()
    }

    #[test]
    fn an_address_counts_whatever_its_case_and_is_in_no_name() {
        let (lower, upper) = (wished("data@example.com"), wished("Data@Example.com"));
        assert_eq!(lower.item_name().unwrap(), upper.item_name().unwrap());
        assert_eq!(lower.digest().unwrap(), upper.digest().unwrap());
        assert!(lower.has_email("DATA@EXAMPLE.COM"));
        assert!(!lower.item_name().unwrap().as_str().contains("data"));
        assert!(!format!("{lower:?}").contains("example"));
    }

    #[test]
    fn everything_that_is_wished_is_in_the_digest() {
        let plain = wished("data@example.com");
        for other in [
            Wished { name: "Other".into(), ..plain.clone() },
            Wished { parent: Some("r-ab12".into()), ..plain.clone() },
            Wished { role_name: Some("Admin".into()), ..plain.clone() },
            Wished { iam_user_access_to_billing: Some("DENY".into()), ..plain.clone() },
            Wished { tags: BTreeMap::new(), ..plain.clone() },
            Wished { gov_cloud: true, ..plain.clone() },
        ] {
            assert_ne!(plain.digest().unwrap(), other.digest().unwrap(), "{other:?}");
        }
    }

    #[test]
    fn an_address_that_aws_repeats_is_taken_out_of_its_text() {
        let text = "The email Data@example.com is taken: data@EXAMPLE.com.";
        let redacted = wished("data@example.com").redacted(text);
        assert_eq!(redacted, "The email (its address) is taken: (its address).");
    }
}
