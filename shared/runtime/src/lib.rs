//! What every kind of job has in common. Reading order:
//!
//! 1. [`job`]: the trait a kind implements once: find, start, status, collect, cancel.
//! 2. [`lifecycle`]: the steps around it: records, tickets, deadlines, publication.
//! 3. [`lanes`]: runs of many items that go on side by side.
//! 4. [`changes`]: runs that change something: planned, made one by one, seen to be so.
//! 5. [`schedule`]: how long to wait before asking again.
//! 6. [`environment`]: configuration, read once and validated at cold start.
//! 7. [`identity`]: in whose name calls are made.
//! 8. [`function`] and [`lambda`]: from an event to an answer, with logs, metrics and caught panics.

pub mod aws;
pub mod changes;
pub mod environment;
pub mod function;
pub mod identity;
pub mod job;
pub mod lambda;
pub mod lanes;
pub mod lifecycle;
pub mod metrics;
pub mod part_file;
pub mod prices;
pub mod schedule;
pub mod tables;

pub use environment::{Environment, InvalidEnvironment, Variable};
pub use function::{Function, Invocation};
pub use identity::Identity;
pub use job::{
    Cancelled, Collected, Estimate, Found, Job, Part, Prerequisite, Progress, PublishedAs, RunContext,
    Started, Then, WouldStart,
};
pub use lifecycle::{Step, without_texts};
pub use metrics::Metrics;
pub use schedule::PollSchedule;
