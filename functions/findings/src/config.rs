//! What the functions read from their environment.

use std::collections::BTreeMap;

use models::{Kind, TargetId};
use runtime::environment::{BUCKET, BUCKET_OWNER};
use runtime::{Environment, InvalidEnvironment, Variable};
use store::Store;

use crate::kinds::Severity;

const REFRESHED: Variable = Variable {
    name: "MUSTER_REFRESHED",
    default: Some(""),
    description: "State machine of each kind that is run where its evidence is too old, KIND=ARN, separated by commas.",
};

const DEFAULT_TARGET: Variable = Variable {
    name: "MUSTER_DEFAULT_TARGET",
    default: Some(""),
    description: "Root, organizational unit or account of requests without targetId; empty: the organization's root.",
};

const PROTECTED_PRINCIPALS: Variable = Variable {
    name: "MUSTER_PROTECTED_PRINCIPALS",
    default: Some(""),
    description: "ARNs, with *, of the principals that no policy may deny anything unless it is forced.",
};

const EVENT_SEVERITY: Variable = Variable {
    name: "MUSTER_EVENT_SEVERITY",
    default: Some("high"),
    description: "Severity (critical, high, medium, low, info) from which EventBridge is told of each finding that is new or resolved.",
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
    /// Findings that matter less have no event.
    pub(crate) event_severity: Severity,
}

impl Config {
    pub(crate) fn new(environment: &Environment) -> Result<Self, InvalidEnvironment> {
        let target: Vec<TargetId> = environment.list(&DEFAULT_TARGET)?;
        Ok(Self {
            store: environment.store()?,
            refreshed: environment.by_kind(&REFRESHED)?,
            default_target: target.into_iter().next(),
            protected: environment.list(&PROTECTED_PRINCIPALS)?,
            events: aws_sdk_eventbridge::Client::new(&environment.aws),
            event_severity: environment.get(&EVENT_SEVERITY)?,
        })
    }
}
