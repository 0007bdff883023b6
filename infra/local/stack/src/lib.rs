//! `template.yaml`, deployed on the simulated AWS.
//!
//! * [`template`]: the part of SAM and CloudFormation that the template uses; the rest is refused by
//!   name.
//! * [`deploy`]: its functions, roles, buckets, state machines, rules and schedules, made real.
//! * [`in_process`]: the functions' own code, run in this process.
//! * [`MemberRoles`]: which accounts have the roles that it needs there.
//! * [`events`]: EventBridge: rules on events, rates, and the scheduler.
//!
//! [`LocalStack`] is all of it together.

pub mod deploy;
pub mod events;
pub mod in_process;
mod roles;
mod stack;
pub mod template;

pub use roles::MemberRoles;
pub use stack::{LocalStack, StackOptions, StartError, Topology};
