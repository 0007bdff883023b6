//! A run while it goes on.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use serde_json::Value;

use super::{line, moment, note, number, span};
use crate::client::{Lanes, Seen};
use crate::kinds;

/// The length of a run's way, from its start to its end.
const STEPS: u64 = 12;
/// Where on it lanes are worked on: from here, and for so long.
const LANES: (u64, u64) = (1, 9);

/// Shows where a run stands: a bar on a terminal, a line for each change elsewhere.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    last: String,
    begun: Option<Timestamp>,
    /// How far lanes were, in tenths, as far as some of them tell.
    tenths: u64,
}

impl Progress {
    pub(crate) fn new() -> Self {
        let bar = ProgressBar::new(STEPS);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {bar:12} {wide_msg}") {
            bar.set_style(style);
        }
        Self { bar, last: String::new(), begun: None, tenths: 0 }
    }

    pub(crate) fn show(&mut self, seen: &Seen) {
        let begun = *self.begun.get_or_insert(seen.now);
        let state = state(seen);
        if self.bar.is_hidden() {
            let mark = self.mark(seen);
            if mark != self.last {
                note(&format!("{}  {state}", moment(seen.now)));
                self.last = mark;
            }
        } else {
            let gone = Duration::try_from(seen.now.duration_since(begun)).unwrap_or_default();
            let asked = match seen.ticket["polls"].as_u64() {
                Some(polls @ 1..) if stage(seen) == Some(Stage::Running) => format!(", asked {polls} times"),
                _ => String::new(),
            };
            self.bar.set_position(step(seen));
            self.bar.set_message(format!("{}  +{}  {state}{asked}", moment(seen.now), span(gone)));
            self.bar.tick();
        }
    }

    /// What of a state is worth a line of its own where lines stay: of lanes, every tenth. Where some
    /// are looked at for all, those of the next look may be less far.
    fn mark(&mut self, seen: &Seen) -> String {
        match (stage(seen), &seen.lanes) {
            (Some(Stage::Lanes), Some(lanes)) => {
                let (part, whole) = lanes.far();
                let tenths = part * 10 / whole;
                self.tenths = if lanes.is_whole() { tenths } else { tenths.max(self.tenths) };
                format!("lanes {}", self.tenths)
            }
            (Some(Stage::Lanes), None) => "lanes".to_owned(),
            _ => state(seen),
        }
    }

    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }
}

/// What a run does in a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Starting,
    Planning,
    /// A run of another kind comes first.
    Preparing,
    WaitingForTurn,
    /// Between two steps: the ticket says what is next.
    Deciding,
    Running,
    /// Runs of other kinds come first, side by side.
    Refreshing,
    Evaluating,
    /// Making the changes of a wave.
    Applying,
    /// Seeing whether AWS shows them, or leaving them alone.
    Proving,
    /// Working on the lanes that were planned.
    Lanes,
    Collecting,
    Gathering,
    Closing,
    Succeeded,
    Failed,
    /// It failed, and could not be closed: the sweep does that.
    NotClosed,
}

/// The states of the definitions (`infra/statemachines`). A stack of another version may have others,
/// which are shown by their names.
const STAGES: [(&str, Stage); 25] = [
    ("Begin", Stage::Starting),
    ("Start", Stage::Starting),
    ("Plan", Stage::Planning),
    ("Decide", Stage::Deciding),
    ("Prepare", Stage::Preparing),
    ("WaitForTurn", Stage::WaitingForTurn),
    ("WaitForJob", Stage::Running),
    ("Status", Stage::Running),
    ("Refresh", Stage::Refreshing),
    ("Evaluate", Stage::Evaluating),
    ("WaitToApply", Stage::Applying),
    ("Apply", Stage::Applying),
    ("WaitToVerify", Stage::Proving),
    ("Verify", Stage::Proving),
    ("Publish", Stage::Collecting),
    ("Lanes", Stage::Lanes),
    ("Collect", Stage::Collecting),
    ("Gather", Stage::Gathering),
    ("UnknownNext", Stage::Closing),
    ("Cancel", Stage::Closing),
    ("Close", Stage::Closing),
    ("Result", Stage::Succeeded),
    ("Succeeded", Stage::Succeeded),
    ("Failed", Stage::Failed),
    ("NotClosed", Stage::NotClosed),
];

/// Where a run stands; `None` in a state that this version does not know.
fn stage(seen: &Seen) -> Option<Stage> {
    let known = STAGES.iter().find(|(name, _)| *name == seen.state).map(|(_, stage)| stage);
    // Each of the runs that come first has states of its own.
    let stage = known.or_else(|| (seen.ticket["next"] == "refresh").then_some(&Stage::Refreshing))?;
    Some(match (stage, seen.ticket["next"].as_str()) {
        (Stage::Deciding, Some("wait")) => Stage::WaitingForTurn,
        (Stage::Deciding, Some("poll")) => Stage::Running,
        (Stage::Deciding, Some("prepare")) => Stage::Preparing,
        (Stage::Deciding, Some("refresh")) => Stage::Refreshing,
        (Stage::Deciding, Some("lanes")) => Stage::Lanes,
        (Stage::Deciding, Some("apply")) => Stage::Applying,
        (Stage::Deciding, Some("verify")) => Stage::Proving,
        (Stage::Deciding, Some("collect")) if seen.ticket["handle"]["lanes"].is_u64() => Stage::Gathering,
        (Stage::Deciding, Some("collect")) => Stage::Collecting,
        (Stage::Deciding, Some("done")) => Stage::Succeeded,
        (Stage::Deciding, Some("failed")) => Stage::Failed,
        (stage, _) => *stage,
    })
}

