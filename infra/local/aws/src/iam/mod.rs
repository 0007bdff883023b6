//! IAM: who calls, and whether that is allowed.
//!
//! Roles carry the policies of the deployed template, and every simulated API asks here before it
//! answers. A call's *dependent* permissions, which AWS checks although nobody calls them, come from
//! one table, `dependent_actions.toml`.

mod dependent;
mod gate;
mod identity;
mod policy;
mod roles;

pub use dependent::{Dependent, dependents, table};
pub use gate::{Denied, Gate, Question, Use};
pub use identity::{Credentials, Identities, InvalidCredentials, Principal, Session};
pub(crate) use policy::{Answer as ResourceAnswer, Caller, like};
pub use policy::{Context, Effect, InvalidPolicy, PolicyDocument, Statement};
pub use roles::{Role, RoleSet, Roles};
