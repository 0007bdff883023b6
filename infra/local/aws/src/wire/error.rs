//! A refusal, before it takes the shape of a protocol.

use serde_json::Value;

/// An error as AWS answers it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct ApiError {
    pub status: u16,
    pub code: String,
    pub message: String,
    /// Organizations' word for what is wrong, where an error has one.
    pub reason: Option<&'static str>,
    /// What an error of Access Analyzer's says besides its message, as members of its body.
    pub members: Vec<(&'static str, Value)>,
    /// `Retry-After`, in seconds.
    pub retry_after: Option<u32>,
}

impl ApiError {
    pub fn new(status: u16, code: impl Into<String>, message: impl Into<String>) -> Self {
        let (code, message) = (code.into(), message.into());
        Self { status, code, message, reason: None, members: Vec::new(), retry_after: None }
    }

    pub(crate) fn with(mut self, member: &'static str, value: impl Into<Value>) -> Self {
        self.members.push((member, value.into()));
        self
    }

    pub(crate) fn retry_after(self, seconds: Option<u32>) -> Self {
        Self { retry_after: seconds, ..self }
    }

    pub(crate) fn because(self, reason: &'static str) -> Self {
        Self { reason: Some(reason), ..self }
    }

    pub(crate) fn server() -> Self {
        Self::new(500, "InternalError", "An internal error has occurred")
    }
}
