//! The stable names of errors, and a failure as it is kept in records, tickets and `Cause` texts.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The names a function's errors have in Step Functions (`errorType`), logs, metrics and records.
///
/// The state machines retry and catch by these names, so a name never changes its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ErrorName {
    /// The request or the ticket is not what the function accepts. Repeating it cannot help.
    InvalidRequest,
    /// AWS refuses the caller.
    Denied,
    /// A feature, a policy type or trusted access is off.
    NotEnabled,
    /// The bucket, the key or the KMS key cannot be used.
    StorageInaccessible,
    /// AWS asks to slow down.
    Throttled,
    /// A server error, a cut connection, a lost answer: the same call may succeed later.
    Transient,
    /// A quota is used up until its period ends.
    QuotaSpent,
    /// A job that was there has vanished.
    Gone,
    /// AWS ended the job without a result.
    JobFailed,
    /// The deadline passed.
    Overdue,
    /// The report has a layout the reader cannot place.
    UnrecognisedLayout,
    /// Evidence that must be whole is not.
    Incomplete,
    /// What a change was planned from, or is made under, is not so any more.
    Outdated,
    /// What was changed does not show in AWS as it was planned.
    Unproven,
    /// What is asked for is there already, and not by Muster's doing.
    AlreadyExists,
    /// A bug: a caught panic, or AWS answered what its own model excludes.
    Defect,
}

impl ErrorName {
    /// Every name, for tests that compare the code with the state machines.
    pub const ALL: [Self; 16] = [
        Self::InvalidRequest,
        Self::Denied,
        Self::NotEnabled,
        Self::StorageInaccessible,
        Self::Throttled,
        Self::Transient,
        Self::QuotaSpent,
        Self::Gone,
        Self::JobFailed,
        Self::Overdue,
        Self::UnrecognisedLayout,
        Self::Incomplete,
        Self::Outdated,
        Self::Unproven,
        Self::AlreadyExists,
        Self::Defect,
    ];

    /// The names the state machines retry with backoff: the same call may succeed later.
    pub const TRANSIENT: [Self; 2] = [Self::Throttled, Self::Transient];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "InvalidRequest",
            Self::Denied => "Denied",
            Self::NotEnabled => "NotEnabled",
            Self::StorageInaccessible => "StorageInaccessible",
            Self::Throttled => "Throttled",
            Self::Transient => "Transient",
            Self::QuotaSpent => "QuotaSpent",
            Self::Gone => "Gone",
            Self::JobFailed => "JobFailed",
            Self::Overdue => "Overdue",
            Self::UnrecognisedLayout => "UnrecognisedLayout",
            Self::Incomplete => "Incomplete",
            Self::Outdated => "Outdated",
            Self::Unproven => "Unproven",
            Self::AlreadyExists => "AlreadyExists",
            Self::Defect => "Defect",
        }
    }
}

impl fmt::Display for ErrorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What AWS itself said, kept whole so that a support case can be opened with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AwsDetail {
    /// The operation that was called, such as `ec2:StartDeclarativePoliciesReport`.
    pub operation: String,
    /// The error's code. Absent when no answer arrived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

impl AwsDetail {
    /// Whether it is this code, which AWS answers with or without the suffix `Exception`.
    pub fn is(&self, code: &str) -> bool {
        let own = self.code.as_deref().unwrap_or_default();
        own.strip_suffix("Exception").unwrap_or(own) == code
    }
}

impl fmt::Display for AwsDetail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.operation)?;
        match &self.code {
            Some(code) => write!(f, " answered {code}")?,
            None => write!(f, " was not answered")?,
        }
        if let Some(message) = &self.message {
            write!(f, ": {message}")?;
        }
        if let Some(request_id) = &self.request_id {
            write!(f, " (request id {request_id})")?;
        }
        Ok(())
    }
}

/// Why a job did not succeed, as records and tickets keep it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Failure {
    /// An [`ErrorName`], or a name Step Functions gave (`States.Timeout`, `Runtime.ExitError`).
    pub error: String,
    /// What happened, what AWS said with its request id, and what the operator can do.
    pub cause: String,
}

impl Failure {
    /// Step Functions refuses longer names in a Fail state.
    const ERROR_BYTES: usize = 256;
    /// A ticket carries the cause, and stays small.
    const CAUSE_BYTES: usize = 2_048;

    pub fn new(error: &str, cause: &str) -> Self {
        Self { error: printable(error, Self::ERROR_BYTES), cause: printable(cause, Self::CAUSE_BYTES) }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.error, self.cause)
    }
}

/// The text without control characters, cut between characters to at most `limit` bytes: it may come
/// from AWS and hold anything.
fn printable(text: &str, limit: usize) -> String {
    let mut kept = String::with_capacity(text.len().min(limit));
    for character in text.chars().map(|it| if it.is_control() { ' ' } else { it }) {
        if kept.len() + character.len_utf8() > limit {
            break;
        }
        kept.push(character);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_name_reads_the_same_in_json_and_in_text() {
        for name in ErrorName::ALL {
            assert_eq!(serde_json::to_value(name).unwrap(), serde_json::json!(name.as_str()));
        }
    }

    #[test]
    fn a_long_hostile_text_is_cut_between_characters_and_has_no_control_characters() {
        let failure = Failure::new(&"é".repeat(300), &format!("a\u{1b}[31m\n{}", "é".repeat(5_000)));
        assert_eq!(failure.error, "é".repeat(128));
        assert_eq!(failure.cause, format!("a [31m {}", "é".repeat(1_020)));
    }
}
