//! Muster's bucket.
//!
//! * [`Store`]: objects of one bucket whose owner is checked on every call; writes that depend on
//!   what is there.
//! * [`Download`]: a stream that goes on where it broke off, pinned to the version it began with.
//! * [`Records`]: claims, job records and `open/` markers on top of it.
//! * [`publish`]: from `runs/` to `tables/`.

mod download;
mod objects;
pub mod publish;
mod records;

pub use download::Download;
pub use objects::{Create, Entry, Listing, Object, Replace, Store};
pub use records::{Open, Records, Versioned};
