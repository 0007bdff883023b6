//! Calls that change the organization. One is made at a time, by whoever holds the writer's lease; none is
//! repeated after an answer that leaves open whether it took effect.
//!
//! * [`setup`]: the organization itself, its policy types, trusted services, delegated administrators.
//! * [`policies`]: policies and their attachments, the resource policy, tags.
//! * [`accounts`]: requests for accounts, and where accounts lie.

mod accounts;
mod policies;
mod setup;

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_organizations::types::Tag;
use aws_types::SdkConfig;
use errors::JobError;
use models::{AccountId, RunId};
use runtime::environment::{BUCKET, BUCKET_OWNER};
use runtime::identity::{MANAGEMENT_READ_ROLE_ARN, MANAGEMENT_WRITE_ROLE_ARN};
use runtime::{Environment, Identity, InvalidEnvironment, Variable};

use crate::caller::Caller;
use crate::reader::{ORGANIZATIONS_RATE_SHARE, Opener};

pub use accounts::NewAccount;

/// One who changes the organization. Clones share its pace.
#[derive(Debug, Clone)]
pub struct Writer {
    caller: Arc<Caller>,
}

impl Writer {
    /// A writer that stays below `rate_share` (more than 0, at most 1) of AWS's request rate of each
    /// operation.
    pub fn new(config: &SdkConfig, rate_share: f64) -> Self {
        Self { caller: Arc::new(Caller::new(config, rate_share)) }
    }
}

/// Opens an organization for changes.
#[derive(Debug, Clone)]
pub struct WriterAccess(Opener);

impl WriterAccess {
    /// Reads [`ORGANIZATIONS_RATE_SHARE`], [`MANAGEMENT_WRITE_ROLE_ARN`] and the stack's account.
    pub fn new(environment: &Environment) -> Result<Self, InvalidEnvironment> {
        Opener::new(environment, Identity::writer(environment)?).map(Self)
    }

    /// The account in whose name the organization is changed.
    pub fn account(&self) -> &AccountId {
        &self.0.account
    }

    /// The organization, changed in the run's name.
    pub async fn open(&self, run: &RunId) -> Result<Writer, JobError> {
        Ok(Writer::new(&self.0.config(run).await?, self.0.share))
    }
}

/// What functions read from their environment that read an organization and change it.
pub const READER_AND_WRITER_VARIABLES: [Variable; 5] =
    [BUCKET, BUCKET_OWNER, ORGANIZATIONS_RATE_SHARE, MANAGEMENT_READ_ROLE_ARN, MANAGEMENT_WRITE_ROLE_ARN];

fn tags(tags: &BTreeMap<String, String>) -> Result<Option<Vec<Tag>>, JobError> {
    let tag = |(key, value): (&String, &String)| {
        Tag::builder().key(key).value(value).build().map_err(JobError::defect)
    };
    let tags = tags.iter().map(tag).collect::<Result<Vec<_>, _>>()?;
    Ok((!tags.is_empty()).then_some(tags))
}
