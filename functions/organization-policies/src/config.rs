//! What the functions read from their environment.

use runtime::environment::PROTECTED_PRINCIPALS;
use runtime::{Environment, InvalidEnvironment, Variable};

/// What the functions of this kind read from their environment.
pub const VARIABLES: [Variable; 6] = {
    let [bucket, owner, share, read, write] = changes::VARIABLES;
    [bucket, owner, share, read, write, PROTECTED_PRINCIPALS]
};

#[derive(Debug)]
pub(crate) struct Config {
    /// Whom no policy may deny anything, whatever a request says.
    pub(crate) protected: Vec<String>,
}

impl Config {
    pub(crate) fn new(environment: &Environment) -> Result<Self, InvalidEnvironment> {
        Ok(Self { protected: environment.list(&PROTECTED_PRINCIPALS)? })
    }
}
