//! What the functions read from their environment.

use std::collections::BTreeMap;

use models::{Kind, TargetId};
use runtime::environment::{BUCKET, BUCKET_OWNER};
use runtime::{Environment, InvalidEnvironment, Variable};
use store::Store;

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

/// What the functions of this kind read from their environment.
pub const VARIABLES: [Variable; 4] = [BUCKET, BUCKET_OWNER, REFRESHED, DEFAULT_TARGET];

#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) store: Store,
    /// The state machines of the kinds that this stack has.
    pub(crate) refreshed: BTreeMap<Kind, String>,
    pub(crate) default_target: Option<TargetId>,
}

impl Config {
    pub(crate) fn new(environment: &Environment) -> Result<Self, InvalidEnvironment> {
        let target: String = environment.get(&DEFAULT_TARGET)?;
        let default_target = match target.is_empty() {
            true => None,
            false => Some(environment.get(&DEFAULT_TARGET)?),
        };
        Ok(Self { store: environment.store()?, refreshed: environment.by_kind(&REFRESHED)?, default_target })
    }
}
