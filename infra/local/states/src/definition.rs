//! What a state machine is: its definition, checked whole before anything runs.

mod fields;
mod states;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use crate::path::Path;
use crate::template::Template;
use fields::Fields;

/// Why a definition is refused: where, and what.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct InvalidDefinition {
    /// The state, as a path of names from the machine's top.
    pub place: String,
    pub problem: String,
}

/// A checked definition: every transition leads to a state, and every state is understood.
#[derive(Debug, Clone, PartialEq)]
pub struct StateMachine {
    pub start_at: String,
    pub states: BTreeMap<String, State>,
    pub timeout: Option<Duration>,
}

/// Where a state goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transition {
    Next(String),
    End,
}

#[derive(Debug, Clone, PartialEq)]
pub enum State {
    Task(Task),
    Wait(Wait, Transition),
    Choice(Choice),
    Pass(Pass),
    Parallel(Parallel),
    Map(Box<Map>),
    Succeed,
    Fail { error: Option<Text>, cause: Option<Text> },
}

/// A text that stands in the definition or at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Text {
    Literal(String),
    Path(Path),
}

/// Where a result goes: nowhere, over everything, or beside the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResultPath {
    Discard,
    At(Path),
}

/// What a Task calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    /// `arn:…:states:::lambda:invoke`
    LambdaInvoke,
    /// `arn:…:states:::states:startExecution.sync:2`
    StartExecutionSync,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    pub resource: Resource,
    pub parameters: Template,
    pub timeout: Option<Duration>,
    pub common: Common,
}

