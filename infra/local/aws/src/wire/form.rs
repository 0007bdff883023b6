//! What IAM's operations have in common: members that must be there, pages, and their refusals.

use super::ApiError;
use super::query::Form;

pub(crate) fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new(400, "ValidationError", message)
}

/// A member whose value the model does not allow.
pub(crate) fn constraint(name: &str, value: &str, must: &str) -> ApiError {
    invalid(format!("Value '{value}' at '{name}' failed to satisfy constraint: Member must be {must}"))
}

pub(crate) fn unknown_operation(operation: &str) -> ApiError {
    let message = format!("Could not find operation {operation} for version 2010-05-08");
    ApiError::new(400, "InvalidAction", message)
}

/// Refuses a member that the operation does not have.
pub(crate) fn only(form: &Form, known: &[&str]) -> Result<(), ApiError> {
    let known: Vec<_> = known.iter().copied().chain(["Action", "Version"]).collect();
    match form.unknown(&known) {
        None => Ok(()),
        Some(name) => Err(invalid(format!("the parameter {name} is not simulated"))),
    }
}

pub(crate) fn member<'a>(form: &'a Form, name: &str) -> Result<&'a str, ApiError> {
    form.get(name).ok_or_else(|| {
        invalid(format!("Value null at '{name}' failed to satisfy constraint: Member must not be null"))
    })
}

/// What the value of a member stands for.
pub(crate) fn one_of<T: Copy, const N: usize>(
    name: &str,
    value: &str,
    known: [(&'static str, T); N],
) -> Result<T, ApiError> {
    let found = known.iter().find(|(own, _)| *own == value);
    found
        .map(|(_, it)| *it)
        .ok_or_else(|| constraint(name, value, &format!("one of {:?}", known.map(|(own, _)| own))))
}

/// The id of a job, 36 characters.
pub(crate) fn job_id(form: &Form) -> Result<&str, ApiError> {
    let id = member(form, "JobId")?;
    if id.len() == 36 { Ok(id) } else { Err(constraint("jobId", id, "36 characters")) }
}

/// How many items a page may have.
pub(crate) fn max_items(form: &Form, default: usize) -> Result<usize, ApiError> {
    match form.get("MaxItems").map(str::parse) {
        None => Ok(default),
        Some(Ok(most @ 1..=1_000)) => Ok(most),
        Some(_) => {
            let given = form.get("MaxItems").unwrap_or_default();
            Err(constraint("maxItems", given, "a number from 1 to 1000"))
        }
    }
}

/// Where the page that is asked for begins, as an earlier answer said it.
pub(crate) fn marker(form: &Form) -> Result<Option<&str>, ApiError> {
    let marker = form.get("Marker");
    match marker.filter(|it| !(1..=320).contains(&it.len())) {
        Some(wrong) => Err(constraint("marker", wrong, "1 to 320 characters")),
        None => Ok(marker),
    }
}
