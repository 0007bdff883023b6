//! What AWS answers, in our own types.

use std::str::FromStr;

use errors::JobError;
use models::InvalidId;

/// The id that `operation` answered. Without it nobody knows what the rest is about.
pub(crate) fn id<T: FromStr<Err = InvalidId>>(
    operation: &str,
    answered: Option<&str>,
) -> Result<T, JobError> {
    let id = answered.unwrap_or_default().parse();
    id.map_err(|error| JobError::defect(format!("{operation}: {error}")))
}
