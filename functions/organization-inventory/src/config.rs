//! What the functions read from their environment.

use organizations::Reader;
use organizations::reader::ORGANIZATIONS_RATE_SHARE;
use runtime::environment::{BUCKET, BUCKET_OWNER};
use runtime::identity::MANAGEMENT_READ_ROLE_ARN;
use runtime::{Environment, InvalidEnvironment, Variable};
use store::Store;

/// What the functions of this kind read from their environment.
pub const VARIABLES: [Variable; 4] =
    [BUCKET, BUCKET_OWNER, ORGANIZATIONS_RATE_SHARE, MANAGEMENT_READ_ROLE_ARN];

#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) store: Store,
    pub(crate) reader: Reader,
}

impl Config {
    pub(crate) fn new(environment: &Environment) -> Result<Self, InvalidEnvironment> {
        Ok(Self { store: environment.store()?, reader: Reader::new(environment)? })
    }
}
