//! New accounts of an organization: found, or asked for once, moved to their organizational unit, and
//! waited for until they are active. Off unless it is enabled.
//!
//! AWS takes one request in ten seconds and works on five at a time, so there are five lanes, each with one
//! account in progress. Who asks holds the organization's writer's lease; when somebody asked last is a
//! document that all lanes of all runs share.
//!
//! An account has tags of ours from its first moment: by them it is found again whenever an answer was
//! lost, and nobody is asked for it twice.
//!
//! * [`Request`]: what can be asked for; [`wished`]: an account that is wished for; [`batch`]: many of
//!   them, checked whole; [`sheet`]: as a CSV.
//! * [`plan`]: which addresses the organization has already; [`item`]: what the lanes work through.
//! * [`state`]: how far an account is; [`lane`]: from one stage to the next; [`turns`]: the rate.
//! * [`reasons`]: why AWS refuses or fails, and what to do about it.
//! * [`gather`] and [`table`]: what is published.

mod batch;
mod config;
mod entry;
mod estimate;
mod gather;
mod item;
mod kind;
mod lane;
mod plan;
mod reasons;
mod request;
mod sheet;
mod state;
mod table;
mod turns;
mod wished;

pub use config::VARIABLES;
pub use kind::OrganizationAccounts;
pub use request::Request;
pub use table::TABLES;
pub use wished::Wished;
