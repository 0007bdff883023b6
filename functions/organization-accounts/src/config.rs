//! What the functions read from their environment.

use jiff::SignedDuration;
use organizations::{Reader, WriterAccess, rates};
use runtime::{Environment, InvalidEnvironment, Variable};
use store::Store;

/// What the functions of this kind read from their environment.
pub const VARIABLES: [Variable; 5] = organizations::READER_AND_WRITER_VARIABLES;

#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) store: Store,
    pub(crate) reader: Reader,
    pub(crate) writer: WriterAccess,
}

impl Config {
    pub(crate) fn new(environment: &Environment) -> Result<Self, InvalidEnvironment> {
        Ok(Self {
            store: environment.store()?,
            reader: Reader::new(environment)?,
            writer: WriterAccess::new(environment)?,
        })
    }

    /// The time from one request for an account to the next: ten seconds are AWS's, and a part of its rate
    /// is ours.
    pub(crate) fn spacing(&self) -> SignedDuration {
        let seconds = 1.0 / (rates::CREATE_ACCOUNT.per_second * self.reader.rate_share());
        SignedDuration::try_from_secs_f64(seconds).unwrap_or(SignedDuration::from_mins(20))
    }
}
