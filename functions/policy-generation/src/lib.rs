//! What roles and users really need: policies that Access Analyzer generates from their activity.
//!
//! AWS generates one policy at a time for an account and Region, and 50 a day (5 in some Regions), so an
//! account is a lane, and what does not fit into a day is the next run's.
//!
//! * [`Request`]: what can be asked for; [`plan`]: from the newest inventory to accounts.
//! * [`lane`]: an account, from its principals to their policies; [`iam`] and [`analyzer`]: the calls.
//! * [`discover`](mod@discover): which principals; [`need`]: in what order.
//! * [`order`]: what is asked of Access Analyzer; [`window`]: how much of the trail it reads;
//!   [`preflight`]: one is tried before thousands; [`cursor`]: what is remembered for later runs.
//! * [`gather`]: what is published.

mod analyzer;
#[cfg(test)]
mod canned;
mod config;
mod cursor;
mod discover;
mod entry;
mod estimate;
mod gather;
mod iam;
mod item;
mod kind;
mod lane;
mod need;
mod order;
mod plan;
mod preflight;
mod principal;
mod request;
mod tables;
mod window;

pub use config::VARIABLES;
pub use kind::PolicyGeneration;
pub use request::{CloudTrailDetails, Filter, PrincipalArn, Request, Trail};
pub use tables::TABLES;
