//! Runs of the whole state machine on virtual time: every function, every call, no waiting.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod access_report;
mod accounts;
mod changes;
mod delivery;
mod events;
mod evidence;
mod faults;
mod findings;
mod inventory;
mod lifecycle;
mod owners;
mod policy_generation;
mod published;
mod requests;
mod resumes;
mod topology;
