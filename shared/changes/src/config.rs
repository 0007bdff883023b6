//! What every kind that changes an organization reads from its environment.

use errors::JobError;
use models::RunId;
use organizations::{Reader, Writer, WriterAccess};
use runtime::{Environment, InvalidEnvironment, Variable};
use store::Store;

use crate::observe::Observer;

/// What the functions of such a kind read from their environment.
pub const VARIABLES: [Variable; 5] = organizations::READER_AND_WRITER_VARIABLES;

/// The bucket, and who reads and writes the organization.
#[derive(Debug)]
pub struct Access {
    pub store: Store,
    reader: Reader,
    writer: WriterAccess,
}

impl Access {
    pub fn new(environment: &Environment) -> Result<Self, InvalidEnvironment> {
        Ok(Self {
            store: environment.store()?,
            reader: Reader::new(environment)?,
            writer: WriterAccess::new(environment)?,
        })
    }

    /// Reads the organization in the run's name.
    pub async fn observer(&self, run: &RunId) -> Result<Observer, JobError> {
        Ok(Observer::new(self.reader.open(run).await?))
    }

    pub(crate) async fn writer(&self, run: &RunId) -> Result<Writer, JobError> {
        self.writer.open(run).await
    }
}
