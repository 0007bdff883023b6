//! The parts of the repository, held to each other: template, state machines, code, permissions.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod configuration;
mod machines;
mod names;
mod permissions;
mod resources;
mod roles;
mod stacks;
mod tables;
