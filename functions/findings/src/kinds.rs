//! The kinds of finding: what each is called, how much it matters, and what to do about it.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    Critical,
    High,
    Medium,
    Low,
    Info,
}

impl Severity {
    /// The gravest first.
    pub(crate) const ALL: [Self; 5] = [Self::Critical, Self::High, Self::Medium, Self::Low, Self::Info];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
            Self::Info => "info",
        }
    }
}

impl FromStr for Severity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let of_word = Self::ALL.into_iter().find(|severity| severity.as_str() == text);
        of_word.ok_or_else(|| {
            let words = Self::ALL.map(Self::as_str).join(", ");
            format!("{text:?} is not one of {words}")
        })
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $title:literal, $severity:ident, $remedy:literal;)*) => {
        /// What a finding says.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub(crate) enum FindingKind {
            $($(#[$doc])* #[serde(rename = $word)] $name,)*
        }

        impl FindingKind {
            pub(crate) const ALL: &[Self] = &[$(Self::$name),*];

            /// The word it has in tables, events and exceptions.
            pub(crate) const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            pub(crate) const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }

            pub(crate) const fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)* }
            }

            /// What to do about it.
            pub(crate) const fn remedy(self) -> &'static str {
                match self { $(Self::$name => $remedy,)* }
            }
        }
    };
}

kinds! {
    /// Two values were seen.
    AttributeNotUniform = "attribute_not_uniform", "Attribute is not uniform", Medium,
        "Look at the accounts that deviate: change them, or except them, before a policy sets the value for all.";
    /// One value everywhere, nothing missing, and a policy can set it.
    AttributeReady = "attribute_ready", "Attribute can be enforced", Info,
        "A declarative policy with this value changes nothing today and keeps it so. Plan it with organization-policies.";
    AccountUnreadable = "account_unreadable", "Account could not be read", High,
        "Look why: a suspended or new account, a role that is missing, a policy that denies the read. Then run the source again.";
    RegionUnreadable = "region_unreadable", "Region of an account could not be read", Medium,
        "Look whether the Region is enabled in the account and whether a policy denies it. Then run the report again.";
    ServiceUnused = "service_unused", "Service is allowed and not used", Low,
        "A service control policy can deny it here. Not used is said of AWS's tracking period, and not of the management account.";
    PrincipalWithoutActivity = "principal_without_activity", "Role or user shows no activity", Medium,
        "Ask its owner whether it is needed; deactivate it before it is removed.";
    PrincipalUnusedServices = "principal_unused_services", "Role or user has services that it does not use", Low,
        "Narrow its policies to what it uses: the generated policy, where there is one, is a beginning.";
    GeneratedPolicyIncomplete = "generated_policy_incomplete", "Generated policy is not complete", Low,
        "Access Analyzer says that it has not seen everything. Do not apply it alone; raise the window or look at the trail.";
    GeneratedPolicyInvalid = "generated_policy_invalid", "Generated policy is not valid", Medium,
        "Access Analyzer finds errors in it. Correct the document before it is used.";
    PolicyNotGenerated = "policy_not_generated", "No policy could be generated", Low,
        "The error names the reason; the next run tries again.";
    EffectivePolicyInvalid = "effective_policy_invalid", "Effective policy is invalid", High,
        "AWS does not apply what the policies come to here. Correct the policies that the errors name.";
    EffectivePolicyDiffers = "effective_policy_differs", "Effective policy is not what is attached", High,
        "What AWS tells is not what the attached policies come to. If they were changed in the last hours, read again; else ask AWS.";
    AccountRequestFailed = "account_request_failed", "Request for an account failed", Medium,
        "The reason is AWS's. Correct what it names and ask again.";
    AccountRequestStuck = "account_request_stuck", "Request for an account is stuck", Medium,
        "AWS takes minutes. After a day, ask AWS Support.";
    QuotaNearlyReached = "quota_nearly_reached", "Quota is nearly reached", Medium,
        "Merge or shorten policies, or attach them elsewhere, before a change is refused.";
    EvidenceMissing = "evidence_missing", "Evidence is missing", High,
        "Nothing is known of this. Run the job, or turn its schedule on.";
    EvidenceIncomplete = "evidence_incomplete", "Evidence is incomplete", Medium,
        "What is missing is unknown. Resume the run with retry, or run it again.";
    EvidenceTooOld = "evidence_too_old", "Evidence is too old", Medium,
        "What it says was so then. Run the job again; look why its last run did not publish.";
    ExceptionExpired = "exception_expired", "Exception has expired", Medium,
        "What it excepted counts again. Mend it, or renew the exception with a reason.";
    ExceptionsUnreadable = "exceptions_unreadable", "Exceptions could not be read", High,
        "No exception is honoured until exceptions.json is valid again.";
}

impl FindingKind {
    pub(crate) fn of(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|kind| kind.as_str() == word).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_has_the_same_word_everywhere() {
        for kind in FindingKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
            assert_eq!(FindingKind::of(kind.as_str()), Some(*kind));
        }
        for severity in Severity::ALL {
            assert_eq!(serde_json::to_value(severity).unwrap(), severity.as_str());
            assert_eq!(severity.as_str().parse(), Ok(severity));
        }
        assert!("High".parse::<Severity>().is_err());
    }
}
