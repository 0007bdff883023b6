//! Machines run to their end, on virtual time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bench;
mod fan_out;
mod maps;
mod nested;
mod states;
mod waits;
