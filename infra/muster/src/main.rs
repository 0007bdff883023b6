//! `muster`: runs the application on this machine, or a stack that is deployed to AWS.
//!
//! * [`arguments`]: what can be typed.
//! * [`local`]: the simulated AWS with the template deployed on it.
//! * [`kinds`]: the kinds of job.
//! * [`client`]: a stack, wherever it is, over AWS's APIs.
//! * [`commands`]: one module for each command.
//! * [`view`]: what is shown while a run goes on, and when it has ended.

mod arguments;
mod client;
mod commands;
mod kinds;
mod local;
mod problem;
mod view;

use std::process::ExitCode;

use arguments::{Arguments, Command};
use clap::Parser;
use problem::Problem;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    logs();
    let arguments = Arguments::parse();
    let done = match arguments.command {
        Command::Run(arguments) => commands::run::main(arguments),
        Command::Plan(arguments) => commands::changes::plan(&arguments),
        Command::Apply(arguments) => commands::changes::apply(&arguments),
        Command::Rollback(arguments) => commands::changes::rollback(&arguments),
        Command::Up(arguments) => commands::up::main(&arguments),
        Command::Report(arguments) => commands::report::main(&arguments),
        Command::Status(arguments) => commands::status::main(&arguments),
        Command::Resume(arguments) => commands::resume::main(arguments),
        Command::Stop(arguments) => commands::stop::main(&arguments),
        Command::Doctor(arguments) => commands::doctor::main(&arguments),
        Command::Evidence(arguments) => commands::evidence::main(&arguments),
        Command::Parse(arguments) => commands::parse::main(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            view::complain(&problem);
            ExitCode::FAILURE
        }
    }
}

/// Logs are for whoever asks for them: `RUST_LOG=info`.
fn logs() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("off"));
    // A second subscriber is refused; the first one keeps working.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
}

/// A result of a command.
type Done<T = ()> = Result<T, Problem>;
