//! How many there may be (user guide, "Quotas and service limits").

use super::policies::{RCP, SCP};

/// The most characters of a policy's content, white space among them. What later types than those that
/// the page names may have is taken to be what most have.
pub(crate) fn content(kind: &str) -> usize {
    match kind {
        SCP => 10_240,
        RCP => 5_120,
        "AISERVICES_OPT_OUT_POLICY" => 2_500,
        _ => 10_000,
    }
}

/// The most policies of a type, besides AWS's own.
pub(crate) fn policies(kind: &str) -> usize {
    match kind {
        SCP => 10_000,
        RCP => 2_000,
        _ => 1_000,
    }
}

/// The most policies of a type at one root, unit or account.
pub(crate) fn attachments(kind: &str) -> usize {
    match kind {
        RCP | "CHATBOT_POLICY" | "AISERVICES_OPT_OUT_POLICY" => 5,
        _ => 10,
    }
}

/// The most tags of a resource.
pub(crate) const TAGS: usize = 50;