fn step(seen: &Seen) -> u64 {
    match stage(seen) {
        Some(Stage::Running | Stage::Applying | Stage::Refreshing) => 4,
        Some(Stage::Proving | Stage::Evaluating) => 6,
        Some(Stage::Lanes) => {
            let (begin, length) = LANES;
            let far = seen.lanes.as_ref().map(Lanes::far);
            begin + far.map_or(0, |(part, whole)| length * part / whole)
        }
        Some(Stage::Collecting) => 8,
        Some(Stage::Gathering) => 11,
        Some(Stage::Closing | Stage::Succeeded | Stage::Failed | Stage::NotClosed) => STEPS,
        Some(
            Stage::Starting | Stage::Planning | Stage::Preparing | Stage::WaitingForTurn | Stage::Deciding,
        )
        | None => 0,
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
        Some(Stage::Planning) => "planning".to_owned(),
        Some(Stage::Preparing) => "making the run that has to come first".to_owned(),
        Some(Stage::WaitingForTurn) => waiting_for(ticket),
        Some(Stage::Lanes) => lanes(seen),
        Some(Stage::Running) => running(ticket),
        Some(Stage::Refreshing) => refreshing(ticket),
        Some(Stage::Evaluating) => "making findings of what is published".to_owned(),
        Some(Stage::Applying) => "making changes".to_owned(),
        Some(Stage::Proving) => proving(ticket),
        Some(Stage::Collecting) => "collecting".to_owned(),
        Some(Stage::Gathering) => "gathering what the lanes left".to_owned(),
        Some(Stage::Closing) => "closing".to_owned(),
        Some(Stage::Succeeded) => "succeeded".to_owned(),
        Some(Stage::Failed) => "failed".to_owned(),
        Some(Stage::NotClosed) => "failed, and left to the sweep to close".to_owned(),
        Some(Stage::Deciding) | None => seen.state.to_lowercase(),
    };
    line(&format!("{words}{attempt}"))
}

fn proving(ticket: &Value) -> String {
    match ticket["pollAfterSeconds"].as_u64() {
        // Longer than between two looks: the wave is left alone.
        Some(seconds @ 61..) => format!("leaving the wave alone for {}", span(Duration::from_secs(seconds))),
        _ => "seeing whether AWS shows the changes".to_owned(),
    }
}

/// Which runs come first.
fn refreshing(ticket: &Value) -> String {
    let parts = ticket["refresh"].as_object().into_iter().flatten();
    let machines = parts.filter_map(|(_, part)| part["machine"].as_str()?.rsplit(':').next());
    let machines: Vec<_> = machines.collect();
    format!("refreshing {}", machines.join(", "))
}

fn running(ticket: &Value) -> String {
    let id = ticket["handle"]["reportId"].as_str().map(|id| format!(" {id}")).unwrap_or_default();
    format!("report{id} is running")
}

/// How far the lanes have come; as much of it as is known.
fn lanes(seen: &Seen) -> String {
    let plan = &seen.ticket["handle"];
    let items = plan["items"].as_u64().map_or_else(|| "?".to_owned(), number);
    let lanes = super::lanes(plan["lanes"].as_u64());
    let Some(looked) = &seen.lanes else { return format!("working on {items} items in {lanes}") };
    let (done, total) = looked.done();
    if !looked.is_whole() {
        let some = looked.looked_at.len();
        return format!(
            "{} of {lanes} begun, {}/{} items of {some} done",
            number(looked.begun),
            number(done),
            number(total)
        );
    }
    let each: Vec<_> = looked
        .looked_at
        .iter()
        .filter(|(_, done, total)| done < total)
        .map(|(name, done, total)| format!("{name} {}/{}", number(*done), number(*total)))
        .collect();
    let open = if each.is_empty() { String::new() } else { format!("; {}", each.join(", ")) };
    format!("{} of {} items in {lanes} done{open}", number(done), number(total))
}

