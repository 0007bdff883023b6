//! The policies that a principal has at present: an object of its own, for they are read once, when its
//! policy has been generated.

use errors::JobError;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use jiff::Timestamp;
use models::{AccountId, ErrorName, keys};
use serde::{Deserialize, Serialize};

use super::Working;
use crate::principal::{CurrentPolicy, Described, Principal};

/// Objects that are written at once.
const AT_ONCE: usize = 16;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Current<P> {
    schema_version: u32,
    account: AccountId,
    principal: P,
    observed_at: Timestamp,
    policies: Vec<CurrentPolicy>,
}

impl Working<'_, '_> {
    /// Keeps what each has.
    pub(super) async fn keep_current(
        &self,
        described: &[Described],
        observed_at: Timestamp,
    ) -> Result<(), JobError> {
        let each: Vec<_> = described.iter().map(|it| self.keep(it, observed_at)).collect();
        stream::iter(each).buffer_unordered(AT_ONCE).try_collect().await
    }

    async fn keep(&self, described: &Described, observed_at: Timestamp) -> Result<(), JobError> {
        let current = Current {
            schema_version: 1,
            account: self.account.clone(),
            principal: &described.principal,
            observed_at,
            policies: described.policies.clone(),
        };
        let bytes = serde_json::to_vec_pretty(&current).map_err(JobError::defect)?;
        self.config.store.put(&self.key_of_current(&described.principal), bytes).await.map(drop)
    }

    /// The policies that the principal had when it was discovered.
    pub(super) async fn current(&self, principal: &Principal) -> Result<Vec<CurrentPolicy>, JobError> {
        let key = self.key_of_current(principal);
        let kept = self.config.store.load::<Current<Principal>>(&key).await?.ok_or_else(|| {
            JobError::new(
                ErrorName::Incomplete,
                format!("{key}, the policies that it had before, is not in the bucket any more"),
                "Run again.",
            )
        })?;
        Ok(kept.value.policies)
    }

    fn key_of_current(&self, principal: &Principal) -> String {
        keys::current_policies(self.lane.run_id(), self.account.as_str(), &principal.id)
    }
}
