//! S3: types, XML and signatures are the `s3s` crate's; the objects, and AWS's semantics of them, are
//! here.
//!
//! Preconditions hold on reads and writes, conditional writes are atomic, the expected owner is
//! checked, a missing bucket is said to be missing, and times are the simulated clock's. With a
//! folder, objects are plain files in it: `<folder>/<bucket>/<key>`.

mod api;
mod bucket;
mod storage;

pub use api::service;
pub use bucket::Bucket;
pub use storage::{Storage, WriteError};