fn waiting_for(ticket: &Value) -> String {
    let text = |name: &str| ticket["waitingFor"][name].as_str();
    let mut words = format!("waiting for somebody else's {}", kinds::job(ticket["kind"].as_str()));
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
    use std::collections::BTreeSet;

    fn seen(state: &str, ticket: Value) -> Seen {
        Seen { now: Timestamp::UNIX_EPOCH, state: state.to_owned(), run: None, ticket, lanes: None }
    }

    #[test]
    fn a_state_says_whom_it_waits_for_and_which_attempt_it_is() {
        let since = "2026-11-21T06:00:00Z";
        let other = json!({"id": "p-1", "target": "r-ab12", "since": since});
        let waiting = json!({"kind": "declarative-policies-report", "next": "wait", "waitingFor": other});
        assert_eq!(
            state(&seen("WaitForTurn", waiting)),
            "waiting for somebody else's report p-1 of r-ab12, since 2026-11-21T06:00:00Z"
        );
        let polling = json!({"next": "poll", "attempt": 2, "polls": 3, "handle": {"reportId": "p-2"}});
        assert_eq!(state(&seen("WaitForJob", polling)), "report p-2 is running (attempt 2)");
        assert_eq!(state(&seen("Start", Value::Null)), "starting");
    }

    #[test]
    fn every_state_of_the_definitions_is_known_and_no_other() {
        let mut states = BTreeSet::new();
        for definition in [
            include_str!("../../../statemachines/job.asl.json"),
            include_str!("../../../statemachines/fan-out.asl.json"),
            include_str!("../../../statemachines/change.asl.json"),
            include_str!("../../../statemachines/governance-run.asl.json"),
        ] {
            let definition: Value = serde_json::from_str(definition).unwrap();
            states.extend(definition["States"].as_object().unwrap().keys().cloned());
        }
        assert_eq!(STAGES.map(|(name, _)| name.to_owned()).into_iter().collect::<BTreeSet<_>>(), states);
    }

    #[test]
    fn in_whatever_state_of_its_own_a_run_that_comes_first_is_shown_as_one() {
        let refresh = json!({"report": {"due": true, "machine": "arn:aws:states:x:1:stateMachine:m-report"},
            "inventory": {"due": false}});
        let refreshing = seen("RunReport", json!({"next": "refresh", "refresh": refresh}));
        assert_eq!(state(&refreshing), "refreshing m-report");
        assert_eq!(
            state(&seen("Evaluate", json!({"next": "refresh"}))),
            "making findings of what is published"
        );
    }

    /// Two lanes with seven items, of which so many have begun.
    fn at_lanes(begun: u64, looked_at: &[(&str, u64, u64)]) -> Seen {
        let looked_at = looked_at.iter();
        let looked_at = looked_at.map(|(name, done, total)| (name.parse().unwrap(), *done, *total)).collect();
        let lanes = Some(Lanes { lanes: 2, items: 7, begun, looked_at });
        Seen { lanes, ..seen("Lanes", json!({"next": "lanes", "handle": {"lanes": 2, "items": 7}})) }
    }

    #[test]
    fn lanes_are_shown_by_what_is_done_and_what_is_being_worked_on() {
        let begun = at_lanes(1, &[("accounts", 1, 1)]);
        assert_eq!((step(&begun), state(&begun)), (2, "1 of 7 items in 2 lanes done".to_owned()));
        let both = at_lanes(2, &[("accounts", 1, 1), ("policies", 3, 6)]);
        let shown = "4 of 7 items in 2 lanes done; policies 3/6";
        assert_eq!((step(&both), state(&both)), (6, shown.to_owned()));
        let mut progress = Progress::new();
        assert_ne!(progress.mark(&begun), progress.mark(&both));
        assert_eq!(progress.mark(&begun), "lanes 1");
        let resumed = at_lanes(2, &[("accounts", 0, 0), ("policies", 1, 2)]);
        assert_eq!(state(&resumed), "1 of 2 items in 2 lanes done; policies 1/2");
        let some = at_lanes(2, &[("accounts", 2, 4)]);
        assert_eq!((step(&some), state(&some)), (5, "2 of 2 lanes begun, 2/4 items of 1 done".to_owned()));
        let mut progress = Progress::new();
        let less = at_lanes(2, &[("policies", 1, 4)]);
        assert_eq!([&some, &less].map(|seen| progress.mark(seen)), ["lanes 5", "lanes 5"]);
        let unseen = Seen { lanes: None, ..at_lanes(0, &[]) };
        assert_eq!((step(&unseen), state(&unseen)), (1, "working on 7 items in 2 lanes".to_owned()));
    }

    #[test]
    fn between_two_steps_the_ticket_says_where_a_run_stands() {
        let decides = |next: &str| seen("Decide", json!({"next": next, "handle": {"reportId": "p-1"}}));
        let shown = ["poll", "collect", "prepare", "lanes", "done", "failed"].map(|next| {
            let seen = decides(next);
            (step(&seen), state(&seen))
        });
        let expected = [
            (4, "report p-1 is running"),
            (8, "collecting"),
            (0, "making the run that has to come first"),
            (1, "working on ? items in ? lanes"),
            (12, "succeeded"),
            (12, "failed"),
        ];
        assert_eq!(shown, expected.map(|(step, words)| (step, words.to_owned())));
        assert_eq!(state(&decides("wait")), "waiting for somebody else's job");
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
