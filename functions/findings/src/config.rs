//! What the functions read from their environment.

use std::collections::BTreeMap;
use std::str::FromStr;

use models::{Kind, TargetId};
use runtime::environment::{BUCKET, BUCKET_OWNER, DEFAULT_TARGET, PROTECTED_PRINCIPALS};
use runtime::{Environment, InvalidEnvironment, Variable};
use store::Store;

use crate::kinds::Severity;

const REFRESHED: Variable = Variable {
    name: "MUSTER_REFRESHED",
    default: Some(""),
    description: "State machine of each kind that is run where its evidence is too old, KIND=ARN, separated by commas.",
};

const EVENT_SEVERITY: Variable = Variable {
    name: "MUSTER_EVENT_SEVERITY",
    default: Some("high"),
    description: "Severity (critical, high, medium, low, info) from which EventBridge is told of each finding that is new or resolved; none: it is told of nothing.",
};

/// What the functions of this kind read from their environment.
pub const VARIABLES: [Variable; 6] =
    [BUCKET, BUCKET_OWNER, REFRESHED, DEFAULT_TARGET, PROTECTED_PRINCIPALS, EVENT_SEVERITY];

#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) store: Store,
    /// The state machines of the kinds that this stack has.
    pub(crate) refreshed: BTreeMap<Kind, String>,
    pub(crate) default_target: Option<TargetId>,
    /// Whom no proposal denies anything.
    pub(crate) protected: Vec<String>,
    pub(crate) events: aws_sdk_eventbridge::Client,
    /// Findings that matter less have no event; `None` where nothing has one.
    pub(crate) event_severity: Option<Severity>,
}

impl Config {
    pub(crate) fn new(environment: &Environment) -> Result<Self, InvalidEnvironment> {
        Ok(Self {
            store: environment.store()?,
            refreshed: environment.by_kind(&REFRESHED)?,
            default_target: environment.default_target()?,
            protected: environment.list(&PROTECTED_PRINCIPALS)?,
            events: aws_sdk_eventbridge::Client::new(&environment.aws),
            event_severity: environment.get::<FromSeverity>(&EVENT_SEVERITY)?.0,
        })
    }
}

/// The severity from which there are events, or none.
struct FromSeverity(Option<Severity>);

impl FromStr for FromSeverity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "none" => Ok(Self(None)),
            text => text.parse().map(|severity| Self(Some(severity))),
        }
    }
}
