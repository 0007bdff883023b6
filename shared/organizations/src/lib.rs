//! AWS Organizations: read, and changed.
//!
//! * [`rates`]: how often AWS lets an account call each operation; [`quotas`]: how much there may be.
//! * [`pace`]: our share of that, less after a throttle.
//! * [`caller`]: one call, repeated while its error may pass by itself.
//! * [`pages`]: whole lists. A page may be empty and carry a token, so tokens are followed and never
//!   page sizes; a token that comes back is a loop; an error on any page fails the list.
//! * [`structure`]: the root, its policy types, the units; [`accounts`]: the accounts below a root, a
//!   unit, or one; [`policies`]: policies, where they are attached, and what they come to;
//!   [`requests`]: requests for new accounts.
//! * [`services`]: trusted services, delegated administrators, the resource policy.
//! * [`writes`]: calls that change something; [`refusal`]: what their errors mean.
//! * [`answers`]: AWS's ids as our own types.
//! * [`reader`]: in whose name a run reads; [`snapshot`]: what an inventory left for others;
//!   [`inventory`]: the newest of them; [`selection`]: what of it is chosen.

mod accounts;
mod answers;
mod caller;
pub mod inventory;
mod pace;
mod pages;
mod policies;
pub mod quotas;
pub mod rates;
pub mod reader;
mod refusal;
mod requests;
pub mod selection;
mod services;
pub mod snapshot;
mod structure;
mod writes;

use std::sync::Arc;

pub use accounts::{Account, AccountState};
use aws_types::SdkConfig;
use caller::Caller;
pub use pages::{Page, token_loop};
pub use policies::{DescribedPolicy, EffectivePolicy, Policy, ValidationError};
pub use reader::Reader;
pub use refusal::{Refusal, reason_of};
pub use requests::AccountRequest;
pub use services::{CONTROL_TOWER, ResourcePolicy};
pub use structure::{Description, PolicyType, Root, Unit};
pub use writes::{NewAccount, READER_AND_WRITER_VARIABLES, Writer, WriterAccess};

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
}
