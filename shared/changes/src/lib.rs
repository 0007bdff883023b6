//! Changes of an organization: planned, made, proven, taken back.
//!
//! Organizations has no conditional writes. What takes their place: a plan holds every [object](object)
//! that it was made from or changes, as it was read; applying it begins by reading them all again, reads
//! each once more before its change, and writes only under the one writer's lease. Each change is recorded
//! before and after its call, so that a lost answer is told from a call that was never made, and the way
//! back is a plan made from these records.
//!
//! 1. [`object`]: what can be changed, and the state it is in; [`operation`]: the calls that change it, and
//!    what they come to.
//! 2. [`plan`]: changes in waves, with their digest; [`draft`]: how one is made.
//! 3. [`observe`]: reads an object; [`perform`]: makes a call.
//! 4. [`effect`]: the record of a change; [`progress`]: how far a run is.
//! 5. [`apply`], [`prove`]: the steps; [`dependencies`]: what a call takes effect on besides its object;
//!    [`rollback`]: the plan of the way back.
//! 6. [`kind`]: a kind of job that changes the organization; [`request`]: what is asked of it.
//! 7. [`table`]: what is published.

mod apply;
mod config;
mod dependencies;
mod draft;
mod effect;
mod kind;
mod object;
mod observe;
mod operation;
mod perform;
mod plan;
mod progress;
mod prove;
mod request;
mod rollback;
mod table;

pub use config::{Access, VARIABLES};
pub use draft::Draft;
pub use effect::{Effect, EffectStatus};
pub use kind::{Handle, Kept, Planned, Planner, Planning, Proof, Proving};
pub use object::{ObjectId, PolicyKey, State, same};
pub use observe::{InForce, Observer};
pub use operation::{Operation, Tagged, keys_of};
pub use plan::{Bake, Change, Plan, Read, StopOn, Wave, last_of_each};
pub use request::{Apply, Request, Rollback};
pub use table::TABLES;
