//! Muster's bucket.
//!
//! * [`Store`]: objects of one bucket whose owner is checked on every call; writes that depend on
//!   what is there.
//! * [`Download`]: a stream that goes on where it broke off, pinned to the version it began with.
//! * [`Versioned`]: JSON documents that only those write who have seen their present version;
//!   [`Lines`]: objects of many JSON lines, read one after the other.
//! * [`Lease`]: one writer of what has no conditional writes of its own.
//! * [`Records`]: claims, job records and `open/` markers on top of it.
//! * [`publish`]: from `runs/` to `tables/`; [`published`]: the newest run of a kind.

mod download;
mod lease;
mod lines;
mod objects;
pub mod publish;
pub mod published;
mod records;
mod versioned;

pub use download::Download;
pub use lease::{Asked, Holder, Lease};
pub use lines::Lines;
pub use objects::{Create, Entry, Listing, Object, Replace, Store};
pub use records::{Open, Records};
pub use versioned::Versioned;
