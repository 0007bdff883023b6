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

/// What a run does in a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Starting,
    WaitingForTurn,
    /// Between two steps: the ticket says what is next.
    Deciding,
    Running,
    Collecting,
    Closing,
    Succeeded,
    Failed,
    /// It failed, and could not be closed: the sweep does that.
    NotClosed,
}

/// The states of the definition (`infra/statemachines/job.asl.json`). A stack of another version may
/// have others, which are shown by their names.
const STAGES: [(&str, Stage); 13] = [
    ("Begin", Stage::Starting),
    ("Start", Stage::Starting),
    ("Decide", Stage::Deciding),
    ("WaitForTurn", Stage::WaitingForTurn),
    ("WaitForJob", Stage::Running),
    ("Status", Stage::Running),
    ("Collect", Stage::Collecting),
    ("UnknownNext", Stage::Closing),
    ("Cancel", Stage::Closing),
    ("Result", Stage::Succeeded),
    ("Succeeded", Stage::Succeeded),
    ("Failed", Stage::Failed),
    ("NotClosed", Stage::NotClosed),
];

/// Where a run stands; `None` in a state that this version does not know.
fn stage(seen: &Seen) -> Option<Stage> {
    let (_, stage) = STAGES.iter().find(|(name, _)| *name == seen.state)?;
    Some(match (stage, seen.ticket["next"].as_str()) {
        (Stage::Deciding, Some("wait")) => Stage::WaitingForTurn,
        (Stage::Deciding, Some("poll")) => Stage::Running,
        (Stage::Deciding, Some("collect")) => Stage::Collecting,
        (Stage::Deciding, Some("done")) => Stage::Succeeded,
        (Stage::Deciding, Some("failed")) => Stage::Failed,
        (stage, _) => *stage,
    })
}

fn step(seen: &Seen) -> u64 {
    match stage(seen) {
        Some(Stage::Running) => 1,
        Some(Stage::Collecting) => 2,
        Some(Stage::Closing | Stage::Succeeded | Stage::Failed | Stage::NotClosed) => STEPS,
        Some(Stage::Starting | Stage::WaitingForTurn | Stage::Deciding) | None => 0,
    }
}

/// A state in words, with the attempt and whom it waits for.
pub(crate) fn state(seen: &Seen) -> String {
    let ticket = &seen.ticket;
    let attempt = match ticket["attempt"].as_u64() {
        Some(attempt @ 2..) => format!(" (attempt {attempt})"),
        _ => String::new(),
    };
    let words = match stage(seen) {
        Some(Stage::Starting) => "starting".to_owned(),
        Some(Stage::WaitingForTurn) => waiting_for(&ticket["waitingFor"]),
        Some(Stage::Running) => running(ticket),
        Some(Stage::Collecting) => "collecting".to_owned(),
        Some(Stage::Closing) => "closing".to_owned(),
        Some(Stage::Succeeded) => "succeeded".to_owned(),
        Some(Stage::Failed) => "failed".to_owned(),
        Some(Stage::NotClosed) => "failed, and left to the sweep to close".to_owned(),
        Some(Stage::Deciding) | None => seen.state.to_lowercase(),
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
    #[test]
    fn every_state_of_the_definition_is_known_and_no_other() {
        let definition: Value =
            serde_json::from_str(include_str!("../../../statemachines/job.asl.json")).unwrap();
        let mut states: Vec<&str> =
            definition["States"].as_object().unwrap().keys().map(String::as_str).collect();
        let mut known = STAGES.map(|(name, _)| name);
        states.sort_unstable();
        known.sort_unstable();
        assert_eq!(known.as_slice(), states);
    }

    #[test]
    fn between_two_steps_the_ticket_says_where_a_run_stands() {
        let decides = |next: &str| seen("Decide", json!({"next": next, "handle": {"reportId": "p-1"}}));
        let shown = ["poll", "collect", "done", "failed"].map(|next| {
            let seen = decides(next);
            (step(&seen), state(&seen))
        });
        let expected = [(1, "report p-1 is running"), (2, "collecting"), (3, "succeeded"), (3, "failed")];
        assert_eq!(shown, expected.map(|(step, words)| (step, words.to_owned())));
        assert!(state(&decides("wait")).starts_with("waiting for somebody else's report"));
    }

    #[test]
    fn a_run_that_is_over_is_at_the_end_of_its_way_though_its_last_state_has_no_ticket() {
        for last in ["Result", "Succeeded", "Failed", "NotClosed"] {
            assert_eq!(step(&seen(last, Value::Null)), STEPS, "{last}");
        }
    }

    #[test]
    fn a_state_of_another_version_is_shown_by_its_name() {
        let other = seen("Rest\u{1b}", Value::Null);
        assert_eq!((step(&other), state(&other)), (0, "rest\u{fffd}".to_owned()));
    }
}
