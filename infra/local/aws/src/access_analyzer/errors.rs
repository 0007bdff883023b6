//! What the operations refuse with. Which `reason`, `resourceId` and `resourceType` AWS gives, and the
//! texts, are not established.

use serde_json::json;

use crate::wire::ApiError;

/// Members of a request that are not as they must be, by name.
#[derive(Debug, Default)]
pub(super) struct Problems(Vec<(String, String)>);

impl Problems {
    pub(super) fn add(&mut self, name: impl Into<String>, message: impl Into<String>) {
        self.0.push((name.into(), message.into()));
    }

    /// Refuses the request if anything is wrong with it.
    pub(super) fn refuse(self) -> Result<(), ApiError> {
        if self.0.is_empty() {
            return Ok(());
        }
        let fields: Vec<_> =
            self.0.iter().map(|(name, message)| json!({"name": name, "message": message})).collect();
        let said: Vec<_> = self.0.iter().map(|(name, message)| format!("{name}: {message}")).collect();
        Err(validation("fieldValidationFailed", said.join("; ")).with("fieldList", fields))
    }
}

/// One member that is not as it must be.
pub(super) fn field(name: impl Into<String>, message: impl Into<String>) -> ApiError {
    let mut problems = Problems::default();
    problems.add(name, message);
    problems.refuse().err().unwrap_or_else(ApiError::server)
}

/// A request that cannot be answered, for one of the model's reasons.
pub(super) fn validation(reason: &'static str, message: impl Into<String>) -> ApiError {
    ApiError::new(400, "ValidationException", message).with("reason", reason)
}

pub(super) fn denied(message: impl ToString) -> ApiError {
    ApiError::new(403, "AccessDeniedException", message.to_string())
}

/// One text for every quota: a caller finds out which one it is by the list of generations.
pub(super) fn quota(account: &str) -> ApiError {
    of_account(ApiError::new(402, "ServiceQuotaExceededException", "Service quota exceeded."), account)
}

pub(super) fn conflict(account: &str) -> ApiError {
    let message = "The request conflicts with the current state of the resource.";
    of_account(ApiError::new(409, "ConflictException", message), account)
}

fn of_account(error: ApiError, account: &str) -> ApiError {
    error.with("resourceId", account).with("resourceType", "PolicyGeneration")
}
