//! What the functions read from their environment.

use aws_types::SdkConfig;
use models::AccountId;
use runtime::environment::{BUCKET, BUCKET_OWNER};
use runtime::identity::ACCESS_REPORT_ROLE_ARN;
use runtime::{Environment, Identity, InvalidEnvironment, Variable};
use store::Store;

/// What the functions of this kind read from their environment.
pub const VARIABLES: [Variable; 3] = [BUCKET, BUCKET_OWNER, ACCESS_REPORT_ROLE_ARN];

#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) store: Store,
    /// The function's own.
    pub(crate) aws: SdkConfig,
    /// Who orders and reads reports.
    pub(crate) identity: Identity,
    /// The account of the stack.
    account: AccountId,
}

impl Config {
    pub(crate) fn new(environment: &Environment) -> Result<Self, InvalidEnvironment> {
        Ok(Self {
            store: environment.store()?,
            aws: environment.aws.clone(),
            identity: Identity::access_report(environment)?,
            account: environment.get(&BUCKET_OWNER)?,
        })
    }

    /// The account in whose name reports are ordered.
    pub(crate) fn caller(&self) -> AccountId {
        self.identity.role().map_or_else(|| self.account.clone(), models::RoleArn::account)
    }
}
