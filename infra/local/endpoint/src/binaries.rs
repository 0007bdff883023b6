//! The functions' binaries, built as they are deployed but for the processor and the optimisation.

use std::path::{Path, PathBuf};

use tokio::process::Command;

/// Why the binaries were not built.
#[derive(Debug, thiserror::Error)]
#[error("the functions' binaries cannot be built: {0}")]
pub struct NotBuilt(String);

/// Builds the binaries of the workspace at `root` into its target directory, the one that this
/// program was built into, and says in which folder they are.
pub async fn build(root: &Path) -> Result<PathBuf, NotBuilt> {
    let own = std::env::current_exe().map_err(|error| NotBuilt(error.to_string()))?;
    // Tests lie one folder deeper.
    let folder = own.ancestors().skip(1).find(|it| it.file_name().is_none_or(|name| name != "deps"));
    let folder = folder.unwrap_or(root).to_owned();
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // The whole workspace, as the tests are built: its dependencies then have the same features, and
    // nothing large is compiled twice.
    command.current_dir(root).args(["build", "--quiet", "--workspace", "--bins"]);
    // What cargo tells a program that it runs of its package. Build scripts that look at such variables
    // (ring's does) would run again for other values, and whatever depends on them be compiled again.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|prefix| text.starts_with(prefix)) {
            command.env_remove(&name);
        }
    }
    if let Some(target) = folder.parent() {
        command.arg("--target-dir").arg(target);
    }
    if folder.file_name().is_some_and(|name| name == "release") {
        command.arg("--release");
    }
    let status = command.status().await.map_err(|error| NotBuilt(format!("cargo: {error}")))?;
    match status.success() {
        true => Ok(folder),
        false => Err(NotBuilt(format!("cargo ended with {status}"))),
    }
}
