//! The tests of management policies: one program, a module for each subject.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;
mod conflicts;
mod hostile;
mod inheritance_examples;
mod observed;
mod planned_changes;
mod properties;
mod samples;
mod told;
mod wrong_contents;