/// What Task, Parallel and Map share.
#[derive(Debug, Clone, PartialEq)]
pub struct Common {
    pub result_path: ResultPath,
    pub retry: Vec<Retrier>,
    pub catch: Vec<Catcher>,
    pub transition: Transition,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Wait {
    Seconds(u64),
    SecondsPath(Path),
    Timestamp(jiff::Timestamp),
    TimestampPath(Path),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    pub rules: Vec<Rule>,
    pub default: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    pub variable: Path,
    pub equals: Value,
    pub next: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Pass {
    pub result: Option<Value>,
    pub parameters: Option<Template>,
    pub result_path: ResultPath,
    pub transition: Transition,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Parallel {
    pub branches: Vec<StateMachine>,
    pub parameters: Option<Template>,
    pub common: Common,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Map {
    pub items: Items,
    pub selector: Option<Template>,
    pub processor: StateMachine,
    /// Children in executions of their own.
    pub distributed: bool,
    /// The part of the children's ARNs that names the Map; the state's name when it is not given.
    pub label: Option<String>,
    pub concurrency: Concurrency,
    pub tolerated: Tolerated,
    pub common: Common,
}

/// Where a Map's items come from.
#[derive(Debug, Clone, PartialEq)]
pub enum Items {
    Path(Path),
    /// A JSON list in S3: bucket and key.
    S3(Template),
}

/// How many items are worked on at once; 0 is no bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Concurrency {
    Fixed(u64),
    /// `MaxConcurrencyPath`
    Path(Path),
}

/// How many items may fail before the Map does.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Tolerated {
    pub count: Option<u64>,
    pub percentage: Option<f64>,
}

impl Tolerated {
    /// Whether too many of `total` items failed: more than either value that was given, or any when
    /// neither was.
    pub fn is_exceeded(&self, failed: u64, total: usize) -> bool {
        let share = failed as f64 * 100.0 / total as f64;
        match (self.count, self.percentage) {
            (None, None) => failed > 0,
            (count, percentage) => {
                count.is_some_and(|most| failed > most) || percentage.is_some_and(|most| share > most)
            }
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Retrier {
    pub errors: Vec<String>,
    pub interval: Duration,
    pub max_attempts: u32,
    pub backoff_rate: f64,
    pub max_delay: Option<Duration>,
    pub full_jitter: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Catcher {
    pub errors: Vec<String>,
    pub result_path: ResultPath,
    pub next: String,
}

impl StateMachine {
    /// Reads a definition and refuses what is not understood.
    pub fn parse(definition: &Value) -> Result<Self, InvalidDefinition> {
        let mut fields = Fields::new("the state machine", definition)?;
        fields.ignore("Comment");
        if let Some(version) = fields.optional_str("Version")?
            && version != "1.0"
        {
            return Err(fields.error(format!("Version {version:?}")));
        }
        if let Some(language) = fields.optional_str("QueryLanguage")?
            && language != "JSONPath"
        {
            return Err(fields.error(format!("QueryLanguage {language:?}")));
        }
        let timeout = fields.optional_u64("TimeoutSeconds")?.map(Duration::from_secs);
        let machine = Self::flow(&mut fields)?;
        fields.end()?;
        Ok(Self { timeout, ..machine })
    }

    /// Reads `StartAt` and `States`, of a machine, a branch or a processor.
    pub(crate) fn flow(fields: &mut Fields<'_>) -> Result<Self, InvalidDefinition> {
        let start_at = fields.str("StartAt")?.to_owned();
        let place = fields.place().to_owned();
        let mut states = BTreeMap::new();
        for (name, state) in fields.object("States")? {
            if name.chars().count() > 80 {
                return Err(fields.error(format!("the state name {name:?} has more than 80 characters")));
            }
            states.insert(name.clone(), State::parse(name, state)?);
        }
        let machine = Self { start_at, states, timeout: None };
        machine.check(&place)?;
        Ok(machine)
    }

    /// Every transition leads somewhere, and every state can be reached.
    fn check(&self, place: &str) -> Result<(), InvalidDefinition> {
        let error = |problem: String| InvalidDefinition { place: place.to_owned(), problem };
        if !self.states.contains_key(&self.start_at) {
            return Err(error(format!("StartAt names {:?}, which is no state", self.start_at)));
        }
        let mut reached = BTreeSet::new();
        let mut open = vec![self.start_at.as_str()];
        while let Some(name) = open.pop() {
            if !reached.insert(name) {
                continue;
            }
            for next in self.states.get(name).map(State::successors).unwrap_or_default() {
                if !self.states.contains_key(next) {
                    return Err(error(format!("{name} leads to {next:?}, which is no state")));
                }
                open.push(next);
            }
        }
        match self.states.keys().find(|name| !reached.contains(name.as_str())) {
            Some(name) => Err(error(format!("the state {name:?} cannot be reached"))),
            None => Ok(()),
        }
    }
}

impl State {
    /// The names of all states that may follow.
    fn successors(&self) -> Vec<&str> {
        fn of(transition: &Transition) -> Vec<&str> {
            match transition {
                Transition::Next(name) => vec![name],
                Transition::End => Vec::new(),
            }
        }
        fn of_work(common: &Common) -> Vec<&str> {
            let catchers = common.catch.iter().map(|catcher| catcher.next.as_str());
            of(&common.transition).into_iter().chain(catchers).collect()
        }
        match self {
            Self::Task(Task { common, .. }) | Self::Parallel(Parallel { common, .. }) => of_work(common),
            Self::Map(map) => of_work(&map.common),
            Self::Wait(_, transition) | Self::Pass(Pass { transition, .. }) => of(transition),
            Self::Choice(choice) => {
                choice.rules.iter().map(|rule| rule.next.as_str()).chain(choice.default.as_deref()).collect()
            }
            Self::Succeed | Self::Fail { .. } => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn problem(definition: Value) -> String {
        StateMachine::parse(&definition).unwrap_err().to_string()
    }

    fn with(state: Value) -> Value {
        json!({"StartAt": "S", "States": {"S": state, "T": {"Type": "Succeed"}}})
    }

    #[test]
    fn a_field_that_is_not_understood_is_refused_by_name() {
        for (state, names) in [
            (json!({"Type": "Pass", "InputPath": "$.a", "Next": "T"}), ["S", "InputPath"]),
            (json!({"Type": "Pass", "Assign": {}, "Next": "T"}), ["S", "Assign"]),
            (
                json!({"Type": "Pass", "Parameters": {"x.$": "States.UUID()"}, "Next": "T"}),
                ["S", "States.UUID()"],
            ),
            (json!({"Type": "Wait", "Seconds": 1, "SecondsPath": "$.x", "Next": "T"}), ["S", "SecondsPath"]),
            (
                json!({"Type": "Choice", "Choices": [{"Variable": "$.x", "NumericEquals": 1, "Next": "T"}]}),
                ["S", "NumericEquals"],
            ),
            (json!({"Type": "Magic", "Next": "T"}), ["S", "Magic"]),
            (
                json!({"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "Parameters": {}, "Next": "T"}),
                ["S", "sqs:sendMessage"],
            ),
            (json!({"Type": "Succeed", "OutputPath": "$.x"}), ["S", "OutputPath"]),
        ] {
            let text = problem(with(state));
            assert!(names.iter().all(|name| text.contains(name)), "{text}");
        }
        assert!(
            problem(json!({"StartAt": "S", "States": {}, "QueryLanguage": "JSONata"})).contains("JSONata")
        );
    }

    #[test]
    fn a_transition_that_leads_nowhere_is_refused() {
        assert!(problem(json!({"StartAt": "X", "States": {"S": {"Type": "Succeed"}}})).contains("\"X\""));
        assert!(problem(with(json!({"Type": "Pass", "Next": "U"}))).contains("\"U\""));
        assert!(problem(with(json!({"Type": "Pass"}))).contains("Next"));
        assert!(problem(with(json!({"Type": "Pass", "End": true}))).contains("\"T\" cannot be reached"));
    }

    #[test]
    fn states_all_must_stand_alone_and_last() {
        let task = |retry: Value| {
            with(json!({"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke",
                "Parameters": {"FunctionName": "f"}, "Retry": retry, "Next": "T"}))
        };
        assert!(problem(task(json!([{"ErrorEquals": ["States.ALL", "X"]}]))).contains("States.ALL"));
        assert!(
            problem(task(json!([{"ErrorEquals": ["States.ALL"]}, {"ErrorEquals": ["X"]}])))
                .contains("States.ALL")
        );
        assert!(problem(task(json!([{"ErrorEquals": ["X"], "BackoffRate": 0.5}]))).contains("BackoffRate"));
        assert!(problem(task(json!([{"ErrorEquals": []}]))).contains("ErrorEquals"));
    }

    /// Reads a Map with more members.
    fn map(mode: &str, more: Value) -> Result<(), String> {
        let mut config = json!({"Mode": mode});
        if mode == "DISTRIBUTED" {
            config["ExecutionType"] = json!("STANDARD");
        }
        let mut map = json!({"Type": "Map", "Next": "T", "ItemProcessor": {
            "ProcessorConfig": config, "StartAt": "P", "States": {"P": {"Type": "Succeed"}},
        }});
        map.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        StateMachine::parse(&with(map)).map(drop).map_err(|error| error.to_string())
    }

    #[test]
    fn tolerated_failures_are_a_distributed_maps_and_a_percentage_at_most_100() {
        for name in ["ToleratedFailureCount", "ToleratedFailurePercentage"] {
            assert!(map("INLINE", json!({name: 0})).unwrap_err().contains("INLINE"), "{name}");
            assert_eq!(map("DISTRIBUTED", json!({name: 100})), Ok(()), "{name}");
        }
        for outside in [json!(100.1), json!(-1)] {
            let refused = map("DISTRIBUTED", json!({"ToleratedFailurePercentage": outside})).unwrap_err();
            assert!(refused.contains("ToleratedFailurePercentage"), "{refused}");
        }
    }

    #[test]
    fn the_bound_of_a_map_is_a_number_or_a_path_and_never_both() {
        for mode in ["INLINE", "DISTRIBUTED"] {
            assert_eq!(map(mode, json!({"MaxConcurrency": 3})), Ok(()));
            assert_eq!(map(mode, json!({"MaxConcurrencyPath": "$.lanes.concurrency"})), Ok(()));
            let both = map(mode, json!({"MaxConcurrency": 3, "MaxConcurrencyPath": "$.n"})).unwrap_err();
            assert!(both.contains("exclude each other"), "{both}");
            let wild = map(mode, json!({"MaxConcurrencyPath": "$.n[*]"})).unwrap_err();
            assert!(wild.contains("MaxConcurrencyPath"), "{wild}");
        }
    }

    #[test]
    fn a_label_is_a_distributed_maps_and_fit_for_an_arn() {
        assert_eq!(map("DISTRIBUTED", json!({"Label": "lanes"})), Ok(()));
        assert!(map("INLINE", json!({"Label": "lanes"})).unwrap_err().contains("Label"));
        for label in ["", "a b", "a:b", "a*", "é\u{85}", &"l".repeat(41)] {
            let refused = map("DISTRIBUTED", json!({"Label": label})).unwrap_err();
            assert!(refused.contains("Label"), "{refused}");
        }
    }
}
