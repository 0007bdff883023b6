//! What a policy's content may be, by its type.
//!
//! * [`control`]: policies that say who may do what.
//! * [`management`]: documents of settings and operators, and what AWS's pages say of each type's.
//! * [`tag`], [`ec2`]: the syntax of tag policies and of EC2's declarative policies.

mod control;
mod ec2;
mod management;
mod tag;
#[cfg(test)]
mod tests;

use serde_json::Value;

use super::policies::{DECLARATIVE, RCP, SCP, TAG};

/// Why a document is not one of its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) String);

type Checked = Result<(), Malformed>;

fn malformed<T>(why: impl Into<String>) -> Result<T, Malformed> {
    Err(Malformed(why.into()))
}

/// Whether a text is a document of a policy type.
pub(crate) fn check(kind: &str, content: &str) -> Checked {
    let document: Value = serde_json::from_str(content).map_err(|error| Malformed(error.to_string()))?;
    match kind {
        SCP => control::check(&document, control::Kind::Service),
        RCP => control::check(&document, control::Kind::Resource),
        TAG => tag::check(&document),
        DECLARATIVE => ec2::check(&document),
        _ => management::check_any(&document),
    }
}
