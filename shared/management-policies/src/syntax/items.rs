//! The values of lists.

use crate::problem::{ProblemKind, shown};
use crate::syntax::place::Empty;
use crate::syntax::services;

/// What a list holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Items {
    /// Who may provide images.
    ImageProviders,
    /// Names of images, with wildcards.
    ImageNames,
    /// Product codes of AWS Marketplace.
    ProductCodes,
    /// Values of a tag.
    TagValues,
    /// Resource types that a tag's rules are enforced for.
    EnforcedFor,
    /// Resource types for which a missing tag is reported.
    RequiredFor,
}

/// A value's problem: of which kind, and what.
type Found = Option<(ProblemKind, String)>;

impl Items {
    pub(crate) fn allowed(self) -> &'static str {
        match self {
            Self::ImageProviders => "12-digit account ids, amazon, aws_marketplace, aws_backup_vault",
            Self::ImageNames => {
                "names of 1 to 128 letters, digits, spaces and ( ) [ ] . / - ' @ _ * ?, at least 3 with ?"
            }
            Self::ProductCodes => "product codes of 1 to 25 letters and digits",
            Self::TagValues => "strings with at most one * each",
            Self::EnforcedFor => "service:ALL_SUPPORTED, service:* or service:resource-type",
            Self::RequiredFor => "service:ALL_SUPPORTED or service:resource-type",
        }
    }

    pub(crate) fn empty(self) -> Empty {
        match self {
            Self::ImageProviders | Self::ImageNames | Self::ProductCodes => Empty::NotEstablished,
            Self::TagValues => Empty::NoValue,
            Self::EnforcedFor | Self::RequiredFor => Empty::Nothing,
        }
    }

    /// The most values. EC2 takes so many in one criterion:
    /// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ImageCriterionRequest.html>
    pub(crate) fn most(self) -> Option<usize> {
        match self {
            Self::ImageProviders => Some(200),
            Self::ImageNames | Self::ProductCodes => Some(50),
            Self::TagValues | Self::EnforcedFor | Self::RequiredFor => None,
        }
    }

    /// Whether numbers and the like are only not established. The guide's samples of tag policies
    /// write every value as a string, but nowhere does it exclude others.
    pub(crate) fn takes_other_scalars(self) -> bool {
        self == Self::TagValues
    }

    pub(crate) fn problem(self, text: &str) -> Found {
        match self {
            Self::ImageProviders => image_provider(text),
            Self::ImageNames => image_name(text),
            Self::ProductCodes => product_code(text),
            Self::TagValues => tag_value(text),
            Self::EnforcedFor => resource_type(text, true),
            Self::RequiredFor => resource_type(text, false),
        }
    }
}

fn wrong(text: &str) -> Found {
    Some((ProblemKind::Wrong, format!("it is {}", shown(text))))
}

fn image_provider(text: &str) -> Found {
    let account = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    if account || matches!(text, "amazon" | "aws_marketplace" | "aws_backup_vault") {
        return None;
    }
    if text == "none" {
        // EC2's API has it, the guide to policies does not
        let what = "AWS documents none for EC2's own setting, and not for policies";
        return Some((ProblemKind::NotEstablished, what.to_owned()));
    }
    wrong(text)
}

fn image_name(text: &str) -> Found {
    let length = text.chars().count();
    let least = if text.contains('?') { 3 } else { 1 };
    let known = |character: char| character.is_ascii_alphanumeric() || "()[]./-'@_*? ".contains(character);
    if (least..=128).contains(&length) && text.chars().all(known) { None } else { wrong(text) }
}

fn product_code(text: &str) -> Found {
    let fits = (1..=25).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if fits { None } else { wrong(text) }
}

/// "You can use only one wildcard per tag value." A value of a tag has at most 256 characters.
fn tag_value(text: &str) -> Found {
    if text.matches('*').count() > 1 {
        return Some((ProblemKind::Wrong, format!("{} has more than one wildcard", shown(text))));
    }
    if text.chars().count() > 256 {
        let what = format!("{} is longer than the 256 characters that a tag's value has", shown(text));
        return Some((ProblemKind::NotEstablished, what));
    }
    None
}

/// "You can't use a wildcard to specify all services or to specify a resource for all services."
/// The page on syntax shows `service:ALL_SUPPORTED`, the inheritance examples and the older page
/// show `service:*`, for enforcement only.
fn resource_type(text: &str, enforced: bool) -> Found {
    let Some((service, resource)) = text.split_once(':') else { return wrong(text) };
    let word = |word: &str, more: &str| {
        !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
    };
    if !word(service, "-") || service.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return wrong(text);
    }
    if resource == "*" {
        if !enforced {
            let what = format!("AWS documents {} for enforced_for only", shown(text));
            return Some((ProblemKind::NotEstablished, what));
        }
    } else if !word(resource, "-_/.") {
        return wrong(text);
    }
    if enforced && !services::is_listed(service) {
        let what = format!("{} is not among the services known to support enforcement", shown(service));
        return Some((ProblemKind::NotEstablished, what));
    }
    None
}
