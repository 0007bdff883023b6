//! What an execution leaves behind: its events, in AWS's names and order.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::EVENT_LIMIT;

/// One event, as `GetExecutionHistory` shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Counts from 1.
    pub id: u64,
    /// The event this one follows from; 0 for the first.
    pub previous: u64,
    pub at: Timestamp,
    /// AWS's name, such as `TaskStateEntered`.
    pub name: &'static str,
    pub details: Value,
}

/// The events of one execution.
#[derive(Debug, Clone, Default)]
pub struct History {
    events: Vec<Event>,
    /// What happened is kept, and no details of it.
    without_details: bool,
}

/// The history can take no more than the event that ends the execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

impl History {
    /// Of one of so many executions that their inputs and outputs would not fit into memory.
    pub(crate) fn without_details() -> Self {
        Self { without_details: true, ..Self::default() }
    }

    /// Adds an event. The last place is kept for the event that ends the execution.
    pub fn push(
        &mut self,
        at: Timestamp,
        previous: u64,
        name: &'static str,
        details: Value,
    ) -> Result<u64, Full> {
        let ends = matches!(
            name,
            "ExecutionSucceeded" | "ExecutionFailed" | "ExecutionAborted" | "ExecutionTimedOut"
        );
        if self.events.len() + 1 >= EVENT_LIMIT && !ends {
            return Err(Full);
        }
        let id = self.events.len() as u64 + 1;
        let details = if self.without_details { Value::Null } else { details };
        self.events.push(Event { id, previous, at, name, details });
        Ok(id)
    }

    pub fn events(&self) -> &[Event] {
        &self.events
    }

    pub fn last_id(&self) -> u64 {
        self.events.len() as u64
    }
}

impl Event {
    /// The event in the API's shape. `data` is whether inputs and outputs are wanted.
    pub fn to_api(&self, data: bool) -> Value {
        let mut event = Map::new();
        event.insert("id".into(), json!(self.id));
        event.insert("previousEventId".into(), json!(self.previous));
        event.insert("timestamp".into(), crate::api::epoch_seconds(self.at));
        event.insert("type".into(), json!(self.name));
        if let (Some(member), Value::Object(details)) = (details_member(self.name), &self.details) {
            let kept = details
                .iter()
                .filter(|(name, _)| data || !matches!(name.as_str(), "input" | "output" | "parameters"));
            event.insert(
                member,
                kept.map(|(name, value)| (name.clone(), value.clone())).collect::<Map<_, _>>().into(),
            );
        }
        Value::Object(event)
    }
}

/// The member that holds an event's details. All types of state share one for entering and leaving.
fn details_member(name: &str) -> Option<String> {
    let member = if name.ends_with("StateEntered") {
        "stateEnteredEventDetails".to_owned()
    } else if name.ends_with("StateExited") {
        "stateExitedEventDetails".to_owned()
    } else if matches!(
        name,
        "ParallelStateStarted"
            | "ParallelStateSucceeded"
            | "ParallelStateFailed"
            | "MapStateSucceeded"
            | "MapStateFailed"
            | "MapRunSucceeded"
    ) {
        return None;
    } else {
        let mut letters = name.chars();
        let first = letters.next()?.to_ascii_lowercase();
        format!("{first}{}EventDetails", letters.as_str())
    };
    Some(member)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_place_is_kept_for_the_end() {
        let mut history = History::default();
        let at = Timestamp::UNIX_EPOCH;
        for _ in 1..EVENT_LIMIT {
            assert!(history.push(at, 0, "PassStateEntered", Value::Null).is_ok());
        }
        assert_eq!(history.push(at, 0, "PassStateExited", Value::Null), Err(Full));
        assert_eq!(history.push(at, 0, "ExecutionFailed", Value::Null), Ok(EVENT_LIMIT as u64));
    }

    #[test]
    fn a_history_without_details_keeps_what_happened() {
        let mut history = History::without_details();
        assert_eq!(history.push(Timestamp::UNIX_EPOCH, 0, "TaskStateEntered", json!({"input": "{}"})), Ok(1));
        let event = &history.events()[0];
        assert_eq!((event.name, &event.details), ("TaskStateEntered", &Value::Null));
    }

    #[test]
    fn details_stand_under_the_members_of_awss_model() {
        assert_eq!(details_member("TaskStateEntered").as_deref(), Some("stateEnteredEventDetails"));
        assert_eq!(details_member("TaskScheduled").as_deref(), Some("taskScheduledEventDetails"));
        assert_eq!(details_member("ExecutionTimedOut").as_deref(), Some("executionTimedOutEventDetails"));
        assert_eq!(details_member("ParallelStateStarted"), None);
    }
}
