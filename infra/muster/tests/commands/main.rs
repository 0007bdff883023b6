//! The tool as people use it: its own processes, on a simulated AWS on this machine.
#![allow(clippy::unwrap_used, clippy::panic)]

mod access_report;
mod inventory;
mod policy_generation;
mod report;
mod support;
