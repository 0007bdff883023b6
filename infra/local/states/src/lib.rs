//! Step Functions on one machine.
//!
//! The definitions that are deployed run here unchanged. What Muster's machines use is understood:
//! Task (`lambda:invoke`, `states:startExecution.sync:2`), Wait, Choice (string and boolean
//! equality), Pass, Parallel, Map (inline, and distributed over a JSON list in S3), Succeed, Fail,
//! Retry, Catch, ResultPath and Parameters, all in JSONPath. Everything else is refused when a
//! definition is loaded, by the name of the state and the field: nothing is silently ignored.
//!
//! Reading order: [`definition`] (what a machine is), [`path`] and [`template`] (how data is picked
//! and put together), [`interpreter`] (how it runs), [`history`] (what it leaves behind), [`service`]
//! (executions) and [`api`] (the operations of the Step Functions API over them).
//!
//! AWS's limits hold: 256 KiB for every payload, 25,000 events, names, and the order of events.

pub mod api;
pub mod definition;
mod execution;
pub mod history;
pub mod interpreter;
mod moment;
mod name;
pub mod path;
pub mod service;
pub mod template;

pub use definition::{InvalidDefinition, StateMachine};
pub use history::{Event, History};
pub use service::{Execution, ExecutionStatus, Services, StatusChange, StepFunctions, TaskError};

/// The most a state's input or output, a task's payload or an execution's input may hold, in bytes.
pub const PAYLOAD_LIMIT: usize = 262_144;

/// The most events an execution's history may hold.
pub const EVENT_LIMIT: usize = 25_000;
