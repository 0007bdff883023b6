//! Which services the service control policies leave open to the root, the organizational units, single
//! policies and accounts, and who last used each of them: IAM's access report, entity by entity.
//!
//! AWS runs one such report at a time for a management account, so there is one lane. A report takes
//! about ten seconds: whoever orders it stays until it is there, reads it and goes on with the next.
//!
//! * [`Request`]: what can be asked for.
//! * [`plan`]: from the newest inventory to items; [`entity`]: the paths that AWS takes.
//! * [`cursor`]: accounts take turns over several runs.
//! * [`iam`]: the two calls and what their answers mean; [`lane`]: from an order to what it left.
//! * [`gather`] and [`table`]: what is published, and what it lets anybody conclude.

mod config;
mod cursor;
mod entity;
mod entry;
mod estimate;
mod gather;
mod iam;
mod item;
mod kind;
mod lane;
mod plan;
mod request;
mod table;

pub use config::VARIABLES;
pub use kind::OrganizationsAccessReport;
pub use request::{Request, Target};
pub use table::TABLES;
