//! How policies merge, from the root to the account.
//!
//! 1. [`levels`]: the policies that apply to an account.
//! 2. [`order`]: what the policies of one level do to a value, in every order.
//! 3. [`chain`]: the levels one after another, and every value that can come out of them.
//! 4. [`merge`]: all attributes.
//! 5. [`predict`]: what a planned change comes to, given what AWS tells of the present.

mod chain;
mod levels;
mod merge;
mod order;
mod predict;

pub use levels::{Attached, Level, Levels, LevelsError};
pub use predict::predict;
