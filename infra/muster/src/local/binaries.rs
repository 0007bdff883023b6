//! The functions' binaries, built as they are deployed but for the processor and the optimisation.

use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::{Done, Problem};

/// Packages that have functions. `muster` is built along, so that all share their dependencies'
/// features and nothing large is compiled twice.
const PACKAGES: [&str; 3] = ["muster", "declarative-policies-report", "sweep"];

/// Builds the binaries beside this one and says in which folder they are.
pub(super) async fn build(root: &Path) -> Done<PathBuf> {
    let missing = |why: String| Problem::other(format!("the functions' binaries cannot be built: {why}"));
    let own = std::env::current_exe().map_err(|error| missing(error.to_string()))?;
    let folder = own.parent().unwrap_or(root).to_owned();
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root).args(["build", "--quiet", "--bins"]);
    if let Some(target) = folder.parent() {
        command.arg("--target-dir").arg(target);
    }
    if folder.file_name().is_some_and(|name| name == "release") {
        command.arg("--release");
    }
    for package in PACKAGES {
        command.args(["--package", package]);
    }
    let status = command.status().await.map_err(|error| missing(format!("cargo: {error}")))?;
    if !status.success() {
        return Err(missing(format!("cargo ended with {status}")));
    }
    Ok(folder)
}
