//! What a lane leaves.

use jiff::Timestamp;
use models::{AccountId, ItemName};
use serde::{Deserialize, Serialize};

use crate::analyzer::TrailRead;
use crate::principal::{Access, Present, Principal};
use crate::window::Window;

/// One thing that a lane leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Entry {
    /// A principal that is worked on; what it has at present is kept beside its generated policies.
    Principal {
        principal: Principal,
        account: AccountId,
        present: Present,
        observed: Timestamp,
    },
    /// A principal that is left out, and why.
    LeftOut {
        principal: Principal,
        account: AccountId,
        because: String,
    },
    /// An ARN of the request that the account does not have.
    NotFound {
        arn: String,
        account: AccountId,
    },
    /// What is granted and used.
    Access {
        id: ItemName,
        access: Access,
    },
    /// That it is not asked for, and why: no activity, or generated not long ago.
    NotDue {
        id: ItemName,
        because: NotDue,
    },
    /// A generation was ordered.
    Ordered {
        id: ItemName,
        at: Timestamp,
        job_id: String,
        window: Option<Window>,
        /// The beginning and the end of what is read; absent where no CloudTrail was asked for.
        since: Option<Timestamp>,
        until: Option<Timestamp>,
    },
    Generated(Box<Generated>),
}

/// Why no policy is generated for a principal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum NotDue {
    /// AWS has told of no activity since then.
    NoActivity { since: Timestamp },
    /// A published run has generated one.
    GeneratedAt { at: Timestamp, run: models::RunId },
}

/// A generation that succeeded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Generated {
    pub(crate) id: ItemName,
    pub(crate) job_id: String,
    pub(crate) started: Timestamp,
    pub(crate) completed: Timestamp,
    /// `None` where no CloudTrail was asked for.
    pub(crate) window: Option<Window>,
    /// What of CloudTrail AWS says that it read; absent where it says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) read: Option<TrailRead>,
    /// As AWS says; absent where it does not.
    pub(crate) is_complete: Option<bool>,
    /// The key of the documents, see [`crate::documents`].
    pub(crate) documents: String,
    /// How many policies there are in each form.
    pub(crate) policies: u64,
    pub(crate) with_placeholders: u64,
    pub(crate) service_level: u64,
    /// `${…}` in the form with placeholders.
    pub(crate) placeholders: u64,
    /// Of the form without placeholders: those without any statement, or that are not JSON.
    pub(crate) without_statements: u64,
    /// Findings of ValidatePolicy about the form without placeholders, by their type; absent where it
    /// could not be asked.
    pub(crate) findings: Option<std::collections::BTreeMap<String, u64>>,
    /// Why ValidatePolicy said nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) not_validated: Option<String>,
    /// CheckNoNewAccess against the present policies, where it was asked for: `PASS` or `FAIL`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) no_new_access: Option<String>,
    /// Why CheckNoNewAccess said nothing, where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) new_access_not_checked: Option<String>,
}
