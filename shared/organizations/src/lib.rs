//! Reads of AWS Organizations.
//!
//! * [`rates`]: how often AWS lets an account call each operation.
//! * [`pace`]: our share of that, less after a throttle.
//! * [`caller`]: one call, repeated while its error may pass by itself.
//! * [`pages`]: whole lists. A page may be empty and carry a token, so tokens are followed and never
//!   page sizes; a token that comes back is a loop; an error on any page fails the list.
//! * [`accounts`]: the accounts below a root, a unit, or one.

mod accounts;
mod caller;
mod pace;
mod pages;
pub mod rates;

use std::sync::Arc;

use aws_sdk_organizations::Client;
use aws_types::SdkConfig;
use errors::JobError;
use models::RootId;

pub use accounts::{Account, AccountState};
use caller::Caller;

/// A reader of one organization. Clones share its pace.
#[derive(Debug, Clone)]
pub struct Organization {
    caller: Arc<Caller>,
}

impl Organization {
    /// A reader that stays below `rate_share` (more than 0, at most 1) of AWS's request rate of each
    /// operation.
    pub fn new(config: &SdkConfig, rate_share: f64) -> Self {
        Self { caller: Arc::new(Caller::new(config, rate_share)) }
    }

    /// The organization's root. There is exactly one.
    pub async fn root(&self) -> Result<RootId, JobError> {
        let roots = pages::all(|token| async move {
            let send = |client: &Client| client.list_roots().set_next_token(token.clone()).send();
            let page = self.caller.call(rates::LIST_ROOTS, send).await?;
            Ok((page.roots.unwrap_or_default(), page.next_token))
        })
        .await?;
        match roots.as_slice() {
            [root] => root
                .id()
                .unwrap_or_default()
                .parse()
                .map_err(|error| JobError::defect(format!("ListRoots: {error}"))),
            others => Err(JobError::defect(format!("ListRoots answered {} roots", others.len()))),
        }
    }
}
