//! What is asked of a kind that changes an organization: a plan, or that one is applied, or the way back.

use errors::JobError;
use models::RunId;
use models::keys::REQUESTS;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Exactly one of `desired`, `desiredKey`, `apply` and `rollback`. All but `apply` make a plan and change
/// nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request<D> {
    /// How the organization shall be.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub desired: Option<D>,
    /// The same as an object under `requests/` in the stack's bucket: for what is too large for an
    /// execution's input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desired_key: Option<String>,
    /// Make the changes of a plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apply: Option<Apply>,
    /// Plan to take back what a run has changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<Rollback>,
    /// With `apply`: although nobody can say what the changes come to in some accounts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub accept_unknown: bool,
}

/// A plan, as its run has answered it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Apply {
    /// The run that has made the plan.
    pub run: RunId,
    /// The plan's digest: 64 hexadecimal digits.
    pub digest: String,
}

/// A run that has made changes, whether it succeeded or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rollback {
    pub run: RunId,
}

fn none<D>() -> Option<D> {
    None
}

/// What a request asks for.
pub(crate) enum Asks<'a, D> {
    Desired(&'a D),
    DesiredKey(&'a str),
    Apply(&'a Apply),
    Rollback(&'a Rollback),
}

impl<D: DeserializeOwned> Request<D> {
    pub(crate) fn asks(&self) -> Result<Asks<'_, D>, JobError> {
        let asks = match (&self.desired, &self.desired_key, &self.apply, &self.rollback) {
            (Some(desired), None, None, None) => Asks::Desired(desired),
            (None, Some(key), None, None) => Asks::DesiredKey(key),
            (None, None, Some(apply), None) => Asks::Apply(apply),
            (None, None, None, Some(rollback)) => Asks::Rollback(rollback),
            _ => {
                return Err(JobError::invalid("give exactly one of desired, desiredKey, apply and rollback"));
            }
        };
        if self.accept_unknown && !matches!(asks, Asks::Apply(_)) {
            return Err(JobError::invalid("acceptUnknown is only for a plan that is applied"));
        }
        match asks {
            Asks::DesiredKey(key) if !key.starts_with(REQUESTS) => {
                Err(JobError::invalid(format!("desiredKey is {key:?}, and must begin with {REQUESTS}")))
            }
            Asks::Apply(apply) if !is_digest(&apply.digest) => {
                Err(JobError::invalid("apply.digest is not 64 hexadecimal digits: copy it from the plan"))
            }
            asks => Ok(asks),
        }
    }
}

fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn asks(request: Value) -> Result<(), String> {
        let request: Request<Value> = serde_json::from_value(request).map_err(|error| error.to_string())?;
        request.asks().map(drop).map_err(|error| error.to_string())
    }

    #[test]
    fn exactly_one_thing_is_asked_for() {
        let run = "20261130T000000Z-9f86d081";
        let digest = "0".repeat(64);
        for request in [
            json!({"desired": {}}),
            json!({"desiredKey": "requests/policies.json"}),
            json!({"apply": {"run": run, "digest": digest}, "acceptUnknown": true}),
            json!({"rollback": {"run": run}}),
        ] {
            assert_eq!(asks(request), Ok(()));
        }
        for request in [
            json!({}),
            json!({"desired": {}, "rollback": {"run": run}}),
            json!({"desired": {}, "acceptUnknown": true}),
            json!({"desiredKey": "runs/policies.json"}),
            json!({"apply": {"run": run, "digest": "0f"}}),
            json!({"apply": {"run": "1", "digest": digest}}),
            json!({"rollback": {"run": run, "digest": digest}}),
            json!({"desire": {}}),
        ] {
            assert!(asks(request.clone()).is_err(), "{request}");
        }
    }
}
