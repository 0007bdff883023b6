//! Requests: the members every kind shares, and the rest, which is the kind's own.

use errors::JobError;
use jiff::{SignedDuration, Timestamp};
use models::{OutcomeStatus, Request, RunId, digest, keys};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use store::Store;

use crate::job::Job;

/// The members of a request that mean the same for every kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Common {
    /// Say what would be done, and do nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
    /// Wait while somebody else's job is in the way; otherwise the run ends as skipped.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub wait: bool,
    /// Hours after which the run is cancelled and ends as overdue, 1 to 168.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_hours: Option<u32>,
    /// Use a finished result of ours that is at most so many hours old, 1 to 720.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age_hours: Option<u32>,
    /// When a schedule meant the run to begin. The same time is run once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduled_time: Option<Timestamp>,
    /// A run to go on with, instead of a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume: Option<RunId>,
    /// With `resume`: run items again that ended so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retry: Vec<OutcomeStatus>,
}

/// The default of a member that is on unless a request turns it off.
pub fn yes() -> bool {
    true
}

/// Whether such a member need not be written. Serde passes a reference.
pub fn is_yes(value: &bool) -> bool {
    *value
}

impl Common {
    const MEMBERS: [&str; 7] =
        ["dryRun", "wait", "deadlineHours", "maxAgeHours", "scheduledTime", "resume", "retry"];

    /// Takes the shared members out of a request.
    fn split(request: &Value) -> Result<(Self, Value), JobError> {
        let Value::Object(members) = request else {
            return Err(JobError::invalid(format!("the request is not an object: {}", kind_of(request))));
        };
        let (common, own): (Map<_, _>, Map<_, _>) =
            members.clone().into_iter().partition(|(name, _)| Self::MEMBERS.contains(&name.as_str()));
        let common: Self = serde_json::from_value(Value::Object(common))
            .map_err(|error| JobError::invalid(format!("the request: {error}")))?;
        common.check()?;
        Ok((common, Value::Object(own)))
    }

    fn check(&self) -> Result<(), JobError> {
        let within = |name: &str, value: Option<u32>, most: u32| match value {
            Some(hours) if !(1..=most).contains(&hours) => {
                Err(JobError::invalid(format!("{name} is {hours}, and must be 1 to {most}")))
            }
            _ => Ok(()),
        };
        within("deadlineHours", self.deadline_hours, 168)?;
        within("maxAgeHours", self.max_age_hours, 720)?;
        if self.resume.is_none() && !self.retry.is_empty() {
            return Err(JobError::invalid("retry is only for a run that is resumed"));
        }
        Ok(())
    }

    /// What may stand beside `resume`. Anything else would be ignored, and a member that is ignored
    /// (`dryRun`!) is worse than one that is refused.
    fn check_resumed(&self, own: &Value) -> Result<(), JobError> {
        let has_own = own.as_object().is_some_and(|own| !own.is_empty());
        let others =
            self.dry_run || !self.wait || self.max_age_hours.is_some() || self.scheduled_time.is_some();
        if has_own || others {
            return Err(JobError::invalid(
                "a resumed run keeps its own request: give resume, retry and deadlineHours only",
            ));
        }
        if self.retry.contains(&OutcomeStatus::Succeeded) {
            return Err(JobError::invalid("a run that succeeded is not run again: start a new one"));
        }
        Ok(())
    }

    pub(crate) fn max_age(&self) -> Option<SignedDuration> {
        self.max_age_hours.map(|hours| SignedDuration::from_hours(i64::from(hours)))
    }
}

/// A request of the kind `J`, checked.
#[derive(Debug)]
pub(crate) struct Parsed<J: Job> {
    pub(crate) common: Common,
    pub(crate) own: J::Request,
}

impl<J: Job> Parsed<J> {
    /// A request that is to begin or to resume a run.
    pub(crate) fn read(job: &J, request: &Value) -> Result<Self, JobError> {
        let request = Self::stored(request)?;
        // A run that is resumed has its own request, which was checked.
        if request.common.resume.is_none() {
            job.check(&request.own)?;
        }
        Ok(request)
    }

    /// The request of a run that has begun. It is not held against the configuration again, which may
    /// have changed: what it had started is to be waited for, collected and cancelled all the same.
    pub(crate) fn stored(request: &Value) -> Result<Self, JobError> {
        let (common, own) = Common::split(request)?;
        if common.resume.is_some() {
            common.check_resumed(&own)?;
        }
        let own = serde_json::from_value(own).map_err(|error| {
            JobError::invalid(format!("the request: {}", without_texts(&error.to_string())))
        })?;
        Ok(Self { common, own })
    }

