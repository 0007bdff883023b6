//! What the sweep reads from its environment.

use std::collections::BTreeMap;

use aws_sdk_lambda::Client as Lambda;
use aws_sdk_sfn::Client as StepFunctions;
use models::Kind;
use runtime::environment::{BUCKET, BUCKET_OWNER};
use runtime::{Environment, InvalidEnvironment, Variable};
use store::Store;

const CANCEL_FUNCTIONS: Variable = Variable {
    name: "MUSTER_CANCEL_FUNCTIONS",
    default: None,
    description: "The cancel function of each kind, as KIND=ARN separated by commas.",
};

const STATE_MACHINES: Variable = Variable {
    name: "MUSTER_STATE_MACHINES",
    default: None,
    description: "The state machine of each kind, as KIND=ARN separated by commas.",
};

/// What the sweep reads from its environment.
pub const VARIABLES: [Variable; 4] = [BUCKET, BUCKET_OWNER, CANCEL_FUNCTIONS, STATE_MACHINES];

#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) store: Store,
    pub(crate) lambda: Lambda,
    pub(crate) states: StepFunctions,
    pub(crate) cancel_functions: BTreeMap<Kind, String>,
    pub(crate) state_machines: BTreeMap<Kind, String>,
}

impl Config {
    pub(crate) fn new(environment: &Environment) -> Result<Self, InvalidEnvironment> {
        Ok(Self {
            store: environment.store()?,
            lambda: Lambda::new(&environment.aws),
            states: StepFunctions::new(&environment.aws),
            cancel_functions: environment.by_kind(&CANCEL_FUNCTIONS)?,
            state_machines: environment.by_kind(&STATE_MACHINES)?,
        })
    }

    pub(crate) fn kind_of_machine(&self, arn: &str) -> Option<Kind> {
        self.state_machines.iter().find(|(_, machine)| *machine == arn).map(|(kind, _)| *kind)
    }
}
