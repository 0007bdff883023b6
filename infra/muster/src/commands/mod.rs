//! One module for each command.

pub(crate) mod again;
pub(crate) mod changes;
pub(crate) mod doctor;
pub(crate) mod evidence;
pub(crate) mod parse;
pub(crate) mod report;
pub(crate) mod resume;
pub(crate) mod run;
pub(crate) mod status;
pub(crate) mod stop;
pub(crate) mod up;

use std::future::Future;

use crate::{Done, Problem};

/// Runs a command that calls AWS, or what stands for it, over the network.
fn block_on<F: Future<Output = Done>>(future: F) -> Done {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Problem::other(error.to_string()))?
        .block_on(future)
}
