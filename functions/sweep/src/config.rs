//! What the sweep reads from its environment.

use std::collections::BTreeMap;
use std::str::FromStr;

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
        let pairs = |variable| -> Result<BTreeMap<Kind, String>, InvalidEnvironment> {
            Ok(environment.list::<Pair>(variable)?.into_iter().map(|Pair(kind, arn)| (kind, arn)).collect())
        };
        Ok(Self {
            store: environment.store()?,
            lambda: Lambda::new(&environment.aws),
            states: StepFunctions::new(&environment.aws),
            cancel_functions: pairs(&CANCEL_FUNCTIONS)?,
            state_machines: pairs(&STATE_MACHINES)?,
        })
    }

    pub(crate) fn kind_of_machine(&self, arn: &str) -> Option<Kind> {
        self.state_machines.iter().find(|(_, machine)| *machine == arn).map(|(kind, _)| *kind)
    }
}

/// `KIND=ARN`.
struct Pair(Kind, String);

impl FromStr for Pair {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, arn) = text.split_once('=').ok_or_else(|| format!("{text:?} is not KIND=ARN"))?;
        let kind = Kind::ALL.into_iter().find(|kind| kind.as_str() == name);
        let kind = kind.ok_or_else(|| format!("{name:?} is not a kind of job"))?;
        if !arn.starts_with("arn:") {
            return Err(format!("{arn:?} is not an ARN"));
        }
        Ok(Self(kind, arn.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_needs_a_known_kind_and_an_arn() {
        assert!("declarative-policies-report=arn:aws:lambda:x".parse::<Pair>().is_ok());
        for text in ["declarative-policies-report", "unknown=arn:aws:x", "declarative-policies-report=name"] {
            assert!(text.parse::<Pair>().is_err(), "{text}");
        }
    }
}
