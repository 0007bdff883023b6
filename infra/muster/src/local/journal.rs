//! What was written to a simulated organization, kept beside its buckets: the next command on the same
//! folder finds the organization as the last one left it.

use std::path::PathBuf;

use local_aws::Aws;
use local_aws::aws::journal::Write;

use crate::arguments::Simulation;
use crate::{Done, Problem};

/// The file is of the organization that these arguments generate.
fn path(simulation: &Simulation) -> Option<PathBuf> {
    // Whatever a CSV names is another organization each time.
    simulation.report_csv.is_none().then(|| {
        let Simulation { seed, accounts, .. } = simulation;
        simulation.out.join(format!("organization-{seed}-{accounts}.jsonl"))
    })
}

/// Makes the writes again that are kept.
pub(super) fn go_on(aws: &Aws, simulation: &Simulation) -> Done {
    let Some(path) = path(simulation).filter(|path| path.exists()) else { return Ok(()) };
    let text = std::fs::read_to_string(&path).map_err(Problem::file(&path))?;
    let writes: Vec<Write> =
        text.lines().map(serde_json::from_str).collect::<Result<_, _>>().map_err(|error| {
            Problem::other(format!("{}: {error}. Remove it to begin anew.", path.display()))
        })?;
    aws.go_on_from(writes);
    Ok(())
}

/// Keeps the writes so far, if there are any.
pub(super) fn keep(aws: &Aws, simulation: &Simulation) -> Done {
    let writes = aws.organization_writes();
    let Some(path) = path(simulation).filter(|_| !writes.is_empty()) else { return Ok(()) };
    let lines: Vec<String> = writes
        .iter()
        .map(serde_json::to_string)
        .collect::<Result<_, _>>()
        .map_err(|error| Problem::other(error.to_string()))?;
    std::fs::write(&path, lines.join("\n") + "\n").map_err(Problem::file(&path))
}
