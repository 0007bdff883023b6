//! The simulated AWS at one TCP address, and functions as processes of their own.
//!
//! * [`Endpoint`]: every service behind one address, for the AWS CLI, any SDK and `cargo lambda`.
//! * [`binaries`]: builds what [`Processes`] runs.
//! * [`Processes`]: runs the functions' real binaries, each with a Lambda Runtime API of its own.
//!
//! Only loopback addresses are served: the simulation has no secrets and trusts whoever reaches it.

pub mod binaries;
mod endpoint;
mod processes;
mod runtime_api;
mod server;

pub use endpoint::Endpoint;
pub use processes::{ProcessOptions, Processes};