    /// The request again, with everything that was filled in.
    pub(crate) fn to_value(&self) -> Result<Value, JobError> {
        let mut whole = serde_json::to_value(&self.common).map_err(JobError::defect)?;
        let own = serde_json::to_value(&self.own).map_err(JobError::defect)?;
        if let (Some(whole), Value::Object(own)) = (whole.as_object_mut(), own) {
            whole.extend(own);
        }
        Ok(whole)
    }
}

/// A message of serde's without the texts that it quotes: a request may hold addresses and policies, and errors
/// are logged.
pub fn without_texts(message: &str) -> String {
    const BEGIN: &str = "string \"";
    let Some((before, quoted)) = message.split_once(BEGIN) else { return message.to_owned() };
    let mut escaped = false;
    let end = quoted.char_indices().find(|(_, character)| {
        let ends = *character == '"' && !escaped;
        escaped = *character == '\\' && !escaped;
        ends
    });
    let rest = end.and_then(|(at, quote)| quoted.get(at + quote.len_utf8()..)).unwrap_or_default();
    format!("{before}a string{}", without_texts(rest))
}

/// The common members alone, as far as they can be read: what a run that failed at its very
/// beginning still tells about itself.
pub(crate) fn common_of(request: &Value) -> Option<Common> {
    Common::split(request).ok().map(|(common, _)| common)
}

/// Keeps a request in the ticket while it is small, else in S3 under its digest.
pub(crate) async fn keep(store: &Store, run: &RunId, request: Value) -> Result<Request, JobError> {
    let text = request.to_string();
    if text.len() <= Request::INLINE_BYTES {
        return Ok(Request::Inline(request));
    }
    let sha256 = digest::sha256(&text);
    let key = keys::request(run, &sha256);
    store.put(&key, text).await?;
    Ok(Request::Spilled { key, sha256 })
}

/// The kind's own part of a request that [`keep`] kept.
pub(crate) async fn recall_own<T: DeserializeOwned>(store: &Store, request: &Request) -> Result<T, JobError> {
    let (_, own) = Common::split(&recall(store, request).await?)?;
    serde_json::from_value(own).map_err(|error| JobError::invalid(format!("the request: {error}")))
}

/// The request that [`keep`] kept.
pub(crate) async fn recall(store: &Store, request: &Request) -> Result<Value, JobError> {
    match request {
        Request::Inline(value) => Ok(value.clone()),
        Request::Spilled { key, sha256 } => {
            let object = store
                .get(key)
                .await?
                .ok_or_else(|| JobError::invalid(format!("the request {key} is no longer in the bucket")))?;
            if digest::sha256(&object.bytes) != *sha256 {
                return Err(JobError::invalid(format!("the request {key} was changed after the run began")));
            }
            serde_json::from_slice(&object.bytes)
                .map_err(|error| JobError::invalid(format!("{key}: {error}")))
        }
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use models::ErrorName;
    use serde_json::json;

    fn common(request: Value) -> Result<Common, ErrorName> {
        Common::split(&request).map(|(common, _)| common).map_err(|error| error.name())
    }

    #[test]
    fn an_empty_request_waits_and_has_the_kinds_own_deadline() {
        let common = common(json!({})).unwrap();
        assert!(common.wait && !common.dry_run);
        assert_eq!(common.deadline_hours, None);
    }

    #[test]
    fn bounds_are_checked_and_null_and_text_are_not_numbers() {
        for request in [
            json!({"deadlineHours": 0}),
            json!({"deadlineHours": 169}),
            json!({"deadlineHours": "24"}),
            json!({"deadlineHours": 1.5}),
            json!({"maxAgeHours": -1}),
            json!({"maxAgeHours": 721}),
            json!({"wait": null}),
            json!({"retry": ["failed"]}),
            json!({"resume": "yesterday"}),
            json!({"scheduledTime": "soon"}),
            json!([]),
            json!(null),
        ] {
            assert_eq!(common(request.clone()).err(), Some(ErrorName::InvalidRequest), "{request}");
        }
    }

    #[test]
    fn a_request_reads_back_from_what_was_filled_in() {
        let given = json!({"wait": false, "deadlineHours": 3});
        let common = common(given.clone()).unwrap();
        assert_eq!(serde_json::to_value(common).unwrap(), given);
    }

    #[test]
    fn texts_of_a_request_are_not_repeated_in_errors() {
        let message =
            r#"invalid type: string "data\"@example.com", expected struct Wished at string "x" end"#;
        assert_eq!(without_texts(message), "invalid type: a string, expected struct Wished at a string end");
        assert_eq!(without_texts("unknown field `emial`"), "unknown field `emial`");
        assert_eq!(without_texts("string \"never closed"), "a string");
    }
}
