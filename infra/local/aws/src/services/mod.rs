//! AWS's services as IAM names them.
//!
//! * [`catalogue`]: which there are, and how much each is used.
//! * [`actions`]: those of their actions that show one by one.
//! * [`activity`]: when an account or a principal last used a service, or one of its actions.
//! * [`allowed`]: which of them policies allow.

mod actions;
mod activity;
mod allowed;
mod catalogue;

pub(crate) use actions::actions_of;
pub(crate) use activity::{Activity, GLOBAL};
pub(crate) use allowed::{Statements, is_open, shuts};
pub use catalogue::{Service, services};
