//! What AWS documents of the syntax, and the check of a content against it.

mod declarative;
mod items;
pub(crate) mod place;
mod services;
mod settings;
mod shape;
mod tag;

use crate::document::{Document, read_object};
use crate::kind::PolicyKind;
use crate::problem::{Problem, ProblemKind, Problems};

pub(crate) use shape::{Shape, required_members};
pub(crate) use tag::TAG_KEY;

pub(crate) use place::settings_of;
pub use place::{spelled, value_of};

/// Checks a content as it would be given to `CreatePolicy` or `UpdatePolicy`.
///
/// The size of the content, in characters, is not checked here.
///
/// # Errors
///
/// All problems at once, at most [`MAX_PROBLEMS`](crate::MAX_PROBLEMS) of them.
pub fn check(kind: PolicyKind, content: &str) -> Result<Document, Vec<Problem>> {
    let (document, problems) = checked(kind, content)?;
    if problems.is_empty() { Ok(document) } else { Err(problems) }
}

/// Checks a content like [`check`], but lets what is only not established pass, and tells it beside
/// the document. For requests that ask for it explicitly.
///
/// # Errors
///
/// All problems, also those not established, when at least one is [`ProblemKind::Wrong`].
pub fn check_allowing_not_established(
    kind: PolicyKind,
    content: &str,
) -> Result<(Document, Vec<Problem>), Vec<Problem>> {
    let (document, problems) = checked(kind, content)?;
    if problems.iter().any(|problem| problem.kind == ProblemKind::Wrong) {
        return Err(problems);
    }
    Ok((document, problems))
}

fn checked(kind: PolicyKind, content: &str) -> Result<(Document, Vec<Problem>), Vec<Problem>> {
    let node = read_object(content)?;
    let mut problems = Problems::default();
    shape::check_top(kind, &node, &mut problems);
    Ok((Document::of(kind, &node), problems.finish()))
}

/// The shape of what stands below the top key.
pub(crate) fn below_top(kind: PolicyKind) -> &'static Shape {
    match kind {
        PolicyKind::DeclarativeEc2 => &declarative::EC2_ATTRIBUTES,
        PolicyKind::Tag => &tag::TAGS,
    }
}
