//! A run while it goes on.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use serde_json::Value;

use super::{line, moment, note, span};
use crate::client::Seen;

/// The way of a run: started, waited for, collected, over.
const STEPS: u64 = 3;

/// Shows where a run stands: a bar on a terminal, a line for each change elsewhere.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    last: String,
    begun: Option<Timestamp>,
}

impl Progress {
    pub(crate) fn new() -> Self {
        let bar = ProgressBar::new(STEPS);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {bar:12} {wide_msg}") {
            bar.set_style(style);
        }
        Self { bar, last: String::new(), begun: None }
    }

    pub(crate) fn show(&mut self, seen: &Seen) {
        let begun = *self.begun.get_or_insert(seen.now);
        let state = state(seen);
        if self.bar.is_hidden() {
            if state != self.last {
                note(&format!("{}  {state}", moment(seen.now)));
            }
        } else {
            let gone = Duration::try_from(seen.now.duration_since(begun)).unwrap_or_default();
            let asked = match seen.ticket["polls"].as_u64() {
                Some(polls @ 1..) if step(seen) == 1 => format!(", asked {polls} times"),
                _ => String::new(),
            };
            self.bar.set_position(step(seen));
            self.bar.set_message(format!("{}  +{}  {state}{asked}", moment(seen.now), span(gone)));
            self.bar.tick();
        }
        self.last = state;
    }

    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }
}

fn step(seen: &Seen) -> u64 {
    match seen.state.as_str() {
        "Begin" | "Start" | "WaitForTurn" => 0,
        "WaitForJob" | "Status" => 1,
        "Collect" => 2,
        _ => match seen.ticket["next"].as_str() {
            Some("poll") => 1,
            Some("collect") => 2,
            Some("done" | "failed") => STEPS,
            _ => 0,
        },
    }
}

/// A state in words, with the attempt and whom it waits for.
pub(crate) fn state(seen: &Seen) -> String {
    let ticket = &seen.ticket;
    let attempt = match ticket["attempt"].as_u64() {
        Some(attempt @ 2..) => format!(" (attempt {attempt})"),
        _ => String::new(),
    };
    let words = match (seen.state.as_str(), ticket["next"].as_str()) {
        ("Begin" | "Start", _) => "starting".to_owned(),
        ("WaitForTurn", _) | ("Next", Some("wait")) => waiting_for(&ticket["waitingFor"]),
        ("WaitForJob" | "Status", _) | ("Next", Some("poll")) => running(ticket),
        ("Collect", _) | ("Next", Some("collect")) => "collecting".to_owned(),
        ("Cancel", _) => "closing".to_owned(),
        (state, _) => state.to_lowercase(),
    };
    line(&format!("{words}{attempt}"))
}

fn running(ticket: &Value) -> String {
    let id = ticket["handle"]["reportId"].as_str().map(|id| format!(" {id}")).unwrap_or_default();
    format!("report{id} is running")
}

fn waiting_for(other: &Value) -> String {
    let text = |name: &str| other[name].as_str();
    let mut words = "waiting for somebody else's report".to_owned();
    for (before, part) in [(" ", text("id")), (" of ", text("target")), (", since ", text("since"))] {
        if let Some(part) = part {
            words.push_str(before);
            words.push_str(part);
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn seen(state: &str, ticket: Value) -> Seen {
        Seen { now: Timestamp::UNIX_EPOCH, state: state.to_owned(), run: None, ticket }
    }

    #[test]
    fn a_state_says_whom_it_waits_for_and_which_attempt_it_is() {
        let waiting = json!({"next": "wait", "waitingFor": {"id": "p-1", "target": "r-ab12", "since": "2026-11-21T06:00:00Z"}});
        assert_eq!(
            state(&seen("WaitForTurn", waiting)),
            "waiting for somebody else's report p-1 of r-ab12, since 2026-11-21T06:00:00Z"
        );
        let polling = json!({"next": "poll", "attempt": 2, "polls": 3, "handle": {"reportId": "p-2"}});
        assert_eq!(state(&seen("WaitForJob", polling)), "report p-2 is running (attempt 2)");
        assert_eq!(state(&seen("Start", Value::Null)), "starting");
    }
}
